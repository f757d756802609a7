// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "pcie/error.h"
#include "sim/host_memory.h"
#include "sim/remote/platform_server.h"
#include "sim/remote/protocol.h"
#include "sim/remote/remote_platform.h"

namespace holdover::sim {
namespace {

using ::testing::ElementsAre;

// Writes down what it is asked and moves its clock by one nanosecond per access.
class ScriptedPlatform final : public pcie::Platform {
 public:
  explicit ScriptedPlatform(HostMemory& memory) : memory_(memory) {}

  std::uint32_t config_read(pcie::Bdf function, Bytes offset, unsigned size) override {
    note("config_read " + function.to_string() + " " + std::to_string(offset.count()) + " " + std::to_string(size));
    return 0x8765'4321;
  }
  void config_write(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) override {
    note("config_write " + function.to_string() + " " + std::to_string(offset.count()) + " " + std::to_string(size) +
         " " + std::to_string(value));
  }
  std::uint64_t mmio_read(BusAddress address, unsigned size) override {
    note("mmio_read " + std::to_string(address.raw()) + " " + std::to_string(size));
    return 0x1122'3344'5566'7788;
  }
  void mmio_write(BusAddress address, unsigned size, std::uint64_t value) override {
    note("mmio_write " + std::to_string(address.raw()) + " " + std::to_string(size) + " " + std::to_string(value));
    memory_.bytes()[16] = static_cast<std::byte>(value);
  }
  std::span<std::byte> dram() override { return memory_.bytes(); }
  std::optional<std::uint8_t> take_interrupt() override {
    ++takes_;
    if (vectors_.empty()) return std::nullopt;
    const std::uint8_t vector = vectors_.back();
    vectors_.pop_back();
    return vector;
  }
  Time now() override { return now_; }
  void wait(Time duration) override { now_ += duration; }
  void jump(PhysicalAddress boot_parameters) override {
    note("jump " + std::to_string(boot_parameters.raw()));
    now_ += 1_ms;
  }
  void console(std::string_view line) override { calls_.push_back("console " + std::string{line}); }
  void mark(pcie::Phase phase, pcie::Step step, std::uint64_t value) override {
    calls_.push_back("mark " + std::string{pcie::to_string(phase)} + " " + std::string{pcie::to_string(step)} + " " +
                     std::to_string(value));
  }

  std::vector<std::string> calls_;
  std::vector<std::uint8_t> vectors_;
  unsigned takes_ = 0;

 private:
  void note(std::string call) {
    calls_.push_back(std::move(call));
    now_ += 1_ns;
  }

  HostMemory& memory_;
  Time now_;
};

// The server in a thread of its own, the host in the test's.
class RemoteTest : public ::testing::Test {
 protected:
  RemoteTest() : server_(platform_, std::move(connection_.machine)) { serve(); }
  ~RemoteTest() override {
    connection_.host.reset();
    host_.reset();
    if (result_.valid()) static_cast<void>(result_.get());
  }

  void serve() {
    result_ = std::async(std::launch::async, [this] { return server_.serve([this] { return stop_.load(); }); });
  }
  [[nodiscard]] RemotePlatform& host() {
    if (!host_) {
      host_ =
          std::make_unique<RemotePlatform>(std::move(connection_.host), FileDescriptor{::dup(memory_.descriptor())});
    }
    return *host_;
  }
  [[nodiscard]] ServeResult result() { return result_.get(); }

