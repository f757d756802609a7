// SPDX-License-Identifier: MIT
#include "sim/protocol_checker.h"

#include "protocol_checker_fixture.h"

namespace holdover::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

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
  checker_.finish(now_, Time{0});

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
  checker_.finish(now_, Time{0});

  EXPECT_THAT(broken(), IsEmpty());
  EXPECT_EQ(checker_.unsuccessful(), 1u);
}

TEST_F(ProtocolCheckerTest, ARequestThatIsYoungerThanTheGraceMayStillBeAnswered) {
  tx(read(0x1000, 64, 1));
  now_ += 10_us;
  tx(read(0x2000, 64, 2));
  checker_.finish(now_ + 45_us, 50_us);
  EXPECT_THAT(broken(), ElementsAre("P-CPL-MISSING"));
  rx(completion(read(0x2000, 64, 2), 64, 64));
  EXPECT_THAT(broken(), ElementsAre("P-CPL-MISSING")) << "and the answer to it was asked for";
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
  checker_.finish(now_, Time{0});

  EXPECT_THAT(broken(), IsEmpty());
}

TEST_F(ProtocolCheckerTest, AfterAHotResetNothingIsOutstanding) {
  tx(read(0x1000, 64));
  checker_.reset(0, ResetKind::HotReset);
  rx(completion(read(0x1000, 64), 64, 64));

  EXPECT_THAT(broken(), ElementsAre("P-CPL-EPOCH"));
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

}  // namespace
}  // namespace holdover::sim
