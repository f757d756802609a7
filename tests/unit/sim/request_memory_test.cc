// SPDX-License-Identifier: MIT
// Memory that is not the machine's own, and takes its time.
#include "sim/request_memory.h"

#include <gmock/gmock.h>

#include <vector>

#include "pcie/config_space.h"
#include "sim/machine.h"
#include "tests/support/scripted_fabric.h"

namespace holdover::sim {
namespace {

using ::testing::ElementsAre;

class SlowMemory final : public RequestMemory {
 public:
  Answer read(PhysicalAddress address, std::span<std::byte> data, ReadTicket ticket) override {
    reads.push_back(address.raw());
    if (answer == Answer::Later) tickets.push_back(ticket);
    for (std::byte& byte : data) byte = std::byte{0x11};
    return answer;
  }
  bool write(PhysicalAddress address, std::span<const std::byte>, unsigned, unsigned) override {
    writes.push_back(address.raw());
    return writable;
  }

  Answer answer = Answer::Later;
  bool writable = true;
  std::vector<std::uint64_t> reads;
  std::vector<std::uint64_t> writes;
  std::vector<ReadTicket> tickets;
};

class Script final : public Endpoint {
 public:
  void tick(Time, EndpointPins& pins) override {
    const auto completions = static_cast<std::size_t>(Stream::Completion);
    if (pins.rx[completions] != nullptr) arrived.push_back(*pins.rx[completions]);
    for (std::size_t stream = 0; stream < kStreams; ++stream) pins.rx_taken[stream] = pins.rx[stream] != nullptr;
    const auto requests = static_cast<std::size_t>(Stream::Request);
    if (to_send.empty() || !pins.tx_ready[requests]) return;
    pins.tx_header[requests] = pcie::encode_header(to_send.front());
    pins.tx[requests] = to_send.front();
    pins.tx_valid[requests] = true;
    pins.any_tx = true;
    to_send.pop_front();
  }
  void drop_streams() override {}
  std::uint32_t peek(unsigned) override { return 0; }

  std::deque<pcie::Tlp> to_send;
  std::vector<pcie::Tlp> arrived;
};

class ForeignMemory : public ::testing::Test {
 protected:
  ForeignMemory() {
    MachineConfig config;
    config.dram_size = 1_MiB;
    config.check_protocol = false;
    config.disturbance = select_disturbances("none");
    machine_ = std::make_unique<Machine>(
        config, seen_,
        [this](unsigned, const EndpointConfig&) {
          auto script = std::make_unique<Script>();
          endpoint_ = script.get();
          return script;
        },
        &memory_);
    const pcie::Bdf root{0, 0, 1, 0};
    platform().config_write(root, Bytes{pcie::config::kPrimaryBus}, 4, 0x0001'0100);
    platform().config_write(root, Bytes{pcie::config::kCommand}, 2,
                            pcie::config::kCommandMemory | pcie::config::kCommandBusMaster);
  }

  [[nodiscard]] pcie::Platform& platform() { return machine_->platform(); }
  void send(pcie::TlpKind kind, std::uint64_t address) {
    pcie::Tlp tlp;
    tlp.kind = kind;
    tlp.requester = 0x0100;
    tlp.address = address;
    tlp.length_dw = 4;
    tlp.first_be = tlp.last_be = 0xf;
    if (kind == pcie::TlpKind::MemoryWrite) tlp.payload.resize(16);
    endpoint_->to_send.push_back(tlp);
    platform().wait(20_us);
  }

  SlowMemory memory_;
  FabricWatch seen_;
  Script* endpoint_ = nullptr;
  std::unique_ptr<Machine> machine_;
};

constexpr std::uint64_t kHigh = 0xffff'ffff'ffff'f000;
constexpr std::uint64_t kLow = 0x0800'0000;  // in no window

TEST_F(ForeignMemory, IsReachedAtAnyAddressOf64Bits) {
  send(pcie::TlpKind::MemoryWrite, kHigh);
  memory_.answer = RequestMemory::Answer::Done;
  send(pcie::TlpKind::MemoryRead, kHigh);
  EXPECT_THAT(memory_.writes, ElementsAre(kHigh));
  EXPECT_THAT(memory_.reads, ElementsAre(kHigh));
  ASSERT_EQ(endpoint_->arrived.size(), 1u);
  EXPECT_EQ(endpoint_->arrived[0].payload, std::vector<std::byte>(16, std::byte{0x11}));
}

TEST_F(ForeignMemory, AReadWaitsForItsAnswerHoweverLongThatTakes) {
  send(pcie::TlpKind::MemoryRead, kLow);
  ASSERT_EQ(memory_.tickets.size(), 1u);
  platform().wait(1_ms);
  EXPECT_TRUE(endpoint_->arrived.empty());
  const std::vector<std::byte> data(16, std::byte{0x5a});
  memory_.tickets[0].waiter->on_read(memory_.tickets[0].number, data);
  platform().wait(20_us);
  ASSERT_EQ(endpoint_->arrived.size(), 1u);
  EXPECT_EQ(endpoint_->arrived[0].payload, data);
}

TEST_F(ForeignMemory, WhatIsNotThereIsUnsupported) {
  memory_.answer = RequestMemory::Answer::Unsupported;
  memory_.writable = false;
  send(pcie::TlpKind::MemoryWrite, kLow);
  send(pcie::TlpKind::MemoryRead, kLow);
  EXPECT_EQ(seen_.refused.size(), 2u);
  memory_.answer = RequestMemory::Answer::Later;
  send(pcie::TlpKind::MemoryRead, kLow);
  memory_.tickets[0].waiter->on_read_refused(memory_.tickets[0].number);
  platform().wait(20_us);
  EXPECT_EQ(seen_.refused.size(), 3u);
  ASSERT_EQ(endpoint_->arrived.size(), 2u);
  EXPECT_EQ(endpoint_->arrived[1].status, pcie::CompletionStatus::UnsupportedRequest);
}

TEST_F(ForeignMemory, AnAnswerThatComesAfterTheLinkWentDownIsDropped) {
  send(pcie::TlpKind::MemoryRead, kLow);
  const pcie::Bdf root{0, 0, 1, 0};
  platform().config_write(root, Bytes{pcie::config::kBridgeControl}, 2, pcie::config::kBridgeControlSecondaryReset);
  platform().wait(10_us);
  platform().config_write(root, Bytes{pcie::config::kBridgeControl}, 2, 0);
  platform().wait(1_ms);
  memory_.tickets[0].waiter->on_read(memory_.tickets[0].number, std::vector<std::byte>(16));
  memory_.tickets[0].waiter->on_read_refused(memory_.tickets[0].number);
  platform().wait(20_us);
  EXPECT_TRUE(endpoint_->arrived.empty());
}

}  // namespace
}  // namespace holdover::sim
