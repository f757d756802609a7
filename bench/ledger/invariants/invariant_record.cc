// SPDX-License-Identifier: MIT
#include "bench/ledger/invariants/invariant_record.h"

namespace holdover::bench {
namespace {

constexpr std::array<std::string_view, kInvariantCount> kSentences = {
    "nr_devices is the number of entries in use, and the count of a bridge that of the recorded endpoints below it",
    "a function is outgoing (incoming) just when the table has an entry in use for it",
    "an FLB has an outgoing object just when a file that depends on it is preserved",
    "after a successful freeze no verb of a session completes; after a failed one every file is preserved and unfrozen",
    "enumeration finds every function of the table, the same one, and nothing else is incoming",
    "no recorded function changes its number until it is finished, and no other one ever uses it",
    "a recorded endpoint masters the bus, and bridges above keep bus mastering, bus numbers, ACS Control and ARI",
    "the requester ID is constant, and every non-posted request gets one successful completion in time",
    "devices write preserved pages that were mapped at preserve, and their contents are the model's",
    "no reset of any kind reaches a recorded endpoint",
    "each interrupt event is delivered once, or is pending and delivered after unmask",
    "a broken handover is no normal boot while a device does DMA: the kernel stops",
    "retrieve is sticky, finish is all or nothing, and an FLB is finished once and with no device left in it",
    "a chain of updates changes nothing of 5 to 9, counts live updates by one, and no link retrains"};

}  // namespace

std::string_view invariant_sentence(unsigned number) { return kSentences.at(number - 1); }

std::optional<Evidence::Observation> InvariantRecord::fresh(unsigned number, Time time, std::string sentence) {
  judged(number);
  if (!said_.emplace(number, sentence).second) return std::nullopt;
  Evidence::Observation observation;
  observation.time = time;
  observation.since = scene_.window_begin().value_or(time);
  observation.invariant = number;
  observation.sentence = std::move(sentence);
  return observation;
}

void InvariantRecord::broken(unsigned number, Check check, Time time, std::optional<unsigned> endpoint,
                             std::string sentence) {
  std::optional<Evidence::Observation> observation = fresh(number, time, std::move(sentence));
  if (!observation) return;
  observation->endpoint = endpoint;
  evidence_.find(check, std::move(*observation));
}

void InvariantRecord::misbooked(unsigned number, Time time, std::string sentence) {
  std::optional<Evidence::Observation> observation = fresh(number, time, std::move(sentence));
  if (!observation) return;
  observation->caused = false;
  evidence_.find(Check::Handover, std::move(*observation));
}

void InvariantRecord::broken_as_found(unsigned number, Time time, std::string sentence) {
  std::optional<Evidence::Observation> observation = fresh(number, time, std::move(sentence));
  if (observation) evidence_.note(Check::Handover, std::move(*observation));
}

}  // namespace holdover::bench
