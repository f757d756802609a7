// SPDX-License-Identifier: MIT
#include "host/backend/vfio_user/carried_state.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>

#include "host/backend/refusal.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

constexpr char kFirstLine[] = "holdover-vfio-user 1";
constexpr std::size_t kMostBytes = 1 << 20;
constexpr std::array<const char*, 3> kKinds{"memory", "space", "device"};

std::string hexadecimal(const std::string& text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string digits;
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    digits += kDigits[byte >> 4];
    digits += kDigits[byte & 0xf];
  }
  return digits;
}

class Reader {
 public:
  explicit Reader(const std::string& text) : text_(text) {}

  CarriedState run() {
    std::string line;
    if (!std::getline(text_, line) || line != kFirstLine) refuse(line);
    while (std::getline(text_, line)) {
      std::istringstream words(line);
      std::string name;
      words >> name;
      if (!take(name, words) || words.fail() || !(words >> std::ws).eof()) refuse(line);
    }
    check();
    return std::move(state_);
  }

 private:
  [[noreturn]] static void refuse(const std::string& line) {
    throw Error(ErrorCode::Corrupt,
                "the state of the predecessor makes no sense at «" + line + "»; start without a predecessor");
  }
  static void require(bool holds, const char* what) {
    if (!holds) refuse(what);
  }

  bool take(const std::string& name, std::istringstream& words) {
    if (name == "connection") {
      words >> state_.socket >> state_.server.max_descriptors >> state_.server.max_transfer >> state_.pass_descriptors;
    } else if (name == "next-iova") {
      words >> state_.next_iova;
    } else if (name == "command-line") {
      std::getline(words >> std::ws, state_.command_line);
      words.clear(std::ios::eofbit);
    } else if (name == "memory") {
      words >> state_.memories.emplace_back();
    } else if (name == "space") {
      words >> state_.spaces.emplace_back().attached;
    } else if (name == "map") {
      require(!state_.spaces.empty(), "map");
      CarriedState::Map& map = state_.spaces.back().maps.emplace_back();
      words >> map.iova >> map.size >> map.memory >> map.offset >> map.device_writes;
    } else if (name == "device") {
      long space = -1;
      CarriedState::Device& device = state_.device.emplace();
      words >> space >> device.interrupts;
      if (space >= 0) device.space = static_cast<std::size_t>(space);
    } else if (name == "session") {
      std::string digits;
      words >> digits;
      state_.sessions.emplace_back().name = plain(digits);
    } else if (name == "file") {
      require(!state_.sessions.empty(), "file");
      CarriedState::File& file = state_.sessions.back().files.emplace_back();
      std::string kind;
      words >> file.token >> kind >> file.index;
      const auto* const found = std::find(kKinds.begin(), kKinds.end(), kind);
      require(found != kKinds.end(), "file");
      file.kind = static_cast<CarriedState::Kind>(found - kKinds.begin());
    } else {
      return false;
    }
    return true;
  }

  static std::string plain(const std::string& digits) {
    require(digits.size() % 2 == 0 && digits.find_first_not_of("0123456789abcdef") == std::string::npos, "session");
    std::string text;
    for (std::size_t at = 0; at < digits.size(); at += 2) {
      text += static_cast<char>(std::stoi(digits.substr(at, 2), nullptr, 16));
    }
    return text;
  }

  // Every index names something.
  void check() const {
    require(state_.socket >= 0, "connection");
    for (const CarriedState::Space& space : state_.spaces) {
      for (const CarriedState::Map& map : space.maps) require(map.memory < state_.memories.size(), "map");
    }
    if (state_.device && state_.device->space) require(*state_.device->space < state_.spaces.size(), "device");
    for (const CarriedState::Session& session : state_.sessions) {
      for (const CarriedState::File& file : session.files) {
        const std::size_t count = file.kind == CarriedState::Kind::Memory  ? state_.memories.size()
                                  : file.kind == CarriedState::Kind::Space ? state_.spaces.size()
                                                                           : (state_.device ? 1u : 0u);
        require(file.index < count, "file");
      }
    }
  }

  std::istringstream text_;
  CarriedState state_;
};

std::string text_of(const CarriedState& state) {
  std::ostringstream out;
  out << kFirstLine << "\nconnection " << state.socket << ' ' << state.server.max_descriptors << ' '
      << state.server.max_transfer << ' ' << state.pass_descriptors << "\nnext-iova " << state.next_iova
      << "\ncommand-line " << state.command_line << '\n';
  for (const int memory : state.memories) out << "memory " << memory << '\n';
  for (const CarriedState::Space& space : state.spaces) {
    out << "space " << space.attached << '\n';
    for (const CarriedState::Map& map : space.maps) {
      out << "map " << map.iova << ' ' << map.size << ' ' << map.memory << ' ' << map.offset << ' ' << map.device_writes
          << '\n';
    }
  }
  if (state.device) {
    out << "device " << (state.device->space ? static_cast<long>(*state.device->space) : -1L) << ' '
        << state.device->interrupts << '\n';
  }
  for (const CarriedState::Session& session : state.sessions) {
    out << "session " << hexadecimal(session.name) << '\n';
    for (const CarriedState::File& file : session.files) {
      out << "file " << file.token << ' ' << kKinds[static_cast<std::size_t>(file.kind)] << ' ' << file.index << '\n';
    }
  }
  return out.str();
}

}  // namespace

FileDescriptor write_carried_state(const CarriedState& state) {
  const std::string text = text_of(state);
  FileDescriptor file{::memfd_create("holdover-carried-state", MFD_ALLOW_SEALING)};
  const auto size = static_cast<ssize_t>(text.size());
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  if (file.number() < 0 || ::write(file.number(), text.data(), text.size()) != size ||
      ::fcntl(file.number(), F_ADD_SEALS, kSeals) != 0) {
    refuse(errno, "a memfd for what the next program is to know");
  }
  return file;
}

CarriedState read_carried_state(int descriptor) {
  std::string text(kMostBytes, '\0');
  const ssize_t size = ::pread(descriptor, text.data(), text.size(), 0);
  if (size < 0) {
    throw Error(ErrorCode::Corrupt,
                "descriptor " + std::to_string(descriptor) + " holds no state of a predecessor; start without one");
  }
  text.resize(static_cast<std::size_t>(size));
  return Reader{text}.run();
}

}  // namespace holdover::host
