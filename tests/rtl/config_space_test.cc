// SPDX-License-Identifier: MIT
// The fields of configuration space behave as their types say (PCIe 5.0, chapter 7), and requests are completed as they
// must.
#include "pcie/config_space.h"

#include "pcie/capability.h"
#include "tests/rtl/config_space_fixture.h"

namespace holdover::rtl_test {
namespace {

using pcie::CompletionStatus;
using pcie::TlpKind;

class ConfigSpace : public ConfigSpaceFixture {};

TEST_F(ConfigSpace, IdentityIsWhatTheStrapsSay) {
  EXPECT_EQ(read(0x00), 0x0d17'1172u);
  EXPECT_EQ(read(0x08), 0x1200'0007u);
  EXPECT_EQ(read(0x2c), 0x0042'1af4u);
  EXPECT_EQ(read(0x3c), 0x0000'0000u);
}

TEST_F(ConfigSpace, IdentityIgnoresWrites) {
  for (const unsigned offset : {0x00u, 0x08u, 0x2cu, 0x34u}) {
    const std::uint32_t before = read(offset);
    write(offset, ~before);
    EXPECT_EQ(read(offset), before) << "offset " << offset;
  }
}

TEST_F(ConfigSpace, CommandHasNoIoBitAndKeepsTheOthers) {
  write(0x04, 0x0000'ffff);
  EXPECT_EQ(read(0x04), 0x0010'0546u);
  write(0x04, 0);
  EXPECT_EQ(read(0x04), 0x0010'0000u);
}

TEST_F(ConfigSpace, BarsReadBackTheirSizes) {
  for (const unsigned offset : {0x10u, 0x14u, 0x18u, 0x1cu, 0x20u, 0x24u, 0x30u}) write(offset, 0xffff'ffff);
  EXPECT_EQ(read(0x10), 0xffff'0000u);
  EXPECT_EQ(read(0x14), 0u);
  EXPECT_EQ(read(0x18), 0xffff'000cu);
  EXPECT_EQ(read(0x1c), 0xffff'ffffu);
  EXPECT_EQ(read(0x20), 0u);
  EXPECT_EQ(read(0x24), 0u);
  EXPECT_EQ(read(0x30), 0u);
}

TEST_F(ConfigSpace, ABarOfManyGigabytesHasItsSizeInTheUpperHalf) {
  top->strap_bar2_size_log2_i = 34;
  restart();
  write(0x18, 0xffff'ffff);
  write(0x1c, 0xffff'ffff);
  EXPECT_EQ(read(0x18), 0x0000'000cu);
  EXPECT_EQ(read(0x1c), 0xffff'fffcu);
}

TEST_F(ConfigSpace, BarsAreAsWideAsTheirStrapsSay) {
  for (unsigned straps = 0; straps < 4; ++straps) {
    const bool wide0 = (straps & 1) != 0, wide2 = (straps & 2) != 0;
    top->strap_bar0_wide_i = wide0;
    top->strap_bar2_wide_i = wide2;
    restart();
    for (const unsigned offset : {0x10u, 0x14u, 0x18u, 0x1cu}) write(offset, 0xffff'ffff);
    EXPECT_EQ(read(0x10), wide0 ? 0xffff'000cu : 0xffff'0000u);
    EXPECT_EQ(read(0x14), wide0 ? 0xffff'ffffu : 0u);
    EXPECT_EQ(read(0x18), wide2 ? 0xffff'000cu : 0xffff'0000u);
    EXPECT_EQ(read(0x1c), wide2 ? 0xffff'ffffu : 0u);
    write(0x10, 0xe000'0000);
    write(0x14, 0x0000'0080);
    write(0x18, 0xe001'0000);
    write(0x1c, 0x0000'0081);
    write(0x04, 0x0002, 0x1);
    const std::uint64_t bar0 = 0xe000'0000 + (wide0 ? 0x80'0000'0000 : 0);
    const std::uint64_t bar2 = 0xe001'0000 + (wide2 ? 0x81'0000'0000 : 0);
    for (const std::uint64_t upper : {std::uint64_t{0}, std::uint64_t{0x80} << 32, std::uint64_t{0x81} << 32}) {
      const Fate first = send(memory_read(upper + 0xe000'0010));
      EXPECT_EQ(first.to_core, upper + 0xe000'0000 == bar0) << "straps " << straps << ", upper half " << upper;
      if (first.to_core) {
        EXPECT_EQ(first.bar, 0u);
        EXPECT_EQ(first.offset, 0x10u);
      }
      const Fate second = send(memory_read(upper + 0xe001'0020));
      EXPECT_EQ(second.to_core, upper + 0xe001'0000 == bar2) << "straps " << straps << ", upper half " << upper;
      if (second.to_core) {
        EXPECT_EQ(second.bar, 2u);
        EXPECT_EQ(second.offset, 0x20u);
      }
    }
  }
}

TEST_F(ConfigSpace, IoSpaceEnableCanBeWrittenByStrap) {
  top->strap_io_space_i = 1;
  restart();
  write(0x04, 0x0000'ffff);
  EXPECT_EQ(read(0x04), 0x0010'0547u);
}

TEST_F(ConfigSpace, InterruptPinIsTheStrapsAndIgnoresWrites) {
  for (unsigned pin = 0; pin <= 4; ++pin) {
    top->strap_interrupt_pin_i = static_cast<std::uint8_t>(pin);
    restart();
    write(0x3c, 0xffff'ffff);
    EXPECT_EQ(read(0x3c), pin << 8 | 0xffu);
  }
}

TEST_F(ConfigSpace, PmeCanBeEnabledWhereTheStrapOffersIt) {
  EXPECT_EQ(read(kPower) >> 16, 0x0003u);
  write(kPower + 4, 0x0000'8100);
  EXPECT_EQ(read(kPower + 4), 0x0000'0008u);
  top->strap_pme_i = 1;
  restart();
  EXPECT_EQ(read(kPower) >> 16, 0x4803u) << "from D0 and D3hot";
  write(kPower + 4, 0x0000'8100);
  EXPECT_EQ(read(kPower + 4), 0x0000'0108u) << "none is ever pending";
  write(kPower + 4, 0, 0x1);
  EXPECT_EQ(read(kPower + 4), 0x0000'0108u) << "a write of the lower byte leaves it alone";
  write(kPower + 4, 0);
  EXPECT_EQ(read(kPower + 4), 0x0000'0008u);
}

TEST_F(ConfigSpace, ExtendedTagsCanBeEnabledWhereTheStrapSupportsThem) {
  constexpr std::uint32_t kSupported = 1u << 5;
  EXPECT_EQ(read(kExpress + 4) & kSupported, kSupported);
  top->strap_extended_tag_i = 0;
  restart();
  EXPECT_EQ(read(kExpress + 4) & kSupported, 0u);
  EXPECT_EQ(read(kExpress + 8), 0x0000'2810u);
  write(kExpress + 8, 0x0000'7fff, 0x3);
  EXPECT_EQ(read(kExpress + 8), 0x0000'78ffu);
}

TEST_F(ConfigSpace, SlotClockIsTheStraps) {
  constexpr std::uint32_t kSlotClock = 1u << 28;
  EXPECT_EQ(read(kExpress + 0x10) & kSlotClock, kSlotClock);
  top->strap_slot_clock_i = 0;
  restart();
  EXPECT_EQ(read(kExpress + 0x10) & kSlotClock, 0u);
}

TEST_F(ConfigSpace, ByteEnablesSelectTheBytesOfAWrite) {
  write(0x10, 0x1234'0000);
  write(0x10, 0xffff'ffff, 0x8);
  EXPECT_EQ(read(0x10), 0xff34'0000u);
  write(0x3c, 0x5555'5555, 0x1);
  write(0x3c, 0xaaaa'aaaa, 0xe);
  EXPECT_EQ(read(0x3c), 0x0000'0055u);
  write(0x04, 0x0000'0406, 0x0);
  EXPECT_EQ(read(0x04), 0x0010'0000u);
}

TEST_F(ConfigSpace, TheListsLeadToEveryCapability) {
  const pcie::ConfigReader reader = [this](unsigned offset) { return read(offset); };
  EXPECT_EQ(pcie::find_capability(reader, pcie::config::kCapPowerManagement), kPower);
  EXPECT_EQ(pcie::find_capability(reader, pcie::config::kCapMsix), kMsix);
  EXPECT_EQ(pcie::find_capability(reader, pcie::config::kCapExpress), kExpress);
  EXPECT_EQ(pcie::find_capability(reader, pcie::config::kCapMsi), std::nullopt);
  const auto serial = pcie::find_extended_capability(reader, pcie::config::kExtCapSerialNumber);
  ASSERT_TRUE(serial);
  EXPECT_EQ(read(*serial + 4), 0x89ab'cdefu);
  EXPECT_EQ(read(*serial + 8), 0x0123'4567u);
  const auto vendor = pcie::find_extended_capability(reader, pcie::config::kExtCapVendor);
  ASSERT_TRUE(vendor);
  EXPECT_EQ(read(*vendor + 8), 0x0000'3000u);  // BAR 0, where the monitor's registers are
  EXPECT_EQ(pcie::find_extended_capability(reader, pcie::config::kExtCapAer), kAer);
  const auto ari = pcie::find_extended_capability(reader, pcie::config::kExtCapAri);
  ASSERT_TRUE(ari);
  EXPECT_EQ(read(*ari + pcie::config::kAriCapability), 0u);  // no next function, nothing to control
}

TEST_F(ConfigSpace, TheExtendedListPassesOverWhatIsNotThere) {
  const pcie::ConfigReader reader = [this](unsigned offset) { return read(offset); };
  for (unsigned straps = 0; straps < 8; ++straps) {
    top->strap_aer_i = straps & 1;
    top->strap_ari_i = straps >> 1 & 1;
    top->strap_dsn_i = straps >> 2 & 1;
    restart();
    EXPECT_EQ(pcie::find_extended_capability(reader, pcie::config::kExtCapAer).has_value(), (straps & 1) != 0);
    EXPECT_EQ(pcie::find_extended_capability(reader, pcie::config::kExtCapAri).has_value(), (straps & 2) != 0);
    EXPECT_EQ(pcie::find_extended_capability(reader, pcie::config::kExtCapSerialNumber).has_value(), (straps & 4) != 0);
    EXPECT_TRUE(pcie::find_extended_capability(reader, pcie::config::kExtCapVendor));
    unsigned words = 0;
    for (unsigned offset = 0x110; offset < 0x200; offset += 4) words += read(offset) != 0 ? 1 : 0;
    EXPECT_EQ(words == 0, straps == 0) << "what is not in the list reads 0";
  }
}

TEST_F(ConfigSpace, MsixSaysWhereTheTableIsAndKeepsItsTwoBits) {
  EXPECT_EQ(read(kMsix) >> 16, 31u);
  EXPECT_EQ(read(kMsix + 4), 0x0000'8000u);
  EXPECT_EQ(read(kMsix + 8), 0x0000'c000u);
  write(kMsix, 0xffff'ffff);
  EXPECT_EQ(read(kMsix) >> 16, 0xc01fu);
  EXPECT_TRUE(top->fn_msix_enable_o && top->fn_msix_mask_o);
  write(kMsix, 0x8000'0000, 0x4);  // a write of the lower byte leaves both alone
  EXPECT_TRUE(top->fn_msix_enable_o && top->fn_msix_mask_o);
}

TEST_F(ConfigSpace, DeviceControlStartsAtItsDefaultsAndNeverReadsInitiateFlr) {
  EXPECT_EQ(read(kExpress + 8), 0x0000'2810u);
  write(kExpress + 8, 0x0000'7fff, 0x3);
  EXPECT_EQ(read(kExpress + 8), 0x0000'79ffu);
  EXPECT_EQ(read(kExpress + 4) & pcie::config::kDeviceCapabilitiesFlr, pcie::config::kDeviceCapabilitiesFlr);
}

TEST_F(ConfigSpace, TransactionsPendingIsReported) {
  EXPECT_EQ(read(kExpress + 8) >> 21 & 1, 0u);
  top->transactions_pending_i = 1;
  EXPECT_EQ(read(kExpress + 8) >> 21 & 1, 1u);
}

TEST_F(ConfigSpace, LinkRegistersSayWhatTheLinkIs) {
  for (unsigned generation = 1; generation <= 5; ++generation) {
    for (const unsigned lanes : {1u, 2u, 4u, 8u, 16u}) {
      top->strap_link_speed_i = static_cast<std::uint8_t>(generation);
      top->strap_link_width_i = static_cast<std::uint8_t>(lanes);
      restart();
      const unsigned link = generation | lanes << 4;
      EXPECT_EQ(read(kExpress + 0x0c) & 0x3ff, link);
      EXPECT_EQ(read(kExpress + 0x10) >> 16, 0x1000u | link);
      EXPECT_EQ(read(kExpress + 0x2c), (2u << generation) - 2) << "all speeds up to its own";
      EXPECT_EQ(read(kExpress + 0x30) & 0xf, generation) << "target";
    }
  }
}

TEST_F(ConfigSpace, ActiveStatePowerManagementIsWhatTheStrapSupports) {
  EXPECT_EQ(read(kExpress + 4) >> 6 & 0x3f, 0x3fu) << "any latency is acceptable";
  for (unsigned aspm = 0; aspm < 4; ++aspm) {
    top->strap_aspm_i = static_cast<std::uint8_t>(aspm);
    restart();
    const std::uint32_t capabilities = read(kExpress + 0x0c);
    EXPECT_EQ(capabilities >> 10 & 3, aspm);
    // Leaving L0s takes 128 ns to less than 256 ns, leaving L1 2 us to less than 4 us.
    EXPECT_EQ(capabilities >> 12 & 7, (aspm & 1) != 0 ? 2u : 0u);
    EXPECT_EQ(capabilities >> 15 & 7, (aspm & 2) != 0 ? 2u : 0u);
    EXPECT_EQ(top->fn_aspm_o, 0u);
    for (unsigned control = 0; control < 4; ++control) {
      write(kExpress + 0x10, control, 0x1);
      EXPECT_EQ(read(kExpress + 0x10) & 3, control);
      EXPECT_EQ(top->fn_aspm_o, control & aspm);
    }
  }
}

TEST_F(ConfigSpace, OtherFunctionsAndType1RequestsAreUnsupported) {
  pcie::Tlp other = config_request(TlpKind::ConfigRead0, 0);
  other.target = kFunction | 1;
  EXPECT_EQ(complete(other).status, CompletionStatus::UnsupportedRequest);
  EXPECT_EQ(complete(config_request(TlpKind::ConfigRead1, 0)).status, CompletionStatus::UnsupportedRequest);
  EXPECT_EQ(complete(config_request(TlpKind::ConfigWrite1, 4), 6).status, CompletionStatus::UnsupportedRequest);
  EXPECT_FALSE(top->fn_bus_master_o);
  EXPECT_EQ(read(kExpress + 8) >> 16 & 0xf, 0x9u);  // Unsupported Request, as an advisory (correctable) error
}

TEST_F(ConfigSpace, DeviceStatusBitsAreClearedByWritingOnes) {
  pcie::Tlp other = config_request(TlpKind::ConfigRead0, 0);
  other.target = kFunction | 1;
  complete(other);
  write(kExpress + 8, 0x0001'0000, 0xc);
  EXPECT_EQ(read(kExpress + 8) >> 16 & 0xf, 0x8u);
  write(kExpress + 8, 0x0008'0000, 0xc);
  EXPECT_EQ(read(kExpress + 8) >> 16 & 0xf, 0x0u);
}

TEST_F(ConfigSpace, EveryWriteCarriesTheFunctionsNumber) {
  top->strap_ari_i = 0;
  restart();
  const pcie::Tlp first = complete(config_request(TlpKind::ConfigRead0, 0));
  EXPECT_EQ(first.completer, 0u);
  EXPECT_EQ(complete(config_request(TlpKind::ConfigWrite0, 0), 0).completer, kFunction);
  pcie::Tlp moved = config_request(TlpKind::ConfigWrite0, 0);
  moved.target = 0x0510;
  EXPECT_EQ(complete(moved).completer, 0x0510u);
  EXPECT_EQ(top->fn_bdf_o, 0x0510u);
  moved.target = 0x0611;  // function 1: refused, so it says nothing about us
  complete(moved);
  EXPECT_EQ(top->fn_bdf_o, 0x0510u);
}

TEST_F(ConfigSpace, WithAriTheFunctionNumberHas8Bits) {
  write(0x3c, 0);
  EXPECT_EQ(top->fn_bdf_o, kFunction);
  pcie::Tlp moved = config_request(TlpKind::ConfigWrite0, 0);
  moved.target = 0x0700;
  EXPECT_EQ(complete(moved).completer, 0x0700u);
  moved.target = 0x0808;  // function 8, not device 1
  EXPECT_EQ(complete(moved).status, CompletionStatus::UnsupportedRequest);
  EXPECT_EQ(top->fn_bdf_o, 0x0700u);
}

TEST_F(ConfigSpace, APoisonedWriteHasNoEffect) {
  pcie::Tlp request = config_request(TlpKind::ConfigWrite0, 4);
  request.poisoned = true;
  EXPECT_EQ(complete(request, 0x0000'0006).status, CompletionStatus::UnsupportedRequest);
  EXPECT_EQ(read(kExpress + 8) >> 16 & 0xf, 0x1u);  // advisory: the completion tells of it
  EXPECT_EQ(read(4) >> 16, 0x8010u);                // Detected Parity Error
  EXPECT_FALSE(top->fn_bus_master_o);
  write(4, 0x8000'0000, 0xc);
  EXPECT_EQ(read(4) >> 16, 0x0010u);
}

TEST_F(ConfigSpace, AWriteIsToldWithTheRegisterBeforeAndAfter) {
  write(0x04, 0x0000'0006);
  const unsigned before = seen.count;
  write(0x04, 0xffff'0003, 0x3);
  EXPECT_EQ(seen.count, before + 1);
  EXPECT_EQ(seen.offset, 0x04u);
  EXPECT_EQ(seen.be, 0x3u);
  EXPECT_EQ(seen.data, 0xffff'0003u);
  EXPECT_EQ(seen.before, 0x0010'0006u);
  EXPECT_EQ(seen.after, 0x0010'0002u);
  read(0x04);
  pcie::Tlp other = config_request(TlpKind::ConfigWrite0, 4);
  other.target = kFunction | 2;
  complete(other);
  EXPECT_EQ(seen.count, before + 1);  // reads and refused writes are none
}

TEST_F(ConfigSpace, ALookSeesWhatAReadSees) {
  assign();
  write(kMsix, 0x8000'0000, 0x8);
  for (unsigned offset = 0; offset < pcie::config::kSpaceBytes; offset += 4) {
    ASSERT_EQ(peek(offset), read(offset)) << "offset " << offset;
  }
}

TEST_F(ConfigSpace, CompletionsThatTellOfErrorsSetTheirStatusBits) {
  pcie::Tlp completion{
      .kind = TlpKind::Completion, .status = CompletionStatus::UnsupportedRequest, .byte_count = 4, .payload = {}};
  EXPECT_TRUE(send_completion(completion));
  completion.status = CompletionStatus::CompleterAbort;
  EXPECT_TRUE(send_completion(completion));
  EXPECT_EQ(read(4) >> 16, 0x3010u);
  EXPECT_EQ(read(kExpress + 8) >> 16 & 0xf, 0u);
  top->unexpected_completion_i = 1;  // the core's word about one in which nothing was wrong
  clock();
  top->unexpected_completion_i = 0;
  EXPECT_EQ(read(kExpress + 8) >> 16 & 0xf, 0x1u);
}

}  // namespace
}  // namespace holdover::rtl_test
