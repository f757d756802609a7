// SPDX-License-Identifier: MIT
#include "host/backend/vfio/board_check.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <sstream>

#include "host/backend/linux/descriptor.h"
#include "host/backend/vfio/vfio_files.h"
#include "host/driver/endpoint_regs.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

namespace config = pcie::config;
using State = BoardFact::State;

// Of the scenario: a channel each, and the heartbeat.
constexpr unsigned kVectors = 9;

std::uint64_t number_in(std::string_view text, int base) {
  if (base == 16 && text.starts_with("0x")) text.remove_prefix(2);
  std::uint64_t value = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), value, base);
  return value;
}

class Check {
 public:
  Check(SystemCalls& calls, const KernelPaths& paths, pcie::Bdf bdf, Bytes memory)
      : calls_(calls), paths_(paths), name_(bdf.to_string()), folder_(paths.function(name_)), memory_(memory) {
    check_.bdf = bdf;
  }

  BoardCheck run() {
    function();
    capabilities();
    driver();
    group();
    device_file();
    live_update();
    kexec();
    locked_memory();
    return check_;
  }

 private:
  void add(std::string subject, State state, std::string sentence, std::vector<std::string> commands = {}) {
    check_.facts.push_back({std::move(subject), state, std::move(sentence), std::move(commands)});
  }
  std::string text(const std::string& path) { return read_text(calls_, path).value_or(""); }
  // What is there and no link is no invalid argument of readlink().
  bool there(const std::string& path) {
    std::string target;
    return calls_.readlink(path, target) != -ENOENT;
  }

  void function() {
    const auto vendor = read_text(calls_, folder_ + "/vendor");
    if (!vendor) {
      throw Error(ErrorCode::NotFound,
                  "There is no function at " + name_ + " in " + paths_.sysfs + "; lspci -D lists those there are.");
    }
    constexpr std::uint64_t kBridge = 0x06;  // base class
    if (number_in(text(folder_ + "/class"), 16) >> 16 == kBridge || header_type() == 1) {
      throw Error(ErrorCode::InvalidArgument,
                  name_ + " is a bridge, and a bridge cannot be the endpoint; lspci -D lists the other functions.");
    }
    const std::string speed = text(folder_ + "/current_link_speed");
    add("function", State::Ok,
        *vendor + ":" + text(folder_ + "/device") + ", class " + text(folder_ + "/class") +
            (speed.empty() ? "" : ", link " + speed + " x" + text(folder_ + "/current_link_width")));
    // «start end flags» of each BAR.
    std::istringstream resource(text(folder_ + "/resource"));
    std::string begin;
    std::string end;
    resource >> begin >> end;
    const std::uint64_t first = number_in(begin, 16);
    const std::uint64_t bytes = first == 0 ? 0 : number_in(end, 16) - first + 1;
    if (bytes < regs::kBarBytes) {
      add("BAR 0", State::Missing,
          std::to_string(bytes) + " bytes, and the endpoint's registers take " + std::to_string(regs::kBarBytes) +
              "; is it the endpoint's bitstream, and did the kernel find room for the BAR?");
    } else {
      add("BAR 0", State::Ok, std::to_string(bytes) + " bytes");
    }
  }

  // Of configuration space, which shows so much to everybody. -1 where it cannot be read.
  int header_type() {
    constexpr std::uint64_t kHeaderType = 0x0e;
    constexpr int kLayout = 0x7f;
    std::array<std::byte, 1> type{};
    const int file = calls_.open(folder_ + "/config", O_RDONLY);
    if (file < 0) return -1;
    const Descriptor owner(calls_, file);
    if (calls_.pread(file, type, kHeaderType) != 1) return -1;
    return static_cast<int>(type[0]) & kLayout;
  }

