// SPDX-License-Identifier: MIT
#pragma once

#include "pcie/units.h"

namespace holdover::host {

// Ranges of IO virtual addresses, one above the other, never the same twice. A page that is never mapped lies between
// two of them: what runs over an end meets no neighbour.
class IovaRanges {
 public:
  explicit IovaRanges(Iova first) : next_(first) {}

  // As many whole pages as hold `size`.
  [[nodiscard]] Iova take(Bytes size) {
    const Iova first = next_;
    next_ += kPageSize * ((size.count() + kPageSize.count() - 1) / kPageSize.count()) + kPageSize;
    return first;
  }
  // Where the next one begins.
  [[nodiscard]] Iova next() const { return next_; }

 private:
  Iova next_;
};

}  // namespace holdover::host
