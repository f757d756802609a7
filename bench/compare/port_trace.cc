// SPDX-License-Identifier: MIT
#include "bench/compare/port_trace.h"

#include <algorithm>
#include <charconv>
#include <istream>
#include <optional>
#include <sstream>
#include <string_view>

#include "bench/compare/register_names.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

namespace config = pcie::config;

constexpr std::string_view kRootPort = "root-port";

struct TraceLine {
  std::string device;
  std::string bdf;
  unsigned offset = 0;
  std::uint32_t value = 0;
};

// Where QEMU's pcie-root-port has its capabilities (hw/pci-bridge/gen_pcie_root_port.c, ioh3420.c).
const RegisterNames& port_names() {
  static const RegisterNames kNames{RegisterNames::Header::Type1,
                                    {{"MSIX", 0x48}, {"PCIE", 0x54}, {"AER", 0x100}, {"ACS", 0x148}}};
  return kNames;
}

std::optional<std::uint32_t> hexadecimal(std::string_view text) {
  if (text.substr(0, 2) != "0x") return std::nullopt;
  text.remove_prefix(2);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<TraceLine> read_lines(std::istream& in, const std::string& name) {
  std::vector<TraceLine> lines;
  unsigned number = 0;
  for (std::string text; std::getline(in, text);) {
    ++number;
    const std::size_t start = text.find("pci_cfg_write");
    if (start == std::string::npos) continue;
    std::istringstream words(text.substr(start));
    std::string event, offset, arrow, value;
    TraceLine line;
    words >> event >> line.device >> line.bdf >> offset >> arrow >> value;
    const auto at = offset.empty() ? std::nullopt : hexadecimal(std::string_view(offset).substr(1));
    const auto written = hexadecimal(value);
    if (!at || !written || offset.front() != '@' || arrow != "<-" || *at >= config::kSpaceBytes) {
      throw Error(ErrorCode::InvalidArgument, name + ", line " + std::to_string(number) +
                                                  ": this is no «pci_cfg_write DEV BDF @0xOFF <- 0xVALUE»; the line is "
                                                  "cut off or broken, record the trace anew");
    }
    line.offset = *at;
    line.value = *written;
    lines.push_back(line);
  }
  return lines;
}

// How wide a register is, which the trace does not tell.
unsigned width(const std::string& name) {
  constexpr std::array<std::string_view, 5> kBytes{"SECBUS", "SUBBUS", "CACHELINE", "LATENCY", "INTLINE"};
  if (std::find(kBytes.begin(), kBytes.end(), name) != kBytes.end()) return 1;
  constexpr std::array<std::string_view, 7> kWords{"COMMAND",   "STATUS",   "IOWIN",  "SECSTATUS",
                                                   "BRIDGECTL", "MSIX.Ctl", "ACS.Ctl"};
  if (std::find(kWords.begin(), kWords.end(), name) != kWords.end()) return 2;
  const bool express = name.substr(0, 5) == "PCIE.";
  return express && name != "PCIE.RootSta" ? 2 : 4;
}

class PhaseFinder {
 public:
  PhaseFinder(const std::vector<TraceLine>& lines, std::string endpoint)
      : lines_(lines), endpoint_(std::move(endpoint)) {}

  // A kernel begins to enumerate: the first of two writes of COMMAND that differ in INTx Disable alone.
  [[nodiscard]] std::size_t next_kernel(std::size_t from) const {
    for (std::size_t at = from; at + 1 < lines_.size(); ++at) {
      const TraceLine& probe = lines_[at];
      const TraceLine& back = lines_[at + 1];
      if (probe.offset == config::kCommand && back.offset == config::kCommand && probe.bdf == back.bdf &&
          (probe.value ^ back.value) == config::kCommandIntxDisable) {
        return at;
      }
    }
    return lines_.size();
  }

  // User space begins: the first write to the endpoint after those of its enumeration, whose last is Link Control.
  [[nodiscard]] std::size_t user_space(std::size_t from) const {
    std::size_t probe = from;
    while (probe < lines_.size() && !(lines_[probe].bdf == endpoint_ && lines_[probe].offset == config::kCommand))
      ++probe;
    bool configured = false;  // the endpoint's capabilities have been written to
    for (std::size_t at = probe; at < lines_.size(); ++at) {
      if (lines_[at].bdf != endpoint_) continue;
      if (lines_[at].offset >= 0x40) configured = true;
      if (configured && lines_[at].offset == config::kCommand) return at;
    }
    return lines_.size();
  }

 private:
  const std::vector<TraceLine>& lines_;
  std::string endpoint_;
};

}  // namespace

PortTrace read_port_trace(std::istream& in, const std::string& name) {
  const std::vector<TraceLine> lines = read_lines(in, name);
  const auto refuse = [&name](const std::string& what) -> Error {
    return {ErrorCode::InvalidArgument, name + " " + what};
  };
  if (lines.empty()) {
    throw refuse("is no trace of configuration writes: no line of it says pci_cfg_write; name QEMU's trace");
  }
  const auto port = std::find_if(lines.begin(), lines.end(), [](const TraceLine& line) {
    return line.device.find(kRootPort) != std::string::npos;
  });
  if (port == lines.end()) throw refuse("has no root port in it; name the trace of a machine with one");
  const auto endpoint = std::find_if(lines.begin(), lines.end(), [](const TraceLine& line) {
    return line.bdf.substr(0, 3) != "00:" && line.offset == config::kCommand;
  });
  if (endpoint == lines.end())
    throw refuse("has no endpoint below the root port; name the trace of a machine with one");

  const PhaseFinder finder(lines, endpoint->bdf);
  const std::size_t first = finder.next_kernel(0);
  const std::size_t ready = finder.user_space(first);
  const std::size_t second = finder.next_kernel(ready);
  if (second == lines.size()) throw refuse("has no kexec in it; name the trace of a run that came that far");
  const std::size_t end = finder.user_space(second);

  PortTrace trace;
  for (std::size_t at = 0; at < first; ++at) {
    if (lines[at].bdf == port->bdf && lines[at].offset == config::kBridgeControl) {
      trace.bridge_control = static_cast<std::uint16_t>(lines[at].value);
    }
  }
  const auto take = [&](ComparedPhase phase, std::size_t begin, std::size_t limit) {
    for (std::size_t at = begin; at < limit; ++at) {
      if (lines[at].bdf != port->bdf) continue;
      const std::string& register_name = port_names().name(lines[at].offset);
      trace.writes[static_cast<std::size_t>(phase)].push_back(
          {register_name, width(register_name), lines[at].value, std::nullopt});
    }
  };
  take(ComparedPhase::Boot, first, ready);
  take(ComparedPhase::Shutdown, ready, second);
  take(ComparedPhase::Enumeration, second, end);
  return trace;
}

}  // namespace holdover::bench
