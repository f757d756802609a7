// SPDX-License-Identifier: MIT
#include "pcie/instrument.h"

#include <array>

namespace holdover::pcie {
namespace {

constexpr std::array<std::string_view, kPhaseCount> kPhases = {
    "boot",       "setup",     "steady", "preserve", "freeze", "shutdown", "blackout",
    "early boot", "enumerate", "bind",   "retrieve", "finish", "after",    "halt"};
constexpr std::array<std::string_view, kStepCount> kSteps = {"begin",
                                                             "function found",
                                                             "function preserved",
                                                             "function retrieved",
                                                             "function finished",
                                                             "window begin",
                                                             "window end",
                                                             "kexec refused",
                                                             "no handover",
                                                             "agent failed",
                                                             "panic",
                                                             "missed messages",
                                                             "traffic started",
                                                             "traffic stopped",
                                                             "outgoing table",
                                                             "incoming table",
                                                             "function unpreserved",
                                                             "function incoming",
                                                             "FLB preserved",
                                                             "FLB unpreserved",
                                                             "FLB retrieved",
                                                             "FLB finished",
                                                             "session created",
                                                             "session closed",
                                                             "file preserved",
                                                             "file unpreserved",
                                                             "file frozen",
                                                             "file unfrozen",
                                                             "freeze succeeded",
                                                             "freeze failed",
                                                             "session retrieved",
                                                             "file restored",
                                                             "file retrieved",
                                                             "file finished",
                                                             "session finished",
                                                             "finish refused"};

}  // namespace

std::string_view to_string(Phase phase) { return kPhases[static_cast<unsigned>(phase)]; }
std::string_view to_string(Step step) { return kSteps[static_cast<unsigned>(step)]; }

}  // namespace holdover::pcie
