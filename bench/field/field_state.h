// SPDX-License-Identifier: MIT
// What the field bench saw before the kexec and needs after it: one versioned structure in a file, on a disk that the
// kexec leaves alone. A file, because preserved memory is part of what is judged: where it does not come back, the
// verdict must still be told.
//
// Little endian; fields are only ever added at the end, and the version changes with any change of meaning.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "bench/field/look.h"

namespace holdover::bench {

inline constexpr std::uint64_t kFieldStateMagic = 0x444C'4549'464C'4F48;  // «HOLFIELD»
inline constexpr std::uint32_t kFieldStateVersion = 1;

struct FieldState {
  std::uint64_t magic = kFieldStateMagic;
  std::uint32_t version = kFieldStateVersion;
  std::uint32_t bytes = sizeof(FieldState);
  std::uint64_t checksum = 0;          // FNV-1a of all bytes with this field 0
  std::array<char, 16> bdf{};          // «0000:01:00.0»
  std::array<char, 512> parameters{};  // of the scenario: what stage 2 lays its streams out by
  std::uint64_t silence_limit_ps = 0;  // declared; 0: twice what the steady traffic showed
  std::uint32_t scratch = 0;           // what was written to SCRATCH, never 0
  std::uint32_t interrupts_off = 0;    // 1: the agent switches MSI-X off for the freeze
  Look begin;                          // when the first file was preserved
  Look jump;                           // the last thing before the kexec
  std::array<char, 40> boot_id{};      // of the kernel that stage 1 ran on; empty: a server's device, no kernel goes
  std::uint32_t judged = 0;            // 1: its verdict was told, or was about to be
  std::uint32_t reserved = 0;
};
static_assert(std::is_trivially_copyable_v<FieldState>);

[[nodiscard]] std::string_view text_of(std::span<const char> field);
// Throws Error{InvalidArgument} where it is too long for the field.
void set_text(std::span<char> field, std::string_view text, const std::string& what);

// The bytes with magic, version, size and checksum filled in.
[[nodiscard]] std::string pack(FieldState state);
// Throws Error{Corrupt} that names `where` and what is wrong.
[[nodiscard]] FieldState unpack(std::string_view bytes, const std::string& where);

// Whole or not at all, and on the disk when it returns. Throws Error{Unavailable} that names `--state`.
void save(const FieldState& state, const std::filesystem::path& path);
// Throws Error{NotFound} where there is no such file, Error{Corrupt} where it is not one of ours.
[[nodiscard]] FieldState load_field_state(const std::filesystem::path& path);

// Whether stage 2 may judge it here. `boot_id`: of the running kernel; empty where stage 2 is another program under the
// same kernel. Throws Error{InvalidArgument} that names `path`; the file is left as it is.
void require_unjudged(const FieldState& state, std::string_view boot_id, const std::filesystem::path& path);

}  // namespace holdover::bench
