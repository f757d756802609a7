// SPDX-License-Identifier: MIT
#include "bench/ledger/invariants/session_watch.h"

#include <utility>

namespace holdover::bench {
namespace {

using pcie::Step;

// What a verb of a session, or of /dev/liveupdate, marks.
bool comes_of_a_verb(Step step) {
  switch (step) {
    case Step::SessionCreated:
    case Step::SessionClosed:
    case Step::SessionRetrieved:
    case Step::SessionFinished:
    case Step::FilePreserved:
    case Step::FileUnpreserved:
    case Step::FileRetrieved:
    case Step::FileFinished:
    case Step::FinishRefused:
      return true;
    default:
      return false;
  }
}

std::string files(std::uint64_t count) { return std::to_string(count) + (count == 1 ? " file" : " files"); }

}  // namespace

void SessionWatch::broken(unsigned number, Time time, std::string sentence) {
  record_.misbooked(number, time, std::move(sentence));
}

void SessionWatch::on_mark(const Scene::Mark& mark) {
  if (mark.kernel != kernel_) {
    kernel_ = mark.kernel;
    state_ = {};
  }
  if (state_.sealed && comes_of_a_verb(mark.step)) {
    broken(4, mark.time, "«" + std::string(pcie::to_string(mark.step)) + "» after a successful freeze");
  }
  judge_flb(mark);
  judge_file(mark);
  judge_freeze(mark);
  judge_retrieve(mark);
  judge_finish(mark);
}

void SessionWatch::judge_flb(const Scene::Mark& mark) {
  const std::string flb = "FLB " + std::to_string(mark.value);
  switch (mark.step) {
    case Step::FlbPreserved:
      if (!state_.objects.insert(mark.value).second) broken(3, mark.time, flb + " was preserved twice");
      break;
    case Step::FlbUnpreserved:
      if (state_.objects.erase(mark.value) == 0) broken(3, mark.time, flb + " was unpreserved and was not there");
      break;
    case Step::FlbRetrieved:
      state_.incoming.insert(mark.value);
      break;
    case Step::FlbFinished:
      if (state_.incoming.erase(mark.value) == 0) broken(13, mark.time, flb + " was finished and was not there");
      break;
    default:
      break;
  }
}

void SessionWatch::judge_file(const Scene::Mark& mark) {
  const bool preserved = mark.step == Step::FilePreserved;
  if (preserved || mark.step == Step::FileUnpreserved) {
    const auto count = [preserved](std::uint64_t& files) { files = preserved ? files + 1 : files - 1; };
    count(state_.preserved);
    for (unsigned flb = 0; flb < kFlbs; ++flb) {
      if (((mark.value >> flb) & 1) != 0) count(state_.dependent[flb]);
    }
    judge_objects(mark.time);
  } else if (mark.step == Step::Begin || mark.step == Step::SessionClosed || mark.step == Step::FreezeSucceeded) {
    judge_objects(mark.time);
  }
}

void SessionWatch::judge_objects(Time time) {
  if (state_.preserved != 0) record_.judged(3);
  for (unsigned flb = 0; flb < kFlbs; ++flb) {
    const bool object = state_.objects.count(flb) != 0;
    if (object == (state_.dependent[flb] != 0)) continue;
    broken(3, time,
           "FLB " + std::to_string(flb) +
               (object ? " has an outgoing object, and no file that depends on it is preserved"
                       : " has no outgoing object, and " + files(state_.dependent[flb]) +
                             " that depend on it are "
                             "preserved"));
  }
}

void SessionWatch::judge_freeze(const Scene::Mark& mark) {
  switch (mark.step) {
    case Step::Begin:
      if (mark.phase != pcie::Phase::Freeze) break;
      state_.preserved_at_freeze = state_.preserved;
      state_.frozen = 0;
      break;
    case Step::FileFrozen:
      ++state_.frozen;
      break;
    case Step::FileUnfrozen:
      --state_.frozen;
      break;
    case Step::FreezeSucceeded:
      record_.judged(4);
      state_.sealed = true;
      if (state_.frozen == state_.preserved) break;
      broken(
          4, mark.time,
          "the freeze succeeded with " + std::to_string(state_.frozen) + " of " + files(state_.preserved) + " frozen");
      break;
    case Step::FreezeFailed:
      record_.judged(4);
      if (state_.frozen != 0) broken(4, mark.time, files(state_.frozen) + " stayed frozen after a failed freeze");
      if (state_.preserved == state_.preserved_at_freeze) break;
      broken(4, mark.time,
             files(state_.preserved) + " are preserved after a failed freeze, and " +
                 std::to_string(state_.preserved_at_freeze) + " were before it");
      break;
    default:
      break;
  }
}

void SessionWatch::judge_retrieve(const Scene::Mark& mark) {
  const std::uint64_t file = mark.value >> 16;
  const std::uint64_t error = mark.value & 0xffff;
  const std::string name = "the file under token " + std::to_string(file & 0xffff'ffff);
  if (mark.step == Step::FileRestored) {
    if (!state_.restored.insert(file).second) broken(13, mark.time, name + " was restored by its handler twice");
  } else if (mark.step == Step::FileRetrieved) {
    const auto [first, fresh] = state_.results.emplace(file, error);
    if (fresh || first->second == error) return;
    broken(13, mark.time,
           "a retrieve of " + name + " returned errno " + std::to_string(error) + " after errno " +
               std::to_string(first->second));
  }
}

void SessionWatch::judge_finish(const Scene::Mark& mark) {
  switch (mark.step) {
    case Step::FileFinished:
      ++state_.finished;
      ++state_.finished_by_verb;
      break;
    case Step::FinishRefused:
      record_.judged(13);
      if (state_.finished_by_verb != 0) {
        broken(13, mark.time, "a finish was refused after it had finished " + files(state_.finished_by_verb));
      }
      state_.finished_by_verb = 0;
      break;
    case Step::SessionFinished:
      record_.judged(13);
      if (state_.finished_by_verb != mark.value) {
        broken(13, mark.time,
               "a finish finished " + std::to_string(state_.finished_by_verb) + " of " + files(mark.value));
      }
      state_.finished_by_verb = 0;
      if (state_.finished != handed_files_ || state_.incoming.empty()) break;
      broken(13, mark.time,
             "FLB " + std::to_string(*state_.incoming.begin()) +
                 " is not finished, and every file that was handed "
                 "over is");
      break;
    default:
      break;
  }
}

}  // namespace holdover::bench
