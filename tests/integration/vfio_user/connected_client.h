// SPDX-License-Identifier: MIT
// A client of a server with the endpoint in RTL: one page of memory, and the endpoint's writer that fills it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <memory>

#include "host/backend/vfio_user/vfio_user_system.h"
#include "host/driver/endpoint_regs.h"
#include "pcie/capability.h"
#include "pcie/config_space.h"
#include "tests/integration/vfio_user/served_endpoint.h"

namespace holdover::test {

class VfioUserClient : public ::testing::Test {
 protected:
  static constexpr Iova kRing{0xffff'ffff'0000'0000};

  void connect(bool pass_descriptors = true) {
    host::VfioUserOptions options;
    options.pass_descriptors = pass_descriptors;
    system_ = std::make_unique<host::VfioUserSystem>(endpoint_.socket(), std::move(options));
    open();
  }
  void open() {
    memory_ = system_->create_memory(kPageSize);
    space_ = system_->create_address_space();
    space_->map(*memory_, Bytes{0}, kRing, kPageSize, true);
    device_ = system_->open_device(system_->devices().at(0));
    device_->attach(*space_);
  }
  void disconnect() {
    device_.reset();
    space_.reset();
    memory_.reset();
    system_.reset();
  }
  void start_writer(bool interrupts) {
    device_->write(0, Bytes{host::regs::heartbeat_writer::kControl}, 0);
    device_->write(0, Bytes{host::regs::heartbeat_writer::kRingBaseLo}, static_cast<std::uint32_t>(kRing.raw()));
    device_->write(0, Bytes{host::regs::heartbeat_writer::kRingBaseHi}, static_cast<std::uint32_t>(kRing.raw() >> 32));
    device_->write(0, Bytes{host::regs::heartbeat_writer::kRingEntries}, 64);
    device_->write(0, Bytes{host::regs::heartbeat_writer::kPeriod}, 100);
    device_->write(0, Bytes{host::regs::heartbeat_writer::kVector}, 5);
    device_->write(0, Bytes{host::regs::heartbeat_writer::kControl}, interrupts ? 3 : 1);
  }
  // Number of the newest record in memory.
  [[nodiscard]] std::uint64_t newest() {
    std::uint64_t most = 0;
    for (std::size_t at = 0; at < 64 * 32; at += 32) {
      std::uint64_t number = 0;
      std::memcpy(&number, memory_->bytes().data() + at, sizeof number);
      most = std::max(most, number);
    }
    return most;
  }
  [[nodiscard]] static unsigned descriptors() {
    const auto folder = std::filesystem::directory_iterator("/proc/self/fd");
    return static_cast<unsigned>(std::distance(begin(folder), end(folder)));
  }
  [[nodiscard]] unsigned express() {
    const auto read = [this](unsigned offset) { return device_->config_read(Bytes{offset}, 4); };
    return pcie::find_capability(read, pcie::config::kCapExpress).value();
  }

  host::KernelSystemCalls calls_;
  test::ServedEndpoint endpoint_;
  std::unique_ptr<host::VfioUserSystem> system_;
  std::unique_ptr<host::Memory> memory_;
  std::unique_ptr<host::AddressSpace> space_;
  std::unique_ptr<host::Device> device_;
};

}  // namespace holdover::test
