// SPDX-License-Identifier: MIT
// What can be opened on a machine, and the objects of Python that hold it.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "python/owned_machine.h"

namespace holdover::python {

struct MemoryPart final : Part {
  std::unique_ptr<host::Memory> memory;
  std::optional<Iova> iova;  // where a driver mapped it

  void drop() override { memory.reset(); }
  [[nodiscard]] unsigned rank() const override { return 3; }
};

struct SpacePart final : Part {
  std::unique_ptr<host::AddressSpace> space;
  std::vector<std::shared_ptr<MemoryPart>> mapped;  // outlives the mappings

  void drop() override {
    space.reset();
    mapped.clear();
  }
  [[nodiscard]] unsigned rank() const override { return 2; }
};

struct DriverPart;

struct DevicePart final : Part {
  std::string name;  // bus, device, function
  std::unique_ptr<host::Device> device;
  std::shared_ptr<SpacePart> space;  // attached
  std::weak_ptr<DriverPart> driver;

  void drop() override;
  [[nodiscard]] unsigned rank() const override { return 1; }
};

struct DriverPart final : Part {
  // What a channel was last configured for.
  struct Channel {
    bool configured = false;
    bool running = false;
    bool copies = false;  // by copy(), which does so by itself
    bool cyclic = false;
    bool to_card = false;
    unsigned entries = 0;
  };

  std::string name;
  std::shared_ptr<DevicePart> device;
  std::shared_ptr<SpacePart> space;
  std::shared_ptr<MemoryPart> state;
  std::shared_ptr<MemoryPart> rings;
  std::unique_ptr<host::EndpointDriver> driver;
  unsigned region = 0;  // of the rings
  std::array<Channel, host::kMaxChannels> channels{};
  unsigned heartbeat_entries = 0;  // 0: never started
  std::chrono::nanoseconds completion_timeout{0};

  void drop() override { driver.reset(); }
  [[nodiscard]] unsigned rank() const override { return 0; }
};

inline void DevicePart::drop() {
  if (const std::shared_ptr<DriverPart> user = driver.lock()) user->drop();
  device.reset();
  space.reset();
}

// What an object of Python has of a part.
template <typename Kind>
class Handle {
 public:
  Handle(std::shared_ptr<OwnedMachine> machine, std::shared_ptr<Kind> part, std::string name)
      : machine_(std::move(machine)), part_(std::move(part)), name_(std::move(name)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (part_) machine_->retire(std::move(part_));
  }

  [[nodiscard]] const std::shared_ptr<OwnedMachine>& machine() const { return machine_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  // Inside use(). Throws Closed.
  [[nodiscard]] const std::shared_ptr<Kind>& part() const {
    if (!part_) throw Closed(name_ + " is closed");
    return part_;
  }
  // `work(part, system, interruption)`, as OwnedMachine::use().
  template <typename Work>
  auto use(Work work) {
    return machine_->use(
        [&](host::System& system, Interruption& interruption) { return work(*part(), system, interruption); });
  }
  // A second call does nothing, and neither does one after the machine was closed.
  void close(bool drops) {
    if (machine_->closed()) return;
    machine_->look([&](bench::BootedMachine&, Interruption&) {
      if (!part_) return;
      if (drops) part_->drop();
      part_.reset();
    });
  }

 private:
  std::shared_ptr<OwnedMachine> machine_;
  std::shared_ptr<Kind> part_;
  std::string name_;
};

using MemoryHandle = Handle<MemoryPart>;
using SpaceHandle = Handle<SpacePart>;
using DeviceHandle = Handle<DevicePart>;
using DriverHandle = Handle<DriverPart>;

// Throws Closed where close() of something else took it away.
template <typename Object>
Object& there(const std::unique_ptr<Object>& object, const std::string& name) {
  if (!object) throw Closed(name + " is closed");
  return *object;
}

// Zeroed memory of whole pages. Throws Error{InvalidArgument}, Error{Refused}.
[[nodiscard]] std::shared_ptr<MemoryPart> make_memory(OwnedMachine& machine, host::System& system, std::uint64_t size);
[[nodiscard]] std::unique_ptr<SpaceHandle> open_space(const std::shared_ptr<OwnedMachine>& machine);
[[nodiscard]] std::unique_ptr<MemoryHandle> open_memory(const std::shared_ptr<OwnedMachine>& machine,
                                                        std::uint64_t size);
// `name` empty: the first device.
[[nodiscard]] std::unique_ptr<DeviceHandle> open_device(const std::shared_ptr<OwnedMachine>& machine,
                                                        const std::string& name);
[[nodiscard]] std::unique_ptr<DriverHandle> open_driver(DeviceHandle& device);

}  // namespace holdover::python
