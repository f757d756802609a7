// SPDX-License-Identifier: MIT
// Sessions, files and data bound to files, as the kernel's marks tell of them: invariants 3, 4 and 13.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "bench/ledger/invariants/invariant_record.h"

namespace holdover::bench {

class SessionWatch {
 public:
  explicit SessionWatch(InvariantRecord& record) : record_(record) {}

  void on_mark(const Scene::Mark& mark);
  // The kernel is about to be left, and hands over this many files.
  void on_jump(std::uint64_t files) { handed_files_ = files; }

 private:
  static constexpr unsigned kFlbs = 64;

  void judge_flb(const Scene::Mark& mark);
  void judge_file(const Scene::Mark& mark);
  void judge_objects(Time time);
  void judge_freeze(const Scene::Mark& mark);
  void judge_retrieve(const Scene::Mark& mark);
  void judge_finish(const Scene::Mark& mark);
  void broken(unsigned number, Time time, std::string sentence);

  InvariantRecord& record_;
  unsigned kernel_ = 0;
  std::uint64_t handed_files_ = 0;  // to this kernel, once it runs
  // Of the kernel that runs.
  struct State {
    std::set<std::uint64_t> objects;               // outgoing, by FLB
    std::array<std::uint64_t, kFlbs> dependent{};  // preserved files, by FLB
    std::uint64_t preserved = 0;
    std::uint64_t preserved_at_freeze = 0;
    std::uint64_t frozen = 0;
    bool sealed = false;                             // a freeze succeeded
    std::set<std::uint64_t> incoming;                // FLBs that were retrieved and are not finished
    std::set<std::uint64_t> restored;                // files whose handler was asked
    std::map<std::uint64_t, std::uint64_t> results;  // of the first retrieve, by file
    std::uint64_t finished = 0;
    std::uint64_t finished_by_verb = 0;  // since the last finish came to its end
  };
  State state_;
};

}  // namespace holdover::bench
