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
  const auto [decided, avoided, kept, harmless] =
      sort_actions(kNothing, kActions, kProbe, "what is written while drivers bind", "probe left out until retrieve",
                   laboratory, answer);
  answer.decided = decided;
  if (!decided) return answer;
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
