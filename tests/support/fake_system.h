// SPDX-License-Identifier: MIT
// A host system over fake endpoints: memory, address spaces and sessions that can be handed to a second FakeSystem, as
// a kexec would do it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "host/system.h"
#include "tests/support/fake_device.h"

namespace holdover::testing {

class FakeMemory final : public host::Memory {
 public:
  explicit FakeMemory(std::shared_ptr<std::vector<std::byte>> bytes) : storage(std::move(bytes)) {}
  [[nodiscard]] std::span<std::byte> bytes() override { return *storage; }

  std::shared_ptr<std::vector<std::byte>> storage;
};

class FakeAddressSpace final : public host::AddressSpace {
 public:
  explicit FakeAddressSpace(std::shared_ptr<FakeTranslation> pages) : translation(std::move(pages)) {}
  void map(host::Memory& memory, Bytes offset, Iova iova, Bytes size, bool device_writes) override;
  void unmap(Iova iova, Bytes size) override;
  void mark_for_preservation(std::uint64_t token) override;

  std::optional<std::uint64_t> marked;
  int mark_errno = 0;  // not 0: a mark is refused with it

  std::shared_ptr<FakeTranslation> translation;
};

// What outlives a kernel: the hardware, and what was preserved.
struct FakeWorld {
  struct Preserved {
    std::shared_ptr<std::vector<std::byte>> memory;
    std::shared_ptr<FakeTranslation> translation;
    FakeEndpoint* endpoint = nullptr;
  };
  std::vector<std::unique_ptr<FakeEndpoint>> endpoints;
  std::map<std::string, std::map<std::uint64_t, Preserved>> sessions;
  std::vector<std::shared_ptr<FakeTranslation>> keep;  // hardware may still reach it
  std::vector<std::shared_ptr<std::vector<std::byte>>> keep_memory;
  bool jumped = false;  // no instruction of the first kernel runs any more
  // phase, step and value of every mark; lines of the console.
  std::vector<std::tuple<pcie::Phase, pcie::Step, std::uint64_t>> marks;
  std::vector<std::string> console;

  explicit FakeWorld(unsigned count);
  [[nodiscard]] unsigned count(pcie::Step step) const;
  // Value of the first mark with this step.
  [[nodiscard]] std::uint64_t value(pcie::Step step) const;
  [[nodiscard]] std::string console_text() const;
};

class FakeSystem final : public host::System {
 public:
  FakeSystem(FakeWorld& world, bool booted_by_kexec) : world_(world), booted_by_kexec_(booted_by_kexec) {}

  [[nodiscard]] std::vector<pcie::Bdf> functions() override { return devices(); }
  [[nodiscard]] std::vector<pcie::Bdf> devices() override;
  [[nodiscard]] std::unique_ptr<host::Device> open_device(pcie::Bdf bdf) override;
  [[nodiscard]] std::unique_ptr<host::Memory> create_memory(Bytes size) override;
  [[nodiscard]] std::unique_ptr<host::AddressSpace> create_address_space() override;
  [[nodiscard]] std::unique_ptr<host::LiveUpdate> open_live_update() override;
  void load_kernel(const std::string& command_line) override { loaded = command_line; }
  void load_crash_kernel(const std::string& command_line) override { loaded = command_line; }
  void kexec() override;
  void crash() override;
  void write_config(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) override;
  void unbind_driver(pcie::Bdf function) override;
  void remove_driver(pcie::Bdf function) override;
  [[nodiscard]] Iova allocate_iova(Bytes size) override;
  [[nodiscard]] std::string command_line() override;
  [[nodiscard]] std::string parameter(std::string_view name) override;
  [[nodiscard]] bool booted_by_kexec() override { return booted_by_kexec_; }
  [[nodiscard]] std::chrono::nanoseconds now() override { return now_; }
  void wait(std::chrono::nanoseconds duration) override;
  void print(std::string_view line) override { world_.console.emplace_back(line); }
  void mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) override;

  std::map<std::string, std::string, std::less<>> parameters;
  bool has_live_update = true;
  std::string loaded;  // command line of the next kernel
  // What user space wrote by way of sysfs, and whether the kernel ended in a crash.
  std::vector<std::tuple<pcie::Bdf, unsigned, unsigned, std::uint32_t>> config_writes;
  bool crashed = false;
  // Functions whose driver was unbound, or removed as a module; both refused with EBUSY where `busy` says so.
  std::vector<pcie::Bdf> unbound;
  std::vector<pcie::Bdf> removed;
  bool busy = false;
  int kexec_errno = 0;  // not 0: the kexec is refused with it
  int mark_errno = 0;   // not 0: so is the mark of an address space made from now on

 private:
  FakeWorld& world_;
  bool booted_by_kexec_;
  std::uint64_t next_iova_ = 0x10'0000;
  std::chrono::nanoseconds now_{0};
};

}  // namespace holdover::testing
