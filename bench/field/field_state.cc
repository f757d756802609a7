// SPDX-License-Identifier: MIT
#include "bench/field/field_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

#include "bench/output_file.h"
#include "host/driver/driver_state.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

std::uint64_t checksum_of(FieldState state) {
  state.checksum = 0;
  return host::checksum64(std::as_bytes(std::span(&state, 1)));
}

// The file and the entry of its folder.
void flush(const std::filesystem::path& path) {
  for (const std::filesystem::path& each : {path, std::filesystem::absolute(path).parent_path()}) {
    const int file = ::open(each.c_str(), O_RDONLY | O_CLOEXEC);
    const bool flushed = file >= 0 && ::fsync(file) == 0;
    if (file >= 0) ::close(file);
    if (!flushed)
      throw Error(ErrorCode::Unavailable, "--state: " + each.string() + " could not be written to its disk");
  }
}

}  // namespace

std::string_view text_of(std::span<const char> field) {
  return {field.data(), static_cast<std::size_t>(std::find(field.begin(), field.end(), '\0') - field.begin())};
}

void set_text(std::span<char> field, std::string_view text, const std::string& what) {
  if (text.size() >= field.size()) {
    throw Error(ErrorCode::InvalidArgument, what + " has " + std::to_string(text.size()) + " characters, and " +
                                                std::to_string(field.size() - 1) + " are the most");
  }
  std::fill(field.begin(), field.end(), '\0');
  std::copy(text.begin(), text.end(), field.begin());
}

std::string pack(FieldState state) {
  state.magic = kFieldStateMagic;
  state.version = kFieldStateVersion;
  state.bytes = sizeof(FieldState);
  state.checksum = checksum_of(state);
  return {reinterpret_cast<const char*>(&state), sizeof(state)};
}

FieldState unpack(std::string_view bytes, const std::string& where) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorCode::Corrupt, "--state: " + where + " is not what stage 1 left: " + what +
                                        "; the verdict of this update cannot be told, begin again with --stage 1");
  };
  FieldState state;
  if (bytes.size() != sizeof(state)) {
    refuse("it has " + std::to_string(bytes.size()) + " bytes, and " + std::to_string(sizeof(state)) + " were written");
  }
  std::memcpy(&state, bytes.data(), sizeof(state));
  if (state.magic != kFieldStateMagic) refuse("the magic number is wrong");
  if (state.version != kFieldStateVersion || state.bytes != sizeof(state)) {
    refuse("its version is " + std::to_string(state.version) + ", this program knows " +
           std::to_string(kFieldStateVersion));
  }
  if (state.checksum != checksum_of(state)) refuse("the checksum does not match");
  return state;
}

void save(const FieldState& state, const std::filesystem::path& path) {
  write_whole("--state", path, pack(state));
  flush(path);
}

void require_unjudged(const FieldState& state, std::string_view boot_id, const std::filesystem::path& path) {
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorCode::InvalidArgument, "--state: " + path.string() + " " + why);
  };
  const std::string_view before = text_of(state.boot_id);
  if (before.empty() != boot_id.empty()) {
    refuse(before.empty() ? "was written for a server's device, whose update is no kexec; begin again with --stage 1"
                          : "was written for a board; a server's device needs no --stage");
  }
  if (state.judged != 0) {
    refuse("was judged already, and an update is judged once; begin again with --stage 1");
  }
  if (!boot_id.empty() && before == boot_id) {
    refuse("was written under this very boot of the kernel (boot_id " + std::string(boot_id) +
           "): there was no kexec since, and stage 2 is for the next kernel");
  }
}

FieldState load_field_state(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw Error(ErrorCode::NotFound, "--state: " + path.string() +
                                         " cannot be read; stage 1 writes it, and it must lie on a disk that the "
                                         "kexec leaves alone");
  }
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return unpack(bytes, path.string());
}

}  // namespace holdover::bench
