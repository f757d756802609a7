// SPDX-License-Identifier: MIT
#include "host/backend/linux/linux_system.h"

#include <fcntl.h>
#include <linux/reboot.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "host/backend/linux/linux_live_update.h"
#include "host/backend/linux/memfd_memory.h"
#include "host/backend/refusal.h"
#include "pcie/error.h"

namespace holdover::host {
namespace {

constexpr std::chrono::microseconds kShort{100};

unsigned long number(const std::optional<std::string>& text, int base) {
  unsigned long value = 0;
  if (!text) return 0;
  std::string_view digits = *text;
  if (base == 16 && digits.starts_with("0x")) digits.remove_prefix(2);
  (void)std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  return value;
}

std::string_view way_out_of_kexec(int error) {
  switch (error) {
    case EPERM:
      return "run it as root";
    case EINVAL:
      return "no kernel is loaded, or a device could not be frozen as it is";
    case EBUSY:
      return "a load or another kexec is under way";
    default:
      return "everything preserved is still preserved";
  }
}

}  // namespace

std::vector<pcie::Bdf> LinuxSystem::functions() {
  std::vector<std::string> names;
  const std::string folder = options_.paths.sysfs + "/bus/pci/devices";
  require(calls_.list(folder, names), "to list " + folder);
  std::vector<pcie::Bdf> all;
  constexpr unsigned long kBridge = 0x06;
  constexpr unsigned long kPci = 0x04;
  for (const std::string& name : names) {
    const unsigned long code = number(read_text(calls_, folder + "/" + name + "/class"), 16);
    if (code >> 16 == kBridge && ((code >> 8) & 0xff) == kPci) continue;
    all.push_back(pcie::Bdf::parse(name));
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::unique_ptr<Memory> LinuxSystem::create_memory(Bytes size) { return MemfdMemory::create(calls_, size); }

std::unique_ptr<LiveUpdate> LinuxSystem::open_live_update() {
  return std::make_unique<LinuxLiveUpdate>(calls_, devices_);
}

void LinuxSystem::load_kernel(const std::string& command_line) {
  if (!options_.next.kernel.empty()) {
    load_kexec_image(calls_, options_.next, command_line, KexecEntry::OnReboot);
    return;
  }
  if (read_text(calls_, options_.paths.sysfs + "/kernel/kexec_loaded") == "1") return;
  throw Error(ErrorCode::Unavailable,
              "No kernel is loaded for the kexec: name one with --kernel (and --initrd, --command-line), or load it "
              "with kexec -l -s.");
}

void LinuxSystem::load_crash_kernel(const std::string& command_line) {
  load_kexec_image(calls_, options_.next, command_line, KexecEntry::OnPanic);
}

void LinuxSystem::kexec() {
  calls_.sync();
  const int answer = calls_.reboot(LINUX_REBOOT_CMD_KEXEC);
  require(answer, "reboot(LINUX_REBOOT_CMD_KEXEC)", way_out_of_kexec(-answer));
  throw KernelGone{};
}

void LinuxSystem::crash() {
  require(write_text(calls_, options_.paths.proc + "/sysrq-trigger", "c"),
          "to crash the kernel by /proc/sysrq-trigger");
  throw KernelGone{};
}

void LinuxSystem::write_config(pcie::Bdf function, Bytes offset, unsigned size, std::uint32_t value) {
  const std::string path = options_.paths.function(function.to_string()) + "/config";
  const int file = calls_.open(path, O_RDWR);
  if (file < 0) {
    throw Error(ErrorCode::NotFound,
                "Configuration space of " + function.to_string() + " cannot be opened (" + errno_name(-file) + ").",
                -file);
  }
  const Descriptor owner(calls_, file);
  const std::span<const std::byte> bytes = std::as_bytes(std::span(&value, 1)).first(size);
  require(calls_.pwrite(file, bytes, offset.count()), "a write to configuration space of " + function.to_string());
}

void LinuxSystem::unbind_driver(pcie::Bdf function) {
  const std::string name = function.to_string();
  const int answer = write_text(calls_, options_.paths.function(name) + "/driver/unbind", name);
  require(answer == -ENOENT ? -ENODEV : answer, "to unbind the driver of " + name);
}

void LinuxSystem::remove_driver(pcie::Bdf function) {
  const std::string name = function.to_string();
  const auto module = link_name(calls_, options_.paths.function(name) + "/driver/module");
  if (!module) refuse(ENODEV, "to remove the driver of " + name, "it has none, or one that is part of the kernel");
  const int answer = calls_.delete_module(*module);
  require(answer == -EAGAIN ? -EBUSY : answer, "to remove the module " + *module);
}

std::string LinuxSystem::command_line() {
  if (!options_.next_command_line.empty()) return options_.next_command_line;
  return read_text(calls_, options_.paths.proc + "/cmdline").value_or("");
}

bool LinuxSystem::booted_by_kexec() {
  constexpr unsigned long kKexec = 0xd;
  return number(read_text(calls_, options_.paths.proc + "/sys/kernel/bootloader_type"), 10) >> 4 == kKexec;
}

void LinuxSystem::wait(std::chrono::nanoseconds duration) {
  if (options_.stop != nullptr && *options_.stop) {
    throw Error(ErrorCode::Interrupted, "the program was told to stop; the function is given back to vfio-pci");
  }
  if (duration >= kShort) {
    calls_.sleep(duration);
    return;
  }
  const std::chrono::nanoseconds until = calls_.now() + duration;
  while (calls_.now() < until) {
  }
}

void LinuxSystem::print(std::string_view line) {
  if (options_.print) options_.print(line);
}

}  // namespace holdover::host
