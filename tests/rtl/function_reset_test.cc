// SPDX-License-Identifier: MIT
// What each reset keeps and clears (PCIe 5.0, 6.6), and which memory requests reach the core.
#include "tests/rtl/config_space_fixture.h"

namespace holdover::rtl_test {
namespace {

using pcie::CompletionStatus;
using pcie::TlpKind;

class FunctionReset : public ConfigSpaceFixture {
 protected:
  static constexpr std::uint32_t kInitiateFlr = 0x8000;

  // Max_Payload_Size 256, relaxed ordering off; ASPM, RCB and common clock on; target speed 2.
  void configure() {
    assign();
    write(kExpress + 8, 0x0000'2820, 0x3);
    write(kExpress + 0x10, 0x0000'004b, 0x3);
    write(kExpress + 0x30, 0x0000'0002, 0x3);
    write(kMsix, 0xc000'0000, 0x8);
  }
};

TEST_F(FunctionReset, FlrKeepsThePayloadSizeAndTheLinksControls) {
  configure();
  write(kExpress + 8, kInitiateFlr | 0x2820, 0x3);
  EXPECT_EQ(read(kExpress + 8) & 0xffff, 0x2830u);  // relaxed ordering is back at its default
  EXPECT_EQ(read(kExpress + 0x10) & 0xffff, 0x004bu);
  EXPECT_EQ(top->fn_aspm_o, 3u);
  EXPECT_EQ(read(kExpress + 0x30) & 0xffff, 0x0002u);
  EXPECT_EQ(read(0x04) & 0xffff, 0u);
  EXPECT_EQ(read(0x10), 0u);
  EXPECT_EQ(read(0x18), 0xcu);
  EXPECT_FALSE(top->fn_msix_enable_o || top->fn_msix_mask_o);
  EXPECT_EQ(top->fn_bdf_o, kFunction);
}

TEST_F(FunctionReset, FlrBeginsWhenItsRequestIsCompletedAndLastsUntilTheCoreIsClean) {
  configure();
  top->tx_cfg_ready_i = 0;
  top->rx_cfg_valid_i = 1;
  drive_header(top->rx_cfg_header_i, pcie::encode_header(config_request(TlpKind::ConfigWrite0, kExpress + 8)));
  top->rx_cfg_data_i = kInitiateFlr;
  clock();
  top->rx_cfg_valid_i = 0;
  for (unsigned n = 0; n < 20; ++n) clock();
  EXPECT_TRUE(top->tx_cfg_valid_o);
  EXPECT_FALSE(top->function_reset_o);
  EXPECT_TRUE(top->fn_bus_master_o);
  top->tx_cfg_ready_i = 1;
  clock();
  clock();
  unsigned clocks = 0;
  for (; top->function_reset_o && clocks < 1000; ++clocks) {
    EXPECT_TRUE(top->fn_flr_o);
    EXPECT_FALSE(top->fn_bus_master_o);
    EXPECT_FALSE(top->rx_cfg_ready_o);
    clock();
  }
  EXPECT_GE(clocks, kWipeClocks - 2);
  EXPECT_LT(clocks, kWipeClocks + 4);
  EXPECT_FALSE(top->fn_flr_o);
  EXPECT_EQ(read(0x00), 0x0d17'1172u);
}

TEST_F(FunctionReset, HotResetForgetsAllButTheStickyLinkControl2) {
  configure();
  top->hot_reset_i = 1;
  for (unsigned n = 0; n < 2 * kWipeClocks; ++n) clock();
  EXPECT_TRUE(top->function_reset_o);  // as long as it lasts
  EXPECT_FALSE(top->fn_flr_o);
  top->hot_reset_i = 0;
  while (top->function_reset_o) clock();
  EXPECT_EQ(top->fn_bdf_o, 0u);
  EXPECT_EQ(read(kExpress + 8) & 0xffff, 0x2810u);
  EXPECT_EQ(read(kExpress + 0x10) & 0xffff, 0u);
  EXPECT_EQ(read(kExpress + 0x30) & 0xffff, 0x0002u);
  EXPECT_EQ(read(0x04) & 0xffff, 0u);
}

TEST_F(FunctionReset, LinkDownIsAConventionalReset) {
  configure();
  top->link_up_i = 0;
  clock();
  clock();
  EXPECT_TRUE(top->function_reset_o);
  EXPECT_FALSE(top->fn_bus_master_o);
  EXPECT_FALSE(top->fn_rcb_o);
  EXPECT_EQ(top->fn_aspm_o, 0u);
  top->link_up_i = 1;
  while (top->function_reset_o) clock();
  EXPECT_EQ(top->fn_max_payload_o, 0u);
}

TEST_F(FunctionReset, FundamentalResetForgetsEverything) {
  configure();
  restart();
  EXPECT_EQ(read(kExpress + 0x30) & 0xffff, 0x0003u);
  EXPECT_EQ(read(kExpress + 0x10) & 0xffff, 0u);
}

TEST_F(FunctionReset, D3hotKeepsEverythingWhereNoSoftResetSaysSo) {
  configure();
  write(kPower + 4, 3);
  EXPECT_EQ(top->fn_d_state_o, 3u);
  EXPECT_EQ(read(kPower + 4), 0xbu);
  write(kPower + 4, 0);
  EXPECT_FALSE(top->function_reset_o);
  EXPECT_TRUE(top->fn_bus_master_o);
  EXPECT_EQ(read(0x10), kBar0);
}

TEST_F(FunctionReset, LeavingD3hotResetsWhereNoSoftResetIsZero) {
  top->strap_no_soft_reset_i = 0;
  restart();
  configure();
  write(kPower + 4, 3);
  EXPECT_EQ(read(kPower + 4), 0x3u);
  EXPECT_EQ(read(0x10), kBar0);
  write(kPower + 4, 0);
  EXPECT_TRUE(top->function_reset_o);
  EXPECT_FALSE(top->fn_flr_o);
  EXPECT_EQ(read(0x10), 0u);
  EXPECT_EQ(read(kExpress + 8) & 0x00e0, 0x0020u);
}

TEST_F(FunctionReset, AStateThatIsNotThereIsNotEntered) {
  write(kPower + 4, 1);
  EXPECT_EQ(top->fn_d_state_o, 0u);
  write(kPower + 4, 3);
  write(kPower + 4, 2);
  EXPECT_EQ(top->fn_d_state_o, 3u);
}

TEST_F(FunctionReset, LeavingD3hotForAResetMakesNoRequestBeforeTheReset) {
  top->strap_no_soft_reset_i = 0;
  restart();
  configure();
  write(kPower + 4, 3);
  top->tx_cfg_ready_i = 0;
  write(kPower + 4, 0);
  for (unsigned n = 0; n < 5; ++n) {
    EXPECT_TRUE(top->fn_d_state_o == 3 || !top->fn_bus_master_o);
    clock();
  }
  top->tx_cfg_ready_i = 1;
  clock();
  EXPECT_TRUE(top->function_reset_o);
  EXPECT_EQ(read(kPower + 4), 0u);
  EXPECT_EQ(top->fn_d_state_o, 0u);
}

TEST_F(FunctionReset, AConventionalResetDropsACompletionThatHasNotLeft) {
  configure();
  top->tx_cfg_ready_i = 0;
  (void)complete(config_request(TlpKind::ConfigRead0, 0));
  EXPECT_TRUE(top->tx_cfg_valid_o);
  top->hot_reset_i = 1;
  clock();
  top->hot_reset_i = 0;
  top.settle();
  EXPECT_FALSE(top->tx_cfg_valid_o);
  top->tx_cfg_ready_i = 1;
  while (top->function_reset_o) clock();
  EXPECT_EQ(read(0x10), 0u);
}

TEST_F(FunctionReset, APayloadSizeThatIsNotSupportedIsNotUsed) {
  write(kExpress + 8, 0x00e0, 0x1);
  EXPECT_EQ(read(kExpress + 8) & 0x00e0, 0x00e0u);
  EXPECT_EQ(top->fn_max_payload_o, 2u);
}

class BarMatch : public ConfigSpaceFixture {};

// The write came before the one that closes memory decode, and the two streams tell nothing else of their order.
TEST_F(BarMatch, ARequestThatWaitsStaysWhatItWasWhenItCame) {
  assign();
  top->core_req_ready_i = 0;
  top->rx_req_valid_i = 1;
  top->rx_req_sop_i = 1;
  top->rx_req_eop_i = 1;
  drive_header(top->rx_req_header_i, pcie::encode_header(memory_write(kBar0 + 0x3004)));
  clock();
  write(0x04, 0x0004, 0x3);
  write(0x10, kBar0 + 0x100'0000);
  EXPECT_TRUE(top->core_req_valid_o);
  EXPECT_FALSE(top->rx_req_ready_o);
  EXPECT_EQ(top->core_req_bar_o, 0u);
  EXPECT_EQ(top->core_req_offset_o, 0x3004u);
  top->core_req_ready_i = 1;
  top.settle();
  EXPECT_TRUE(top->rx_req_ready_o);
  clock();
  top->rx_req_valid_i = 0;
  EXPECT_EQ(read(kExpress + 8) >> 16 & 0xf, 0u);
  EXPECT_FALSE(send(memory_read(kBar0)).to_core);
}

TEST_F(BarMatch, ARequestThatWaitsThroughAFunctionResetIsNotForTheNewFunction) {
  assign();
  top->core_req_ready_i = 0;
  top->rx_req_valid_i = 1;
  top->rx_req_sop_i = 1;
  top->rx_req_eop_i = 1;
  drive_header(top->rx_req_header_i, pcie::encode_header(memory_write(kBar0 + 0x3004)));
  clock();
  write(kExpress + 8, 0x8000, 0x3);
  while (top->function_reset_o) clock();
  top.settle();
  EXPECT_FALSE(top->core_req_valid_o);
}

TEST_F(BarMatch, RequestsArriveWithTheirBarAndOffset) {
  assign();
  const Fate registers = send(memory_read(kBar0 + 0x3004));
  EXPECT_TRUE(registers.to_core);
  EXPECT_EQ(registers.bar, 0u);
  EXPECT_EQ(registers.offset, 0x3004u);
  const Fate memory = send(memory_write(kBar2 + 0xfffc));
  EXPECT_TRUE(memory.to_core);
  EXPECT_EQ(memory.bar, 2u);
  EXPECT_EQ(memory.offset, 0xfffcu);
}

TEST_F(BarMatch, AReadThatHitsNothingIsAnsweredUnsupported) {
  assign();
  const Fate fate = send(memory_read(kBar0 + 0x1'0008, 3, 0xe, 0x1));
  EXPECT_FALSE(fate.to_core);
  ASSERT_TRUE(fate.completion);
  EXPECT_EQ(fate.completion->kind, TlpKind::Completion);
  EXPECT_EQ(fate.completion->status, CompletionStatus::UnsupportedRequest);
  EXPECT_EQ(fate.completion->byte_count, 8u);
  EXPECT_EQ(fate.completion->lower_address, 9u);
  EXPECT_EQ(fate.completion->tag, 9u);
  EXPECT_EQ(fate.completion->completer, kFunction);
}

TEST_F(BarMatch, AnAtomicOpIsAnsweredUnsupportedWithTheSizeOfItsOperand) {
  assign();
  struct Case {
    std::uint32_t format_and_type;
    std::uint16_t length_dw;
    unsigned operand;
  };
  for (const Case& each : {Case{0x4c, 1, 4}, Case{0x4c, 2, 8}, Case{0x4d, 1, 4}, Case{0x4d, 2, 8}, Case{0x4e, 2, 4},
                           Case{0x4e, 4, 8}, Case{0x4e, 8, 16}}) {
    SCOPED_TRACE(each.format_and_type);
    pcie::TlpHeader header = pcie::encode_header(memory_read(kBar0 + 8, each.length_dw));
    header[0] = header[0] % (1u << 24) + (each.format_and_type << 24);
    top->tx_cpl_ready_i = 0;  // the answer waits for the last beat
    const Fate fate = send(header, (each.length_dw + 1) / 2);
    top->tx_cpl_ready_i = 1;
    clock();
    EXPECT_FALSE(fate.to_core);
    ASSERT_TRUE(fate.completion);
    EXPECT_EQ(fate.completion->status, CompletionStatus::UnsupportedRequest);
    EXPECT_EQ(fate.completion->byte_count, each.operand);
    EXPECT_EQ(fate.completion->lower_address, 0u);
  }
}

TEST_F(BarMatch, AWriteThatHitsNothingIsDroppedAndRemembered) {
  assign();
  const Fate fate = send(memory_write(kBar2 - 64, 16), 8);
  EXPECT_FALSE(fate.to_core);
  EXPECT_FALSE(fate.completion);
  EXPECT_EQ(read(kExpress + 8) >> 16 & 0xf, 0xau);  // Unsupported Request, non-fatal
  EXPECT_TRUE(send(memory_read(kBar0)).to_core);
}

TEST_F(BarMatch, NothingIsHitWithoutMemoryDecodeOrInD3hot) {
  assign();
  write(0x04, 0x0004, 0x3);
  EXPECT_FALSE(send(memory_read(kBar0)).to_core);
  write(0x04, 0x0006, 0x3);
  EXPECT_TRUE(send(memory_read(kBar0)).to_core);
  write(kPower + 4, 3);
  const Fate fate = send(memory_read(kBar0));
  EXPECT_FALSE(fate.to_core);
  EXPECT_TRUE(fate.completion);
}

TEST_F(BarMatch, APoisonedWriteDoesNotReachTheCore) {
  assign();
  pcie::Tlp request = memory_write(kBar2);
  request.poisoned = true;
  EXPECT_FALSE(send(request).to_core);
  EXPECT_EQ(read(0x04) >> 16, 0x8010u);
  EXPECT_EQ(read(kExpress + 8) >> 16 & 0xf, 0x2u);
}

TEST_F(BarMatch, AnAnswerOfItsOwnDoesNotCutTheCoresPacket) {
  assign();
  const pcie::Tlp core_packet{
      .kind = TlpKind::CompletionData, .length_dw = 4, .tag = 1, .byte_count = 16, .payload = {}};
  top->tx_cpl_ready_i = 0;
  top->core_cpl_valid_i = 1;
  top->core_cpl_sop_i = 1;
  top->core_cpl_eop_i = 0;
  drive_header(top->core_cpl_header_i, pcie::encode_header(core_packet));
  clock();
  top->rx_req_valid_i = 1;
  top->rx_req_sop_i = 1;
  top->rx_req_eop_i = 1;
  drive_header(top->rx_req_header_i, pcie::encode_header(memory_read(0x1000)));
  clock();
  top->rx_req_valid_i = 0;
  const auto tag = [&] { return pcie::decode_header(sample_header(top->tx_cpl_header_o)).value_or(pcie::Tlp{}).tag; };
  for (unsigned n = 0; n < 3; ++n) {
    EXPECT_TRUE(top->tx_cpl_valid_o && top->tx_cpl_sop_o && !top->tx_cpl_eop_o);
    EXPECT_EQ(tag(), 1u);
    clock();
  }
  top->tx_cpl_ready_i = 1;
  clock();
  top->core_cpl_sop_i = 0;
  top->core_cpl_valid_i = 0;
  clock();
  EXPECT_FALSE(top->tx_cpl_valid_o);  // a gap inside the packet is still the packet
  top->core_cpl_valid_i = 1;
  top->core_cpl_eop_i = 1;
  top.settle();
  EXPECT_TRUE(top->core_cpl_ready_o);
  clock();
  top->core_cpl_valid_i = 0;
  top.settle();
  EXPECT_TRUE(top->tx_cpl_valid_o && top->tx_cpl_sop_o && top->tx_cpl_eop_o);
  EXPECT_EQ(tag(), 9u);
}

}  // namespace
}  // namespace holdover::rtl_test
