// SPDX-License-Identifier: MIT
// Headers against hand-laid double words, and round trips of every kind.
#include "pcie/tlp.h"

#include <gtest/gtest.h>

namespace holdover::pcie {
namespace {

Tlp request(TlpKind kind) {
  Tlp tlp;
  tlp.kind = kind;
  tlp.requester = 0x0208;
  tlp.tag = 0xa5;
  tlp.length_dw = 1;
  tlp.first_be = 0xf;
  return tlp;
}

TEST(TlpHeader, MemoryWriteBelow4GiBHasThreeWords) {
  Tlp tlp = request(TlpKind::MemoryWrite);
  tlp.address = 0xfee0'0010;
  tlp.length_dw = 2;
  tlp.last_be = 0x3;
  EXPECT_EQ(encode_header(tlp), (TlpHeader{0x4000'0002, 0x0208'a53f, 0xfee0'0010, 0}));
}

TEST(TlpHeader, MemoryReadAbove4GiBHasFourWords) {
  Tlp tlp = request(TlpKind::MemoryRead);
  tlp.address = 0x12'3456'7890;
  tlp.length_dw = 1024;
  tlp.last_be = 0xf;
  EXPECT_EQ(encode_header(tlp), (TlpHeader{0x2000'0000, 0x0208'a5ff, 0x12, 0x3456'7890}));
}

TEST(TlpHeader, CompletionCarriesByteCountAndLowerAddress) {
  Tlp tlp;
  tlp.kind = TlpKind::CompletionData;
  tlp.completer = 0x0100;
  tlp.requester = 0x0208;
  tlp.tag = 7;
  tlp.byte_count = 4096;
  tlp.lower_address = 0x44;
  tlp.length_dw = 16;
  EXPECT_EQ(encode_header(tlp), (TlpHeader{0x4a00'0010, 0x0100'0000, 0x0208'0744, 0}));
}

TEST(TlpHeader, AttributesAndPoisonStandWhereTheSpecificationPutsThem) {
  Tlp tlp = request(TlpKind::MemoryWrite);
  tlp.attributes = 0b111;
  tlp.poisoned = true;
  tlp.traffic_class = 5;
  EXPECT_EQ(encode_header(tlp)[0], 0x4054'7001u);
}

class EveryKind : public testing::TestWithParam<TlpKind> {};

TEST_P(EveryKind, RoundTrips) {
  Tlp tlp;
  tlp.kind = GetParam();
  tlp.traffic_class = 3;
  tlp.attributes = 0b101;
  tlp.requester = 0x1ff7;
  if (is_completion(tlp.kind)) {
    tlp.tag = 0x91;
    tlp.completer = 0xabcd;
    tlp.status = CompletionStatus::CompleterAbort;
    tlp.byte_count = 1;
    tlp.lower_address = 0x7f;
  } else if (tlp.kind == TlpKind::Message || tlp.kind == TlpKind::MessageData) {
    tlp.tag = 0x12;
    tlp.message_code = 0x19;
    tlp.message_routing = 3;
  } else {
    tlp.tag = 0xff;
    tlp.first_be = 0xe;
    if (is_config(tlp.kind)) {
      tlp.target = 0x0500;
      tlp.register_offset = 0xffc;
    } else {
      tlp.address = 0xffff'ffff'ffff'fffc;
    }
  }
  if (has_payload(tlp.kind) || flow_class(tlp.kind) == FlowClass::NonPosted) tlp.length_dw = 1;
  EXPECT_EQ(decode_header(encode_header(tlp)), tlp) << to_string(tlp);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryKind,
                         testing::Values(TlpKind::MemoryRead, TlpKind::MemoryWrite, TlpKind::ConfigRead0,
                                         TlpKind::ConfigWrite0, TlpKind::ConfigRead1, TlpKind::ConfigWrite1,
                                         TlpKind::Message, TlpKind::MessageData, TlpKind::Completion,
                                         TlpKind::CompletionData),
                         [](const auto& kind) { return std::string{to_string(kind.param)}; });

TEST(TlpHeader, UnknownFormatIsNoTlp) { EXPECT_EQ(decode_header({0x8000'0000, 0, 0, 0}), std::nullopt); }

TEST(EnabledBytes, CountFromFirstToLastEnabledByte) {
  Tlp tlp = request(TlpKind::MemoryRead);
  tlp.first_be = 0b0110;
  EXPECT_EQ(enabled_bytes(tlp), Bytes{2});
  tlp.first_be = 0;
  EXPECT_EQ(enabled_bytes(tlp), Bytes{0});
  tlp.length_dw = 3;
  tlp.first_be = 0b1000;
  tlp.last_be = 0b0001;
  tlp.address = 0x1000;
  EXPECT_EQ(enabled_bytes(tlp), Bytes{6});
  EXPECT_EQ(first_byte_address(tlp), 0x1003u);
}

}  // namespace
}  // namespace holdover::pcie
