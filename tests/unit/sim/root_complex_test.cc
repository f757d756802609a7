// SPDX-License-Identifier: MIT
// Requests of an endpoint at the root: order, splits, messages, refusals; and the host's own accesses. The endpoint is
// a script.
#include "sim/root_complex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "pcie/config_space.h"
#include "sim/machine.h"

namespace holdover::sim {
namespace {

namespace config = pcie::config;
using pcie::TlpKind;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr pcie::RequesterId kFunction = 0x0100;

// Sends what the test queues, keeps what arrives, never answers.
class Script final : public Endpoint {
 public:
  struct State {
    std::deque<pcie::Tlp> to_send;
    std::vector<pcie::Tlp> arrived;
    std::uint16_t posted_sent = 0;  // as the block says
  };
  explicit Script(State& state) : state_(state) {}

  void tick(Time, EndpointPins& pins) override {
    for (std::size_t stream = 0; stream < kStreams; ++stream) {
      if (pins.rx[stream] == nullptr) continue;
      pins.rx_taken[stream] = true;
      state_.arrived.push_back(*pins.rx[stream]);
    }
    state_.posted_sent = pins.posted_sent;
    if (state_.to_send.empty()) return;
    if (pcie::is_error_message(state_.to_send.front())) {
      if (!pins.message_ready) return;
      pins.message = pcie::encode_header(state_.to_send.front());
      pins.message_valid = true;
      state_.to_send.pop_front();
      return;
    }
    const bool completion = pcie::is_completion(state_.to_send.front().kind);
    const auto stream = static_cast<std::size_t>(completion ? Stream::Completion : Stream::Request);
    if (!pins.tx_ready[stream]) return;
    pins.tx_header[stream] = pcie::encode_header(state_.to_send.front());
    pins.tx[stream] = state_.to_send.front();
    pins.tx_valid[stream] = true;
    pins.any_tx = true;
    state_.to_send.pop_front();
  }
  void drop_streams() override {}
  std::uint32_t peek(unsigned) override { return 0; }

