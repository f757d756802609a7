// SPDX-License-Identifier: MIT
// Q7: a table of each version is handed to a kernel of each version, and beside it what the same kernel does when there
// is no PCI table at all.
#include <algorithm>
#include <map>

#include "bench/questions/verbs/experiments.h"
#include "bench/questions/verbs/set_up.h"
#include "bench/questions/verbs/wording.h"
#include "host/kernel/kho/dram_value.h"
#include "host/kernel/pci/abi/pci_v8.h"

namespace holdover::bench {
namespace {

using host::kernel::FileState;
using host::kernel::KernelFile;
using host::kernel::PciLayout;
using host::kernel::PciLiveUpdateRules;

// What a kernel shows of a handover: the table that it marks, what it says, and where it stops.
struct Reaction {
  std::vector<pcie::Bdf> incoming;
  std::string panic;
  std::vector<std::string> console;

  friend bool operator==(const Reaction&, const Reaction&) = default;
};

// Another subsystem's data and the files that it is bound to.
class OtherFile final : public KernelFile {};

class OtherData final : public host::kernel::Flb {
 public:
  [[nodiscard]] std::string_view compatible() const override { return "other-v1"; }
  [[nodiscard]] int preserve(std::uint64_t& data) override {
    data = 1;
    return 0;
  }
  void unpreserve(std::uint64_t) override {}
  [[nodiscard]] int retrieve(std::uint64_t) override { return 0; }
  void finish(std::uint64_t) override {}
};

class OtherDriver final : public host::kernel::FileHandler {
 public:
  [[nodiscard]] std::string_view compatible() const override { return "other-file-v1"; }
  [[nodiscard]] bool can_preserve(const KernelFile& file) const override {
    return dynamic_cast<const OtherFile*>(&file) != nullptr;
  }
  [[nodiscard]] int preserve(FileState&) override { return 0; }
  void unpreserve(FileState&) override {}
  [[nodiscard]] int retrieve(FileState&) override { return ENODEV; }
  void finish(FileState&) override {}
};

enum class Handed { NoTable, Table, NextVersion };

// The version field is the first of the table, in every layout that has one.
void raise_version(HandoverBench& bench) {
  const std::size_t field = bench.outgoing_page().raw() + offsetof(host::kernel::pci_v8::PciSer, version);
  host::kernel::store(bench.dram(), field, host::kernel::pci_v8::kVersion + 1);
}

Reaction hand_over(const PciLiveUpdateRules& from, const PciLiveUpdateRules& to, Handed handed) {
  // All of LUO's users outlive the kernels.
  OtherData data;
  OtherDriver driver;
  OtherFile file;
  HandoverBench bench(from);
  require(bench.luo().register_handler(driver) == 0 && bench.luo().register_flb(driver, data) == 0,
          "a driver is registered");
  host::kernel::LuoSession& session = bench.create_session("s");
  require(session.preserve(&file, 1) == 0, "a function is preserved");
  if (handed != Handed::NoTable)
    require(HandoverBench::preserve(session, bench.left()) == 0, "a function is preserved");
  require(bench.freeze() == 0, "the freeze succeeds");
  if (handed == Handed::NextVersion) raise_version(bench);
  bench.jump(to);
  Reaction reaction;
  reaction.panic = bench.scan();
  if (reaction.panic.empty()) reaction.incoming = bench.incoming_functions();
  reaction.console = bench.console();
  return reaction;
}

enum class Reading { Adopted, Unnoticed, Warned, Stopped, Misread };

// `none`: what the kernel does where no table came in. `own`: with a table of its own version.
Reading classify(const Reaction& reaction, const Reaction& none, const Reaction& own) {
  if (!reaction.panic.empty()) return Reading::Stopped;
  if (reaction == own && !own.incoming.empty()) return Reading::Adopted;
  if (reaction == none) return Reading::Unnoticed;
  const auto is_new = [&none](const std::string& line) {
    return std::find(none.console.begin(), none.console.end(), line) == none.console.end();
  };
  const bool warns = std::any_of(reaction.console.begin(), reaction.console.end(), is_new);
  return warns && reaction.incoming.empty() ? Reading::Warned : Reading::Misread;
}

std::string_view to_string(Reading reading) {
  switch (reading) {
    case Reading::Adopted:
      return "adopted";
    case Reading::Unnoticed:
      return "as if no table had come in";
    case Reading::Warned:
      return "a warning and an ordinary boot";
    case Reading::Stopped:
      return "panic";
    case Reading::Misread:
      break;
  }
  return "misread";
}

std::string describe(const Reaction& reaction, Reading reading) {
  std::string text(to_string(reading));
  if (!reaction.panic.empty()) text += ": " + reaction.panic;
  if (reading == Reading::Misread) {
    text += reaction.incoming.empty() ? ": taken for an empty table, and not a line about it"
                                      : ": incoming are " + join(reaction.incoming);
  }
  if (!reaction.console.empty()) text += " («" + reaction.console.front() + "»)";
  return text;
}

Answer examine_q07(const SeriesVersions& versions) {
  Answer answer;
  std::map<Reading, std::vector<std::string>> pairs;
  std::map<Reading, std::vector<std::string>> fields;
  std::size_t count = 0;
  std::size_t unnoticed_of_same_name = 0;
  bool same_adopted = true;
  for (const SeriesVersion& to : versions) {
    const Reaction none = hand_over(to.rules, to.rules, Handed::NoTable);
    const Reaction own = hand_over(to.rules, to.rules, Handed::Table);
    same_adopted = same_adopted && own.panic.empty() && !own.incoming.empty();
    for (const SeriesVersion& from : versions) {
      if (from.name == to.name) continue;
      const Reaction reaction = hand_over(from.rules, to.rules, Handed::Table);
      const Reading reading = classify(reaction, none, own);
      const std::string pair = from.name + " to " + to.name;
      answer.observations.push_back({pair, describe(reaction, reading)});
      pairs[reading].push_back(pair);
      ++count;
      if (reading == Reading::Unnoticed && from.rules.compatible == to.rules.compatible) ++unnoticed_of_same_name;
    }
    if (to.rules.layout != PciLayout::VersionedBlocks) continue;
    const Reaction reaction = hand_over(to.rules, to.rules, Handed::NextVersion);
    const Reading reading = classify(reaction, none, own);
    answer.observations.push_back({to.name + ", version field one higher", describe(reaction, reading)});
    fields[reading].push_back(to.name);
  }
  answer.decided = same_adopted && (count != 0 || !fields.empty());
  const auto of = [&](Reading reading) { return pairs[reading].size(); };
  answer.sentence = "Of " + count_of(count, "pair") + " of versions " + std::to_string(of(Reading::Unnoticed)) +
                    " look as if no PCI table had come in, " + std::to_string(of(Reading::Adopted)) + " are adopted, " +
                    std::to_string(of(Reading::Warned)) + " warned of, " + std::to_string(of(Reading::Misread)) +
                    " misread, and " + std::to_string(of(Reading::Stopped)) + " stop the kernel.";
  if (of(Reading::Unnoticed) == 0) {
    answer.sentence += " Every kernel can tell «none» from «another».";
  } else if (unnoticed_of_same_name == 0) {
    answer.sentence += " A version in the string hides the table: the strings of those that look like none all differ.";
  }
  if (!fields.empty()) {
    answer.sentence += fields[Reading::Unnoticed].empty() && fields[Reading::Adopted].empty()
                           ? " A version field that is one higher is noticed by every kernel that has the field."
                           : " A version field that is one higher goes unnoticed in " +
                                 join(fields[Reading::Unnoticed]) + " and is ignored in " +
                                 join(fields[Reading::Adopted]) + ".";
  }
  return answer;
}

}  // namespace

Answer ask_q07(const SeriesVersions& versions) {
  return settle([&] { return examine_q07(versions); });
}

Answer ask_q07(const Laboratory&) { return ask_q07(posted_versions()); }

}  // namespace holdover::bench
