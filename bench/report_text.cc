// SPDX-License-Identifier: MIT
// The report for people.
#include <algorithm>
#include <array>
#include <ostream>
#include <string>
#include <vector>

#include "bench/kernels.h"
#include "bench/ledger/scene.h"
#include "bench/run.h"
#include "bench/verdict_report.h"

namespace holdover::bench {
namespace {

constexpr std::size_t kConsoleLines = 12;

struct Palette {
  std::string_view good;
  std::string_view bad;
  std::string_view open;
  std::string_view faint;
  std::string_view off;
};
constexpr Palette kColours = {"\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"};
constexpr Palette kPlain = {};

// Characters as a terminal counts them: UTF-8 continuation bytes take no room.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string left(std::string_view text, std::size_t columns) {
  return std::string(text) + std::string(columns > width(text) ? columns - width(text) : 0, ' ');
}

std::string right(std::string_view text, std::size_t columns) {
  return std::string(columns > width(text) ? columns - width(text) : 0, ' ') + std::string(text);
}

std::string_view colour_of(CheckStatus status, const Palette& palette) {
  switch (status) {
    case CheckStatus::Pass:
      return palette.good;
    case CheckStatus::Fail:
      return palette.bad;
    case CheckStatus::NotJudged:
      return palette.open;
    case CheckStatus::NotObservable:
    case CheckStatus::NotApplicable:
      return palette.faint;
  }
  return palette.off;
}

std::string_view colour_of(Outcome outcome, const Palette& palette) {
  switch (outcome) {
    case Outcome::Pass:
      return palette.good;
    case Outcome::Fail:
      return palette.bad;
    case Outcome::Inconclusive:
      return palette.open;
  }
  return palette.off;
}

// «profile continuous», or each kernel where they differ.
std::string kernels_of(const RunOptions& options) {
  if (options.from.empty() && options.to.empty() && options.chain.empty()) return "profile " + options.profile;
  std::string text;
  const std::vector<KernelChoice> all = kernels(options);
  for (unsigned index = 0; index < all.size(); ++index) {
    text += (index == 0 ? "" : ", ") + kernel_name(index) + " " + to_string(all[index]);
  }
  return text;
}

void print_context(std::ostream& out, const Report& report) {
  const RunOptions& options = report.options;
  out << "scenario " << options.scenario << ", " << kernels_of(options) << ", topology " << options.topology
      << ", seed " << options.seed << ", "
      << (options.jump == Jump::None ? std::string("no kexec")
                                     : (options.jump == Jump::Crash ? "crash kexec, blackout " : "blackout ") +
                                           readable_time(options.blackout))
      << ", kernels " << (options.isolation == Isolation::Process ? "as processes" : "in this process");
  for (const std::string& policy : options.policies) out << ", " << policy;
  for (const std::string& fault : options.faults) out << ", fault " << fault;
  out << '\n';
  for (const std::string& note : report.notes) out << "note: " << note << '\n';
  out << '\n';
}

void print_phases(std::ostream& out, const Report& report, const Palette& palette) {
  out << palette.faint << left("phase", 12) << left("host", 10) << right("begin", 12) << right("clocks", 10)
      << right("records", 9) << right("silence", 12) << right("of", 12) << right("cfg writes", 12) << palette.off
      << '\n';
  for (const PhaseRow& row : report.phases) {
    const bool late =
        row.longest_silence && report.silence_limit > Time{0} && *row.longest_silence > report.silence_limit;
    out << left(pcie::to_string(row.phase), 12) << left(row.host, 10) << right(readable_time(row.begin), 12)
        << right(std::to_string(row.clocks.count()), 10) << right(std::to_string(row.records), 9)
        << (late ? palette.bad : std::string_view{})
        << right(row.longest_silence ? readable_time(*row.longest_silence) : "-", 12)
        << (late ? palette.off : std::string_view{})
        << right(row.longest_silence ? readable_time(report.silence_limit) : "-", 12)
        << right(std::to_string(row.config_writes), 12) << '\n';
  }
  out << '\n';
}

void print_bound(std::ostream& out, const Report& report) {
  if (report.silence_limit == Time{0}) return;
  out << "silence limit " << readable_time(report.silence_limit) << " = heartbeat period "
      << readable_time(report.silence_limit - report.silence_bound.total);
  for (const sim::SilenceBound::Term& term : report.silence_bound.terms) {
    out << " + " << term.name << ' ' << readable_time(term.time);
  }
  out << "\n\n";
}

void print_checks(std::ostream& out, const Verdict& verdict, const Palette& palette) {
  for (unsigned i = 0; i < kCheckCount; ++i) {
    const CheckResult& check = verdict.checks[i];
    out << i + 1 << "  " << left(to_string(check.check), 20) << colour_of(check.status, palette)
        << left(to_string(check.status), 15) << palette.off << check.figure << '\n';
    if (!check.first) continue;
    const std::string indent(4, ' ');
    out << indent << "first of " << check.finding_count << ": " << check.first->sentence << " ("
        << phase_of(*check.first) << ", " << readable_time(check.first->time) << ")\n";
    if (!check.first->cause.empty() && check.first->cause != check.first->sentence) {
      out << indent << "cause: " << check.first->cause << '\n';
    }
  }
  out << '\n';
}

void print_hazards(std::ostream& out, const Report& report) {
  if (report.hazards.empty()) return;
  out << "hazards seen on the way (`holdover list hazards`):";
  for (const HazardSighting& hazard : report.hazards) out << ' ' << hazard.name;
  out << "\n\n";
}

void print_invariants(std::ostream& out, const Report& report, const Palette& palette) {
  bool any = false;
  for (const Invariant& invariant : report.verdict.invariants) {
    if (invariant.status != InvariantStatus::Broken || !invariant.broken_by) continue;
    any = true;
    const Finding& by = *invariant.broken_by;
    out << palette.bad << "invariant " << invariant.number << " broken" << palette.off << ": " << invariant.sentence
        << '\n'
        << "    " << by.sentence << " (" << by.host << ", phase " << pcie::to_string(by.phase) << ", step "
        << pcie::to_string(by.step) << ", " << readable_time(by.time) << ")\n";
  }
  if (any) out << '\n';
}

void print_trouble(std::ostream& out, const Report& report, const Palette& palette) {
  if (report.verdict.outcome != Outcome::Pass && !report.console.empty()) {
    out << palette.faint << "last lines of the console:" << palette.off << '\n';
    const std::size_t first = report.console.size() > kConsoleLines ? report.console.size() - kConsoleLines : 0;
    for (std::size_t i = first; i < report.console.size(); ++i) out << "  " << report.console[i] << '\n';
    out << '\n';
  }
  if (!report.dump.empty()) out << "the machine when the watchdog struck:\n" << report.dump << "\n\n";
}

}  // namespace