 private:
  State& state_;
};

struct Watch : Witness {
  void on_request_refused(Time, unsigned, FunctionIndex, const pcie::Tlp&, std::string_view reason) override {
    refused.emplace_back(reason);
  }
  void on_memory_access(const MemoryAccess& access) override {
    order.push_back((access.write ? "write " : "read ") + std::to_string(access.iova.raw()) + " " +
                    std::to_string(access.size.count()));
    if (!access.enabled.empty()) holes = true;
  }
  void on_message(Time, pcie::RequesterId, std::uint64_t, std::uint32_t, std::uint8_t vector,
                  MessageOutcome outcome) override {
    order.push_back("message " + std::to_string(vector) + (outcome == MessageOutcome::Delivered ? "" : " lost"));
  }
  std::vector<std::string> refused;
  std::vector<std::string> order;
  bool holes = false;
};

pcie::Tlp write(std::uint64_t address, unsigned bytes) {
  pcie::Tlp tlp;
  tlp.kind = TlpKind::MemoryWrite;
  tlp.requester = kFunction;
  tlp.address = address;
  tlp.length_dw = static_cast<std::uint16_t>(bytes / 4);
  tlp.first_be = 0xf;
  tlp.last_be = bytes > 4 ? 0xf : 0;
  for (unsigned i = 0; i < bytes; ++i) tlp.payload.push_back(static_cast<std::byte>(address + i));
  return tlp;
}

pcie::Tlp read(std::uint64_t address, unsigned bytes, std::uint16_t tag) {
  pcie::Tlp tlp = write(address, bytes);
  tlp.kind = TlpKind::MemoryRead;
  tlp.payload.clear();
  tlp.tag = tag;
  return tlp;
}

struct RootTest : testing::Test {
  RootTest() {
    machine_config.dram_size = 1_MiB;
    machine_config.check_protocol = false;
    machine_config.disturbance.answer_late = false;  // answers come soon, unless a test asks for others
  }
  pcie::Platform& boot(bool bus_master = true) {
    machine = std::make_unique<Machine>(
        machine_config, seen, [this](unsigned, const EndpointConfig&) { return std::make_unique<Script>(script); });
    pcie::Platform& platform = machine->platform();
    const pcie::Bdf port{0, 0, 1, 0};
    platform.config_write(port, Bytes{config::kPrimaryBus}, 4, 0x0001'0100);
    platform.config_write(port, Bytes{config::kMemoryBase}, 4, 0xe000'e000);
    platform.config_write(port, Bytes{config::kPrefetchBase}, 4, 0x0000'fff0);
    platform.config_write(port, Bytes{config::kCommand}, 2,
                          config::kCommandMemory | (bus_master ? config::kCommandBusMaster : 0));
    platform.mmio_write(kPlatformMap.interrupt_controller, 4, 1);
    return platform;
  }
  // Completions for this tag, in the order of their arrival.
  std::vector<pcie::Tlp> completions(std::uint16_t tag) const {
    std::vector<pcie::Tlp> found;
    for (const pcie::Tlp& tlp : script.arrived) {
      if (pcie::is_completion(tlp.kind) && tlp.tag == tag) found.push_back(tlp);
    }
    return found;
  }

  MachineConfig machine_config;
  Watch seen;
  Script::State script;
  std::unique_ptr<Machine> machine;
};

TEST_F(RootTest, MessagesOfTheBlockAreNoneOfThePostedRequestsThatItCounts) {
  pcie::Platform& platform = boot();
  pcie::Tlp message;
  message.kind = TlpKind::Message;
  message.requester = kFunction;
  message.message_code = pcie::kMessageErrorNonFatal;
  script.to_send = {write(0x1000, 64), message, message, write(0x2000, 64), message, write(0x3000, 64)};
  platform.wait(5_us);
  EXPECT_THAT(script.to_send, IsEmpty());
  EXPECT_EQ(script.posted_sent, 3u);
  EXPECT_THAT(seen.order, ElementsAre("write 4096 64", "write 8192 64", "write 12288 64"));
  EXPECT_EQ(platform.config_read(pcie::Bdf{0, 0, 1, 0}, Bytes{config::kSecondaryStatus}, 2), 0x4000u);
}

TEST_F(RootTest, WritesReachMemoryInTheirOrderAndAMessageComesAfterTheDataBeforeIt) {
  pcie::Platform& platform = boot();
  script.to_send = {write(0x1000, 64), write(0x2000, 4), write(0xfee0'0000, 4), write(0x3000, 8)};
  script.to_send[2].payload = {std::byte{0x51}, std::byte{0}, std::byte{0}, std::byte{0}};
  platform.wait(5_us);
  EXPECT_THAT(seen.order, ElementsAre("write 4096 64", "write 8192 4", "message 81", "write 12288 8"));
  EXPECT_EQ(platform.dram()[0x103f], std::byte{0x3f});
  EXPECT_EQ(platform.take_interrupt(), 0x51);
  EXPECT_EQ(platform.take_interrupt(), std::nullopt);
  EXPECT_FALSE(seen.holes);
}

TEST_F(RootTest, ByteEnablesReachMemory) {
  pcie::Platform& platform = boot();
  script.to_send = {write(0x1000, 8)};
  script.to_send[0].first_be = 0xc;
  script.to_send[0].last_be = 0x1;
  platform.wait(5_us);
  EXPECT_THAT(seen.order, ElementsAre("write 4098 3"));
  EXPECT_EQ(platform.dram()[0x1001], std::byte{0});
  EXPECT_EQ(platform.dram()[0x1002], std::byte{2});
  EXPECT_EQ(platform.dram()[0x1004], std::byte{4});
  EXPECT_EQ(platform.dram()[0x1005], std::byte{0});
}

TEST_F(RootTest, AReadSeesTheWritesBeforeIt) {
  machine_config.disturbance.read_latency_min = Time{1};
  machine_config.disturbance.read_latency_max = Time{2};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    machine_config.seed = seed;
    script = {};
    pcie::Platform& platform = boot();
    script.to_send = {write(0x1000, 64), read(0x1000, 64, 1)};
    platform.wait(5_us);
    const auto answers = completions(1);
    ASSERT_FALSE(answers.empty());
    EXPECT_EQ(answers.front().payload.front(), std::byte{0x00});
    EXPECT_EQ(answers.back().payload.back(), std::byte{0x3f}) << "seed " << seed;
  }
}

TEST_F(RootTest, CompletionsOfOneReadAreLegalPiecesInOrder) {
  bool split = false;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    machine_config.seed = seed;
    script = {};
    pcie::Platform& platform = boot();
    for (unsigned i = 0; i < 0x1000; ++i) platform.dram()[0x4000 + i] = static_cast<std::byte>(i * 7);
    pcie::Tlp request = read(0x4014, 300, 9);
    request.first_be = 0x8;  // begins at 4017
    request.last_be = 0x3;
    script.to_send = {request};
    platform.wait(5_us);
    std::uint64_t at = 0x4017;
    std::uint64_t left = pcie::enabled_bytes(request).count();
    const auto answers = completions(9);
    split = split || answers.size() > 3;
    for (const pcie::Tlp& piece : answers) {
      EXPECT_EQ(piece.byte_count, left);
      EXPECT_EQ(piece.lower_address, at & 0x7f);
      EXPECT_LE(piece.payload.size(), 128u);
      const std::uint64_t aligned = at & ~std::uint64_t{3};
      const std::uint64_t end = std::min(aligned + piece.payload.size(), at + left);
      EXPECT_TRUE(end == at + left || end % 64 == 0);
      for (std::uint64_t byte = at; byte < end; ++byte) {
        EXPECT_EQ(piece.payload[static_cast<std::size_t>(byte - aligned)],
                  platform.dram()[static_cast<std::size_t>(byte)]);
      }
      left -= end - at;
      at = end;
    }
    EXPECT_EQ(left, 0u);
  }
  EXPECT_TRUE(split);
}

TEST_F(RootTest, WithoutDisturbanceCompletionsAreWholeAndInOrder) {
  machine_config.disturbance = select_disturbances("none");
  pcie::Platform& platform = boot();
  script.to_send = {read(0x1000, 128, 1), read(0x2000, 128, 2), read(0x3000, 128, 3)};
  platform.wait(5_us);
  std::vector<std::uint16_t> tags;
  for (const pcie::Tlp& tlp : script.arrived) tags.push_back(tlp.tag);
  EXPECT_THAT(tags, ElementsAre(1, 2, 3));
}

TEST_F(RootTest, CompletionsOfDifferentReadsComeInMoreThanOneOrder) {
  std::vector<std::vector<std::uint16_t>> orders;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    machine_config.seed = seed;
    script = {};
    pcie::Platform& platform = boot();
    script.to_send = {read(0x1000, 64, 1), read(0x2000, 64, 2), read(0x3000, 64, 3)};
    platform.wait(5_us);
    std::vector<std::uint16_t> tags;
    for (const pcie::Tlp& tlp : script.arrived) tags.push_back(tlp.tag);
    EXPECT_EQ(tags.size(), 3u);
    if (std::find(orders.begin(), orders.end(), tags) == orders.end()) orders.push_back(tags);
  }
  EXPECT_GT(orders.size(), 2u);
}

TEST_F(RootTest, ALateAnswerComesJustBeforeTheTimeOutAndOnlyWhereAskedFor) {
  const auto longest_wait = [this](const char* disturbances) {
    machine_config.disturbance = select_disturbances(disturbances);
    script = {};
    pcie::Platform& platform = boot();
    Time longest;
    for (std::uint16_t tag = 0; tag < 250; ++tag) {
      const Time begin = platform.now();
      const std::size_t arrived = script.arrived.size();
      script.to_send = {read(0x1000, 64, tag)};
      while (script.arrived.size() == arrived && platform.now() < begin + machine_config.endpoint.completion_timeout) {
        platform.wait(Time{100'000});
      }
      EXPECT_GT(script.arrived.size(), arrived) << disturbances << ", read " << tag;
      longest = std::max(longest, platform.now() - begin);
    }
    return longest;
  };
  const Time timeout = machine_config.endpoint.completion_timeout;
  const Time late = longest_wait("late");
  EXPECT_GT(late, timeout / 2);
  EXPECT_LT(late, timeout);
  EXPECT_LT(longest_wait("split-random,reorder,delay,starve"), timeout / 4);
}

// Only its answer waits: what happens to memory, and to the page table, in the meantime does not reach it.
TEST_F(RootTest, ALateReadSeesMemoryWhenOthersDo) {
  machine_config.disturbance = select_disturbances("late");
  pcie::Platform& platform = boot();
  const auto fill = [&](std::byte value) { std::fill_n(platform.dram().begin() + 0x1000, 64, value); };
  bool late = false;
  for (std::uint16_t tag = 0; tag < 250 && !late; ++tag) {
    fill(std::byte{1});
    const std::size_t arrived = script.arrived.size();
    script.to_send = {read(0x1000, 64, tag)};
    platform.wait(10_us);
    late = script.arrived.size() == arrived;
    if (!late) continue;
    fill(std::byte{2});
    platform.wait(machine_config.endpoint.completion_timeout);
    ASSERT_GT(script.arrived.size(), arrived);
    EXPECT_THAT(script.arrived.back().payload, testing::Each(std::byte{1}));
  }
  EXPECT_TRUE(late);
}

TEST_F(RootTest, EveryBoundaryAndWholeAnswersAreHadAlone) {
  const auto pieces = [this](const char* disturbances) {
    machine_config.disturbance = select_disturbances(disturbances);
    script = {};
    pcie::Platform& platform = boot();
    script.to_send = {read(0x1000, 128, 7)};
    platform.wait(5_us);
    return completions(7).size();
  };
  EXPECT_EQ(pieces("split-every"), 2u);
  EXPECT_EQ(pieces("none"), 1u);
}

TEST_F(RootTest, AReadOfNoBytesIsAnsweredWithOneDoubleWord) {
  pcie::Platform& platform = boot();
  pcie::Tlp flush = read(0x1000, 4, 3);
  flush.first_be = 0;
  script.to_send = {flush};
  platform.wait(5_us);
  const auto answers = completions(3);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].payload.size(), 4u);
  EXPECT_EQ(answers[0].status, pcie::CompletionStatus::Success);
}

TEST_F(RootTest, RequestsOutsideMemoryAreRefused) {
  pcie::Platform& platform = boot();
  script.to_send = {read(0x20'0000, 64, 4), write(0x20'0000, 64)};
  platform.wait(5_us);
  ASSERT_EQ(completions(4).size(), 1u);
  EXPECT_EQ(completions(4)[0].status, pcie::CompletionStatus::UnsupportedRequest);
  EXPECT_EQ(seen.refused.size(), 2u);
}

TEST_F(RootTest, WithoutBusMasteringReadsAreRefusedAndWritesVanish) {
  pcie::Platform& platform = boot(false);
  script.to_send = {write(0x1000, 64), read(0x1000, 64, 5)};
  platform.wait(5_us);
  EXPECT_EQ(seen.refused.size(), 2u);
  EXPECT_THAT(seen.order, IsEmpty());
  ASSERT_EQ(completions(5).size(), 1u);
  EXPECT_EQ(completions(5)[0].status, pcie::CompletionStatus::UnsupportedRequest);
}

TEST_F(RootTest, AnAccessThatNobodyAnswersEndsWithAllOnes) {
  pcie::Platform& platform = boot();
  const Time before = platform.now();
  EXPECT_EQ(platform.mmio_read(BusAddress{0xe000'0000}, 4), 0xffff'ffffu);
  EXPECT_EQ(platform.now() - before, kHostTimeout);
  EXPECT_EQ(platform.mmio_read(BusAddress{0xe000'0002}, 2), 0xffffu);
  EXPECT_EQ(platform.config_read(pcie::Bdf{0, 1, 0, 0}, Bytes{0}, 4), 0xffff'ffffu);
  // Outside every window nobody is waited for.
  const Time again = platform.now();
  EXPECT_EQ(platform.mmio_read(BusAddress{0xe010'0000}, 8), ~std::uint64_t{0});
  EXPECT_EQ(platform.now() - again, kRegisterTime);
}

TEST_F(RootTest, PostedWritesOfTheHostArriveInOrder) {
  pcie::Platform& platform = boot();
  for (unsigned i = 0; i < 40; ++i) platform.mmio_write(BusAddress{0xe000'0000 + 4 * i}, 4, i);
  platform.wait(5_us);
  ASSERT_EQ(script.arrived.size(), 40u);
  for (unsigned i = 0; i < 40; ++i) EXPECT_EQ(script.arrived[i].address, 0xe000'0000 + 4 * i);
}

TEST_F(RootTest, ALostMessageIsLostOnce) {
  machine_config.faults.push_back({MachineFault::Kind::DropMessage, 0, pcie::Phase::Steady, Time{0}});
  pcie::Platform& platform = boot();
  platform.mark(pcie::Phase::Steady, pcie::Step::Begin, 0);
  for (int i = 0; i < 2; ++i) {
    script.to_send.push_back(write(0xfee0'0000, 4));
    script.to_send.back().payload = {std::byte{0x51}, std::byte{0}, std::byte{0}, std::byte{0}};
  }
  platform.wait(5_us);
  EXPECT_THAT(seen.order, ElementsAre("message 81"));
}

TEST_F(RootTest, EcamIsTheSameAsConfigurationAccesses) {
  pcie::Platform& platform = boot();
  const BusAddress port = kPlatformMap.ecam + Bytes{1u << 15};
  EXPECT_EQ(platform.mmio_read(port, 4), platform.config_read(pcie::Bdf{0, 0, 1, 0}, Bytes{0}, 4));
  platform.mmio_write(port + Bytes{config::kInterruptLine}, 1, 0x42);
  EXPECT_EQ(platform.config_read(pcie::Bdf{0, 0, 1, 0}, Bytes{config::kInterruptLine}, 1), 0x42u);
}

TEST(MachineConfig, ImpossibleMachinesAreRefusedWithASentence) {
  Watch seen;
  const auto build = [&](const MachineConfig& machine_config) {
    Script::State state;
    Machine machine{machine_config, seen,
                    [&](unsigned, const EndpointConfig&) { return std::make_unique<Script>(state); }};
  };
  MachineConfig machine_config;
  machine_config.topology = "ring";
  EXPECT_THROW(build(machine_config), Error);
  machine_config = {};
  machine_config.dram_size = Bytes{5000};
  EXPECT_THROW(build(machine_config), Error);
  machine_config = {};
  machine_config.link.lanes = 5;
  EXPECT_THROW(build(machine_config), Error);
  machine_config = {};
  machine_config.faults.push_back({MachineFault::Kind::LinkDown, 1, pcie::Phase::Steady, Time{0}});
  EXPECT_THROW(build(machine_config), Error);
  EXPECT_NO_THROW(build(MachineConfig{}));
}

}  // namespace
}  // namespace holdover::sim
