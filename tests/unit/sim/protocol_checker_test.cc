// SPDX-License-Identifier: MIT
#include "sim/protocol_checker.h"

#include <gmock/gmock.h>

#include <set>
#include <string>
#include <vector>

namespace holdover::sim {
namespace {

using pcie::CompletionStatus;
using pcie::Tlp;
using pcie::TlpKind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr pcie::RequesterId kEndpoint = 0x0100;
constexpr pcie::RequesterId kHost = 0x0000;

FunctionState working_state() {
  FunctionState state;
  state.bdf = kEndpoint;
  state.bus_master = true;
  state.memory = true;
  state.max_payload = 1;       // 256 bytes
  state.max_read_request = 2;  // 512 bytes
  state.extended_tag = true;
  state.relaxed_ordering = true;
  return state;
}

Tlp read(std::uint64_t address, unsigned bytes, std::uint16_t tag = 3) {
  Tlp tlp;
  tlp.requester = kEndpoint;
  tlp.tag = tag;
  tlp.address = address;
  tlp.length_dw = static_cast<std::uint16_t>(bytes / 4);
  tlp.first_be = 0xf;
  tlp.last_be = bytes > 4 ? 0xf : 0;
  return tlp;
}

Tlp write(std::uint64_t address, unsigned bytes) {
  Tlp tlp = read(address, bytes, 0);
  tlp.kind = TlpKind::MemoryWrite;
  tlp.payload.resize(bytes);
  return tlp;
}

Tlp config_read() {
  Tlp tlp;
  tlp.kind = TlpKind::ConfigRead0;
  tlp.requester = kHost;
  tlp.tag = 9;
  tlp.target = kEndpoint;
  tlp.length_dw = 1;
  tlp.first_be = 0xf;
  return tlp;
}

Tlp pme() {
  Tlp tlp;
  tlp.kind = TlpKind::Message;
  tlp.requester = kEndpoint;
  tlp.message_code = 0x18;
  return tlp;
}

// The completion for `bytes` of a request from `offset` on, `left` bytes before it.
Tlp completion(const Tlp& request, unsigned left, unsigned bytes) {
  Tlp tlp;
  tlp.kind = TlpKind::CompletionData;
  tlp.requester = request.requester;
  tlp.tag = request.tag;
  tlp.completer = request.requester == kEndpoint ? kHost : kEndpoint;
  tlp.attributes = request.attributes;
  tlp.byte_count = static_cast<std::uint16_t>(left);
  if (request.kind == TlpKind::MemoryRead) {
    const std::uint64_t end = pcie::first_byte_address(request) + pcie::enabled_bytes(request).count();
    tlp.lower_address = static_cast<std::uint8_t>((end - left) & 0x7f);
  }
  tlp.length_dw = static_cast<std::uint16_t>(((tlp.lower_address & 3u) + bytes + 3) / 4);
  tlp.payload.resize(tlp.length_dw * 4u);
  return tlp;
}

Tlp failure(const Tlp& request, CompletionStatus status) {
  Tlp tlp = completion(request, 4, 4);
  tlp.kind = TlpKind::Completion;
  tlp.status = status;
  tlp.length_dw = 0;
  tlp.payload.clear();
  return tlp;
}

class ProtocolCheckerTest : public ::testing::Test {
 protected:
  void tx(const Tlp& tlp) { checker_.observe(now_, 0, Direction::Tx, tlp, state_); }
  void rx(const Tlp& tlp) { checker_.observe(now_, 0, Direction::Rx, tlp, state_); }
  void tx_raw(const Tlp& tlp, const pcie::TlpHeader& raw) {
    checker_.observe(now_, 0, Direction::Tx, tlp, state_, &raw);
  }
  [[nodiscard]] std::vector<std::string> broken() const {
    std::vector<std::string> names;
    for (const Violation& violation : violations_) names.push_back(violation.rule);
    return names;
  }

