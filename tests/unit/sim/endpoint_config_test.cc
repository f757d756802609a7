// SPDX-License-Identifier: MIT
// Straps that the endpoint was not made for are refused with a sentence that names them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "pcie/error.h"
#include "sim/witness.h"

namespace holdover::sim {
namespace {

using testing::HasSubstr;

std::string refusal(const EndpointConfig& config) {
  try {
    validate(config);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::InvalidArgument);
    return error.what();
  }
  return {};
}

EndpointConfig with(unsigned EndpointConfig::*strap, unsigned value) {
  EndpointConfig config;
  config.*strap = value;
  return config;
}

TEST(EndpointConfigTest, WhatTheEndpointCanBeIsAccepted) {
  EXPECT_EQ(refusal(EndpointConfig{}), "");
  EXPECT_EQ(refusal(with(&EndpointConfig::bar0_size_log2, 31)), "");
  EXPECT_EQ(refusal(with(&EndpointConfig::bar2_size_log2, 12)), "");
  EXPECT_EQ(refusal(with(&EndpointConfig::msix_vectors, 1)), "");
  EXPECT_EQ(refusal(with(&EndpointConfig::max_payload_supported, 0)), "");
}

TEST(EndpointConfigTest, WhatItCannotBeIsNamedWithTheWayOut) {
  EXPECT_THAT(refusal(with(&EndpointConfig::bar0_size_log2, 15)), HasSubstr("bar0_size_log2 of the endpoint is 15"));
  EXPECT_THAT(refusal(with(&EndpointConfig::bar0_size_log2, 32)), HasSubstr("choose one from 16 to 31"));
  EXPECT_THAT(refusal(with(&EndpointConfig::bar2_size_log2, 11)), HasSubstr("bar2_size_log2 of the endpoint is 11"));
  EXPECT_THAT(refusal(with(&EndpointConfig::bar2_size_log2, 64)), HasSubstr("bar2_size_log2"));
  EXPECT_THAT(refusal(with(&EndpointConfig::msix_vectors, 0)), HasSubstr("msix_vectors of the endpoint is 0"));
  EXPECT_THAT(refusal(with(&EndpointConfig::msix_vectors, 33)), HasSubstr("choose one from 1 to 32"));
  EXPECT_THAT(refusal(with(&EndpointConfig::max_payload_supported, 3)), HasSubstr("max_payload_supported"));
  EXPECT_THAT(refusal(with(&EndpointConfig::aspm, 4)), HasSubstr("aspm of the endpoint is 4"));
  EXPECT_THAT(refusal(with(&EndpointConfig::interrupt_pin, 5)), HasSubstr("interrupt_pin of the endpoint is 5"));
  EndpointConfig narrow = with(&EndpointConfig::bar2_size_log2, 32);
  EXPECT_EQ(refusal(narrow), "");
  narrow.bar2_wide = false;
  EXPECT_THAT(refusal(narrow), HasSubstr("bar2_size_log2 of the endpoint is 32; choose one from 12 to 31"));
  EndpointConfig absent;
  absent.vendor_id = 0xffff;
  EXPECT_THAT(refusal(absent), HasSubstr("vendor_id"));
}

TEST(EndpointConfigTest, EveryEndpointOfTheTableIsAccepted) {
  for (const EndpointEntry& entry : endpoints()) {
    EXPECT_EQ(refusal(select_endpoint(entry.name)), "") << entry.name;
    EXPECT_FALSE(entry.sentence.empty()) << entry.name;
  }
}

TEST(EndpointConfigTest, TheRecordedEndpointHasTheBarsOfItsLogs) {
  const EndpointConfig recorded = select_endpoint("recorded");
  EXPECT_TRUE(recorded.bar0_wide);
  EXPECT_EQ(recorded.bar0_size_log2, 16u);
  EXPECT_FALSE(recorded.bar2_wide);
  EXPECT_EQ(recorded.bar2_size_log2, 12u);
  EXPECT_FALSE(recorded.extended_tag);
}

TEST(EndpointConfigTest, AnUnknownEndpointIsNamedWithThoseThereAre) {
  try {
    (void)select_endpoint("toaster");
    FAIL() << "it is accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("«toaster»; there are: holdover, recorded"));
  }
}

}  // namespace
}  // namespace holdover::sim
