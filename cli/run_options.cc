// SPDX-License-Identifier: MIT
#include "cli/run_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "cli/profile_file.h"
#include "cli/time_text.h"
#include "pcie/error.h"

namespace holdover::cli {
namespace {

using bench::RunOptions;

[[noreturn]] void refuse(const std::string& text, std::string_view possible) {
  throw Error(ErrorCode::InvalidArgument, "«" + text + "» is not possible; it takes " + std::string(possible));
}

std::uint64_t number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    refuse(text, "a whole number from 0 to 18446744073709551615");
  }
  return value;
}

std::uint32_t small_number(const std::string& text) {
  const std::uint64_t value = number(text);
  if (value > std::numeric_limits<std::uint32_t>::max()) refuse(text, "a smaller number");
  return static_cast<std::uint32_t>(value);
}

Time time(const std::string& text) {
  const std::optional<Time> value = parse_time(text);
  if (!value) {
    refuse(text, kTimeForms);
  }
  return *value;
}

std::filesystem::path path(const std::string& text) {
  if (text.empty()) {
    refuse(text, "the path of a file");
  }
  return text;
}

constexpr std::string_view kWhat = "What runs";
constexpr std::string_view kEndpoint = "The endpoints and their traffic";
constexpr std::string_view kRootComplex = "The root complex";
constexpr std::string_view kTimes = "For how long (simulated time)";
constexpr std::string_view kOutput = "What is written";
constexpr std::string_view kImages = "Kernel images (process isolation)";

