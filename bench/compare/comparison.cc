// SPDX-License-Identifier: MIT
#include "bench/compare/comparison.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace holdover::bench {
namespace {

constexpr std::uint32_t kAnyValue = 0xffff'ffff;

constexpr std::string_view kInterrupts =
    "the recorded port interrupts by MSI-X, the emulated one by MSI, and a port driver writes the capability that is "
    "there";
constexpr std::string_view kIo =
    "the recorded port has an I/O window and can enable I/O decode, the emulated one has neither";

constexpr std::array kAccepted{
    AcceptedDifference{"port-interrupts", ComparedRole::RootPort, "MSI.", kAnyValue, true, kInterrupts},
    AcceptedDifference{"port-interrupts", ComparedRole::RootPort, "MSIX.", kAnyValue, true, kInterrupts},
    AcceptedDifference{"port-dpc", ComparedRole::RootPort, "DPC.", kAnyValue, true,
                       "the emulated port has Downstream Port Containment, the recorded one has not"},
    AcceptedDifference{"port-power", ComparedRole::RootPort, "PM.", kAnyValue, true,
                       "the emulated port has a power management capability, the recorded one has not"},
    AcceptedDifference{"port-io", ComparedRole::RootPort, "IOWIN", kAnyValue, true, kIo},
    AcceptedDifference{"port-io", ComparedRole::RootPort, "IOWINHI", kAnyValue, true, kIo},
    AcceptedDifference{"port-io", ComparedRole::RootPort, "COMMAND", 0x0001, false, kIo},
    AcceptedDifference{"port-device-control", ComparedRole::RootPort, "PCIE.DevCtl", 0x7910, true,
                       "relaxed ordering, no snoop and read request size of the recorded port are 0 from its reset on, "
                       "those of the emulated one what the specification has as default; and Extended Tag Enable does "
                       "not stay set in the recorded port, so that each kernel sets it anew"},
    AcceptedDifference{"port-ltr", ComparedRole::RootPort, "PCIE.DevCtl2", 0x0400, true,
                       "the emulated port reports latency tolerance, the recorded one does not"},
    AcceptedDifference{"port-pme", ComparedRole::RootPort, "PCIE.RootCtl", 0x0008, false,
                       "PME Interrupt Enable does not stay set in the recorded port, and is missing where a kernel "
                       "writes back what it read"},
    AcceptedDifference{"port-acs", ComparedRole::RootPort, "ACS.Ctl", 0x007f, true,
                       "the recorded port offers no service of Access Control Services, the emulated one does; and the "
                       "recorded machine has no IOMMU, at whose probe a kernel writes them as well"},
};

using Numbers = std::vector<std::uint32_t>;

// What one side writes into a register, in order.
Numbers written(const std::vector<Meaning>& writes, const std::string& name) {
  Numbers numbers;
  for (const Meaning& write : writes) {
    if (write.name == name) numbers.push_back(write.number.value_or(0));
  }
  return numbers;
}

// `own`: all that a side which writes alone writes there in this phase, this value among them.
bool differs_within(const ComparedRow& row, const Numbers& own, const AcceptedDifference& difference) {
  const bool alone = !row.recorded || !row.emulated;
  if (alone && !difference.alone) return false;
  if (difference.bits == kAnyValue) return true;
  if (alone) {
    const std::optional<std::uint32_t> number = (row.recorded ? row.recorded : row.emulated)->number;
    const auto is_like = [&](std::uint32_t other) { return ((other ^ *number) & ~difference.bits) == 0; };
    return number && std::all_of(own.begin(), own.end(), is_like);
  }
  if (!row.recorded->number || !row.emulated->number) return false;
  return ((*row.recorded->number ^ *row.emulated->number) & ~difference.bits) == 0;
}

const AcceptedDifference* find_accepted(ComparedRole role, const ComparedRow& row, const Numbers& own) {
  const std::string& name = row.recorded ? row.recorded->name : row.emulated->name;
  for (const AcceptedDifference& difference : kAccepted) {
    const std::string_view of = difference.register_name;
    const bool hits = of.back() == '.' ? name.compare(0, of.size(), of) == 0 : name == of;
    if (difference.role == role && hits && differs_within(row, own, difference)) return &difference;
  }
  return nullptr;
}

// Fewest rows that differ from position (i, j) on, for all i and j.
class Distances {
 public:
  Distances(const std::vector<Meaning>& recorded, const std::vector<Meaning>& emulated)
      : width_(emulated.size() + 1), cost_((recorded.size() + 1) * width_) {
    for (std::size_t i = recorded.size() + 1; i-- > 0;) {
      for (std::size_t j = emulated.size() + 1; j-- > 0;) {
        if (i == recorded.size() || j == emulated.size()) {
          at(i, j) = static_cast<unsigned>(recorded.size() - i + emulated.size() - j);
          continue;
        }
        unsigned best = std::min(at(i + 1, j), at(i, j + 1)) + 1;
        if (recorded[i] == emulated[j]) {
          best = std::min(best, at(i + 1, j + 1));
        } else if (recorded[i].name == emulated[j].name) {
          best = std::min(best, at(i + 1, j + 1) + 1);
        }
        at(i, j) = best;
      }
    }
  }
  [[nodiscard]] unsigned& at(std::size_t i, std::size_t j) { return cost_[i * width_ + j]; }

 private:
  std::size_t width_;
  std::vector<unsigned> cost_;
};

template <typename Condition>
unsigned count_rows(const Comparison& comparison, const Condition& condition) {
  return std::accumulate(
      comparison.parts.begin(), comparison.parts.end(), 0u, [&](unsigned sum, const ComparedWrites& part) {
        return sum + static_cast<unsigned>(std::count_if(part.rows.begin(), part.rows.end(), condition));
      });
}

}  // namespace

std::string_view to_string(ComparedRole role) { return role == ComparedRole::Endpoint ? "endpoint" : "root port"; }

std::span<const AcceptedDifference> accepted_differences() { return kAccepted; }

ComparedWrites compare(ComparedRole role, ComparedPhase phase, std::span<const RegisterWrite> recorded,
                       std::span<const RegisterWrite> emulated, bool accept) {
  const std::vector<Meaning> left = meanings(recorded);
  const std::vector<Meaning> right = meanings(emulated);
  Distances distances(left, right);
  ComparedWrites result{role, phase, {}};
  for (std::size_t i = 0, j = 0; i < left.size() || j < right.size();) {
    ComparedRow row;
    const bool both = i < left.size() && j < right.size();
    const unsigned here = distances.at(i, j);
    const unsigned cost = both && left[i] == right[j] ? 0 : 1;
    if (both && left[i].name == right[j].name && distances.at(i + 1, j + 1) + cost == here) {
      row = {left[i++], right[j++], nullptr};
    } else if (i < left.size() && distances.at(i + 1, j) + 1 == here) {
      row.recorded = left[i++];
    } else {
      row.emulated = right[j++];
    }
    if (accept && !row.same()) {
      const Numbers own = row.recorded ? written(left, row.recorded->name) : written(right, row.emulated->name);
      row.accepted = find_accepted(role, row, own);
    }
    result.rows.push_back(std::move(row));
  }
  return result;
}

unsigned Comparison::writes() const {
  return count_rows(*this, [](const ComparedRow& row) { return row.recorded.has_value(); });
}
unsigned Comparison::differences() const {
  return count_rows(*this, [](const ComparedRow& row) { return !row.same() && row.accepted == nullptr; });
}
unsigned Comparison::accepted() const {
  return count_rows(*this, [](const ComparedRow& row) { return row.accepted != nullptr; });
}

}  // namespace holdover::bench
