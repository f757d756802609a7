// SPDX-License-Identifier: MIT
// What becomes of an update from each kernel to each: a grid and a list for people, a page for documentation, a record
// for programs.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "cli/child_run.h"

namespace holdover::cli {

class MatrixReport {
 public:
  // The kernels, in the order of rows and columns.
  explicit MatrixReport(std::vector<std::string> kernels);

  // `options.from` and `options.to` are two of the kernels.
  void add(const bench::RunOptions& options, const RunResult& result);

  [[nodiscard]] std::size_t pairs() const { return cells_.size(); }
  [[nodiscard]] std::size_t done() const;
  // 0 every pair has a verdict, 2 one could not be run, 3 one is inconclusive.
  [[nodiscard]] int exit_code() const;

  void print(std::ostream& out) const;
  [[nodiscard]] std::string to_markdown() const;
  [[nodiscard]] std::string to_json() const;

 private:
  struct Cell {
    bool done = false;
    bench::RunOptions options;
    RunResult result;
  };
  [[nodiscard]] const Cell& cell(std::size_t from, std::size_t to) const { return cells_[from * kernels_.size() + to]; }

  std::vector<std::string> kernels_;
  std::vector<Cell> cells_;
};

}  // namespace holdover::cli
