// SPDX-License-Identifier: MIT
// A transaction layer packet as a value, and its header as the base specification lays it out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pcie/bdf.h"
#include "pcie/units.h"

namespace holdover::pcie {

enum class TlpKind : std::uint8_t {
  MemoryRead,
  MemoryWrite,
  ConfigRead0,
  ConfigWrite0,
  ConfigRead1,
  ConfigWrite1,
  Message,
  MessageData,
  Completion,      // without data
  CompletionData,  // with data
};

// Codes of error messages (PCIe 5.0, table 2-23).
inline constexpr std::uint8_t kMessageErrorCorrectable = 0x30;
inline constexpr std::uint8_t kMessageErrorNonFatal = 0x31;
inline constexpr std::uint8_t kMessageErrorFatal = 0x33;

// Latency Tolerance Reporting (PCIe 5.0, 2.2.8.8), and the routing of messages that end in the next port.
inline constexpr std::uint8_t kMessageLatencyTolerance = 0x10;
inline constexpr std::uint8_t kMessageRoutingLocal = 4;

// PCIe 5.0, table 2-34.
enum class CompletionStatus : std::uint8_t {
  Success = 0,
  UnsupportedRequest = 1,
  RequestRetry = 2,
  CompleterAbort = 4,
};

// Flow control classes (PCIe 5.0, 2.6.1).
enum class FlowClass : std::uint8_t { Posted, NonPosted, Completion };

struct Tlp {
  TlpKind kind = TlpKind::MemoryRead;
  std::uint8_t traffic_class = 0;  // 0..7
  std::uint8_t attributes = 0;     // bit 0 no snoop, bit 1 relaxed ordering, bit 2 ID-based ordering
  bool poisoned = false;           // EP
  std::uint16_t length_dw = 0;     // 1..1024 double words (payload, or what a read asks for); 0 where there are none

  // Requests.
  RequesterId requester = 0;  // in completions: whom the completion is for
  std::uint16_t tag = 0;      // 8 bits here
  std::uint8_t first_be = 0;
  std::uint8_t last_be = 0;
  std::uint64_t address = 0;      // memory requests: byte address, bits 1:0 zero
  std::uint8_t address_type = 0;  // memory requests: 0 untranslated, 1 translation request, 2 translated

  // Configuration requests: the target function and the register's byte offset, bits 1:0 zero.
  RequesterId target = 0;
  std::uint16_t register_offset = 0;

  // Messages (PCIe 5.0, 2.2.8): code and routing sub-field.
  std::uint8_t message_code = 0;
  std::uint8_t message_routing = 0;

  // Completions.
  RequesterId completer = 0;
  CompletionStatus status = CompletionStatus::Success;
  std::uint16_t byte_count = 0;    // remaining bytes including this completion, 1..4096
  std::uint8_t lower_address = 0;  // bits 6:0 of the first enabled byte of this completion

  std::vector<std::byte> payload;  // 4 * length_dw bytes in address order; empty where the kind has no data

  friend bool operator==(const Tlp&, const Tlp&) = default;
};

[[nodiscard]] bool has_payload(TlpKind kind);
[[nodiscard]] bool is_completion(TlpKind kind);
[[nodiscard]] bool is_config(TlpKind kind);
[[nodiscard]] bool is_error_message(const Tlp& tlp);
[[nodiscard]] FlowClass flow_class(TlpKind kind);
// 3 or 4: four double words for memory requests at or above 4 GiB and for messages (PCIe 5.0, 2.2.4.1).
[[nodiscard]] unsigned header_dwords(const Tlp& tlp);
// Header and payload in bytes, without framing, sequence number and LCRC.
[[nodiscard]] Bytes tlp_bytes(const Tlp& tlp);
// Bytes that a memory request's byte enables select; 1..4096, 0 for a zero-length read.
[[nodiscard]] Bytes enabled_bytes(const Tlp& request);
// Address of the first byte that the byte enables select.
[[nodiscard]] std::uint64_t first_byte_address(const Tlp& request);

// Header double words as numbers: word 0 holds Fmt in 31:29, Type in 28:24, Length in 9:0 (PCIe 5.0, 2.2.1).
// The fourth word of a three-word header is 0.
using TlpHeader = std::array<std::uint32_t, 4>;
[[nodiscard]] TlpHeader encode_header(const Tlp& tlp);
// Everything but the payload; nothing where format and type name no TLP that exists here.
[[nodiscard]] std::optional<Tlp> decode_header(const TlpHeader& header);

// One line for people: «MWr 02:00.0 0x0012a000 64 B».
[[nodiscard]] std::string to_string(const Tlp& tlp);
[[nodiscard]] std::string_view to_string(TlpKind kind);
[[nodiscard]] std::string_view to_string(CompletionStatus status);

}  // namespace holdover::pcie
