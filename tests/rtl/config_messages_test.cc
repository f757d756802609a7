// SPDX-License-Identifier: MIT
// Which errors are told by messages, and when (PCIe 5.0, 6.2.5 and 5.3.1.4.1).
#include "tests/rtl/config_errors_fixture.h"

namespace holdover::rtl_test {
namespace {

namespace config = pcie::config;

class ConfigMessages : public ConfigErrorsFixture {};

TEST_F(ConfigMessages, MessagesGoByTheEnablesOfDeviceControlAndSerr) {
  struct Case {
    std::uint32_t control;
    std::uint32_t command;
    bool told;
  };
  for (const Case& each : {Case{0x0, 0x006, false}, Case{0x2, 0x006, false}, Case{0x8, 0x006, false},
                           Case{0xa, 0x006, true}, Case{0x0, 0x106, true}, Case{0xd, 0x006, false}}) {
    SCOPED_TRACE(each.control);
    restart();
    assign();
    messages.clear();
    write(kExpress + 8, each.control, 0x1);
    write(0x04, each.command, 0x3);
    send(memory_write(kBar2 - 64));
    EXPECT_EQ(message() == pcie::kMessageErrorNonFatal, each.told);
    EXPECT_EQ((read(4) >> 30 & 1) != 0, each.command == 0x106) << "Signaled System Error";
  }
}

TEST_F(ConfigMessages, ErrorsOfOneSeverityShareTheMessageThatWaits) {
  report_all();
  top->tx_msg_ready_i = 0;
  for (unsigned n = 0; n < 5; ++n) send(memory_write(kBar2 - 64));
  EXPECT_TRUE(top->tx_msg_valid_o);
  top->tx_msg_ready_i = 1;
  settle();
  EXPECT_EQ(messages.size(), 2u);  // the one that was offered, and one for all since
  EXPECT_FALSE(top->tx_msg_valid_o);
}

TEST_F(ConfigMessages, InD3hotErrorsOfWhatComesAreToldAtOnce) {
  report_all();
  unmask_advisory();
  write(kPower + 4, 3);
  send(memory_write(kBar2));
  EXPECT_EQ(message(), pcie::kMessageErrorNonFatal);
  EXPECT_EQ(uncorrectable(), config::kAerUnsupported);
  messages.clear();
  bad_completion(true, completion());
  EXPECT_EQ(message(), pcie::kMessageErrorCorrectable);
}

TEST_F(ConfigMessages, ACompletionTimeoutInD3hotIsToldOnTheReturnToD0) {
  report_all();
  write(kPower + 4, 3);
  time_out();
  settle();
  EXPECT_TRUE(messages.empty());
  EXPECT_EQ(uncorrectable(), config::kAerCompletionTimeout) << "seen at once";
  EXPECT_EQ(device_status(), 0x2u);
  send(memory_write(kBar2));
  EXPECT_EQ(message(), pcie::kMessageErrorNonFatal) << "of the write";
  messages.clear();
  write(kPower + 4, 0);
  EXPECT_EQ(message(), pcie::kMessageErrorNonFatal);
  settle();
  EXPECT_EQ(messages.size(), 1u);
}

TEST_F(ConfigMessages, WhatWaitsForD0AndWhatHappensThereShareAMessage) {
  report_all();
  write(kPower + 4, 3);
  time_out();
  top->tx_msg_ready_i = 0;
  send(memory_write(kBar2));  // its message is offered
  write(kPower + 4, 0);
  send(memory_write(kBar2 - 64));
  top->tx_msg_ready_i = 1;
  settle();
  EXPECT_EQ(messages.size(), 2u);
}

TEST_F(ConfigMessages, AResetOnTheWayToD0ForgetsWhatWaitsForIt) {
  top->strap_no_soft_reset_i = 0;
  restart();
  assign();
  report_all();
  write(kPower + 4, 3);
  top->tx_msg_ready_i = 0;
  send(memory_write(kBar2));  // its message is offered, and stays so
  time_out();
  write(kPower + 4, 0);
  while (top->function_reset_o) clock();
  report_all();
  top->tx_msg_ready_i = 1;
  settle();
  EXPECT_EQ(messages.size(), 1u);
  EXPECT_EQ(uncorrectable(), config::kAerUnsupported | config::kAerCompletionTimeout);
}

TEST_F(ConfigMessages, WithoutTheCapabilityAdvisoryErrorsAreNotTold) {
  top->strap_aer_i = 0;
  restart();
  assign();
  report_all();
  send(memory_read(kBar2 - 64));
  bad_completion(true, completion());
  bad_completion(false, completion());
  settle();
  EXPECT_TRUE(messages.empty());
  EXPECT_EQ(device_status(), 0x9u);
}

TEST_F(ConfigMessages, WithoutTheCapabilityOtherErrorsAreToldByTheirDefaults) {
  top->strap_aer_i = 0;
  restart();
  assign();
  report_all();
  send(memory_write(kBar2 - 64));
  EXPECT_EQ(message(), pcie::kMessageErrorNonFatal);
  messages.clear();
  send(memory_read(kBar2 + 0xffc, 2, 0xf, 0xf));
  EXPECT_EQ(message(), pcie::kMessageErrorFatal);
  EXPECT_EQ(device_status(), 0xeu);
}

}  // namespace
}  // namespace holdover::rtl_test
