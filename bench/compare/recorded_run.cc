// SPDX-License-Identifier: MIT
#include "bench/compare/recorded_run.h"

#include <algorithm>
#include <span>

#include "bench/compare/recorded_device.h"
#include "bench/compare/register_names.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

namespace config = pcie::config;

constexpr unsigned kMarkBeforeKexec = 3;

using Writes = std::span<const LoggedWrite>;

std::vector<RegisterWrite> registers(Writes writes, const RegisterNames& names) {
  std::vector<RegisterWrite> all;
  for (const LoggedWrite& write : writes) {
    // A register in the middle of no capability that we know is called as the log calls it.
    const bool own_name = names.knows(write.offset) || write.name.empty();
    all.push_back({own_name ? names.name(write.offset) : write.name, write.size, write.value, write.before});
  }
  return all;
}

// From the first probe on to the last write of Link Control: what comes after it is user space's. All of them where
// Link Control is never written.
Writes enumeration_in(Writes writes, const RegisterNames& names) {
  const auto begin = std::find_if(writes.begin(), writes.end(), probes_intx);
  Writes found(begin, writes.end());
  for (std::size_t count = found.size(); count > 0; --count) {
    if (names.name(found[count - 1].offset) == "PCIE.LnkCtl") return found.first(count);
  }
  return found;
}

std::uint16_t last_command(Writes writes) {
  for (auto write = writes.rbegin(); write != writes.rend(); ++write) {
    if (write->offset == config::kCommand) return static_cast<std::uint16_t>(write->after);
  }
  return 0;
}

// How often memory and I/O decode is switched off in an enumeration.
std::ptrdiff_t decode_pauses(Writes writes) {
  constexpr std::uint32_t kDecode = config::kCommandIo | config::kCommandMemory;
  return std::count_if(writes.begin(), writes.end(), [](const LoggedWrite& write) {
    return write.offset == config::kCommand && (write.before & kDecode) != 0 && (write.value & kDecode) == 0;
  });
}

void deduce_profile(RecordedRun& run, Writes enumeration) {
  const std::ptrdiff_t pauses = decode_pauses(enumeration);
  if (pauses == 0) return;
  run.profile = pauses > 1 ? "stock-6.1" : "stock-7.2";
  run.profile_reason = pauses > 1 ? "decode is off for each BAR alone, as in Linux 6.1 and 6.12"
                                  : "decode is off once for all BARs, as in Linux 7.2 and 7.3";
}

}  // namespace

bool probes_intx(const LoggedWrite& write) {
  return write.offset == config::kCommand && (write.value ^ write.before) == config::kCommandIntxDisable;
}

RecordedRun understand(const ConfigLog& log, const std::string& name) {
  const RegisterNames names = RegisterNames::of_log(log);
  const auto kexec = std::find_if(log.marks.begin(), log.marks.end(),
                                  [](const LoggedMark& mark) { return mark.number == kMarkBeforeKexec; });
  if (kexec == log.marks.end()) {
    throw Error(ErrorCode::InvalidArgument, name +
                                                " has no kexec in it: no line says «#### PHASE 3», which stands before "
                                                "one; name the log of a run that came that far");
  }
  const Writes all(log.writes);
  const Writes since = all.subspan(kexec->writes);
  const auto probe = std::find_if(since.begin(), since.end(), probes_intx);
  if (probe == since.end()) {
    throw Error(ErrorCode::InvalidArgument, name +
                                                " ends before a kernel enumerates after the kexec: no write inverts "
                                                "INTx Disable alone; name the log of a run that came that far");
  }
  const auto next_mark = kexec + 1;
  const std::size_t end = next_mark == log.marks.end() ? all.size() : next_mark->writes;
  const auto begin = static_cast<std::size_t>(probe - all.begin());
  const Writes enumeration = enumeration_in(all.subspan(begin, std::max(end, begin) - begin), names);
  const std::size_t user_space = log.marks.front().writes;
  const Writes boot = enumeration_in(all.first(std::min(user_space, kexec->writes)), names);

  RecordedRun run;
  run.has_boot = !boot.empty();
  run.writes[static_cast<std::size_t>(ComparedPhase::Boot)] = registers(boot, names);
  run.writes[static_cast<std::size_t>(ComparedPhase::Shutdown)] = registers({since.begin(), probe}, names);
  run.writes[static_cast<std::size_t>(ComparedPhase::Enumeration)] = registers(enumeration, names);
  run.firmware_command = static_cast<std::uint16_t>(boot.empty() ? 0 : boot.front().before);
  run.user_command = last_command(all.first(kexec->writes));
  for (auto mark = log.marks.begin(); mark != log.marks.end(); ++mark) {
    if (mark <= kexec && mark->text.find("driver bound") != std::string::npos &&
        mark->text.find("no driver") == std::string::npos) {
      run.driver_bound = true;
    }
    if (mark->text.find("crash") != std::string::npos) run.crash = true;
  }
  run.idle_sleep = std::any_of(all.begin(), all.end(), [&names](const LoggedWrite& write) {
    return names.name(write.offset) == "PM.PMCSR" && (write.value & pcie::config::kPmStateMask) == 3;
  });
  deduce_device(log, names, run.endpoint, run.unlike);
  if (next_mark == log.marks.end()) {
    run.unlike.emplace_back(
        "no mark follows the kexec: where the log was cut off, the end of the enumeration is missing");
  }
  deduce_profile(run, enumeration);
  return run;
}

}  // namespace holdover::bench