void print_checks(std::ostream& out, const Verdict& verdict, bool colour) {
  print_checks(out, verdict, colour ? kColours : kPlain);
}

void print_headline(std::ostream& out, const Verdict& verdict, bool colour) {
  const Palette& palette = colour ? kColours : kPlain;
  out << colour_of(verdict.outcome, palette) << verdict.headline << palette.off << '\n';
}

void print(std::ostream& out, const Report& report, bool colour) {
  const Palette& palette = colour ? kColours : kPlain;
  print_context(out, report);
  print_phases(out, report, palette);
  print_bound(out, report);
  print_checks(out, report.verdict, palette);
  print_hazards(out, report);
  print_invariants(out, report, palette);
  print_trouble(out, report, palette);
  out << "simulated " << readable_time(report.simulated) << ", " << report.clocks.count() << " clocks, " << report.tlps
      << " TLPs\n";
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(report.wall).count();
  out << "wall time " << milliseconds << " ms";
  if (milliseconds > 0) {
    out << ", " << report.clocks.count() / static_cast<std::uint64_t>(milliseconds) << " thousand clocks per second";
  }
  out << '\n';
  print_headline(out, report.verdict, colour);
  if (!report.replay.empty()) out << report.replay << '\n';
}

}  // namespace holdover::bench
