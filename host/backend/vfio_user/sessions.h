// SPDX-License-Identifier: MIT
// Live update of user space: sessions of files that outlive this program in the next, which execve() puts in its place.
// The server keeps the device running because the connection lives on.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "host/backend/vfio_user/carried_state.h"
#include "host/backend/vfio_user/files.h"
#include "host/liveupdate/live_update.h"

namespace holdover::host {

// One of the three.
struct HeldFile {
  std::shared_ptr<MemfdMemory> memory;
  std::shared_ptr<SpaceFile> space;
  std::shared_ptr<DeviceFile> device;

  friend bool operator==(const HeldFile&, const HeldFile&) = default;
};

// What all sessions hold: the part of a system that a live update sees.
class SessionTable {
 public:
  struct File {
    std::uint64_t token = 0;
    HeldFile held;
    bool retrieved = false;
  };
  struct Entry {
    std::string name;
    std::vector<File> files;
    bool retrieved = false;
  };

  // `era` outlives the table.
  explicit SessionTable(VfioUserEra& era) : era_(era) {}

  // 0 or an errno, as LiveUpdate and Session say.
  [[nodiscard]] int create(const std::string& name);
  [[nodiscard]] int retrieve(const std::string& name);
  [[nodiscard]] int preserve(const std::string& session, const HeldFile& file, std::uint64_t token);
  [[nodiscard]] int retrieve(const std::string& session, std::uint64_t token, CarriedState::Kind kind, HeldFile& file);
  [[nodiscard]] int finish(const std::string& session);
  // Closes the descriptor of an outgoing session: unpreserves everything in it; of an incoming one: finishes it.
  void close_outgoing(const std::string& session);
  void close_incoming(const std::string& session);

  // What came in; returns the device, null where it is not in it.
  std::shared_ptr<DeviceFile> adopt(const CarriedState& state, pcie::Bdf bdf);
  // What is to go out, appended to `state`: memory by descriptors of its own, open across an execve. Everything that is
  // mapped in a preserved set of mappings must be preserved itself: EINVAL otherwise. Changes nothing.
  [[nodiscard]] int freeze(CarriedState& state) const;
  // Whether the device belongs to a session that nobody has finished.
  [[nodiscard]] bool holds_device() const;
  void clear();

 private:
  [[nodiscard]] static Entry* find(std::vector<Entry>& entries, const std::string& name);
  [[nodiscard]] bool is_preserved(const HeldFile& file) const;
  static void unpreserve(Entry& entry);

  VfioUserEra& era_;
  std::vector<Entry> outgoing_;
  std::vector<Entry> incoming_;
};

// `table` outlives both.
class VfioUserSession final : public Session {
 public:
  VfioUserSession(SessionTable& table, std::string name, bool incoming)
      : table_(table), name_(std::move(name)), incoming_(incoming) {}
  ~VfioUserSession() override;

  void preserve(File& file, std::uint64_t token) override;
  [[nodiscard]] std::unique_ptr<Memory> retrieve_memory(std::uint64_t token) override;
  [[nodiscard]] std::unique_ptr<AddressSpace> retrieve_address_space(std::uint64_t token) override;
  [[nodiscard]] std::unique_ptr<Device> retrieve_device(std::uint64_t token) override;
  void finish() override;

 private:
  [[nodiscard]] HeldFile retrieve(std::uint64_t token, CarriedState::Kind kind);

  SessionTable& table_;
  std::string name_;
  bool incoming_;
};

class VfioUserLiveUpdate final : public LiveUpdate {
 public:
  explicit VfioUserLiveUpdate(SessionTable& table) : table_(table) {}
  [[nodiscard]] std::unique_ptr<Session> create_session(const std::string& name) override;
  [[nodiscard]] std::unique_ptr<Session> retrieve_session(const std::string& name) override;

 private:
  SessionTable& table_;
};

}  // namespace holdover::host
