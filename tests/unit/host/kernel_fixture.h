// SPDX-License-Identifier: MIT
// Kernel A on a machine with two endpoints below a switch, its user space, and the jump to the next kernel.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "host/backend/emulated/emulated_system.h"
#include "host/kernel/kernel.h"
#include "host/kernel/kho/decode.h"
#include "pcie/config_space.h"
#include "tests/support/fake_platform.h"

namespace holdover::host::kernel {

inline constexpr pcie::Bdf kEndpoint{0, 3, 0, 0};
inline constexpr pcie::Bdf kNeighbour{0, 4, 0, 0};

class KernelTest : public ::testing::Test {
 protected:
  holdover::testing::FakePlatform platform_;
  holdover::testing::FakeFunction& root_ =
      platform_.add(nullptr, 1, holdover::testing::FakeFunction::bridge("root port", pcie::config::kPortTypeRootPort));
  holdover::testing::FakeFunction& up_ = platform_.add(
      &root_, 0, holdover::testing::FakeFunction::bridge("upstream port", pcie::config::kPortTypeSwitchUpstream));
  holdover::testing::FakeFunction& down0_ = platform_.add(
      &up_, 0, holdover::testing::FakeFunction::bridge("port 0", pcie::config::kPortTypeSwitchDownstream));
  holdover::testing::FakeFunction& down1_ = platform_.add(
      &up_, 1, holdover::testing::FakeFunction::bridge("port 1", pcie::config::kPortTypeSwitchDownstream));
  holdover::testing::FakeFunction& end0_ =
      platform_.add(&down0_, 0, holdover::testing::FakeFunction::endpoint("endpoint 0"));
  holdover::testing::FakeFunction& end1_ =
      platform_.add(&down1_, 0, holdover::testing::FakeFunction::endpoint("endpoint 1"));

  // Everything that user space of kernel A holds; preserved up to the kexec. Both devices run, one is handed over.
  struct UserSpace {
    std::unique_ptr<Memory> memory;
    std::unique_ptr<AddressSpace> space;
    std::unique_ptr<Device> device;
    std::unique_ptr<AddressSpace> other_space;
    std::unique_ptr<Device> neighbour;
    std::unique_ptr<LiveUpdate> live_update;
    std::unique_ptr<Session> session;
    Iova iova;
  };
  void start(EmulatedSystem& system, UserSpace& user) {
    user.memory = system.create_memory(16_KiB);
    user.memory->bytes()[5000] = std::byte{0x77};
    user.space = system.create_address_space();
    user.iova = system.allocate_iova(16_KiB);
    user.space->map(*user.memory, Bytes{0}, user.iova, 16_KiB, true);
    user.device = system.open_device(kEndpoint);
    user.device->attach(*user.space);
    user.device->enable_interrupts(2);
    user.device->enable_bus_master();
    user.other_space = system.create_address_space();
    user.neighbour = system.open_device(kNeighbour);
    user.neighbour->attach(*user.other_space);
    user.neighbour->enable_interrupts(2);
    user.neighbour->enable_bus_master();
  }
  void preserve(EmulatedSystem& system, UserSpace& user) {
    user.live_update = system.open_live_update();
    user.session = user.live_update->create_session("holdover");
    user.space->mark_for_preservation(10);
    user.session->preserve(*user.space, 10);
    user.session->preserve(*user.device, 20);
    user.session->preserve(*user.memory, 1);
  }
  // Kernel A from boot to jump. The machine keeps what the KHO tree names, and the boot-parameter page.
  PhysicalAddress run_first_kernel(const std::string& command_line, bool with_live_update = true) {
    Kernel kernel(platform_, platform_.write_boot_page(command_line));
    kernel.boot();
    EmulatedSystem system(kernel);
    PhysicalAddress next{0};
    {
      UserSpace user;
      start(system, user);
      iova_ = user.iova;
      if (with_live_update) preserve(system, user);
      platform_.writes.clear();
      try {
        system.kexec();
      } catch (const KernelGone& gone) {
        next = gone.boot_parameters;
      }
      writes_at_jump_ = platform_.writes.size();
    }
    EXPECT_EQ(platform_.writes.size(), writes_at_jump_) << "a kernel that is gone wrote to the hardware";
    EXPECT_EQ(platform_.jumped_to, next);
    poison(next);
    return next;
  }
  void poison(PhysicalAddress keep) {
    const BootParameters parameters = read_boot_parameters(platform_.dram(), keep);
    const auto preserved = parameters.kho_fdt == 0
                               ? std::nullopt
                               : decode_preserved_pages(platform_.dram(), PhysicalAddress{parameters.kho_fdt});
    for (std::uint64_t page = 0; page < platform_.dram().size() / 4096; ++page) {
      if (page * 4096 == keep.raw() || (preserved && (*preserved)[page])) continue;
      std::fill_n(platform_.dram().begin() + static_cast<std::ptrdiff_t>(page * 4096), 4096, std::byte{0xdb});
    }
  }
  static unsigned command(const holdover::testing::FakeFunction& function) {
    return function.get(pcie::config::kCommand, 2);
  }

  Iova iova_;
  std::size_t writes_at_jump_ = 0;
};

}  // namespace holdover::host::kernel