  Time now_ = 1_us;
  FunctionState state_ = working_state();
  std::vector<Violation> violations_;
  ProtocolChecker checker_{1, [this](const Violation& violation) { violations_.push_back(violation); }};
};

TEST_F(ProtocolCheckerTest, ALegalConversationHasNoViolation) {
  const Tlp split = read(0x1'0000'0030, 300, 200);
  tx(split);
  tx(write(0x2000, 256));
  tx(read(0x3000, 4, 4));
  rx(completion(split, 300, 16));
  rx(completion(read(0x3000, 4, 4), 4, 4));
  rx(completion(split, 284, 192));
  rx(config_read());
  tx(completion(config_read(), 4, 4));
  rx(completion(split, 92, 92));
  tx(pme());
  checker_.finish(now_);

  EXPECT_THAT(broken(), IsEmpty());
  EXPECT_EQ(checker_.checked(), 10u);
  EXPECT_EQ(checker_.requests(), 3u);
  EXPECT_EQ(checker_.completed(), 3u);
  EXPECT_EQ(checker_.unsuccessful(), 0u);
}

TEST_F(ProtocolCheckerTest, UnalignedReadsAreCountedToTheByte) {
  Tlp request = read(0x1000, 12);
  request.first_be = 0b1000;
  request.last_be = 0b0011;
  tx(request);
  Tlp answer = completion(request, 7, 7);
  rx(answer);

  EXPECT_EQ(answer.lower_address, 3);
  EXPECT_EQ(answer.length_dw, 3);
  EXPECT_THAT(broken(), IsEmpty());
  EXPECT_EQ(checker_.completed(), 1u);
}

TEST_F(ProtocolCheckerTest, AZeroLengthReadIsAnsweredWithOneByte) {
  Tlp request = read(0x1000, 4);
  request.first_be = 0;
  tx(request);
  Tlp answer = completion(read(0x1000, 4), 4, 4);
  answer.byte_count = 1;
  answer.lower_address = 0;
  rx(answer);

  EXPECT_THAT(broken(), IsEmpty());
  EXPECT_EQ(checker_.completed(), 1u);
}

TEST_F(ProtocolCheckerTest, AnUnsuccessfulCompletionEndsTheRequest) {
  tx(read(0x1000, 64));
  rx(failure(read(0x1000, 64), CompletionStatus::UnsupportedRequest));
  checker_.finish(now_);

  EXPECT_THAT(broken(), IsEmpty());
  EXPECT_EQ(checker_.unsuccessful(), 1u);
}

TEST_F(ProtocolCheckerTest, AFunctionResetForgivesLateAndMissingCompletions) {
  tx(read(0x1000, 64, 1));
  tx(read(0x2000, 64, 2));
  checker_.reset(0, ResetKind::Flr);
  rx(completion(read(0x1000, 64, 1), 64, 64));
  tx(read(0x3000, 64, 2));
  rx(completion(read(0x3000, 64, 2), 64, 64));
  tx(read(0x4000, 64, 5));
  checker_.reset(0, ResetKind::Flr);
  checker_.finish(now_);

  EXPECT_THAT(broken(), IsEmpty());
}

TEST_F(ProtocolCheckerTest, AfterAHotResetNothingIsOutstanding) {
  tx(read(0x1000, 64));
  checker_.reset(0, ResetKind::HotReset);
  rx(completion(read(0x1000, 64), 64, 64));

  EXPECT_THAT(broken(), ElementsAre("P-CPL-UNEXPECTED"));
}

TEST_F(ProtocolCheckerTest, ATagThatIsUsedAgainAfterItsTimeoutSaysThatCompletionsAreMissing) {
  tx(read(0x1000, 64));
  now_ = 60_us;
  tx(read(0x2000, 64));

  EXPECT_THAT(broken(), ElementsAre("P-CPL-MISSING"));
}

TEST_F(ProtocolCheckerTest, TheStateOfTheFirstBeatCounts) {
  FunctionState off = state_;
  off.bus_master = false;
  checker_.observe(now_, 0, Direction::Tx, write(0x1000, 4), state_);
  checker_.observe(now_, 0, Direction::Tx, write(0x1000, 4), off);

  EXPECT_THAT(broken(), ElementsAre("P-BUS-MASTER"));
}

TEST_F(ProtocolCheckerTest, TheSentenceNamesEndpointPacketRuleAndClause) {
  tx(write(0x1000, 512));

  ASSERT_EQ(violations_.size(), 1u);
  EXPECT_EQ(violations_[0].time, now_);
  EXPECT_THAT(violations_[0].sentence, ::testing::HasSubstr("endpoint 0 tx «MWr 01:00.0"));
  EXPECT_THAT(violations_[0].sentence, ::testing::HasSubstr("at most Max_Payload_Size (PCIe 5.0, 2.2.2)"));
}

class Deviations : public ProtocolCheckerTest {
 public:
  using ProtocolCheckerTest::checker_;
  using ProtocolCheckerTest::now_;
  using ProtocolCheckerTest::rx;
  using ProtocolCheckerTest::state_;
  using ProtocolCheckerTest::tx;
  using ProtocolCheckerTest::tx_raw;
};

// One deviation from legality and the rule that must find it, and no other.
struct Case {
  const char* rule;
  void (*act)(Deviations&);
};

template <typename Edit>
Tlp edited(Tlp tlp, Edit edit) {
  edit(tlp);
  return tlp;
}

const Case kCases[] = {
    {"P-FORMAT",
     [](Deviations& t) {
       t.checker_.observe_undecodable(t.now_, 0, Direction::Tx, {0xff00'0000, 0, 0, 0});
     }},
    {"P-FIELD-RANGE", [](Deviations& t) { t.tx(edited(write(0, 4), [](Tlp& w) { w.tag = 0x100; })); }},
    {"P-PAYLOAD-LENGTH", [](Deviations& t) { t.tx(edited(write(0, 64), [](Tlp& w) { w.payload.resize(60); })); }},
    {"P-PAYLOAD-MAX", [](Deviations& t) { t.tx(write(0, 260)); }},
    {"P-ADDRESS-FORMAT",
     [](Deviations& t) {
       pcie::TlpHeader raw = pcie::encode_header(write(0x1000, 4));
       raw[0] |= 1u << 29;
       raw[3] = raw[2];
       raw[2] = 0;
       t.tx_raw(write(0x1000, 4), raw);
     }},
    {"P-RESERVED",
     [](Deviations& t) {
       pcie::TlpHeader raw = pcie::encode_header(write(0x1000, 4));
       raw[0] |= 1u << 19;
       t.tx_raw(write(0x1000, 4), raw);
     }},
    {"P-TRAFFIC-CLASS", [](Deviations& t) { t.tx(edited(write(0, 4), [](Tlp& w) { w.traffic_class = 1; })); }},
    {"P-POISONED", [](Deviations& t) { t.tx(edited(write(0, 4), [](Tlp& w) { w.poisoned = true; })); }},
    {"P-LAST-BE-SINGLE", [](Deviations& t) { t.tx(edited(write(0, 4), [](Tlp& w) { w.last_be = 1; })); }},
    {"P-LAST-BE-ZERO", [](Deviations& t) { t.tx(edited(write(0, 8), [](Tlp& w) { w.last_be = 0; })); }},
    {"P-FIRST-BE-ZERO", [](Deviations& t) { t.tx(edited(write(0, 8), [](Tlp& w) { w.first_be = 0; })); }},
    {"P-BE-CONTIGUOUS", [](Deviations& t) { t.tx(edited(write(4, 8), [](Tlp& w) { w.first_be = 0b0111; })); }},
    {"P-PAGE-CROSSING", [](Deviations& t) { t.tx(write(0xffc, 8)); }},
    {"P-ADDRESS-ALIGNED", [](Deviations& t) { t.tx(write(2, 4)); }},
    {"P-READ-SIZE", [](Deviations& t) { t.tx(read(0, 516)); }},
    {"P-REQUEST-KIND", [](Deviations& t) { t.tx(edited(config_read(), [](Tlp& c) { c.requester = kEndpoint; })); }},
    {"P-REQUESTER-ID", [](Deviations& t) { t.tx(edited(write(0, 4), [](Tlp& w) { w.requester = 0x0200; })); }},
    {"P-TAG-RANGE",
     [](Deviations& t) {
       t.state_.extended_tag = false;
       t.tx(read(0, 4, 31));
       t.tx(read(0, 4, 32));
     }},
    {"P-TAG-REUSE",
     [](Deviations& t) {
       t.tx(read(0, 4, 7));
       t.tx(read(0, 4, 7));
     }},
    {"P-BUS-MASTER",
     [](Deviations& t) {
       t.state_.bus_master = false;
       t.tx(pme());
       t.tx(read(0, 4));
     }},
    {"P-D-STATE",
     [](Deviations& t) {
       t.state_.d_state = 3;
       t.tx(pme());
       t.tx(edited(pme(), [](Tlp& m) { m.message_code = pcie::kMessageErrorNonFatal; }));
       t.tx(write(0, 4));
     }},
    {"P-RELAXED-ORDERING",
     [](Deviations& t) {
       t.tx(edited(write(0, 4), [](Tlp& w) { w.attributes = 2; }));
       t.state_.relaxed_ordering = false;
       t.tx(edited(write(0, 4), [](Tlp& w) { w.attributes = 2; }));
     }},
    {"P-NO-SNOOP", [](Deviations& t) { t.tx(edited(write(0, 4), [](Tlp& w) { w.attributes = 1; })); }},
    {"P-ID-ORDERING", [](Deviations& t) { t.tx(edited(write(0, 4), [](Tlp& w) { w.attributes = 4; })); }},
    {"P-INTERRUPT-SIZE", [](Deviations& t) { t.tx(edited(write(0xfee0'0000, 4), [](Tlp& w) { w.first_be = 3; })); }},
    {"P-INTERRUPT-ATTRIBUTES",
     [](Deviations& t) { t.tx(edited(write(0xfee0'0000, 4), [](Tlp& w) { w.attributes = 2; })); }},
    {"P-CONFIG-LENGTH", [](Deviations& t) { t.rx(edited(config_read(), [](Tlp& c) { c.length_dw = 2; })); }},
    {"P-CONFIG-ATTRIBUTES", [](Deviations& t) { t.rx(edited(config_read(), [](Tlp& c) { c.attributes = 2; })); }},
    {"P-CONFIG-TYPE",
     [](Deviations& t) { t.rx(edited(config_read(), [](Tlp& c) { c.kind = TlpKind::ConfigRead1; })); }},
    {"P-CONFIG-DEVICE", [](Deviations& t) { t.rx(edited(config_read(), [](Tlp& c) { c.target = 0x0108; })); }},
    {"P-MESSAGE", [](Deviations& t) { t.tx(edited(pme(), [](Tlp& m) { m.message_routing = 3; })); }},
    {"P-CPL-UNEXPECTED", [](Deviations& t) { t.rx(completion(read(0, 4), 4, 4)); }},
    {"P-CPL-STATUS",
     [](Deviations& t) {
       t.tx(read(0, 4));
       t.rx(failure(read(0, 4), static_cast<CompletionStatus>(3)));
     }},
    {"P-CPL-DATA-STATUS",
     [](Deviations& t) {
       t.tx(read(0, 4));
       t.rx(edited(completion(read(0, 4), 4, 4), [](Tlp& c) { c.status = CompletionStatus::CompleterAbort; }));
     }},
    {"P-COMPLETER-ID",
     [](Deviations& t) {
       t.rx(config_read());
       t.tx(edited(completion(config_read(), 4, 4), [](Tlp& c) { c.completer = 0x0200; }));
     }},
    {"P-CPL-TRAFFIC-CLASS",
     [](Deviations& t) {
       t.tx(read(0, 4));
       t.rx(edited(completion(read(0, 4), 4, 4), [](Tlp& c) { c.traffic_class = 2; }));
     }},
    {"P-CPL-ATTRIBUTES",
     [](Deviations& t) {
       t.tx(read(0, 4));
       t.rx(edited(completion(read(0, 4), 4, 4), [](Tlp& c) { c.attributes = 2; }));
     }},
    {"P-CPL-KIND",
     [](Deviations& t) {
       t.tx(read(0, 4));
       t.rx(failure(read(0, 4), CompletionStatus::Success));
     }},
    {"P-CPL-RETRY",
     [](Deviations& t) {
       t.tx(read(0, 4));
       t.rx(failure(read(0, 4), CompletionStatus::RequestRetry));
     }},
    {"P-CPL-BYTE-COUNT",
     [](Deviations& t) {
       t.tx(read(0, 128));
       t.rx(edited(completion(read(0, 128), 128, 64), [](Tlp& c) { c.byte_count = 64; }));
     }},
    {"P-CPL-LOWER-ADDRESS",
     [](Deviations& t) {
       t.tx(read(0, 128));
       t.rx(edited(completion(read(0, 128), 128, 64), [](Tlp& c) { c.lower_address = 64; }));
     }},
    {"P-CPL-EXCESS",
     [](Deviations& t) {
       t.tx(read(0, 64));
       t.rx(completion(read(0, 64), 64, 68));
     }},
    {"P-CPL-BOUNDARY",
     [](Deviations& t) {
       t.tx(read(0, 128));
       t.rx(completion(read(0, 128), 128, 32));
     }},
    {"P-CPL-DECODE",
     [](Deviations& t) {
       t.state_.memory = false;
       t.rx(edited(read(0, 4), [](Tlp& r) { r.requester = kHost; }));
       t.tx(completion(edited(read(0, 4), [](Tlp& r) { r.requester = kHost; }), 4, 4));
     }},
    {"P-CPL-D-STATE",
     [](Deviations& t) {
       t.state_.d_state = 3;
       t.rx(edited(read(0, 4), [](Tlp& r) { r.requester = kHost; }));
       t.tx(completion(edited(read(0, 4), [](Tlp& r) { r.requester = kHost; }), 4, 4));
     }},
    {"P-CPL-CONFIG",
     [](Deviations& t) {
       t.rx(config_read());
       t.tx(edited(completion(config_read(), 4, 4), [](Tlp& c) { c.byte_count = 2; }));
     }},
    {"P-CPL-MISSING",
     [](Deviations& t) {
       t.tx(read(0, 128));
       t.rx(completion(read(0, 128), 128, 64));
       t.checker_.finish(t.now_);
     }},
};

TEST(ProtocolRules, EachRuleIsBrokenBySomeDeviationHere) {
  std::set<std::string_view> tried;
  for (const Case& deviation : kCases) tried.insert(deviation.rule);
  std::set<std::string_view> existing;
  for (const ProtocolRule& rule : protocol_rules()) {
    EXPECT_FALSE(rule.clause.empty());
    EXPECT_TRUE(existing.insert(rule.name).second) << rule.name << " twice";
  }

  EXPECT_EQ(tried, existing);
}

class EachDeviation : public Deviations, public ::testing::WithParamInterface<Case> {};

TEST_P(EachDeviation, IsFoundByItsRuleAlone) {
  GetParam().act(*this);

  EXPECT_THAT(broken(), ElementsAre(GetParam().rule));
}

std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  std::string name = info.param.rule;
  for (char& letter : name) {
    if (letter == '-') letter = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Rules, EachDeviation, ::testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace holdover::sim
