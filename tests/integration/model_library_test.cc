// SPDX-License-Identifier: MIT
// Endpoints that are no part of the program: what is there is found, and what cannot be used is refused by name.
#include "sim/model_library.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "pcie/error.h"

namespace holdover::sim::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ModelLibrary : public ::testing::Test {
 protected:
  ModelLibrary() {
    std::string name = (std::filesystem::temp_directory_path() / "holdover_models_XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~ModelLibrary() override { std::filesystem::remove_all(folder_); }

  std::string refusal(unsigned width, unsigned channels) const {
    EndpointConfig config;
    config.data_width = width;
    config.channels = channels;
    try {
      (void)make_endpoint(config, std::filesystem::path{}, folder_);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Unavailable);
      return error.what();
    }
    return "not refused";
  }
  std::filesystem::path file(const std::string& size) const { return folder_ / ("holdover-endpoint-" + size + ".so"); }

  std::filesystem::path folder_;
};

TEST_F(ModelLibrary, OneIsAlwaysThere) {
  EXPECT_THAT(built_models(folder_), ElementsAre(kOwnModel));
  EXPECT_THAT(built_models(folder_ / "nowhere"), ElementsAre(kOwnModel));
  EXPECT_NE(make_endpoint(EndpointConfig{}, std::filesystem::path{}, folder_), nullptr);
}

TEST_F(ModelLibrary, WhatIsNotBuiltIsRefusedWithTheWayOut) {
  const std::string sentence = refusal(64, 1);
  EXPECT_THAT(sentence, HasSubstr("the endpoint of 64 bits and 1 channels is not built"));
  EXPECT_THAT(sentence, HasSubstr("`make models`"));
  EXPECT_THAT(sentence, HasSubstr("256x4"));
}

TEST_F(ModelLibrary, AFileThatIsNoLibraryIsRefused) {
  std::ofstream(file("64x1")) << "no library\n";
  EXPECT_THAT(built_models(folder_), ElementsAre(ModelSize{64, 1}, kOwnModel));
  EXPECT_THAT(refusal(64, 1), HasSubstr("cannot be loaded"));
}

TEST_F(ModelLibrary, ALibraryOfSomethingElseIsRefused) {
  Dl_info library{};
  ASSERT_NE(dladdr(reinterpret_cast<void*>(&std::abort), &library), 0);
  std::filesystem::copy_file(library.dli_fname, file("128x2"));
  EXPECT_THAT(refusal(128, 2), HasSubstr("was not built for this program"));
}

}  // namespace
}  // namespace holdover::sim::testing
