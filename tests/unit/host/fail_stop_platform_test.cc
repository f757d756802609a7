// SPDX-License-Identifier: MIT
#include "host/fail_stop_platform.h"

#include <gtest/gtest.h>

#include <vector>

#include "pcie/error.h"

namespace holdover::host {
namespace {

// Counts what reaches it, and throws where it is told to.
class CountingPlatform final : public pcie::Platform {
 public:
  [[nodiscard]] std::uint32_t config_read(pcie::Bdf, Bytes, unsigned) override { return call(), 7; }
  void config_write(pcie::Bdf, Bytes, unsigned, std::uint32_t) override { call(); }
  [[nodiscard]] std::uint64_t mmio_read(BusAddress, unsigned) override { return call(), 8; }
  void mmio_write(BusAddress, unsigned, std::uint64_t) override { call(); }
  [[nodiscard]] std::span<std::byte> dram() override { return dram_; }
  [[nodiscard]] std::optional<std::uint8_t> take_interrupt() override { return call(), std::uint8_t{9}; }
  [[nodiscard]] Time now() override { return call(), Time{10}; }
  void wait(Time) override { call(); }
  void jump(PhysicalAddress) override { call(); }
  void console(std::string_view) override { call(); }
  void mark(pcie::Phase, pcie::Step, std::uint64_t) override { call(); }

  unsigned calls = 0;
  bool fails = false;

 private:
  void call() {
    ++calls;
    if (fails) {
      throw Error(ErrorCode::PeerDied, "the machine is gone");
    }
  }

  std::vector<std::byte> dram_ = std::vector<std::byte>(16);
};

// Every call once; returns how many of them threw.
unsigned call_everything(pcie::Platform& platform) {
  unsigned thrown = 0;
  const auto attempt = [&thrown](const auto& call) {
    try {
      call();
    } catch (const Error&) {
      ++thrown;
    }
  };
  attempt([&] { static_cast<void>(platform.config_read({}, Bytes{0}, 4)); });
  attempt([&] { platform.config_write({}, Bytes{0}, 4, 0); });
  attempt([&] { static_cast<void>(platform.mmio_read(BusAddress{0}, 4)); });
  attempt([&] { platform.mmio_write(BusAddress{0}, 4, 0); });
  attempt([&] { static_cast<void>(platform.take_interrupt()); });
  attempt([&] { static_cast<void>(platform.now()); });
  attempt([&] { platform.wait(Time{1}); });
  attempt([&] { platform.console("x"); });
  attempt([&] { platform.mark(pcie::Phase::Boot, pcie::Step::Begin, 0); });
  attempt([&] { platform.jump(PhysicalAddress{0}); });
  return thrown;
}

TEST(FailStopPlatform, IsTransparentWhileThePlatformWorks) {
  CountingPlatform machine;
  unsigned failures = 0;
  FailStopPlatform platform(machine, [&] { ++failures; });

  EXPECT_EQ(call_everything(platform), 0u);
  EXPECT_EQ(machine.calls, 10u);
  EXPECT_EQ(platform.config_read({}, Bytes{0}, 4), 7u);
  EXPECT_EQ(platform.mmio_read(BusAddress{0}, 8), 8u);
  EXPECT_EQ(platform.take_interrupt(), 9);
  EXPECT_EQ(platform.now(), Time{10});
  EXPECT_EQ(platform.dram().data(), machine.dram().data());
  EXPECT_EQ(failures, 0u);
  EXPECT_FALSE(platform.failure());
}

TEST(FailStopPlatform, TheFirstFailureIsTheLastCallThatReachesTheMachine) {
  CountingPlatform machine;
  unsigned failures = 0;
  FailStopPlatform platform(machine, [&] { ++failures; });
  machine.fails = true;
  EXPECT_THROW(platform.wait(Time{1}), Error);

  EXPECT_EQ(call_everything(platform), 0u);
  EXPECT_EQ(machine.calls, 1u);
  EXPECT_EQ(failures, 1u);
  EXPECT_TRUE(platform.failure());
  EXPECT_EQ(platform.config_read({}, Bytes{0}, 4), ~0u) << "as a bus that nobody answers";
  EXPECT_EQ(platform.take_interrupt(), std::nullopt);
}

}  // namespace
}  // namespace holdover::host
