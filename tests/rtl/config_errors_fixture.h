// SPDX-License-Identifier: MIT
// ep_config_space with a host that reads what errors have left behind.
#pragma once

#include <cstdint>

#include "pcie/config_space.h"
#include "tests/rtl/config_space_fixture.h"

namespace holdover::rtl_test {

class ConfigErrorsFixture : public ConfigSpaceFixture {
 protected:
  static constexpr std::uint32_t kReportAll = 0x0000'281f;

  ConfigErrorsFixture() { assign(); }

  std::uint32_t uncorrectable() { return read(kAer + pcie::config::kAerUncorrectableStatus); }
  std::uint32_t correctable() { return read(kAer + pcie::config::kAerCorrectableStatus); }
  std::uint32_t pointer() { return read(kAer + pcie::config::kAerControl); }
  pcie::TlpHeader logged() {
    pcie::TlpHeader header{};
    for (unsigned n = 0; n < header.size(); ++n) header[n] = read(kAer + pcie::config::kAerHeaderLog + 4 * n);
    return header;
  }
  std::uint32_t device_status() { return read(kExpress + 8) >> 16 & 0xf; }
  void report_all() { write(kExpress + 8, kReportAll, 0x3); }
  void unmask_advisory() { write(kAer + pcie::config::kAerCorrectableMask, 0); }
  void settle() {
    for (unsigned n = 0; n < 8; ++n) clock();
  }
  void bad_completion(bool unexpected, const pcie::Tlp& completion) {
    drive_header(top->bad_completion_header_i, pcie::encode_header(completion));
    (unexpected ? top->unexpected_completion_i : top->poisoned_completion_i) = 1;
    clock();
    top->unexpected_completion_i = 0;
    top->poisoned_completion_i = 0;
  }
  void time_out() {
    top->read_timeout_i = 1;
    clock();
    top->read_timeout_i = 0;
  }
  // The one message, by its code; 0 where there is none or more than one.
  unsigned message() {
    settle();
    return messages.size() == 1 ? messages.front().message_code : 0;
  }
  static pcie::Tlp completion() {
    return {.kind = pcie::TlpKind::CompletionData,
            .length_dw = 4,
            .requester = kFunction,
            .tag = 5,
            .byte_count = 16,
            .payload = {}};
  }
};

}  // namespace holdover::rtl_test
