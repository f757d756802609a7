// SPDX-License-Identifier: MIT
// Formats, types, lengths, and the bits of the header that nothing here may use.
#include "sim/protocol/rule_tables.h"

namespace holdover::sim::protocol {
namespace {

using pcie::Tlp;
using pcie::TlpKind;
using Seen = Observation;

constexpr std::uint64_t kFourGiB = std::uint64_t{1} << 32;

// Bits of header word 0 (PCIe 5.0, figure 2-5).
constexpr std::uint32_t kFourWords = 1u << 29;
constexpr std::uint32_t kTagHigh = (1u << 23) | (1u << 19);
constexpr std::uint32_t kLightweight = 1u << 17;
constexpr std::uint32_t kHints = 1u << 16;
constexpr std::uint32_t kDigest = 1u << 15;
constexpr std::uint32_t kAddressType = 3u << 10;
constexpr std::uint32_t kNamedBits = kTagHigh | kLightweight | kHints | kDigest | kAddressType;
// Bits of header word 1 of a completion.
constexpr std::uint32_t kByteCountModified = 1u << 12;

bool clear_in_word0(const Seen& s, std::uint32_t bits) { return s.raw == nullptr || ((*s.raw)[0] & bits) == 0; }

bool fields_in_range(const Seen& s) {
  const Tlp& t = s.tlp;
  const bool counts = pcie::has_payload(t.kind) || t.kind == TlpKind::MemoryRead || pcie::is_config(t.kind);
  return t.tag <= 0xff && t.first_be <= 0xf && t.last_be <= 0xf && t.traffic_class <= 7 && t.attributes <= 7 &&
         t.lower_address <= 0x7f && t.length_dw <= 1024 && (!counts || t.length_dw >= 1) &&
         (!pcie::is_completion(t.kind) || (t.byte_count >= 1 && t.byte_count <= 4096));
}

bool payload_as_long_as_said(const Seen& s) {
  return s.tlp.payload.size() == (pcie::has_payload(s.tlp.kind) ? s.tlp.length_dw * 4u : 0u);
}
bool payload_within_limit(const Seen& s) { return s.tlp.payload.size() <= std::size_t{128} << s.state.max_payload; }
bool no_length_without_data(const Seen& s) {
  return (s.tlp.kind != TlpKind::Completion && s.tlp.kind != TlpKind::Message) || s.tlp.length_dw == 0;
}

bool short_address_short_header(const Seen& s) {
  return s.raw == nullptr || ((*s.raw)[0] & kFourWords) == 0 || s.tlp.address >= kFourGiB;
}

// The bits that have no rule of their own.
bool other_reserved_bits_clear(const Seen& s) {
  if (s.raw == nullptr) return true;
  pcie::TlpHeader expected = pcie::encode_header(s.tlp);
  pcie::TlpHeader found = *s.raw;
  if (is_memory(s.tlp.kind) && s.tlp.address < kFourGiB && (found[0] & kFourWords) != 0) {
    // P-ADDRESS-FORMAT speaks of this one.
    expected[0] |= kFourWords;
    expected[3] = expected[2];
    expected[2] = 0;
  }
  found[0] &= ~kNamedBits;
  if (pcie::is_completion(s.tlp.kind)) found[1] &= ~kByteCountModified;
  return expected == found;
}

bool no_digest(const Seen& s) { return clear_in_word0(s, kDigest); }
bool no_hints(const Seen& s) { return clear_in_word0(s, kHints); }
bool untranslated(const Seen& s) { return clear_in_word0(s, kAddressType); }
bool no_lightweight_notification(const Seen& s) { return clear_in_word0(s, kLightweight); }
bool tag_of_eight_bits(const Seen& s) { return clear_in_word0(s, kTagHigh); }
bool byte_count_not_modified(const Seen& s) { return s.raw == nullptr || ((*s.raw)[1] & kByteCountModified) == 0; }

bool no_poison_without_data(const Seen& s) { return !s.tlp.poisoned || pcie::has_payload(s.tlp.kind); }
bool data_not_poisoned(const Seen& s) { return !s.tlp.poisoned || !pcie::has_payload(s.tlp.kind); }

using enum RuleScope;
constexpr ProtocolRule kRules[] = {
    {"P-FORMAT", "2.2.1", "format and type name a TLP", Tracker, nullptr},
    {"P-PREFIX", "2.2.10", "no TLP has a prefix: none is enabled", Tracker, nullptr},
    {"P-IO-REQUEST", "1.3.2.2", "there are no I/O requests from or to an endpoint without I/O space", Tracker, nullptr},
    {"P-LOCKED", "1.3.2.2", "there are no locked requests and completions", Tracker, nullptr},
    {"P-ATOMIC", "7.5.3.16", "there are no AtomicOp requests: AtomicOp Requester Enable is clear", Tracker, nullptr},
    {"P-FIELD-RANGE", "2.2.1", "every field holds a value that exists", Any, fields_in_range},
    {"P-PAYLOAD-LENGTH", "2.2.2", "the payload is as long as Length says", Any, payload_as_long_as_said},
    {"P-PAYLOAD-MAX", "2.2.2", "the payload is at most Max_Payload_Size", Any, payload_within_limit},
    {"P-LENGTH-RESERVED", "2.2.2", "Length is zero where there is no data to count", Any, no_length_without_data},
    {"P-ADDRESS-FORMAT", "2.2.4.1", "an address below 4 GiB has a header of three double words", Memory,
     short_address_short_header},
    {"P-DIGEST", "2.7.1", "TD is clear: no ECRC is generated", Any, no_digest},
    {"P-HINTS", "2.2.7.1", "TH is clear: processing hints are not enabled", Any, no_hints},
    {"P-ADDRESS-TYPE", "2.2.4.1", "AT is zero: address translation services are not enabled", Any, untranslated},
    {"P-LIGHTWEIGHT", "6.21", "LN is clear: lightweight notification is not enabled", Any, no_lightweight_notification},
    {"P-TAG-HIGH", "2.2.6.2", "T8 and T9 are clear: 10-bit tags are not enabled", Any, tag_of_eight_bits},
    {"P-CPL-MODIFIED", "2.2.9", "Byte Count Modified is clear: only PCI-X completers set it", Completion,
     byte_count_not_modified},
    {"P-RESERVED", "2.2.1", "all other reserved and unused header bits are zero", Any, other_reserved_bits_clear},
    {"P-POISONED-EMPTY", "2.7.2.2", "EP is clear where there is no data", Any, no_poison_without_data},
    {"P-POISONED", "2.7.2.2", "no data is poisoned: legal, and lost all the same", Any, data_not_poisoned},
};

}  // namespace

std::span<const ProtocolRule> format_rules() { return kRules; }

}  // namespace holdover::sim::protocol
