// SPDX-License-Identifier: MIT
// Every configuration write of a kernel, in order, at a cold boot, at an orderly kexec and after it, to a root port and
// an endpoint below it. What 6.1 and 7.2 write was recorded under these kernels.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "host/kernel/kernel.h"
#include "pcie/config_space.h"
#include "tests/support/recorded_functions.h"

namespace holdover::host::kernel {
namespace {

using testing::as_text;
using testing::FakeFunction;
using Writes = std::vector<std::string>;

struct Version {
  const char* name;
  bool sizes_at_once;
  bool unmasks_advisory;
  bool clears_secondary_status;
  bool clears_retrain_status;
  bool acs_at_init;
  bool notifies_bandwidth;
  bool all_lose_bus_mastering;
};
constexpr Version k61{"stock-6.1", false, false, false, false, true, false, false};
constexpr Version k612{"stock-6.12", false, false, true, true, true, false, false};
constexpr Version k72{"stock-7.2", true, false, true, true, false, true, true};
constexpr Version k73{"stock-7.3", true, true, true, true, false, true, true};

void append(Writes& to, const Writes& more) { to.insert(to.end(), more.begin(), more.end()); }

std::string hex(unsigned value) {
  char text[16];
  std::snprintf(text, sizeof text, "%x", value);
  return text;
}

// `command` is what the scan finds.
Writes probe_and_size(const Version& version, const std::string& function, unsigned command,
                      const std::vector<Writes>& registers) {
  const std::string set = function + " 04/2=";
  const std::string on = set + hex(command);
  const std::string off = set + hex(command & ~3u);
  const bool decoding = (command & 3) != 0;
  Writes writes{set + hex(command ^ 0x400), on};
  if (decoding && version.sizes_at_once) writes.push_back(off);
  for (const Writes& one : registers) {
    if (decoding && !version.sizes_at_once) writes.push_back(off);
    for (const std::string& write : one) writes.push_back(function + " " + write);
    if (decoding && !version.sizes_at_once) writes.push_back(on);
  }
  if (decoding && version.sizes_at_once) writes.push_back(on);
  return writes;
}

Writes port_found(const Version& version, unsigned command, unsigned device_control) {
  Writes writes =
      probe_and_size(version, "port", command,
                     {{"10/4=ffffffff", "10/4=e0800000"}, {"14/4=ffffffff", "14/4=0"}, {"38/4=fffff800", "38/4=0"}});
  append(writes, {"port 28/4=ffffffff", "port 28/4=80", "port 5c/2=" + hex(device_control | 0x100)});
  if (version.acs_at_init) append(writes, {"port 14e/2=0"});
  if (version.unmasks_advisory) append(writes, {"port 114/4=0"});
  append(writes, {"port 130/4=0", "port 110/4=0", "port 104/4=0", "port 5c/2=f"});
  return writes;
}

Writes endpoint_found(const Version& version, unsigned command) {
  Writes writes = probe_and_size(version, "end", command,
                                 {{"10/4=ffffffff", "10/4=c", "14/4=ffffffff", "14/4=80"},
                                  {"18/4=ffffffff", "18/4=e0600000"},
                                  {"1c/4=ffffffff", "1c/4=0"},
                                  {"20/4=ffffffff", "20/4=0"},
                                  {"24/4=ffffffff", "24/4=0"},
                                  {"30/4=fffff800", "30/4=0"}});
  append(writes, {"end 80/2=0", "port 7c/2=0"});
  if (version.unmasks_advisory) append(writes, {"end 114/4=0"});
  append(writes, {"end 110/4=0", "end 104/4=0", "end 78/2=281f"});
  return writes;
}

Writes link_set_up(const Version& version) {
  Writes writes{"end 80/2=0", "port 64/2=0", "port 64/2=20"};
  if (version.clears_retrain_status) append(writes, {"port 66/2=4000"});
  return writes;
}

Writes end_of_pass(const Version& version) {
  return version.clears_secondary_status ? Writes{"port 1e/2=ffff", "port 3e/2=2"} : Writes{"port 3e/2=2"};
}

Writes windows_written() {
  return {"port 30/4=ffff",   "port 1c/2=f0", "port 30/4=0",  "port 20/4=e070e060", "port 2c/4=0",
          "port 24/4=100000", "port 28/4=80", "port 2c/4=80", "port 3e/2=2"};
}

Writes port_bound(const Version& version, unsigned command) {
  Writes writes;
  if (!version.acs_at_init) append(writes, {"port 14e/2=0", "port 14e/2=0"});
  append(writes, {"port 70/2=0"});
  append(writes, {"port 04/2=" + hex(command | 4)});
  append(writes, {"port 4a/2=c000", "port 04/2=507", "port 4a/2=8000"});
  append(writes, {"port 70/2=0", "port 74/4=10000", "port 70/2=8"});
  append(writes, {"port 5e/2=0", "port 70/2=0", "port 130/4=0", "port 110/4=0", "port 104/4=0", "port 12c/4=7"});
  if (version.notifies_bandwidth) append(writes, {"port 64/2=c00", "port 66/2=c000"});
  return writes;
}

Writes boot(const Version& version, unsigned port_command, unsigned port_device_control, unsigned command) {
  Writes writes = port_found(version, port_command, port_device_control);
  append(writes, {"port 3e/2=2"});
  append(writes, endpoint_found(version, command));
  append(writes, link_set_up(version));
  append(writes, end_of_pass(version));
  append(writes, {"port 3e/2=2"});
  append(writes, end_of_pass(version));
  append(writes, windows_written());
  append(writes, port_bound(version, port_command));
  return writes;
}

Writes kexec(const Version& version, bool bound) {
  Writes writes;
  if (bound || version.all_lose_bus_mastering) append(writes, {"end 04/2=2"});
  append(writes, {"port 70/2=0", "port 74/4=10000", "port 12c/4=0", "port 130/4=0"});
  if (version.notifies_bandwidth) append(writes, {"port 64/2=0"});
  append(writes, {"port 4a/2=0", "port 04/2=107", "port 04/2=103"});
  return writes;
}

class RecordedKernels : public ::testing::TestWithParam<Version> {
 protected:
  std::unique_ptr<Kernel> first(bool bound) {
    const std::string driver = bound ? "vfio" : "none";
    auto kernel = std::make_unique<Kernel>(
        platform_,
        platform_.write_boot_page(std::string("profile=") + GetParam().name + " policy=endpoint-driver=" + driver));
    kernel->boot();
    return kernel;
  }
  Writes taken() {
    Writes writes = as_text(platform_.writes);
    platform_.writes.clear();
    return writes;
  }
  void use() { endpoint_.set(pcie::config::kCommand, 2, 0x0006); }

