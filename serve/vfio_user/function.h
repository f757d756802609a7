// SPDX-License-Identifier: MIT
// The PCI function behind a server, as the processor of its machine reaches it: every access is a request on the link,
// and simulated time passes until it is answered.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "pcie/bdf.h"
#include "pcie/units.h"

namespace holdover::serve {

// As firmware has found and placed it.
struct FunctionBar {
  unsigned index = 0;      // of its first register
  bool wide = false;       // 64 bits
  std::uint32_t type = 0;  // bits 3:0 of the register
  std::uint64_t size = 0;
  std::uint64_t address = 0;  // on the machine's bus
};

// The message by which a vector of the function reaches FunctionListener::on_vector().
struct InterruptMessage {
  std::uint64_t address = 0;
  std::uint32_t data = 0;
};

class Function {
 public:
  virtual ~Function() = default;

  // 1, 2 or 4 bytes, naturally aligned, below 4096; all ones where nobody answers.
  [[nodiscard]] virtual std::uint32_t config_read(unsigned offset, unsigned size) = 0;
  virtual void config_write(unsigned offset, unsigned size, std::uint32_t value) = 0;
  // 1, 2, 4 or 8 bytes, naturally aligned, inside the BAR; all ones where nobody answers.
  [[nodiscard]] virtual std::uint64_t load(unsigned bar, std::uint64_t offset, unsigned size) = 0;
  virtual void store(unsigned bar, std::uint64_t offset, unsigned size, std::uint64_t value) = 0;

  [[nodiscard]] virtual const std::vector<FunctionBar>& bars() const = 0;
  [[nodiscard]] virtual InterruptMessage message(unsigned vector) const = 0;
  [[nodiscard]] virtual pcie::RequesterId requester() const = 0;

  [[nodiscard]] virtual Time now() = 0;
  virtual void wait(Time duration) = 0;
};

// Who wants to know what the function does by itself. Called while the machine runs: no access may be made then.
class FunctionListener {
 public:
  virtual void on_vector(unsigned vector) = 0;
  // It has reported an error that it did not correct.
  virtual void on_error() = 0;

 protected:
  ~FunctionListener() = default;
};

}  // namespace holdover::serve
