// SPDX-License-Identifier: MIT
#include "tests/support/recorded_functions.h"

#include <cstdio>

#include "pcie/config_space.h"

namespace holdover::testing {

using namespace pcie::config;

void make_writable(FakeFunction& function, unsigned offset, unsigned size, std::uint32_t mask) {
  for (unsigned byte = 0; byte < size; ++byte) {
    function.writable[offset + byte] = static_cast<std::uint8_t>(mask >> (8 * byte));
  }
}

std::unique_ptr<FakeFunction> recorded_root_port() {
  auto function = FakeFunction::bridge("port", kPortTypeRootPort);
  FakeFunction& f = *function;
  // Away with the other layout.
  for (unsigned offset = 0x40; offset < 0x100; ++offset) f.space[offset] = f.writable[offset] = 0;
  f.set(kCommand, 2, 0x0103);
  f.set(kBar0, 4, 0xe080'0000);
  make_writable(f, kBar0, 4, 0xffff'f000);
  f.set(kPrimaryBus, 4, 0x0001'0100);
  f.set(kIoBase, 2, 0x0101);
  f.set(kMemoryBase, 4, 0xe070'e060);
  f.set(kPrefetchBase, 4, 0x0011'0001);
  f.set(kPrefetchBaseUpper, 4, 0x80);
  f.set(kPrefetchLimitUpper, 4, 0x80);
  f.set(kBridgeControl, 2, kBridgeControlSerr);
  f.set(kCapabilityPointer, 1, 0x48);
  f.set(0x48, 2, 0x5400 | kCapMsix);
  make_writable(f, 0x4a, 2, 0xc000);
  f.set(0x54, 4, 0x0042'0000 | kCapExpress);
  f.set(0x58, 4, 0x8020);
  make_writable(f, 0x5c, 2, 0x000f);
  f.set(0x60, 4, 0x0030'0c12 | kLinkCapabilitiesBandwidthNotification);
  make_writable(f, 0x64, 2, 0x0c43);
  make_writable(f, 0x70, 2, 0x0007);
  f.set(0x78, 4, kDeviceCapabilities2Ari);
  make_writable(f, 0x7c, 2, kDeviceControl2Ari);
  f.set(0x80, 4, 0x6);
  f.set(0x100, 4, 0x1481'0000 | kExtCapAer);
  f.set(0x114, 4, kAerAdvisoryNonFatal);
  make_writable(f, 0x114, 4, ~0u);
  make_writable(f, 0x12c, 4, 7);
  f.set(0x148, 4, 0x0001'0000 | kExtCapAcs);
  return function;
}

std::unique_ptr<FakeFunction> recorded_endpoint() {
  auto function = FakeFunction::endpoint("end");
  FakeFunction& f = *function;
  for (unsigned offset = 0x40; offset < 0x100; ++offset) f.space[offset] = f.writable[offset] = f.clears[offset] = 0;
  f.set(kCommand, 2, 0x0103);
  f.set(kBar0, 4, 0xc);
  f.set(kBar0 + 4, 4, 0x80);
  make_writable(f, kBar0 + 4, 4, ~0u);
  f.set(kBar0 + 8, 4, 0xe060'0000);
  make_writable(f, kBar0 + 8, 4, 0xffff'f000);
  make_writable(f, kBar0 + 12, 4, 0);
  f.set(kCapabilityPointer, 1, 0x70);
  f.set(0x70, 4, 0x0002'0000 | kCapExpress);
  f.set(0x74, 4, 0x8000);
  f.set(0x78, 2, 0x2810);
  make_writable(f, 0x78, 2, 0x7fff);
  f.set(0x7c, 4, 0x0c11);
  make_writable(f, 0x80, 2, 0x0043);
  f.set(0x100, 4, 0x0001'0000 | kExtCapAer);
  f.set(0x114, 4, kAerAdvisoryNonFatal);
  make_writable(f, 0x114, 4, ~0u);
  return function;
}

std::vector<std::string> as_text(const std::vector<ConfigWriteRecord>& writes) {
  std::vector<std::string> list;
  for (const ConfigWriteRecord& write : writes) {
    char text[64];
    std::snprintf(text, sizeof text, "%s %02x/%u=%x", write.function.c_str(), write.offset, write.size, write.value);
    list.emplace_back(text);
  }
  return list;
}

}  // namespace holdover::testing
