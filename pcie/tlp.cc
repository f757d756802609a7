// SPDX-License-Identifier: MIT
#include "pcie/tlp.h"

#include <bit>
#include <cstdio>

#include "pcie/error.h"

namespace holdover::pcie {
namespace {

// Fmt[2:0] Type[4:0] (PCIe 5.0, table 2-3). Memory requests: the three-word form; Fmt bit 0 makes it four words.
constexpr std::uint8_t kMemoryRead = 0b000'00000;
constexpr std::uint8_t kMemoryWrite = 0b010'00000;
constexpr std::uint8_t kConfigRead0 = 0b000'00100;
constexpr std::uint8_t kConfigWrite0 = 0b010'00100;
constexpr std::uint8_t kConfigRead1 = 0b000'00101;
constexpr std::uint8_t kConfigWrite1 = 0b010'00101;
constexpr std::uint8_t kMessage = 0b001'10000;  // bits 2:0 of Type: routing
constexpr std::uint8_t kMessageData = 0b011'10000;
constexpr std::uint8_t kCompletion = 0b000'01010;
constexpr std::uint8_t kCompletionData = 0b010'01010;
constexpr std::uint8_t kFourWords = 0b001'00000;
constexpr std::uint8_t kMessageMask = 0b111'11000;

constexpr std::uint64_t kFourGiB = std::uint64_t{1} << 32;

std::uint8_t format_and_type(const Tlp& tlp) {
  const std::uint8_t wide = header_dwords(tlp) == 4 ? kFourWords : 0;
  switch (tlp.kind) {
    case TlpKind::MemoryRead:
      return kMemoryRead | wide;
    case TlpKind::MemoryWrite:
      return kMemoryWrite | wide;
    case TlpKind::ConfigRead0:
      return kConfigRead0;
    case TlpKind::ConfigWrite0:
      return kConfigWrite0;
    case TlpKind::ConfigRead1:
      return kConfigRead1;
    case TlpKind::ConfigWrite1:
      return kConfigWrite1;
    case TlpKind::Message:
      return static_cast<std::uint8_t>(kMessage | (tlp.message_routing & 7));
    case TlpKind::MessageData:
      return static_cast<std::uint8_t>(kMessageData | (tlp.message_routing & 7));
    case TlpKind::Completion:
      return kCompletion;
    case TlpKind::CompletionData:
      return kCompletionData;
  }
  HOLDOVER_CHECK(false);
  return 0;
}

std::optional<TlpKind> kind_of(std::uint8_t format_type) {
  if ((format_type & kMessageMask) == kMessage) return TlpKind::Message;
  if ((format_type & kMessageMask) == kMessageData) return TlpKind::MessageData;
  switch (format_type) {
    case kMemoryRead:
    case kMemoryRead | kFourWords:
      return TlpKind::MemoryRead;
    case kMemoryWrite:
    case kMemoryWrite | kFourWords:
      return TlpKind::MemoryWrite;
    case kConfigRead0:
      return TlpKind::ConfigRead0;
    case kConfigWrite0:
      return TlpKind::ConfigWrite0;
    case kConfigRead1:
      return TlpKind::ConfigRead1;
    case kConfigWrite1:
      return TlpKind::ConfigWrite1;
    case kCompletion:
      return TlpKind::Completion;
    case kCompletionData:
      return TlpKind::CompletionData;
    default:
      return std::nullopt;
  }
}

std::uint32_t request_word(const Tlp& tlp) {
  return (std::uint32_t{tlp.requester} << 16) | ((std::uint32_t{tlp.tag} & 0xff) << 8) |
         ((std::uint32_t{tlp.last_be} & 0xf) << 4) | (std::uint32_t{tlp.first_be} & 0xf);
}

void decode_request_word(std::uint32_t word, Tlp& tlp) {
  tlp.requester = static_cast<RequesterId>(word >> 16);
  tlp.tag = static_cast<std::uint16_t>((word >> 8) & 0xff);
  tlp.last_be = static_cast<std::uint8_t>((word >> 4) & 0xf);
  tlp.first_be = static_cast<std::uint8_t>(word & 0xf);
}

}  // namespace

bool has_payload(TlpKind kind) {
  switch (kind) {
    case TlpKind::MemoryWrite:
    case TlpKind::ConfigWrite0:
    case TlpKind::ConfigWrite1:
    case TlpKind::MessageData:
    case TlpKind::CompletionData:
      return true;
    default:
      return false;
  }
}

bool is_completion(TlpKind kind) { return kind == TlpKind::Completion || kind == TlpKind::CompletionData; }

bool is_config(TlpKind kind) {
  return kind == TlpKind::ConfigRead0 || kind == TlpKind::ConfigWrite0 || kind == TlpKind::ConfigRead1 ||
         kind == TlpKind::ConfigWrite1;
}

bool is_error_message(const Tlp& tlp) {
  return tlp.kind == TlpKind::Message &&
         (tlp.message_code == kMessageErrorCorrectable || tlp.message_code == kMessageErrorNonFatal ||
          tlp.message_code == kMessageErrorFatal);
}

FlowClass flow_class(TlpKind kind) {
  switch (kind) {
    case TlpKind::MemoryWrite:
    case TlpKind::Message:
    case TlpKind::MessageData:
      return FlowClass::Posted;
    case TlpKind::Completion:
    case TlpKind::CompletionData:
      return FlowClass::Completion;
    default:
      return FlowClass::NonPosted;
  }
}

unsigned header_dwords(const Tlp& tlp) {
  switch (tlp.kind) {
    case TlpKind::MemoryRead:
    case TlpKind::MemoryWrite:
      return tlp.address >= kFourGiB ? 4 : 3;
    case TlpKind::Message:
    case TlpKind::MessageData:
      return 4;
    default:
      return 3;
  }
}

Bytes tlp_bytes(const Tlp& tlp) { return Bytes{header_dwords(tlp) * 4 + tlp.payload.size()}; }

Bytes enabled_bytes(const Tlp& request) {
  const unsigned first = request.first_be & 0xfu;
  const unsigned last = request.last_be & 0xfu;
  if (request.length_dw == 1) {
    if (first == 0) return Bytes{0};
    const unsigned low = static_cast<unsigned>(std::countr_zero(first));
    const unsigned high = static_cast<unsigned>(std::bit_width(first));
    return Bytes{high - low};
  }
  const unsigned lead = first == 0 ? 4 : static_cast<unsigned>(std::countr_zero(first));
  const unsigned trail = 4 - static_cast<unsigned>(std::bit_width(last));
  return Bytes{request.length_dw * 4u - lead - trail};
}

std::uint64_t first_byte_address(const Tlp& request) {
  const unsigned first = request.first_be & 0xfu;
  return request.address + (first == 0 ? 0u : static_cast<unsigned>(std::countr_zero(first)));
}

TlpHeader encode_header(const Tlp& tlp) {
  TlpHeader header{};
  const std::uint32_t length = tlp.length_dw & 0x3ffu;
  header[0] = (std::uint32_t{format_and_type(tlp)} << 24) | ((std::uint32_t{tlp.traffic_class} & 7) << 20) |
              (((std::uint32_t{tlp.attributes} >> 2) & 1) << 18) | (std::uint32_t{tlp.poisoned} << 14) |
              ((std::uint32_t{tlp.attributes} & 3) << 12) | length;
  if (is_completion(tlp.kind)) {
    header[1] = (std::uint32_t{tlp.completer} << 16) | (static_cast<std::uint32_t>(tlp.status) << 13) |
                (tlp.byte_count & 0xfffu);
    header[2] =
        (std::uint32_t{tlp.requester} << 16) | ((std::uint32_t{tlp.tag} & 0xff) << 8) | (tlp.lower_address & 0x7fu);
    return header;
  }
  header[1] = request_word(tlp);
  switch (tlp.kind) {
    case TlpKind::MemoryRead:
    case TlpKind::MemoryWrite:
      header[0] |= (std::uint32_t{tlp.address_type} & 3) << 10;
      if (header_dwords(tlp) == 4) {
        header[2] = static_cast<std::uint32_t>(tlp.address >> 32);
        header[3] = static_cast<std::uint32_t>(tlp.address) & ~3u;
      } else {
        header[2] = static_cast<std::uint32_t>(tlp.address) & ~3u;
      }
      break;
    case TlpKind::Message:
    case TlpKind::MessageData:
      header[1] = (header[1] & ~0xffu) | tlp.message_code;
      header[2] = static_cast<std::uint32_t>(tlp.address >> 32);
      header[3] = static_cast<std::uint32_t>(tlp.address);
      break;
    default:
      header[2] = (std::uint32_t{tlp.target} << 16) | (tlp.register_offset & 0xffcu);
      break;
  }
  return header;
}

std::optional<Tlp> decode_header(const TlpHeader& header) {
  const std::optional<TlpKind> kind = kind_of(static_cast<std::uint8_t>(header[0] >> 24));
  if (!kind) return std::nullopt;
  Tlp tlp;
  tlp.kind = *kind;
  tlp.traffic_class = static_cast<std::uint8_t>((header[0] >> 20) & 7);
  tlp.attributes = static_cast<std::uint8_t>((((header[0] >> 18) & 1) << 2) | ((header[0] >> 12) & 3));
  tlp.poisoned = ((header[0] >> 14) & 1) != 0;
  const std::uint32_t length = header[0] & 0x3ff;
  const bool counts = *kind != TlpKind::Completion && *kind != TlpKind::Message;
  tlp.length_dw = static_cast<std::uint16_t>(counts && length == 0 ? 1024 : length);
  if (is_completion(*kind)) {
    tlp.completer = static_cast<RequesterId>(header[1] >> 16);
    tlp.status = static_cast<CompletionStatus>((header[1] >> 13) & 7);
    const std::uint32_t count = header[1] & 0xfff;
    tlp.byte_count = static_cast<std::uint16_t>(count == 0 ? 4096 : count);
    tlp.requester = static_cast<RequesterId>(header[2] >> 16);
    tlp.tag = static_cast<std::uint16_t>((header[2] >> 8) & 0xff);
    tlp.lower_address = static_cast<std::uint8_t>(header[2] & 0x7f);
    return tlp;
  }
  decode_request_word(header[1], tlp);
  switch (*kind) {
    case TlpKind::MemoryRead:
    case TlpKind::MemoryWrite:
      tlp.address_type = static_cast<std::uint8_t>((header[0] >> 10) & 3);
      tlp.address =
          ((header[0] >> 29) & 1) != 0 ? (std::uint64_t{header[2]} << 32) | (header[3] & ~3u) : header[2] & ~3u;
      break;
    case TlpKind::Message:
    case TlpKind::MessageData:
      tlp.message_routing = static_cast<std::uint8_t>((header[0] >> 24) & 7);
      tlp.message_code = static_cast<std::uint8_t>(header[1]);
      tlp.first_be = 0;
      tlp.last_be = 0;
      tlp.address = (std::uint64_t{header[2]} << 32) | header[3];
      break;
    default:
      tlp.target = static_cast<RequesterId>(header[2] >> 16);
      tlp.register_offset = static_cast<std::uint16_t>(header[2] & 0xffc);
      break;
  }
  return tlp;
}

std::string_view to_string(TlpKind kind) {
  switch (kind) {
    case TlpKind::MemoryRead:
      return "MRd";
    case TlpKind::MemoryWrite:
      return "MWr";
    case TlpKind::ConfigRead0:
      return "CfgRd0";
    case TlpKind::ConfigWrite0:
      return "CfgWr0";
    case TlpKind::ConfigRead1:
      return "CfgRd1";
    case TlpKind::ConfigWrite1:
      return "CfgWr1";
    case TlpKind::Message:
      return "Msg";
    case TlpKind::MessageData:
      return "MsgD";
    case TlpKind::Completion:
      return "Cpl";
    case TlpKind::CompletionData:
      return "CplD";
  }
  return "?";
}

std::string_view to_string(CompletionStatus status) {
  switch (status) {
    case CompletionStatus::Success:
      return "SC";
    case CompletionStatus::UnsupportedRequest:
      return "UR";
    case CompletionStatus::RequestRetry:
      return "RRS";
    case CompletionStatus::CompleterAbort:
      return "CA";
  }
  return "reserved status";
}

std::string to_string(const Tlp& tlp) {
  const auto id = [](RequesterId value) { return Bdf::from_requester_id(value).to_string().substr(5); };
  const std::string kind{to_string(tlp.kind)};
  char text[96];
  if (is_completion(tlp.kind)) {
    std::snprintf(text, sizeof text, " tag %02x %s, %u B left, %u B", unsigned{tlp.tag},
                  std::string{to_string(tlp.status)}.c_str(), unsigned{tlp.byte_count},
                  has_payload(tlp.kind) ? tlp.length_dw * 4u : 0u);
    return kind + " " + id(tlp.completer) + " to " + id(tlp.requester) + text;
  }
  if (is_config(tlp.kind)) {
    std::snprintf(text, sizeof text, " offset 0x%03x be %x tag %02x", unsigned{tlp.register_offset},
                  unsigned{tlp.first_be}, unsigned{tlp.tag});
    return kind + " " + id(tlp.requester) + " to " + id(tlp.target) + text;
  }
  if (tlp.kind == TlpKind::Message || tlp.kind == TlpKind::MessageData) {
    std::snprintf(text, sizeof text, " code 0x%02x", unsigned{tlp.message_code});
    return kind + " " + id(tlp.requester) + text;
  }
  std::snprintf(text, sizeof text, " 0x%09llx %u B tag %02x", static_cast<unsigned long long>(first_byte_address(tlp)),
                static_cast<unsigned>(enabled_bytes(tlp).count()), unsigned{tlp.tag});
  return kind + " " + id(tlp.requester) + text;
}

}  // namespace holdover::pcie
