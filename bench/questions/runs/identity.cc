// SPDX-License-Identifier: MIT
// Is an address enough to tell a function by?
#include <array>

#include "bench/ledger/scene.h"
#include "bench/questions/runs/experiments.h"
#include "bench/questions/runs/recorder.h"
#include "bench/questions/runs/run_figures.h"

namespace holdover::bench {
namespace {

constexpr std::array<std::string_view, 5> kProfiles{"pci-v3", "pci-v6", "pci-v9", "pci-v9+vfio-v5", "continuous"};
constexpr std::string_view kFault = "swapped-endpoint";
// The link has to train again before the new kernel scans.
constexpr Time kBlackout{300'000'000};

struct Seen {
  bool exchanged = false;  // the endpoint that answers has another identity
  bool taken = false;      // the scan marked it incoming
  bool retrieved = false;  // user space got its file
};

std::string to_string(const Recorder::Identity& identity) {
  return "subsystem " + hex(identity.subsystem, 8) + ", serial number " + hex(identity.serial_number, 16);
}

Seen look(std::string_view profile, const Laboratory& laboratory, Answer& answer) {
  RunOptions options = with(laboratory, std::string(profile));
  options.blackout = kBlackout;
  options.faults.emplace_back(kFault);
  answer.commands.push_back(command_line(options));
  Recorder recorder;
  const Report report = laboratory.run(options, recorder);

  Seen seen;
  seen.exchanged = recorder.identities().size() > 1;
  const auto place = recorder.places().find("endpoint 0");
  const std::optional<std::uint64_t> address =
      place == recorder.places().end() ? std::nullopt : std::optional<std::uint64_t>(place->second);
  seen.taken = recorder.find(pcie::Step::FunctionIncoming, 1, address) != nullptr;
  seen.retrieved = recorder.find(pcie::Step::FunctionRetrieved, 1, address) != nullptr;
  const Recorder::Mark* const gave_up = recorder.find(pcie::Step::AgentFailed, 1);
  if (answer.observations.empty() && seen.exchanged) {
    answer.observations.push_back({"before the kexec", to_string(recorder.identities().front())});
    answer.observations.push_back({"after it", to_string(recorder.identities().back())});
  }
  std::string text = seen.taken ? "the stranger is taken for the function that was handed over"
                                : "the stranger is not taken for the function that was handed over";
  text += seen.retrieved ? "; its file is retrieved" : "; its file is refused";
  if (gave_up != nullptr) text += "; user space gives up in phase " + std::string(to_string(gave_up->when.phase));
  answer.observations.push_back({std::string(profile), text});
  return seen;
}

}  // namespace

Answer ask_q10(const Laboratory& laboratory) {
  Answer answer;
  std::vector<std::string> fooled;
  std::vector<std::string> late;
  std::vector<std::string> noticed;
  bool exchanged = true;
  for (const std::string_view profile : kProfiles) {
    const Seen seen = look(profile, laboratory, answer);
    exchanged = exchanged && seen.exchanged;
    (!seen.taken ? noticed : seen.retrieved ? fooled : late).emplace_back(profile);
  }
  if (!exchanged) {
    answer.sentence = "Undecided: the same endpoint answered before and after.";
    return answer;
  }
  answer.decided = true;
  if (fooled.empty() && late.empty()) {
    answer.sentence = "It was enough here: no kernel took the stranger for the function that was handed over.";
    return answer;
  }
  answer.sentence = "No: the scan of " + listed(fooled.empty() ? late : fooled) +
                    " takes a stranger at the same address for the function that was handed over" +
                    (fooled.empty() ? "" : ", and user space gets its file");
  if (!fooled.empty() && !late.empty()) answer.sentence += "; " + listed(late) + " refuses the file";
  if (!noticed.empty()) answer.sentence += "; " + listed(noticed) + " notices at the scan";
  answer.sentence += ".";
  return answer;
}

}  // namespace holdover::bench