  testing::FakePlatform platform_;
  FakeFunction& port_ = platform_.add(nullptr, 4, testing::recorded_root_port());
  FakeFunction& endpoint_ = platform_.add(&port_, 0, testing::recorded_endpoint());
};

TEST_P(RecordedKernels, WriteThisAtAColdBoot) {
  (void)first(true);
  EXPECT_EQ(taken(), boot(GetParam(), 0x103, 0, 0x103));
}

TEST_P(RecordedKernels, WriteThisOverAKexecWithADriver) {
  const auto old = first(true);
  use();
  (void)taken();
  PhysicalAddress next;
  ASSERT_EQ(old->load_image(old->parameters().command_line.data()), 0);
  ASSERT_EQ(old->kexec(next), 0);
  EXPECT_EQ(taken(), kexec(GetParam(), true));
  Kernel fresh(platform_, next);
  fresh.boot();
  EXPECT_EQ(taken(), boot(GetParam(), 0x103, 0xf, 0x0002));
}

TEST_P(RecordedKernels, WriteThisOverAKexecWithoutADriver) {
  const auto old = first(false);
  use();
  (void)taken();
  PhysicalAddress next;
  ASSERT_EQ(old->load_image(old->parameters().command_line.data()), 0);
  ASSERT_EQ(old->kexec(next), 0);
  EXPECT_EQ(taken(), kexec(GetParam(), false));
  Kernel fresh(platform_, next);
  fresh.boot();
  EXPECT_EQ(taken(), boot(GetParam(), 0x103, 0xf, GetParam().all_lose_bus_mastering ? 0x0002 : 0x0006));
}

// The crash kernel finds everything as it was: bus mastering, MSI-X and the services of the port on.
TEST_P(RecordedKernels, CopeWithWhatACrashLeavesOn) {
  const auto old = first(true);
  use();
  endpoint_.set(0x114, 4, 0);
  platform_.writes.clear();
  old->stop();
  Kernel fresh(platform_, platform_.write_boot_page(std::string("profile=") + GetParam().name));
  fresh.boot();
  EXPECT_EQ(endpoint_.get(pcie::config::kCommand, 2), 0x0006u);
  EXPECT_EQ(port_.get(pcie::config::kCommand, 2), 0x0507u);
  EXPECT_EQ(port_.get(0x4a, 2), 0x8000u);
  EXPECT_EQ(port_.get(0x12c, 4), 7u);
  const Writes writes = taken();
  EXPECT_EQ(std::count(writes.begin(), writes.end(), "port 4a/2=0"), 1) << "MSI-X goes off when the port is found";
  EXPECT_EQ(std::count(writes.begin(), writes.end(), "port 04/2=103"), 0) << "bus mastering stays";
}

INSTANTIATE_TEST_SUITE_P(Versions, RecordedKernels, ::testing::Values(k61, k612, k72, k73), [](const auto& version) {
  std::string name = version.param.name;
  for (char& c : name) {
    if (c == '-' || c == '.') c = '_';
  }
  return name;
});

}  // namespace
}  // namespace holdover::host::kernel
