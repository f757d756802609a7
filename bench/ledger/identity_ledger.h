// SPDX-License-Identifier: MIT
// Who the functions are: one requester ID per endpoint for the whole window, and the same functions in the same places
// after enumeration.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bench/ledger/evidence.h"
#include "bench/ledger/scene.h"
#include "pcie/tlp.h"

namespace holdover::bench {

class IdentityLedger {
 public:
  IdentityLedger(const Scene& scene, Evidence& evidence);

  void open_window(Time time);
  void close_window(Time time);
  // A TLP that left the endpoint.
  void on_transmit(Time time, unsigned endpoint, const pcie::Tlp& tlp);

  [[nodiscard]] std::uint64_t tlps_of(unsigned endpoint) const { return ids_.at(endpoint).tlps; }
  [[nodiscard]] std::uint64_t tlps() const { return tlps_; }  // in the window
  [[nodiscard]] std::optional<pcie::RequesterId> requester(unsigned endpoint) const { return ids_.at(endpoint).id; }

 private:
  struct Identity {
    std::optional<pcie::RequesterId> id;
    std::optional<pcie::RequesterId> reported;
    std::uint64_t tlps = 0;
  };

  const Scene& scene_;
  Evidence& evidence_;
  std::vector<Identity> ids_;
  std::vector<pcie::Bdf> placed_;
  std::uint64_t tlps_ = 0;
};

}  // namespace holdover::bench
