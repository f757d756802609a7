// SPDX-License-Identifier: MIT
// Each error sets the bits that name it, is logged with its header, and is told by the message that it deserves
// (PCIe 5.0, 6.2 and 7.8.4).
#include "tests/rtl/config_errors_fixture.h"

namespace holdover::rtl_test {
namespace {

namespace config = pcie::config;
using pcie::CompletionStatus;
using pcie::TlpKind;

class ConfigErrors : public ConfigErrorsFixture {};

TEST_F(ConfigErrors, TheRegistersStartAtTheirDefaults) {
  EXPECT_EQ(uncorrectable(), 0u);
  EXPECT_EQ(read(kAer + config::kAerUncorrectableMask), 0u);
  EXPECT_EQ(read(kAer + config::kAerUncorrectableSeverity), 0x0004'0010u);
  EXPECT_EQ(correctable(), 0u);
  EXPECT_EQ(read(kAer + config::kAerCorrectableMask), config::kAerAdvisoryNonFatal);
  EXPECT_EQ(pointer(), 0u);  // no ECRC, one header
}

TEST_F(ConfigErrors, AWriteThatNobodyTakesIsUnsupportedAndNotAdvisory) {
  report_all();
  const pcie::Tlp request = memory_write(kBar2 - 64);
  EXPECT_FALSE(send(request).to_core);
  EXPECT_EQ(message(), pcie::kMessageErrorNonFatal);
  EXPECT_EQ(uncorrectable(), config::kAerUnsupported);
  EXPECT_EQ(correctable(), 0u);
  EXPECT_EQ(device_status(), 0xau);
  EXPECT_EQ(pointer(), 20u);
  EXPECT_EQ(logged(), pcie::encode_header(request));
}

TEST_F(ConfigErrors, AReadThatIsAnsweredIsAdvisoryAndMaskedAtFirst) {
  report_all();
  const Fate fate = send(memory_read(kBar2 - 64));
  ASSERT_TRUE(fate.completion);
  EXPECT_EQ(correctable(), config::kAerAdvisoryNonFatal);
  EXPECT_EQ(uncorrectable(), 0u);
  EXPECT_EQ(device_status(), 0x9u);
  settle();
  EXPECT_TRUE(messages.empty());
}

TEST_F(ConfigErrors, AnAdvisoryErrorThatIsNotMaskedIsLoggedAndToldAsCorrectable) {
  report_all();
  unmask_advisory();
  const pcie::Tlp request = memory_read(kBar2 - 64);
  send(request);
  EXPECT_EQ(message(), pcie::kMessageErrorCorrectable);
  EXPECT_EQ(messages.front().kind, TlpKind::Message);
  EXPECT_EQ(messages.front().message_routing, 0u);
  EXPECT_EQ(messages.front().requester, kFunction);
  EXPECT_EQ(uncorrectable(), config::kAerUnsupported);
  EXPECT_EQ(logged(), pcie::encode_header(request));
}

TEST_F(ConfigErrors, ASeverityOfFatalTakesTheAdvisoryAway) {
  report_all();
  write(kAer + config::kAerUncorrectableSeverity, config::kAerUnsupported);
  send(memory_read(kBar2 - 64));
  EXPECT_EQ(message(), pcie::kMessageErrorFatal);
  EXPECT_EQ(device_status(), 0xcu);
  EXPECT_EQ(correctable(), 0u);
}

TEST_F(ConfigErrors, AMaskedErrorIsSetButNeitherLoggedNorTold) {
  report_all();
  write(kAer + config::kAerUncorrectableMask, config::kAerUnsupported);
  send(memory_write(kBar2 - 64));
  EXPECT_EQ(uncorrectable(), config::kAerUnsupported);
  EXPECT_EQ(device_status(), 0xau);
  EXPECT_EQ(pointer(), 0u);
  EXPECT_EQ(logged(), pcie::TlpHeader{});
  settle();
  EXPECT_TRUE(messages.empty());
}

TEST_F(ConfigErrors, TheFirstErrorStaysInTheLogUntilItIsServed) {
  const pcie::Tlp first = memory_write(kBar2 - 64);
  pcie::Tlp second = memory_write(kBar2);
  second.poisoned = true;
  send(first);
  send(second);
  EXPECT_EQ(uncorrectable(), config::kAerUnsupported | config::kAerPoisoned);
  EXPECT_EQ(pointer(), 20u);
  EXPECT_EQ(logged(), pcie::encode_header(first));
  write(kAer + config::kAerUncorrectableStatus, config::kAerUnsupported);
  EXPECT_EQ(uncorrectable(), config::kAerPoisoned);
  send(second);
  EXPECT_EQ(pointer(), 12u);
  EXPECT_EQ(logged(), pcie::encode_header(second));
}

TEST_F(ConfigErrors, PoisonedWritesAreLostSoTheyAreNotAdvisory) {
  report_all();
  pcie::Tlp request = memory_write(kBar2);
  request.poisoned = true;
  send(request);
  EXPECT_EQ(message(), pcie::kMessageErrorNonFatal);
  EXPECT_EQ(uncorrectable(), config::kAerPoisoned);
  EXPECT_EQ(read(4) >> 16, 0x8010u);
}

TEST_F(ConfigErrors, APoisonedReadRequestIsAsGoodAsAny) {
  pcie::Tlp request = memory_read(kBar2);
  request.poisoned = true;  // there is no data that it could speak of
  EXPECT_TRUE(send(request).to_core);
  EXPECT_EQ(device_status(), 0u);
}

TEST_F(ConfigErrors, PoisonedCompletionsAreAdvisory) {
  report_all();
  unmask_advisory();
  pcie::Tlp bad = completion();
  bad.poisoned = true;
  bad_completion(false, bad);
  EXPECT_EQ(message(), pcie::kMessageErrorCorrectable);
  EXPECT_EQ(uncorrectable(), config::kAerPoisoned);
  EXPECT_EQ(logged(), pcie::encode_header(bad));
}

TEST_F(ConfigErrors, UnexpectedCompletionsAreAdvisory) {
  report_all();
  unmask_advisory();
  bad_completion(true, completion());
  EXPECT_EQ(message(), pcie::kMessageErrorCorrectable);
  EXPECT_EQ(uncorrectable(), config::kAerUnexpectedCompletion);
  EXPECT_EQ(pointer(), 16u);
  EXPECT_EQ(logged(), pcie::encode_header(completion()));
}

TEST_F(ConfigErrors, ACompletionTimeoutIsNonFatal) {
  report_all();
  time_out();
  EXPECT_EQ(message(), pcie::kMessageErrorNonFatal);
  EXPECT_EQ(uncorrectable(), config::kAerCompletionTimeout);
  EXPECT_EQ(pointer(), 14u);
}

TEST_F(ConfigErrors, ReadsBehindTheEndOfTheCardMemoryAreAborted) {
  top->strap_bar2_size_log2_i = 17;
  restart();
  write(0x10, kBar0);
  write(0x18, 0x0002'0000);
  write(0x1c, 0x80);
  write(0x04, 0x0006, 0x3);
  EXPECT_TRUE(send(memory_read(0x80'0002'fffc)).to_core);
  const Fate fate = send(memory_read(0x80'0003'0000));
  EXPECT_FALSE(fate.to_core);
  ASSERT_TRUE(fate.completion);
  EXPECT_EQ(fate.completion->status, CompletionStatus::CompleterAbort);
  EXPECT_EQ(read(4) >> 16, 0x0810u);  // Signaled Target Abort
  EXPECT_EQ(correctable(), config::kAerAdvisoryNonFatal);
  send(memory_write(0x80'0003'0000));  // nobody is told, so this one is not advisory
  EXPECT_EQ(uncorrectable(), config::kAerCompleterAbort);
  EXPECT_EQ(device_status(), 0x3u);
}

TEST_F(ConfigErrors, MalformedRequestsAreDroppedAndFatal) {
  struct Case {
    const char* what;
    pcie::Tlp request;
  };
  pcie::Tlp last_of_one = memory_read(kBar2);
  last_of_one.last_be = 1;
  pcie::Tlp no_first = memory_read(kBar2, 4, 0x0, 0xf);
  pcie::Tlp no_last = memory_read(kBar2, 4, 0xf, 0x0);
  pcie::Tlp gap = memory_read(kBar2, 4, 0x9, 0xf);
  pcie::Tlp odd_gap = memory_read(kBar2 + 4, 2, 0x5, 0xf);
  pcie::Tlp crossing = memory_read(kBar2 + 0xff8, 4, 0xf, 0xf);
  pcie::Tlp large = memory_write(kBar2, 33);
  for (const Case& bad :
       {Case{"last byte enables of one double word", last_of_one}, Case{"no first byte enables", no_first},
        Case{"no last byte enables", no_last}, Case{"a gap among four", gap}, Case{"a gap across quad words", odd_gap},
        Case{"over a multiple of 4 KiB", crossing}, Case{"above Max_Payload_Size", large}}) {
    SCOPED_TRACE(bad.what);
    restart();
    assign();
    report_all();
    messages.clear();
    const Fate fate = send(bad.request, pcie::has_payload(bad.request.kind) ? 17 : 1);
    EXPECT_FALSE(fate.to_core);
    EXPECT_FALSE(fate.completion);
    EXPECT_EQ(uncorrectable(), config::kAerMalformed);
    EXPECT_EQ(device_status(), 0x4u);
    EXPECT_EQ(message(), pcie::kMessageErrorFatal);
    EXPECT_EQ(logged(), pcie::encode_header(bad.request));
  }
  restart();
  assign();
  EXPECT_TRUE(send(memory_read(kBar2, 2, 0x5, 0xa)).to_core) << "gaps in one quad word";
  EXPECT_TRUE(send(memory_read(kBar2, 1, 0x0)).to_core) << "length zero";
  EXPECT_TRUE(send(memory_write(kBar2, 32), 16).to_core) << "Max_Payload_Size";
  EXPECT_TRUE(send(memory_read(kBar2 + 0xff0, 4, 0xf, 0xf)).to_core) << "up to a multiple of 4 KiB";
  EXPECT_EQ(uncorrectable(), 0u);
}

TEST_F(ConfigErrors, CompletionsAboveTheMaximumPayloadSizeAreMalformedAndDroppedWhole) {
  pcie::Tlp large = completion();
  pcie::Tlp next = completion();
  for (const unsigned payload : {0u, 1u, 2u}) {
    SCOPED_TRACE(payload);
    restart();
    assign();
    messages.clear();
    write(kExpress + 8, (kReportAll & ~0xe0u) | payload << 5, 0x3);
    const auto limit = static_cast<std::uint16_t>(32u << payload);
    large.length_dw = static_cast<std::uint16_t>(limit + 1);
    next.length_dw = limit;
    top->core_rx_cpl_ready_i = 0;  // what is dropped waits for nobody
    EXPECT_FALSE(send_completion(large, limit / 2 + 1));
    top->core_rx_cpl_ready_i = 1;
    EXPECT_EQ(message(), pcie::kMessageErrorFatal);
    EXPECT_EQ(uncorrectable(), config::kAerMalformed);
    EXPECT_EQ(device_status(), 0x4u);
    EXPECT_EQ(logged(), pcie::encode_header(large));
    EXPECT_TRUE(send_completion(next, limit / 2));
    large.length_dw = 1024;  // reads 0
    EXPECT_FALSE(send_completion(large, 512));
    settle();
    EXPECT_EQ(messages.size(), 2u);
  }
  restart();
  pcie::Tlp no_data = completion();
  no_data.kind = TlpKind::Completion;
  no_data.length_dw = 0;
  EXPECT_TRUE(send_completion(no_data)) << "length 0 is no data here";
  EXPECT_EQ(uncorrectable(), 0u);
}

TEST_F(ConfigErrors, ACompletionThatIsDroppedSetsNoBitForItsStatus) {
  pcie::Tlp large = completion();
  large.length_dw = 33;
  large.poisoned = true;
  large.status = CompletionStatus::CompleterAbort;
  EXPECT_FALSE(send_completion(large, 17));
  EXPECT_EQ(read(4) >> 16, 0x0010u);
}

TEST_F(ConfigErrors, AMalformedConfigurationRequestIsNotAnswered) {
  pcie::Tlp request = config_request(TlpKind::ConfigWrite0, 4);
  request.last_be = 1;
  top->rx_cfg_valid_i = 1;
  drive_header(top->rx_cfg_header_i, pcie::encode_header(request));
  top->rx_cfg_data_i = 0;
  clock();
  top->rx_cfg_valid_i = 0;
  for (unsigned n = 0; n < 20; ++n) {
    EXPECT_FALSE(top->tx_cfg_valid_o);
    clock();
  }
  EXPECT_TRUE(top->fn_bus_master_o);
  EXPECT_EQ(uncorrectable(), config::kAerMalformed);
}

TEST_F(ConfigErrors, OnlyTheFundamentalResetForgetsTheLog) {
  const pcie::Tlp request = memory_write(kBar2 - 64);
  send(request);
  write(kAer + config::kAerUncorrectableMask, config::kAerPoisoned);
  write(kAer + config::kAerUncorrectableSeverity, config::kAerUnsupported);
  write(kAer + config::kAerCorrectableMask, 0);
  const auto kept = [&] {
    EXPECT_EQ(uncorrectable(), config::kAerUnsupported);
    EXPECT_EQ(read(kAer + config::kAerUncorrectableMask), config::kAerPoisoned);
    EXPECT_EQ(read(kAer + config::kAerUncorrectableSeverity), config::kAerUnsupported);
    EXPECT_EQ(read(kAer + config::kAerCorrectableMask), 0u);
    EXPECT_EQ(pointer(), 20u);
    EXPECT_EQ(logged(), pcie::encode_header(request));
    EXPECT_EQ(device_status(), 0u) << "Device Status is not sticky";
  };
  write(kExpress + 8, 0x8000, 0x3);
  while (top->function_reset_o) clock();
  kept();
  top->hot_reset_i = 1;
  clock();
  top->hot_reset_i = 0;
  while (top->function_reset_o) clock();
  kept();
  restart();
  EXPECT_EQ(uncorrectable(), 0u);
  EXPECT_EQ(read(kAer + config::kAerUncorrectableMask), 0u);
  EXPECT_EQ(logged(), pcie::TlpHeader{});
}

TEST_F(ConfigErrors, RequestsDuringAFunctionResetLeaveNoTrace) {
  top->core_req_ready_i = 0;
  write(kExpress + 8, 0x8000, 0x3);
  EXPECT_TRUE(top->function_reset_o);
  send(memory_write(kBar2 - 64));
  EXPECT_TRUE(top->function_reset_o);
  while (top->function_reset_o) clock();
  EXPECT_EQ(uncorrectable(), 0u);
  EXPECT_EQ(device_status(), 0u);
}

TEST_F(ConfigErrors, IntxDisableIsShown) {
  EXPECT_FALSE(top->fn_intx_disable_o);
  write(0x04, 0x0406, 0x3);
  EXPECT_TRUE(top->fn_intx_disable_o);
}

}  // namespace
}  // namespace holdover::rtl_test
