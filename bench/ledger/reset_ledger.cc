// SPDX-License-Identifier: MIT
#include "bench/ledger/reset_ledger.h"

#include <bit>
#include <string>

namespace holdover::bench {
namespace {

const char* name(sim::ResetKind kind) {
  switch (kind) {
    case sim::ResetKind::Fundamental:
      return "fundamental reset";
    case sim::ResetKind::HotReset:
      return "hot reset";
    case sim::ResetKind::LinkDown:
      return "reset by the link going down";
    case sim::ResetKind::Flr:
      return "function level reset";
    case sim::ResetKind::D3HotToD0:
      return "reset on the way from D3hot to D0";
  }
  return "reset";
}

}  // namespace

void ResetLedger::on_reset(Time time, sim::FunctionIndex function, sim::ResetKind kind) {
  if (function >= scene_.functions().size()) return;
  const std::uint32_t below = scene_.endpoints_below(function);
  const std::string what = std::string(name(kind)) + " of " + scene_.describe(function);
  evidence_.disrupt(time, below, Rank::Consequence, Evidence::kTraffic, what);
  const std::uint32_t judged = below & scene_.judged_endpoints();
  if (!scene_.traffic_bound() || judged == 0) return;
  ++resets_;
  evidence_.find(Check::ResetAndLink, time, static_cast<unsigned>(std::countr_zero(judged)), what);
}

void ResetLedger::on_link(Time time, sim::FunctionIndex port, bool up) {
  if (up || port >= scene_.functions().size()) return;
  const std::uint32_t below = scene_.endpoints_below(port);
  const std::string what = "link below " + scene_.describe(port) + " went down";
  evidence_.disrupt(time, below, Rank::Consequence, Evidence::kTraffic, what);
  const std::uint32_t judged = below & scene_.judged_endpoints();
  if (!scene_.traffic_bound() || judged == 0) return;
  ++link_losses_;
  evidence_.find(Check::ResetAndLink, time, static_cast<unsigned>(std::countr_zero(judged)), what);
}

}  // namespace holdover::bench