constexpr std::array kOptions{
    OptionEntry{"scenario", "NAME", "What the host does (default continuity); `holdover list scenarios`", kWhat, false,
                [](RunOptions& options, const std::string& text) { options.scenario = text; }},
    OptionEntry{
        "profile", "NAME",
        "Which kernel is replaced, and replaces (default continuous); `holdover list profiles`, or a TOML file with "
        "base = \"NAME\" and a table [policies]",
        kWhat, false,
        [](RunOptions& options, const std::string& text) {
          options.profile = with_profile_files(text, options.sources);
        }},
    OptionEntry{
        "from", "KERNEL",
        "The kernel that is replaced, where it is another: a profile or its file, or one with policies of its own, "
        "for example pci-v9:bus-numbers=reassign",
        kWhat, false,
        [](RunOptions& options, const std::string& text) { options.from = with_profile_files(text, options.sources); }},
    OptionEntry{
        "to", "KERNEL", "The kernel that replaces it", kWhat, false,
        [](RunOptions& options, const std::string& text) { options.to = with_profile_files(text, options.sources); }},
    OptionEntry{"chain", "KERNELS", "Any number of kernels, separated by commas: each is replaced by the next", kWhat,
                false,
                [](RunOptions& options, const std::string& text) {
                  options.chain = with_profile_files(text, options.sources);
                }},
    OptionEntry{"finish", "WHEN",
                "In a chain a kernel finishes what it was handed before-preserve (default), or after-preserve: its "
                "functions are incoming and outgoing at once",
                kWhat, false,
                [](RunOptions& options, const std::string& text) {
                  if (text != "before-preserve" && text != "after-preserve") {
                    refuse(text, "before-preserve or after-preserve");
                  }
                  options.finish =
                      text == "after-preserve" ? bench::FinishOrder::AfterPreserve : bench::FinishOrder::BeforePreserve;
                }},
    OptionEntry{"policy", "NAME=VALUE", "One thing that the kernels do otherwise; repeatable; `holdover list policies`",
                kWhat, true, [](RunOptions& options, const std::string& text) { options.policies.push_back(text); }},
    OptionEntry{"topology", "NAME",
                "What stands between root complex and endpoints (default direct); `holdover list topologies`", kWhat,
                false, [](RunOptions& options, const std::string& text) { options.topology = text; }},
    OptionEntry{"link", "LINK",
                "Generation and lanes of every link: gen1 to gen5, x1, x2, x4, x8 or x16 (default gen3x8)", kWhat,
                false, [](RunOptions& options, const std::string& text) { options.link = text; }},
    OptionEntry{"endpoint", "NAME",
                "Which device the straps make of the endpoints (default holdover); `holdover list endpoints`", kWhat,
                false, [](RunOptions& options, const std::string& text) { options.endpoint = text; }},
    OptionEntry{"aspm", "STATES", "Low power of idle links that firmware leaves enabled: off (default), l0s, l1 or all",
                kWhat, false, [](RunOptions& options, const std::string& text) { options.aspm = text; }},
    OptionEntry{"fault", "NAME",
                "A mistake of the kernel or a fault of the machine; repeatable; `holdover list faults`", kWhat, true,
                [](RunOptions& options, const std::string& text) { options.faults.push_back(text); }},
    OptionEntry{"width", "BITS", "Data path of the endpoints: 64, 128, 256 (default) or 512; `make models` builds them",
                kEndpoint, false,
                [](RunOptions& options, const std::string& text) { options.width = small_number(text); }},
    OptionEntry{"channels", "N", "DMA channels of the endpoints: 1 to 8 (default 4)", kEndpoint, false,
                [](RunOptions& options, const std::string& text) { options.channels = small_number(text); }},
    OptionEntry{"max-payload", "BYTES",
                "Largest payload that the endpoints support: 128, 256 or 512 (default: as many as the endpoint has)",
                kEndpoint, false,
                [](RunOptions& options, const std::string& text) { options.max_payload = small_number(text); }},
    OptionEntry{"bulk", "LIST",
                "Bulk channels by direction, for example c2h,c2h,h2c (default: one to the host, one to the card)",
                kEndpoint, false, [](RunOptions& options, const std::string& text) { options.bulk = text; }},
    OptionEntry{"transfer", "BYTES", "Length of every bulk transfer, 1 to 16384 (default 0: a mixture)", kEndpoint,
                false, [](RunOptions& options, const std::string& text) { options.transfer = small_number(text); }},
    OptionEntry{"heartbeat", "TIME", "Period of the heartbeat records, 2us to 20us (default 2us)", kEndpoint, false,
                [](RunOptions& options, const std::string& text) { options.heartbeat = time(text); }},
    OptionEntry{"completion-timeout", "TIME",
                "When the endpoint gives up a read, up to 50ms (default 200us, or what slow links need)", kEndpoint,
                false, [](RunOptions& options, const std::string& text) { options.completion_timeout = time(text); }},
    OptionEntry{"disturb", "LIST",
                "How unkind the root complex is: none, all (default), or names; `holdover list disturbances`",
                kRootComplex, false, [](RunOptions& options, const std::string& text) { options.disturb = text; }},
    OptionEntry{"read-latency-min", "TIME", "Memory answers a read no sooner (default 300ns)", kRootComplex, false,
                [](RunOptions& options, const std::string& text) { options.read_latency_min = time(text); }},
    OptionEntry{"read-latency-max", "TIME", "Nor later, but for late answers (default 900ns, at most 5us)",
                kRootComplex, false,
                [](RunOptions& options, const std::string& text) { options.read_latency_max = time(text); }},
    OptionEntry{"write-latency-max", "TIME", "A write is in memory no later (default 200ns, at most 2us)", kRootComplex,
                false, [](RunOptions& options, const std::string& text) { options.write_latency_max = time(text); }},
    OptionEntry{"seed", "N", "Every random choice follows from it (default 1)", kWhat, false,
                [](RunOptions& options, const std::string& text) { options.seed = number(text); }},
    OptionEntry{
        "isolation", "WHERE",
        "in-process: kernels are objects of this process; process (default): each kernel is a process image, and "
        "the kexec is an execve",
        kWhat, false,
        [](RunOptions& options, const std::string& text) {
          if (text != "in-process" && text != "process") {
            refuse(text, "in-process or process");
          }
          options.isolation = text == "process" ? bench::Isolation::Process : bench::Isolation::InProcess;
        }},
    OptionEntry{"interrupts-at-freeze", "WHAT",
                "keep, or off: the agent switches interrupts off before it asks for the kexec and on again after the "
                "update (default: off where a kernel that is replaced demands it by its policy interrupts-at-freeze, "
                "else keep)",
                kWhat, false,
                [](RunOptions& options, const std::string& text) {
                  if (text != "keep" && text != "off") refuse(text, "keep or off");
                  options.interrupts_at_freeze =
                      text == "off" ? bench::InterruptsAtFreeze::Off : bench::InterruptsAtFreeze::Keep;
                }},
    OptionEntry{"jump", "HOW",
                "kexec (default); crash: a panic enters a crash kernel, nothing is shut down or handed over; or none: "
                "the control, where one kernel simply goes on",
                kWhat, false,
                [](RunOptions& options, const std::string& text) {
                  for (const bench::Jump jump : {bench::Jump::Kexec, bench::Jump::Crash, bench::Jump::None}) {
                    if (to_string(jump) != text) continue;
                    options.jump = jump;
                    return;
                  }
                  refuse(text, "kexec, crash or none");
                }},
    OptionEntry{"blackout", "TIME", "No processor runs between the two kernels (default 1ms)", kTimes, false,
                [](RunOptions& options, const std::string& text) { options.blackout = time(text); }},
    OptionEntry{"before", "TIME", "Steady traffic before the first preserve (default 200us)", kTimes, false,
                [](RunOptions& options, const std::string& text) { options.before = time(text); }},
    OptionEntry{"after", "TIME", "Steady traffic after the last finish (default 200us)", kTimes, false,
                [](RunOptions& options, const std::string& text) { options.after = time(text); }},
    OptionEntry{"json", "FILE", "The record of the run", kOutput, false,
                [](RunOptions& options, const std::string& text) { options.json = path(text); }},
    OptionEntry{"junit", "FILE", "The nine checks as JUnit XML", kOutput, false,
                [](RunOptions& options, const std::string& text) { options.junit = path(text); }},
    OptionEntry{"trace", "FILE", "Every TLP at the endpoints' edges", kOutput, false,
                [](RunOptions& options, const std::string& text) { options.trace = path(text); }},
    OptionEntry{"trace-detail", "WHAT", "tlps (default), or memory: all that touches DRAM is in the trace as well",
                kOutput, false,
                [](RunOptions& options, const std::string& text) {
                  if (text != "tlps" && text != "memory") {
                    refuse(text, "tlps or memory");
                  }
                  options.trace_memory = text == "memory";
                }},
    OptionEntry{"dram", "FILE", "DRAM at the end of the run, byte 0 first", kOutput, false,
                [](RunOptions& options, const std::string& text) { options.dram = path(text); }},
    OptionEntry{"wave", "FILE.fst", "Waveform of endpoint 0", kOutput, false,
                [](RunOptions& options, const std::string& text) { options.wave = path(text); }},
    OptionEntry{"wave-from", "TIME", "Begin of the waveform (default: the start)", kOutput, false,
                [](RunOptions& options, const std::string& text) { options.wave_from = time(text); }},
    OptionEntry{"wave-to", "TIME", "End of the waveform (default: the end)", kOutput, false,
                [](RunOptions& options, const std::string& text) { options.wave_to = time(text); }},
    OptionEntry{"kernel-image", "FILE", "The first kernel (default: holdover-kernel-image beside this program)",
                kImages, false,
                [](RunOptions& options, const std::string& text) { options.kernel_image = path(text); }},
    OptionEntry{"next-image", "FILE", "The kernel after the kexec (default: the same)", kImages, false,
                [](RunOptions& options, const std::string& text) { options.next_image = path(text); }},
};

}  // namespace

std::span<const OptionEntry> run_options() { return kOptions; }

const OptionEntry* find_run_option(std::string_view name) {
  const auto found =
      std::find_if(kOptions.begin(), kOptions.end(), [name](const OptionEntry& entry) { return entry.name == name; });
  return found == kOptions.end() ? nullptr : &*found;
}

}  // namespace holdover::cli
