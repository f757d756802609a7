// SPDX-License-Identifier: MIT
// A kernel image as an executable: runs one kernel on a machine in another process; a kexec is an execve of the next
// one.
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "host/image.h"
#include "pcie/error.h"
#include "sim/remote/remote_platform.h"

namespace holdover::host {
namespace {

constexpr char kUsage[] =
    "holdover-kernel-image: one kernel of a run in process isolation; `holdover run` starts it.\n"
    "  --platform-fd N         descriptor of the connection to the machine\n"
    "  --dram-fd N             descriptor of the machine's DRAM\n"
    "  --boot-parameters 0xN   physical address of the boot-parameter page\n"
    "  --next-image PATH       executable of the kernel after a kexec (default: this one)\n"
    "It exits with 0 when its scenario is over, 1 when the kernel panicked, 2 for usage and environment.\n";

struct Arguments {
  int platform = -1;
  int dram = -1;
  PhysicalAddress boot_parameters{0};
  std::string next_image;
};

template <typename Number>
Number parse_number(std::string_view name, std::string_view text) {
  const bool hexadecimal = text.substr(0, 2) == "0x";
  const std::string_view digits = hexadecimal ? text.substr(2) : text;
  Number value{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
  if (error != std::errc{} || end != digits.data() + digits.size() || value < 0) {
    throw Error(ErrorCode::InvalidArgument, std::string(name) + ": «" + std::string(text) +
                                                "» is no number; it takes a decimal number, or a hexadecimal one "
                                                "after 0x");
  }
  return value;
}

Arguments parse(const std::vector<std::string_view>& words) {
  Arguments arguments;
  bool has_address = false;
  for (std::size_t at = 0; at < words.size(); at += 2) {
    const std::string_view name = words[at];
    if (at + 1 == words.size()) {
      throw Error(ErrorCode::InvalidArgument, std::string(name) + " needs a value");
    }
    const std::string_view text = words[at + 1];
    if (name == "--platform-fd") {
      arguments.platform = parse_number<int>(name, text);
    } else if (name == "--dram-fd") {
      arguments.dram = parse_number<int>(name, text);
    } else if (name == "--boot-parameters") {
      arguments.boot_parameters = PhysicalAddress{parse_number<std::uint64_t>(name, text)};
      has_address = true;
    } else if (name == "--next-image") {
      arguments.next_image = text;
    } else {
      throw Error(ErrorCode::InvalidArgument,
                  "«" + std::string(name) +
                      "» is no option; possible are --platform-fd, --dram-fd, --boot-parameters and --next-image");
    }
  }
  if (arguments.platform < 0 || arguments.dram < 0 || !has_address) {
    throw Error(ErrorCode::InvalidArgument, "--platform-fd, --dram-fd and --boot-parameters must be given");
  }
  return arguments;
}

// Replaces this process by the next kernel. Returns only where the system refuses, with a sentence.
std::string enter(const std::string& image, const sim::RemotePlatform::Descriptors& descriptors,
                  PhysicalAddress boot_parameters) {
  std::vector<std::string> words{image,
                                 "--platform-fd",
                                 std::to_string(descriptors.socket),
                                 "--dram-fd",
                                 std::to_string(descriptors.dram),
                                 "--boot-parameters",
                                 std::to_string(boot_parameters.raw())};
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  execv(image.c_str(), pointers.data());
  return "the next kernel image " + image + " cannot be entered: " + std::strerror(errno);
}

int run(const std::string& self, const std::vector<std::string_view>& words) {
  const Arguments arguments = parse(words);
  sim::RemotePlatform platform{FileDescriptor(arguments.platform), FileDescriptor(arguments.dram)};
  const ImageExit exit = run_image(platform, arguments.boot_parameters);
  switch (exit.kind) {
    case ImageExit::Kind::Jumped:
      throw Error(ErrorCode::Unavailable, enter(arguments.next_image.empty() ? self : arguments.next_image,
                                                platform.release(), exit.next_parameters));
    case ImageExit::Kind::Panicked:
      std::cerr << "holdover-kernel-image: kernel panic: " << exit.reason << '\n';
      return 1;
    case ImageExit::Kind::Halted:
      break;
  }
  return 0;
}

}  // namespace
}  // namespace holdover::host

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  if (words.empty() || words.front() == "--help") {
    std::cout << holdover::host::kUsage;
    return words.empty() ? 2 : 0;
  }
  try {
    return holdover::host::run("/proc/self/exe", words);
  } catch (const holdover::Error& error) {
    // The machine's process has ended the run, and says itself why.
    if (error.code() != holdover::ErrorCode::PeerDied) {
      std::cerr << "holdover-kernel-image: " << error.what() << '\n';
    }
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "holdover-kernel-image: " << error.what() << '\n';
    return 2;
  }
}
