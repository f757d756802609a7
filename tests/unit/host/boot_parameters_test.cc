// SPDX-License-Identifier: MIT
#include "host/kernel/boot_parameters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <vector>

#include "pcie/command_line.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

constexpr PhysicalAddress kWhere{2 * 4096};

BootParameters usable() {
  BootParameters parameters;
  parameters.dram_bytes = 16 * 4096;
  parameters.kho_fdt = 3 * 4096;
  constexpr std::string_view kLine = "profile=continuous hazard=H012 hazard=H014 hazardous=no";
  std::copy(kLine.begin(), kLine.end(), parameters.command_line.begin());
  return parameters;
}

class BootParametersPage : public ::testing::Test {
 protected:
  std::vector<std::byte> dram_ = std::vector<std::byte>(16 * 4096);

  // What reading says is wrong, empty where nothing is.
  std::string complaint(const std::function<void(BootParameters&)>& change) {
    BootParameters parameters = usable();
    change(parameters);
    write_boot_parameters(dram_, kWhere, parameters);
    return complaint();
  }
  std::string complaint() {
    try {
      (void)read_boot_parameters(dram_, kWhere);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::Corrupt);
      return error.what();
    }
    return {};
  }
};

TEST_F(BootParametersPage, ReadsBackWhatWasWritten) {
  write_boot_parameters(dram_, kWhere, usable());
  const BootParameters read = read_boot_parameters(dram_, kWhere);
  EXPECT_EQ(read.dram_bytes, 16u * 4096);
  EXPECT_EQ(read.kho_fdt, 3u * 4096);
}

TEST_F(BootParametersPage, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(complaint([](BootParameters&) {}), "");
  EXPECT_NE(complaint([](BootParameters& p) { p.magic = 1; }).find("magic"), std::string::npos);
  EXPECT_NE(complaint([](BootParameters& p) { p.version = 9; }).find("version 9"), std::string::npos);
  EXPECT_NE(complaint([](BootParameters& p) { p.dram_bytes = 1 << 20; }).find("dram_bytes"), std::string::npos);
  EXPECT_NE(complaint([](BootParameters& p) { p.kho_fdt = 16 * 4096; }).find("kho_fdt"), std::string::npos);
  EXPECT_NE(complaint([](BootParameters& p) { p.kho_scratch = 100; }).find("kho_scratch"), std::string::npos);
  EXPECT_NE(complaint([](BootParameters& p) {
              p.kho_scratch = 4096;
              p.kho_scratch_bytes = ~std::uint64_t{0} - 4095;
            }).find("kho_scratch"),
            std::string::npos);
  EXPECT_NE(complaint([](BootParameters& p) { p.command_line.fill('x'); }).find("command_line"), std::string::npos);
}

TEST_F(BootParametersPage, AnyChangedByteBreaksTheChecksum) {
  for (const std::size_t offset : {std::size_t{20}, std::size_t{200}, std::size_t{4095}}) {
    write_boot_parameters(dram_, kWhere, usable());
    dram_[kWhere.raw() + offset] ^= std::byte{1};
    EXPECT_NE(complaint().find("checksum"), std::string::npos) << "byte " << offset;
  }
}

TEST_F(BootParametersPage, AnAddressOutsideDramIsRefused) {
  EXPECT_THROW((void)read_boot_parameters(dram_, PhysicalAddress{16 * 4096}), Error);
  EXPECT_THROW((void)read_boot_parameters(dram_, PhysicalAddress{4097}), Error);
}

TEST_F(BootParametersPage, ANameIsNotItsPrefix) {
  const BootParameters parameters = usable();
  EXPECT_EQ(command_line_value(command_line(parameters), "profile"), "continuous");
  EXPECT_EQ(command_line_value(command_line(parameters), "pro"), "");
  EXPECT_EQ(command_line_values(command_line(parameters), "hazard"), (std::vector<std::string>{"H012", "H014"}));
}

}  // namespace
}  // namespace holdover::host::kernel
