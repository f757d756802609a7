// SPDX-License-Identifier: MIT
// The questions that the live-update series leave open, each as an experiment on the emulated kernels.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/run.h"

namespace holdover::bench {

// What was seen of one thing, in the unit that the text names.
struct Observation {
  std::string what;
  std::string seen;
};

struct Answer {
  bool decided = false;  // false: what was seen does not settle the question
  std::string sentence;  // follows from the observations, and from nothing else
  std::vector<Observation> observations;
  std::vector<std::string> commands;  // that show it again, where a run of the bench does
};

// Hears of a run what the bench hears.
class Spectator : public sim::Witness {
 public:
  // Between two accesses of the host, a few times per simulated 100 us: the machine may be looked at, and nothing else.
  virtual void on_progress(const ProgressNote&, const sim::ObservedMachine&) {}
};

// What an experiment works with.
class Laboratory {
 public:
  // `base` is what all runs have in common: seed, program, stop. `progress` is told of each run before it begins.
  Laboratory(RunOptions base, MachineFactory factory, std::function<void(const std::string&)> progress = {})
      : base_(std::move(base)), factory_(std::move(factory)), progress_(std::move(progress)) {}

  // Options of a short run in this process, to be changed by the experiment.
  [[nodiscard]] RunOptions options() const { return base_; }
  // Throws as bench::run does.
  [[nodiscard]] Report run(const RunOptions& options) const {
    if (progress_) progress_(command_line(options));
    return bench::run(options, factory_);
  }
  // The same, and `spectator` hears of it.
  [[nodiscard]] Report run(const RunOptions& options, Spectator& spectator) const;
  [[nodiscard]] const MachineFactory& machines() const { return factory_; }

 private:
  RunOptions base_;
  MachineFactory factory_;
  std::function<void(const std::string&)> progress_;
};

struct Question {
  std::string_view name;      // «Q9»
  std::string_view question;  // as a sentence that ends with a question mark
  std::string_view set_up;    // what the experiment does, for one who wants to do it again
  Answer (*ask)(const Laboratory& laboratory);
};

// By number. docs/findings.md is made of their answers.
[[nodiscard]] std::span<const Question> questions();

// Throws Error{InvalidArgument} with the names that there are.
[[nodiscard]] const Question& find_question(std::string_view name);

}  // namespace holdover::bench
