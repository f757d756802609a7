// SPDX-License-Identifier: MIT
// Does hardware really run on?
#include <array>

#include "bench/ledger/scene.h"
#include "bench/questions/runs/experiments.h"
#include "bench/questions/runs/run_figures.h"

namespace holdover::bench {
namespace {

constexpr std::string_view kWhole = "continuous";
constexpr std::array<std::string_view, 3> kParts{"pci-v9", "pci-v9+vfio-v5", "stock-7.3"};

// Each stream moved in every phase, in order, with the right bytes and in the right place.
bool ran_on(const Report& report) {
  return undisturbed(report) && passed(report, Check::Continuity) && passed(report, Check::Memory);
}

void observe_streams(const Report& report, Answer& answer) {
  const auto silence = [&](const std::string& stream, std::string_view figure, std::string_view limit) {
    answer.observations.push_back({std::string(kWhole) + ": " + stream,
                                   readable_time(time_of(report, Check::Continuity, figure)) + " of " +
                                       readable_time(time_of(report, Check::Continuity, limit)) + " allowed"});
  };
  silence("longest silence of the heartbeat", "longest_silence_ps", "silence_limit_ps");
  silence("longest stall of the channel to the host", "longest_stall_to_host_ps", "bulk_stall_limit_ps");
  silence("longest stall of the channel to the card", "longest_stall_to_card_ps", "bulk_stall_limit_ps");
  answer.observations.push_back({std::string(kWhole) + ": heartbeat records",
                                 std::to_string(number(report, Check::Continuity, "records")) + " written, " +
                                     std::to_string(number(report, Check::Continuity, "absent")) + " lost, " +
                                     std::to_string(records_in_blackout(report)) + " while no kernel ran"});
  answer.observations.push_back(
      {std::string(kWhole) + ": memory", std::to_string(number(report, Check::Memory, "bytes_compared") >> 10) +
                                             " KiB compared byte by byte, " +
                                             counted(report.verdict.check(Check::Memory).finding_count, "difference")});
}

}  // namespace

Answer ask_q01(const Laboratory& laboratory) {
  Answer answer;
  const auto run = [&](std::string_view profile) {
    const RunOptions options = with(laboratory, std::string(profile));
    answer.commands.push_back(command_line(options));
    return laboratory.run(options);
  };
  const Report whole = run(kWhole);
  observe_streams(whole, answer);
  bool all_stop = true;
  for (const std::string_view profile : kParts) {
    const Report part = run(profile);
    all_stop = all_stop && failed(part, Check::Continuity);
    answer.observations.push_back({std::string(profile), outcome(part) + "; " + dma_text(part)});
  }
  if (ran_on(whole) && records_in_blackout(whole) != 0 && all_stop) {
    answer.decided = true;
    answer.sentence = "Yes, where everything that the device uses is handed over (" + std::string(kWhole) +
                      "): " + dma_text(whole) +
                      ", and memory is right to the byte. Address and bus mastering alone (pci-v9), the "
                      "posted VFIO part and a stock kernel each interrupt it.";
  } else if (failed(whole, Check::Continuity) || failed(whole, Check::Memory)) {
    answer.decided = true;
    answer.sentence = "No, not even under " + std::string(kWhole) + ": " + reason(whole) + ".";
  } else {
    answer.sentence = "Undecided: " + outcome(whole) + " under " + std::string(kWhole) +
                      (all_stop ? "." : ", and a kernel that hands less over did not interrupt anything either.");
  }
  return answer;
}

}  // namespace holdover::bench
