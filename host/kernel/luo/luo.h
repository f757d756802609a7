// SPDX-License-Identifier: MIT
// Live Update Orchestrator: sessions of files under tokens, their handlers, and data bound to files. Verbs return 0 or
// a positive errno, in the order of checks of the kernel.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/kernel/kho/block_set.h"
#include "host/kernel/kho/kho.h"
#include "host/kernel/luo/decode.h"
#include "host/kernel/luo/file_handler.h"
#include "host/kernel/luo/session.h"
#include "host/kernel/mark.h"

namespace holdover::host::kernel {

class Luo {
 public:
  // Early boot. Off where KHO is off. Throws Panic for an incoming LUO blob that is too short or of another version.
  // `kho` outlives it; handlers and FLBs outlive it.
  Luo(Kho& kho, ConsoleLine console, MarkFunction mark = {});
  Luo(const Luo&) = delete;
  Luo& operator=(const Luo&) = delete;
  ~Luo();

  [[nodiscard]] bool enabled() const { return enabled_; }
  // How many live updates led to this kernel: 0 after a cold boot.
  [[nodiscard]] std::uint64_t liveupdate_number() const { return number_; }

  // ---- Drivers ----
  // EOPNOTSUPP: LUO off; EINVAL: a required callback is missing, compatible string empty or too long; EEXIST: taken.
  [[nodiscard]] int register_handler(FileHandler& handler);
  // And its FLBs with it. EOPNOTSUPP; ENOENT: not registered; EBUSY: a file of a session is in its hands.
  [[nodiscard]] int unregister_handler(FileHandler& handler);
  // EOPNOTSUPP; EINVAL: a callback is missing, handler not registered, bad string; EEXIST: this pair, or the string of
  // another FLB; ENOSPC: 63 FLBs.
  [[nodiscard]] int register_flb(FileHandler& handler, Flb& flb);
  // EOPNOTSUPP; ENOENT: this pair is not registered.
  [[nodiscard]] int unregister_flb(FileHandler& handler, Flb& flb);
  // EOPNOTSUPP; ENOENT: no file preserved. Each success must be put; what was not put is in the count that is handed
  // over.
  [[nodiscard]] int get_outgoing(Flb& flb);
  void put_outgoing(Flb& flb);
  // EOPNOTSUPP; ENODATA: no table came in, or finished already; ENOENT: no such entry; ENODEV: the owner is going away;
  // else the sticky error of retrieve().
  [[nodiscard]] int get_incoming(Flb& flb);
  void put_incoming(Flb& flb);

  // ---- /dev/liveupdate ----
  // ENOENT: no such device; EBUSY: open already; EIO: the incoming sessions could not be deserialized, until the next
  // boot.
  [[nodiscard]] int open();
  void close();
  // EINVAL: name empty or longer than 63 characters; EEXIST; ENOMEM; ENOSPC.
  [[nodiscard]] int create_session(const std::string& name, LuoSession*& session);
  // ENOENT: unknown name; EINVAL: retrieved already.
  [[nodiscard]] int retrieve_session(const std::string& name, LuoSession*& session);

  // ---- reboot(KEXEC) ----
  // Freezes every file of every outgoing session and serializes; 0: nothing can be undone any more, and every verb
  // of a session, or that opens one, blocks (kNeverReturns). Otherwise the errno of the freeze that failed: everything
  // is unfrozen and still preserved.
  [[nodiscard]] int freeze();
  [[nodiscard]] bool frozen() const { return frozen_; }

  // Outgoing sessions, in the order of their creation.
  [[nodiscard]] std::vector<const LuoSession*> outgoing() const;
  // Incoming sessions that are not finished; empty before the first open().
  [[nodiscard]] std::vector<const LuoSession*> incoming() const;
  // What holds the object of this FLB: files, and references that were not put. 0 where there is none; incoming also
  // before it was asked for.
  [[nodiscard]] std::uint64_t outgoing_count(const Flb& flb) const;
  [[nodiscard]] std::uint64_t incoming_count(const Flb& flb) const;

 private:
  friend class LuoSession;

  struct FlbState {
    Flb* flb = nullptr;
    std::vector<FileHandler*> handlers;
    std::uint64_t outgoing_count = 0;
    std::uint64_t outgoing_data = 0;
    std::uint64_t incoming_count = 0;
    std::uint64_t incoming_data = 0;
    bool incoming_ready = false;
    bool incoming_finished = false;
    int incoming_error = 0;  // sticky
  };

  void read_incoming();
  [[nodiscard]] int create_outgoing();
  void write_header(PhysicalAddress flbs);
  [[nodiscard]] int deserialize();
  [[nodiscard]] int serialize();
  [[nodiscard]] int serialize_flbs();
  [[nodiscard]] FileHandler* find_handler(const KernelFile& file) const;
  [[nodiscard]] bool is_preserved(const FileHandler& handler, const KernelFile& file) const;
  void forget(const LuoSession& session);
  void warn(const std::string& sentence) const;
  void mark(pcie::Step step, std::uint64_t value) const;

  [[nodiscard]] FlbState* find_flb(const Flb& flb);
  [[nodiscard]] const FlbState* find_flb(const Flb& flb) const { return const_cast<Luo*>(this)->find_flb(flb); }
  FlbState& add_flb(Flb& flb);
  [[nodiscard]] static bool belongs(const FlbState& state, const FileHandler& handler);
  // For one file of this handler: its FLBs, all or nothing.
  [[nodiscard]] int get_outgoing_flbs(FileHandler& handler);
  void put_outgoing_flbs(FileHandler& handler);
  void put_outgoing(FlbState& state);
  void put_incoming_flbs(FileHandler& handler);
  // Bit n: the n-th FLB depends on files of this handler.
  [[nodiscard]] std::uint64_t flbs_of(const FileHandler& handler) const;
  [[nodiscard]] std::uint64_t number_of(const FlbState& state) const;
  void put_incoming(FlbState& state);

  Kho& kho_;
  ConsoleLine console_;
  MarkFunction mark_;
  bool enabled_ = false;
  bool open_ = false;
  bool frozen_ = false;
  bool deserialized_ = false;
  int deserialize_error_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t retrieved_sessions_ = 0;
  PhysicalAddress incoming_sessions_;
  std::optional<std::vector<HandedFlb>> incoming_flbs_;  // nothing: no table came in
  PhysicalAddress outgoing_;                             // LuoSer of this kernel
  PhysicalAddress flb_page_;
  std::optional<BlockSet> session_blocks_;
  std::vector<FileHandler*> handlers_;
  std::vector<FlbState> flbs_;
  std::list<std::unique_ptr<LuoSession>> outgoing_sessions_;
  std::list<std::unique_ptr<LuoSession>> incoming_list_;
};

}  // namespace holdover::host::kernel