  void capabilities() {
    std::array<std::byte, 256> space{};
    const int file = calls_.open(folder_ + "/config", O_RDONLY);
    std::int64_t length = file < 0 ? file : 0;
    if (file >= 0) {
      const Descriptor owner(calls_, file);
      length = calls_.pread(file, space, 0);
    }
    if (length < static_cast<std::int64_t>(space.size())) {
      add("capabilities", State::Note, "only root can read them");
      return;
    }
    const auto half = [&](unsigned at) {
      return static_cast<unsigned>(space[at]) | (static_cast<unsigned>(space[at + 1]) << 8);
    };
    const auto find = [&](std::uint8_t id) {
      unsigned at = static_cast<unsigned>(space[config::kCapabilityPointer]) & 0xfc;
      for (unsigned steps = 0; at >= 0x40 && at <= 0xf0 && steps < 48; ++steps) {
        if (static_cast<std::uint8_t>(space[at]) == id) return at;
        at = static_cast<unsigned>(space[at + 1]) & 0xfc;
      }
      return 0u;
    };
    msix(find(config::kCapMsix), half);
    const unsigned express = find(config::kCapExpress);
    const bool flr = express != 0 && ((half(express + config::kExpressDeviceCapabilities + 2) >> 12) & 1) != 0;
    add("function level reset", flr ? State::Ok : State::Missing,
        flr ? "supported" : "not supported: the driver takes an endpoint at rest, and VFIO has no other way to it");
    const unsigned power = find(config::kCapPowerManagement);
    const bool keeps = power != 0 && (half(power + config::kPmControl) & config::kPmNoSoftReset) != 0;
    if (!keeps) {
      add("No_Soft_Reset", State::Note, "0: D3hot loses the endpoint's state; a kernel that suspends it resets it");
    }
  }

  template <typename Half>
  void msix(unsigned at, const Half& half) {
    const unsigned vectors = at == 0 ? 0 : (half(at + config::kMsixControl) & config::kMsixControlTableSize) + 1;
    if (vectors >= kVectors) {
      add("MSI-X", State::Ok, std::to_string(vectors) + " vectors");
    } else {
      add("MSI-X", State::Missing,
          std::to_string(vectors) + " vectors, and the scenario uses " + std::to_string(kVectors));
    }
  }

  void driver() {
    const auto bound = link_name(calls_, folder_ + "/driver");
    if (bound == "vfio-pci") {
      add("driver", State::Ok, "vfio-pci");
      const std::string idle = text(paths_.sysfs + "/module/vfio_pci/parameters/disable_idle_d3");
      if (idle == "N") {
        add("idle power", State::Note, "vfio-pci puts it into D3hot while nobody has it open",
            {"modprobe -r vfio-pci", kLoadVfioPci});
      }
      return;
    }
    add("driver", State::Missing, bound ? "bound to " + *bound : std::string("none"), bind_commands(name_, bound));
  }

  void group() {
    const auto number = link_name(calls_, folder_ + "/iommu_group");
    if (!number) {
      add("IOMMU group", State::Missing,
          "none: no IOMMU translates its requests; switch VT-d or AMD-Vi on in the firmware, and start the kernel with "
          "intel_iommu=on where it is off by default");
      return;
    }
    std::vector<std::string> members;
    (void)calls_.list(folder_ + "/iommu_group/devices", members);
    std::string others;
    std::vector<std::string> commands;
    for (const std::string& member : members) {
      if (member == name_) continue;
      const auto bound = link_name(calls_, paths_.function(member) + "/driver");
      const bool harmless = !bound || *bound == "vfio-pci" || *bound == "pci-stub" || *bound == "pcieport";
      others += (others.empty() ? "" : ", ") + member + " (" + bound.value_or("no driver") + ")";
      if (harmless) continue;
      commands.push_back("echo " + member + " > /sys/bus/pci/devices/" + member + "/driver/unbind");
    }
    if (!commands.empty()) {
      add("IOMMU group", State::Missing, *number + ", shared with " + others, std::move(commands));
    } else {
      add("IOMMU group", State::Ok, *number + (others.empty() ? ", alone" : ", with " + others));
    }
  }

