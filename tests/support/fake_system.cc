// SPDX-License-Identifier: MIT
#include "tests/support/fake_system.h"

#include <algorithm>
#include <cerrno>

#include "pcie/error.h"

namespace holdover::testing {
namespace {

[[noreturn]] void refuse(int number, const char* what) { throw Error(ErrorCode::Refused, what, number); }

class FakeSession final : public host::Session {
 public:
  FakeSession(FakeWorld& world, std::string name, bool outgoing)
      : world_(world), name_(std::move(name)), outgoing_(outgoing) {}
  ~FakeSession() override {
    if (outgoing_ && !world_.jumped) {
      world_.sessions.erase(name_);
    }
  }

  void preserve(host::File& file, std::uint64_t token) override {
    FakeWorld::Preserved kept;
    if (auto* memory = dynamic_cast<FakeMemory*>(&file)) {
      kept.memory = memory->storage;
    } else if (auto* space = dynamic_cast<FakeAddressSpace*>(&file)) {
      kept.translation = space->translation;
    } else {
      kept.endpoint = &dynamic_cast<FakeDevice&>(file).endpoint();
    }
    if (!world_.sessions[name_].emplace(token, kept).second) {
      refuse(EEXIST, "token in use");
    }
  }
  std::unique_ptr<host::Memory> retrieve_memory(std::uint64_t token) override {
    return std::make_unique<FakeMemory>(find(token).memory);
  }
  std::unique_ptr<host::AddressSpace> retrieve_address_space(std::uint64_t token) override {
    return std::make_unique<FakeAddressSpace>(find(token).translation);
  }
  std::unique_ptr<host::Device> retrieve_device(std::uint64_t token) override {
    return std::make_unique<FakeDevice>(*find(token).endpoint);
  }
  void finish() override { world_.sessions.erase(name_); }

 private:
  FakeWorld::Preserved& find(std::uint64_t token) {
    const auto found = world_.sessions[name_].find(token);
    if (found == world_.sessions[name_].end()) {
      refuse(ENOENT, "no such token");
    }
    return found->second;
  }

  FakeWorld& world_;
  std::string name_;
  bool outgoing_;
};

class FakeLiveUpdate final : public host::LiveUpdate {
 public:
  explicit FakeLiveUpdate(FakeWorld& world) : world_(world) {}

  std::unique_ptr<host::Session> create_session(const std::string& name) override {
    world_.sessions[name];
    return std::make_unique<FakeSession>(world_, name, true);
  }
  std::unique_ptr<host::Session> retrieve_session(const std::string& name) override {
    if (world_.sessions.count(name) == 0) {
      refuse(ENOENT, "no such session");
    }
    return std::make_unique<FakeSession>(world_, name, false);
  }

 private:
  FakeWorld& world_;
};

}  // namespace

void FakeAddressSpace::map(host::Memory& memory, Bytes offset, Iova iova, Bytes size, bool) {
  for (std::uint64_t at = 0; at < size.count(); at += kPageSize.count()) {
    const std::span<std::byte> page = memory.bytes().subspan(offset.count() + at, kPageSize.count());
    if (!translation->pages.emplace((iova.raw() + at) / kPageSize.count(), page).second) {
      refuse(EEXIST, "mapped already");
    }
  }
}

void FakeAddressSpace::mark_for_preservation(std::uint64_t token) {
  if (mark_errno != 0) refuse(mark_errno, "no mark");
  marked = token;
}

void FakeAddressSpace::unmap(Iova iova, Bytes size) {
  for (std::uint64_t at = 0; at < size.count(); at += kPageSize.count()) {
    translation->pages.erase((iova.raw() + at) / kPageSize.count());
  }
}

FakeWorld::FakeWorld(unsigned count) {
  for (unsigned index = 0; index < count; ++index) {
    endpoints.push_back(std::make_unique<FakeEndpoint>(pcie::Bdf{0, static_cast<std::uint8_t>(index + 1), 0, 0}));
  }
}

unsigned FakeWorld::count(pcie::Step step) const {
  return static_cast<unsigned>(
      std::count_if(marks.begin(), marks.end(), [step](const auto& mark) { return std::get<1>(mark) == step; }));
}

std::uint64_t FakeWorld::value(pcie::Step step) const {
  const auto found =
      std::find_if(marks.begin(), marks.end(), [step](const auto& mark) { return std::get<1>(mark) == step; });
  return found == marks.end() ? ~std::uint64_t{0} : std::get<2>(*found);
}

std::string FakeWorld::console_text() const {
  std::string text;
  for (const std::string& line : console) {
    text += line + '\n';
  }
  return text;
}

std::vector<pcie::Bdf> FakeSystem::devices() {
  std::vector<pcie::Bdf> all;
  for (const auto& endpoint : world_.endpoints) {
    all.push_back(endpoint->bdf());
  }
  return all;
}

std::unique_ptr<host::Device> FakeSystem::open_device(pcie::Bdf bdf) {
  for (const auto& endpoint : world_.endpoints) {
    if (endpoint->bdf() == bdf) {
      return std::make_unique<FakeDevice>(*endpoint);
    }
  }
  throw Error(ErrorCode::NotFound, "no function at " + bdf.to_string());
}

std::unique_ptr<host::Memory> FakeSystem::create_memory(Bytes size) {
  auto bytes = std::make_shared<std::vector<std::byte>>(size.count());
  world_.keep_memory.push_back(bytes);
  return std::make_unique<FakeMemory>(std::move(bytes));
}

std::unique_ptr<host::AddressSpace> FakeSystem::create_address_space() {
  auto translation = std::make_shared<FakeTranslation>();
  world_.keep.push_back(translation);
  auto space = std::make_unique<FakeAddressSpace>(std::move(translation));
  space->mark_errno = mark_errno;
  return space;
}

std::unique_ptr<host::LiveUpdate> FakeSystem::open_live_update() {
  if (!has_live_update) {
    refuse(ENOENT, "no /dev/liveupdate");
  }
  return std::make_unique<FakeLiveUpdate>(world_);
}

void FakeSystem::crash() {
  crashed = true;
  world_.jumped = true;
  throw host::KernelGone{PhysicalAddress{0}};
}

void FakeSystem::write_config(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) {
  config_writes.emplace_back(function, static_cast<unsigned>(offset.count()), size, value);
}

void FakeSystem::unbind_driver(pcie::Bdf function) {
  if (busy) refuse(EBUSY, "open");
  unbound.push_back(function);
}

void FakeSystem::remove_driver(pcie::Bdf function) {
  if (busy) refuse(EBUSY, "open");
  removed.push_back(function);
}

void FakeSystem::kexec() {
  if (kexec_errno != 0) {
    refuse(kexec_errno, "freeze failed");
  }
  world_.jumped = true;
  throw host::KernelGone{PhysicalAddress{0x1000}};
}

Iova FakeSystem::allocate_iova(Bytes size) {
  const Iova iova{next_iova_};
  next_iova_ += size.count() + kPageSize.count();
  return iova;
}

std::string FakeSystem::command_line() {
  std::string line;
  for (const auto& [name, value] : parameters) line += (line.empty() ? "" : " ") + name + "=" + value;
  return line;
}

std::string FakeSystem::parameter(std::string_view name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string() : found->second;
}

void FakeSystem::wait(std::chrono::nanoseconds duration) {
  now_ += duration;
  for (const auto& endpoint : world_.endpoints) {
    endpoint->advance(static_cast<unsigned>(duration.count() / 1000));
  }
}

void FakeSystem::mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) {
  world_.marks.emplace_back(phase, step, value);
}

}  // namespace holdover::testing
