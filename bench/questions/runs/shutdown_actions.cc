// SPDX-License-Identifier: MIT
// Which hardware actions of shutdown hurt, and would a freeze of its own help?
#include <array>

#include "bench/questions/runs/actions.h"
#include "bench/questions/runs/experiments.h"
#include "bench/questions/runs/run_figures.h"

namespace holdover::bench {
namespace {

constexpr Stretch kShutdown{0, pcie::Phase::Shutdown};
constexpr Action kNothing{"shutdown as it is", "", ""};
constexpr std::array kActions{
    Action{"Bus Master Enable of the endpoint is cleared", "", "H014"},
    Action{"Bus Master Enable of the bridges is cleared", "", "H015"},
    Action{"MSI-X is disabled by the driver", "msix-at-kexec=disable", ""},
    Action{"MSI-X is left as it is by the driver", "msix-at-kexec=keep", ""},
    Action{"IOMMU translation is switched off", "", "H025"},
    Action{"freeze of the file resets the function", "", "H006"},
};

}  // namespace

Answer ask_q18(const Laboratory& laboratory) {
  Answer answer;
  const auto [decided, avoided, kept, harmless] =
      sort_actions(kNothing, kActions, kShutdown, "what is written at shutdown", "freeze in the place of shutdown",
                   laboratory, answer);
  answer.decided = decided;
  if (!decided) return answer;
  const std::string own = "Shutdown as it is, port services included, does not hurt.";
  if (avoided.empty() && kept.empty()) {
    answer.sentence = "No need seen: " + own + " Neither does any other action that was tried.";
  } else if (avoided.empty()) {
    answer.sentence = "It would change nothing that hurts: " + own +
                      " All the same with a freeze in its place hurts: " + listed(kept) +
                      (harmless.empty() ? "" : "; harmless: " + listed(harmless)) + ".";
  } else {
    answer.sentence =
        "It would help: " + own + " With a freeze in the place of shutdown these go away: " + listed(avoided) +
        "; these stay: " + listed(kept) + (harmless.empty() ? "" : "; harmless: " + listed(harmless)) + ".";
  }
  return answer;
}

}  // namespace holdover::bench
