// SPDX-License-Identifier: MIT
// Each non-posted request gets one complete, successful set of completions, or the difference has a name.
#include "bench/ledger/request_ledger.h"

#include "tests/support/bench_scene.h"

namespace holdover::bench::testing {
namespace {

class Requests : public BenchScene {
 protected:
  Requests() : ledger(scene, evidence, us(50)) {}

  void read(std::uint16_t tag, std::uint16_t dwords = 32) {
    pcie::Tlp tlp;
    tlp.kind = pcie::TlpKind::MemoryRead;
    tlp.tag = tag;
    tlp.address = 0x1000;
    tlp.length_dw = dwords;
    tlp.first_be = 0xf;
    tlp.last_be = dwords > 1 ? 0xf : 0;
    ledger.on_transmit(us(1), 0, tlp);
  }
  static pcie::Tlp completion(std::uint16_t tag, std::uint16_t dwords, std::uint16_t byte_count) {
    pcie::Tlp tlp;
    tlp.kind = pcie::TlpKind::CompletionData;
    tlp.tag = tag;
    tlp.length_dw = dwords;
    tlp.byte_count = byte_count;
    tlp.payload.resize(dwords * 4u);
    return tlp;
  }

  RequestLedger ledger;
};

TEST_F(Requests, ASplitCompletionIsWhole) {
  read(5);
  ledger.on_receive(us(2), 0, completion(5, 16, 128));
  ledger.on_receive(us(3), 0, completion(5, 16, 64));
  ledger.on_end(us(4), true);
  EXPECT_EQ(count(Check::Protocol), 0u) << first(Check::Protocol);
  EXPECT_EQ(ledger.completed(), 1u);
}

TEST_F(Requests, WhileTrafficRunsAReadIsMissingOnceTheEndpointGaveItUp) {
  read(5);  // at 1 us
  ledger.on_end(us(50), false);
  EXPECT_EQ(count(Check::Protocol), 0u) << first(Check::Protocol);
  ledger.on_end(us(51), false);
  EXPECT_NE(first(Check::Protocol).find("was never completed"), std::string::npos);
}

TEST_F(Requests, AMissingPartIsFound) {
  read(5);
  ledger.on_receive(us(2), 0, completion(5, 16, 128));
  ledger.on_end(us(4), true);
  EXPECT_NE(first(Check::Protocol).find("was never completed"), std::string::npos);
}

TEST_F(Requests, AnUnsuccessfulAnswerIsFound) {
  read(5);
  pcie::Tlp answer = completion(5, 0, 128);
  answer.kind = pcie::TlpKind::Completion;
  answer.status = pcie::CompletionStatus::UnsupportedRequest;
  ledger.on_receive(us(2), 0, answer);
  EXPECT_NE(first(Check::Protocol).find("was answered with "), std::string::npos);
}

TEST_F(Requests, APoisonedAnswerIsFound) {
  read(5);
  pcie::Tlp answer = completion(5, 32, 128);
  answer.poisoned = true;
  ledger.on_receive(us(2), 0, answer);
  EXPECT_NE(first(Check::Protocol).find("poisoned"), std::string::npos);
}

TEST_F(Requests, ACompletionThatNobodyAskedForIsFound) {
  ledger.on_receive(us(2), 0, completion(9, 32, 128));
  EXPECT_NE(first(Check::Protocol).find("which asked for nothing under it"), std::string::npos);
}

TEST_F(Requests, ATagInUseTwiceIsFound) {
  read(5);
  read(5);
  EXPECT_NE(first(Check::Protocol).find("was not complete when its tag was used again"), std::string::npos);
}

TEST_F(Requests, ARefusedRequestNamesThePlace) {
  pcie::Tlp tlp;
  tlp.kind = pcie::TlpKind::MemoryWrite;
  tlp.length_dw = 1;
  tlp.payload.resize(4);
  ledger.on_refused(us(2), 0, kRootPort, tlp, "bus mastering is off");
  EXPECT_NE(first(Check::Protocol).find("was refused at 0000:00:01.0 (root port 0): bus mastering is off"),
            std::string::npos);
}

class ClearedErrors : public BenchScene {};

TEST_F(ClearedErrors, ErrorsThatTheHostClearedInTheWindowAreFound) {
  RequestLedger ledger(scene, evidence, us(50));
  open_window(us(1));
  const ConfigShadow clean;
  ConfigShadow dirty;
  dirty.set(0x04, 0x2000'0000);
  ledger.judge_cleared_errors(us(2), 0, dirty, dirty, clean);  // it was there before the window
  ledger.judge_cleared_errors(us(2), 0, clean, dirty, dirty);  // and goes on: the window's end will tell
  EXPECT_EQ(count(Check::Protocol), 0u) << first(Check::Protocol);
  ledger.judge_cleared_errors(us(3), 0, clean, dirty, clean);
  EXPECT_EQ(first(Check::Protocol),
            "0000:03:00.0 (endpoint 0) had recorded errors, which kernel A cleared: Received Master Abort");
}

TEST_F(ClearedErrors, ErrorsThatAdvancedErrorReportingNamesAreFound) {
  RequestLedger ledger(scene, evidence, us(50));
  open_window(us(1));
  std::vector<ConfigShadow> before;
  for (std::size_t i = 0; i < scene.functions().size(); ++i) {
    std::vector<std::byte> bytes(4096);
    bytes[0x100] = std::byte{1};  // Advanced Error Reporting, alone in its list
    bytes[0x102] = std::byte{2};
    before.emplace_back(bytes);
  }
  std::vector<ConfigShadow> after = before;
  ledger.judge_error_bits(us(9), before, after);
  EXPECT_EQ(count(Check::Protocol), 0u) << first(Check::Protocol);
  after[scene.function_of(0)].set(0x104, 0x0000'4000);
  after[scene.function_of(0)].set(0x110, 0x0000'2000);
  ledger.judge_error_bits(us(9), before, after);
  EXPECT_NE(first(Check::Protocol).find("recorded errors: Completion Timeout, Advisory Non-Fatal Error"),
            std::string::npos)
      << first(Check::Protocol);
}

}  // namespace
}  // namespace holdover::bench::testing