  HostMemory memory_{64_KiB};
  ScriptedPlatform platform_{memory_};
  std::atomic<bool> stop_ = false;
  Connection connection_ = make_connection();
  PlatformServer server_;
  std::unique_ptr<RemotePlatform> host_;
  std::future<ServeResult> result_;
};

TEST_F(RemoteTest, EveryAccessArrivesAndItsAnswerReturns) {
  const pcie::Bdf function = pcie::Bdf::parse("0000:1f:02.3");

  EXPECT_EQ(host().config_read(function, Bytes{0x44}, 4), 0x8765'4321u);
  host().config_write(function, Bytes{0x46}, 2, 0xbeef);
  EXPECT_EQ(host().mmio_read(BusAddress{0x80'0000'0008}, 8), 0x1122'3344'5566'7788u);
  host().mmio_write(BusAddress{0xe000'0004}, 4, 77);

  EXPECT_THAT(platform_.calls_, ElementsAre("config_read 0000:1f:02.3 68 4", "config_write 0000:1f:02.3 70 2 48879",
                                            "mmio_read 549755813896 8", "mmio_write 3758096388 4 77"));
}

TEST_F(RemoteTest, TimeIsTheMachinesAndPassesOnlyInCalls) {
  EXPECT_EQ(host().now(), Time{0});
  host().wait(3_us);
  EXPECT_EQ(host().now(), 3_us);
  static_cast<void>(host().mmio_read(BusAddress{0}, 4));

  EXPECT_EQ(host().now(), 3_us + 1_ns);
}

TEST_F(RemoteTest, DramIsTheSameMemory) {
  EXPECT_EQ(host().dram().size(), memory_.size().count());
  host().dram()[5] = std::byte{9};
  host().mmio_write(BusAddress{0}, 4, 200);

  EXPECT_EQ(memory_.bytes()[5], std::byte{9});
  EXPECT_EQ(host().dram()[16], std::byte{200});
}

TEST_F(RemoteTest, InterruptsAreTakenOneByOneAndNotAskedForWhileNoTimePasses) {
  platform_.vectors_ = {33, 255};

  EXPECT_EQ(host().take_interrupt(), 255);
  EXPECT_EQ(host().take_interrupt(), 33);
  EXPECT_EQ(host().take_interrupt(), std::nullopt);
  EXPECT_EQ(host().take_interrupt(), std::nullopt);
  EXPECT_EQ(platform_.takes_, 3u);
  platform_.vectors_ = {7};
  host().wait(1_ns);

  EXPECT_EQ(host().take_interrupt(), 7);
}

TEST_F(RemoteTest, ConsoleAndMarksKeepTheirOrder) {
  host().console("booting");
  host().mark(pcie::Phase::Boot, pcie::Step::Begin, 5);
  host().console("");
  host().console(std::string(5000, 'x'));
  host().wait(1_ns);

  EXPECT_THAT(platform_.calls_, ElementsAre("console booting",
                                            "mark " + std::string{pcie::to_string(pcie::Phase::Boot)} + " " +
                                                std::string{pcie::to_string(pcie::Step::Begin)} + " 5",
                                            "console ", "console " + std::string(remote::kMostText, 'x')));
}

// What lies in DRAM when the mark is seen is what lay there when it was made.
TEST_F(RemoteTest, AMarkIsSeenBeforeTheHostGoesOn) {
  host().mark(pcie::Phase::Preserve, pcie::Step::FilePreserved, 1);

  EXPECT_THAT(platform_.calls_, ElementsAre("mark preserve file preserved 1"));
}

TEST_F(RemoteTest, AfterAJumpTheNextImageContinuesOnTheSameConnection) {
  host().jump(PhysicalAddress{0x5000});
  const ServeResult jumped = result();
  EXPECT_EQ(jumped.kind, ServeResult::Kind::Jumped);
  EXPECT_EQ(jumped.boot_parameters, PhysicalAddress{0x5000});
  const RemotePlatform::Descriptors descriptors = host().release();
  serve();
  host_ = std::make_unique<RemotePlatform>(FileDescriptor{descriptors.socket}, FileDescriptor{descriptors.dram});

  EXPECT_EQ(host().now(), 1_ms + 1_ns);
}

TEST_F(RemoteTest, AHostThatClosesItsEndIsSeen) {
  host().console("last words");
  host_.reset();

  EXPECT_EQ(result().kind, ServeResult::Kind::PeerClosed);
  EXPECT_THAT(platform_.calls_, ElementsAre("console last words"));
}

TEST_F(RemoteTest, TheServerStopsWhenItIsToldTo) {
  stop_ = true;

  EXPECT_EQ(result().kind, ServeResult::Kind::Stopped);
}

TEST_F(RemoteTest, WhatIsNoRequestIsRefused) {
  const char rubbish[] = "rubbish";
  ASSERT_GT(::send(connection_.host.number(), rubbish, sizeof rubbish, 0), 0);
  EXPECT_THROW(static_cast<void>(result()), Error);

  for (const auto& [operation, size, address] : {std::tuple{remote::Operation::MmioRead, 3, 0},
                                                 {remote::Operation::MmioRead, 4, 2},
                                                 {remote::Operation::ConfigRead, 8, 0},
                                                 {remote::Operation::ConfigWrite, 4, 4096},
                                                 {static_cast<remote::Operation>(99), 0, 0}}) {
    serve();
    remote::Request request;
    request.operation = operation;
    request.size = static_cast<std::uint8_t>(size);
    request.address = static_cast<std::uint64_t>(address);
    ASSERT_GT(::send(connection_.host.number(), &request, sizeof request, 0), 0);
    EXPECT_THROW(static_cast<void>(result()), Error);
  }
}

TEST(RemotePlatform, AMachineThatIsGoneIsAnError) {
  HostMemory memory{4_KiB};
  Connection connection = make_connection();
  RemotePlatform host{std::move(connection.host), FileDescriptor{::dup(memory.descriptor())}};
  connection.machine.reset();

  for (unsigned i = 0; i < 2; ++i) {
    try {
      host.wait(1_ns);
      FAIL() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::PeerDied);
    }
  }
  EXPECT_THROW(host.console("nobody hears this"), Error);
}

TEST(RemotePlatform, ADescriptorThatIsNoMemoryIsRefused) {
  Connection connection = make_connection();

  EXPECT_THROW((RemotePlatform{std::move(connection.host), FileDescriptor{::dup(connection.machine.number())}}), Error);
}

TEST(PlatformServer, AHostThatLivesAndAsksForNothingIsSilent) {
  HostMemory memory{4_KiB};
  ScriptedPlatform platform{memory};
  Connection connection = make_connection();
  PlatformServer server{platform, std::move(connection.machine), std::chrono::milliseconds{1}};

  EXPECT_EQ(server.serve().kind, ServeResult::Kind::Silent);
}

TEST(PlatformServer, AHostProcessThatDiesIsSeenAfterItsLastWords) {
  HostMemory memory{4_KiB};
  ScriptedPlatform platform{memory};
  Connection connection = make_connection();
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    connection.machine.reset();
    RemotePlatform host{std::move(connection.host), FileDescriptor{::dup(memory.descriptor())}};
    host.dram()[0] = std::byte{1};
    host.wait(5_ns);
    host.console("panic");
    ::_exit(3);
  }
  connection.host.reset();
  PlatformServer server{platform, std::move(connection.machine)};

  EXPECT_EQ(server.serve().kind, ServeResult::Kind::PeerClosed);

  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 3);
  EXPECT_THAT(platform.calls_, ElementsAre("console panic"));
  EXPECT_EQ(platform.now(), 5_ns);
  EXPECT_EQ(memory.bytes()[0], std::byte{1});
}

}  // namespace
}  // namespace holdover::sim
