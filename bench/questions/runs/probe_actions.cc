// SPDX-License-Identifier: MIT
// Which hardware actions of probe hurt, and would it help to leave probe out?
#include <array>

#include "bench/questions/runs/actions.h"
#include "bench/questions/runs/experiments.h"
#include "bench/questions/runs/run_figures.h"

namespace holdover::bench {
namespace {

constexpr Stretch kProbe{1, pcie::Phase::Bind};
constexpr Action kNothing{"probe of vfio-pci as it is", "", ""};
constexpr std::array kActions{
    Action{"runtime power management puts the idle function into D3hot", "idle-d3hot=on", ""},
    Action{"a probe that enables and resets the function", "driver=stub", ""},
    Action{"the function is reset before the probe", "", "H119"},
    Action{"the IOMMU core attaches a default domain before the probe", "", "H085"},
};

}  // namespace

Answer ask_q17(const Laboratory& laboratory) {
  Answer answer;
  const Effect base = try_action(kNothing, {}, kProbe, laboratory, answer);
  answer.observations.push_back({"what is written while drivers bind", to_string(base.traffic)});
  if (base.hurts() || !base.decided) {
    answer.sentence = "Undecided: the update is disturbed without any of these actions.";
    return answer;
  }
  std::vector<std::string> avoided;
  std::vector<std::string> kept;
  std::vector<std::string> harmless;
  for (const Action& action : kActions) {
    const Effect probed = try_action(action, {}, kProbe, laboratory, answer);
    if (!probed.hurts()) {
      harmless.push_back(probed.what);
      continue;
    }
    const Effect skipped = try_action(action, {"entry-model=retrieve"}, kProbe, laboratory, answer);
    answer.observations.back().what += ", probe left out until retrieve";
    (skipped.hurts() ? kept : avoided).push_back(probed.what);
  }
  answer.decided = true;
  const std::string own = "What vfio-pci and the port drivers write at their probe does not hurt.";
  if (avoided.empty() && kept.empty()) {
    answer.sentence = "No need seen: " + own + " Neither does any other action that was tried.";
  } else {
    answer.sentence = own + " What hurts and goes away when probe is left out: " + listed(avoided) +
                      "; what hurts all the same, because it is not done by probe: " + listed(kept) +
                      (harmless.empty() ? "" : "; harmless: " + listed(harmless)) + ".";
    answer.sentence = (avoided.empty() ? "No: " : "It would help: ") + answer.sentence;
  }
  return answer;
}

}  // namespace holdover::bench
