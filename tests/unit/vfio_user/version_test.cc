// SPDX-License-Identifier: MIT
#include "vfio_user/version.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/vfio_user/wire.h"

namespace holdover::vfio_user {
namespace {

std::vector<std::byte> proposal(const std::string& json, bool ended = true) {
  std::vector<std::byte> body = testing::bytes_of(VersionHeader{0, 1});
  const auto text = std::as_bytes(std::span(json.c_str(), json.size() + (ended ? 1 : 0)));
  body.insert(body.end(), text.begin(), text.end());
  return body;
}

TEST(Version, WithoutDataHasTheDefaults) {
  const Parsed<Version> parsed = parse_version(testing::bytes_of(VersionHeader{0, 3}));
  ASSERT_EQ(parsed.error, 0);
  EXPECT_EQ(parsed.value.minor, 3);
  EXPECT_EQ(parsed.value.capabilities.max_descriptors, 1u);
  EXPECT_EQ(parsed.value.capabilities.max_transfer, 1u << 20);
  EXPECT_FALSE(parsed.value.names_mappings);
}

TEST(Version, ReadsWhatItKnowsAndPassesOverTheRest) {
  const Parsed<Version> parsed = parse_version(
      proposal(R"({"capabilities":{"max_msg_fds":16,"max_data_xfer_size":65536,"max_dma_maps":9,)"
               R"("migration":{"pgsize":4096},"twin_socket":{"supported":true},"write_multiple":true,"new":[1]}})"));
  ASSERT_EQ(parsed.error, 0);
  EXPECT_EQ(parsed.value.capabilities.max_descriptors, 16u);
  EXPECT_EQ(parsed.value.capabilities.max_transfer, 65536u);
  EXPECT_EQ(parsed.value.capabilities.max_mappings, 9u);
  EXPECT_TRUE(parsed.value.names_mappings);
  EXPECT_FALSE(parsed.value.names_page_sizes);
}

TEST(Version, RefusesWhatIsNoProposal) {
  EXPECT_EQ(parse_version({}).error, EINVAL);
  for (const char* const json :
       {"", "{", "[]", "null", "{\"capabilities\":3}", "{\"capabilities\":{\"max_msg_fds\":-1}}",
        "{\"capabilities\":{\"max_msg_fds\":\"16\"}}", "{\"capabilities\":{\"max_data_xfer_size\":0}}",
        "{\"capabilities\":{\"max_data_xfer_size\":1.5}}", "{\"capabilities\":{\"pgsizes\":true}}"}) {
    EXPECT_EQ(parse_version(proposal(json)).error, EINVAL) << json;
  }
  EXPECT_EQ(parse_version(proposal("{}", false)).error, EINVAL) << "no NUL at its end";
  EXPECT_EQ(parse_version(proposal(std::string("{}\0{}", 5))).error, EINVAL) << "something behind its end";
  EXPECT_EQ(parse_version(proposal("{\"a\":\"" + std::string(kMostVersionBytes, 'a') + "\"}")).error, EINVAL);
  EXPECT_EQ(parse_version(proposal(std::string(4000, '['))).error, EINVAL);
}

TEST(Version, IsReadAsItWasWritten) {
  Version version;
  version.capabilities = {7, 4096, 99, 0x1000};
  version.names_mappings = true;
  const Parsed<Version> parsed = parse_version(version_body(version));
  ASSERT_EQ(parsed.error, 0);
  EXPECT_EQ(parsed.value.capabilities.max_descriptors, 7u);
  EXPECT_EQ(parsed.value.capabilities.max_transfer, 4096u);
  EXPECT_EQ(parsed.value.capabilities.max_mappings, 99u);
  EXPECT_FALSE(parsed.value.names_page_sizes);
}

}  // namespace
}  // namespace holdover::vfio_user
