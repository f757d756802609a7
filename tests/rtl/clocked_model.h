// SPDX-License-Identifier: MIT
// A Verilated top with one clock: inputs are set while it is low, outputs are looked at before it rises.
#pragma once

#include <verilated.h>

#include <cstdint>
#include <memory>

#include "pcie/tlp.h"

namespace holdover::rtl_test {

template <typename Model>
class ClockedModel {
 public:
  ClockedModel() : model_(std::make_unique<Model>(&context_)) {}
  // A model leaves the context that is its thread's, and models may be destroyed in any order.
  ~ClockedModel() {
    Verilated::threadContextp(&context_);
    model_->final();
  }
  ClockedModel(const ClockedModel&) = delete;
  ClockedModel& operator=(const ClockedModel&) = delete;

  Model* operator->() { return model_.get(); }

  // Outputs follow the inputs of this clock.
  void settle() {
    model_->clk_i = 0;
    model_->eval();
  }
  // The rising edge. Outputs then are those of the next clock.
  void edge() {
    settle();
    model_->clk_i = 1;
    model_->eval();
    ++clocks_;
  }
  void edges(unsigned count) {
    for (unsigned n = 0; n < count; ++n) edge();
  }
  [[nodiscard]] std::uint64_t clocks() const { return clocks_; }

 private:
  VerilatedContext context_;
  std::unique_ptr<Model> model_;
  std::uint64_t clocks_ = 0;
};

template <typename Pins>
void drive_header(Pins& pins, const pcie::TlpHeader& header) {
  for (std::size_t n = 0; n < header.size(); ++n) pins[n] = header[n];
}

template <typename Pins>
[[nodiscard]] pcie::TlpHeader sample_header(const Pins& pins) {
  pcie::TlpHeader header{};
  for (std::size_t n = 0; n < header.size(); ++n) header[n] = pins[n];
  return header;
}

// The same numbers on every machine, from a seed that a failing test prints.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed) {}
  // 0 to bound - 1.
  [[nodiscard]] unsigned below(unsigned bound) {
    state_ += 0x9e37'79b9'7f4a'7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
    z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
    return static_cast<unsigned>(((z ^ (z >> 31)) >> 32) * bound >> 32);
  }
  [[nodiscard]] bool one_in(unsigned n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

}  // namespace holdover::rtl_test
