// SPDX-License-Identifier: MIT
#include <iomanip>
#include <ostream>
#include <set>

#include "bench/compare/comparison.h"

namespace holdover::bench {
namespace {

constexpr int kColumn = 26;

std::string text_of(const std::optional<Meaning>& meaning) {
  return meaning ? meaning->name + " " + meaning->value : std::string("-");
}

std::string mark_of(const ComparedRow& row) {
  if (row.same()) return "=";
  const std::string what = !row.recorded ? "only emulated" : !row.emulated ? "only recorded" : "other value";
  return row.accepted == nullptr ? "DIFFERS: " + what
                                 : "accepted: " + what + " (" + std::string(row.accepted->name) + ")";
}

}  // namespace

void print(std::ostream& out, const Comparison& comparison) {
  out << "log       " << comparison.log << "\nprofile   " << comparison.profile;
  if (!comparison.profile_reason.empty()) {
    out << " (deduced: " << comparison.profile_reason << "; --profile chooses another)";
  }
  out << "\njump      " << (comparison.crash ? "crash kexec" : "kexec") << ", "
      << (comparison.driver_bound ? "driver bound" : "no driver bound") << '\n';
  for (const std::string& note : comparison.notes) out << "note      " << note << '\n';
  std::set<const AcceptedDifference*> used;
  for (const ComparedWrites& part : comparison.parts) {
    out << '\n' << to_string(part.role) << ", " << to_string(part.phase) << '\n';
    if (part.rows.empty()) {
      out << "  no write, recorded or emulated\n";
      continue;
    }
    out << "  " << std::left << std::setw(kColumn) << "recorded" << std::setw(kColumn) << "emulated" << '\n';
    for (const ComparedRow& row : part.rows) {
      out << "  " << std::setw(kColumn) << text_of(row.recorded) << std::setw(kColumn) << text_of(row.emulated)
          << mark_of(row) << '\n';
      if (row.accepted != nullptr) used.insert(row.accepted);
    }
  }
  if (!used.empty()) out << "\naccepted differences\n";
  std::string_view printed;  // entries of one name stand together
  for (const AcceptedDifference& difference : accepted_differences()) {
    if (used.count(&difference) == 0 || difference.name == printed) continue;
    printed = difference.name;
    out << "  " << difference.name << ": " << difference.sentence << '\n';
  }
  const unsigned differences = comparison.differences();
  out << '\n' << comparison.writes() << " recorded writes, ";
  if (differences == 0) {
    out << "SAME";
  } else {
    out << differences << (differences == 1 ? " DIFFERENCE" : " DIFFERENCES");
  }
  if (const unsigned accepted = comparison.accepted(); accepted != 0) out << ", " << accepted << " accepted";
  out << '\n';
}

}  // namespace holdover::bench