  void device_file() {
    std::vector<std::string> files;
    const bool file = calls_.list(folder_ + "/vfio-dev", files) == 0 && !files.empty();
    const bool iommufd = there(paths_.dev + "/iommu");
    if (file && iommufd) {
      add("device file", State::Ok, paths_.dev + "/vfio/devices/" + files.front() + " with an iommufd");
    } else if (there(paths_.dev + "/vfio/vfio")) {
      add("device file", State::Note,
          "by its IOMMU group: enough to measure, and no kernel hands such a file over; a live update needs "
          "CONFIG_VFIO_DEVICE_CDEV and CONFIG_IOMMUFD");
    } else {
      add("device file", State::Missing, paths_.dev + "/vfio is not there", {kLoadVfioPci});
    }
  }

  void live_update() {
    if (there(paths_.dev + "/liveupdate")) {
      add("live update", State::Ok, paths_.dev + "/liveupdate");
      return;
    }
    const std::string line = " " + text(paths_.proc + "/cmdline") + " ";
    const bool asked = line.find(" liveupdate=on ") != std::string::npos && line.find(" kho=on ") != std::string::npos;
    add("live update", State::Missing,
        std::string("no ") + paths_.dev + "/liveupdate: " +
            (asked ? "this kernel was built without CONFIG_LIVEUPDATE" : "start the kernel with kho=on liveupdate=on"));
  }

  void kexec() {
    if (text(paths_.proc + "/sys/kernel/kexec_load_disabled") == "1") {
      add("kexec", State::Missing, "kernel.kexec_load_disabled is 1, and stays so until the next boot");
      return;
    }
    const std::string lockdown = text(paths_.sysfs + "/kernel/security/lockdown");
    if (!lockdown.empty() && lockdown.find("[none]") == std::string::npos) {
      add("kexec", State::Note, "the kernel is locked down (" + lockdown + "): it takes signed images only");
      return;
    }
    const bool loaded = text(paths_.sysfs + "/kernel/kexec_loaded") == "1";
    add("kexec", State::Ok, loaded ? "allowed, and a kernel is loaded" : "allowed; name a kernel with --kernel");
  }

  void locked_memory() {
    std::istringstream limits(text(paths_.proc + "/self/limits"));
    constexpr std::string_view kName = "Max locked memory";
    for (std::string line; std::getline(limits, line);) {
      if (!line.starts_with(kName)) continue;
      std::istringstream words(line.substr(kName.size()));
      std::string soft;
      words >> soft;
      const std::string needed =
          std::to_string(memory_.count() >> 10) + " KiB are mapped for the device, in pages of 4 KiB";
      if (soft == "unlimited" || number_in(soft, 10) >= memory_.count()) {
        add("locked memory", State::Ok, needed + ", limit " + (soft == "unlimited" ? soft : soft + " bytes"));
      } else {
        add("locked memory", State::Note, needed + ", limit " + soft + " bytes for whoever is not root",
            {"ulimit -l unlimited"});
      }
    }
  }

  SystemCalls& calls_;
  const KernelPaths& paths_;
  std::string name_;
  std::string folder_;
  Bytes memory_;
  BoardCheck check_;
};

}  // namespace

bool BoardCheck::ready() const {
  return std::none_of(facts.begin(), facts.end(), [](const BoardFact& fact) { return fact.state == State::Missing; });
}

BoardCheck check_board(SystemCalls& calls, const KernelPaths& paths, pcie::Bdf bdf, Bytes memory) {
  return Check(calls, paths, bdf, memory).run();
}

std::string_view to_string(BoardFact::State state) {
  switch (state) {
    case State::Ok:
      return "ok";
    case State::Note:
      return "note";
    case State::Missing:
      return "missing";
  }
  return "";
}

}  // namespace holdover::host
