// SPDX-License-Identifier: MIT
#include "bench/ledger/translation_ledger.h"

#include <string>

namespace holdover::bench {

TranslationLedger::TranslationLedger(const Scene& scene, Evidence& evidence)
    : scene_(scene), evidence_(evidence), pages_(scene.endpoint_count()), bypassing_(scene.endpoint_count()) {}

void TranslationLedger::on_access(const sim::MemoryAccess& access) {
  ++translations_;
  const std::string whose = "endpoint " + std::to_string(access.endpoint);
  if (!access.translated) {
    ++bypasses_;
    if (bypassing_[access.endpoint]) return;
    bypassing_[access.endpoint] = true;
    evidence_.disrupt(access.time, 1u << access.endpoint, Rank::Act, Evidence::kTraffic,
                      "IOMMU translation off, first felt by " + scene_.describe(scene_.function_of(access.endpoint)) +
                          " at " + hex(access.iova.raw()));
    evidence_.find(Check::Iommu, access.time, access.endpoint,
                   "a request of " + whose + " for " + hex(access.iova.raw()) + " passed the IOMMU untranslated");
    return;
  }
  bypassing_[access.endpoint] = false;
  if (!scene_.window_open()) return;
  constexpr std::uint64_t kPage = kPageSize.count();
  const auto [entry, fresh] =
      pages_[access.endpoint].try_emplace(access.iova.raw() / kPage, access.address.raw() / kPage);
  if (fresh || entry->second == access.address.raw() / kPage) return;
  evidence_.find(Check::Iommu, access.time, access.endpoint,
                 "IOVA page " + hex(entry->first * kPage) + " of " + whose + " led to physical page " +
                     hex(entry->second * kPage) + " and leads to " + hex(access.address.raw() / kPage * kPage) +
                     " now");
  entry->second = access.address.raw() / kPage;
}

void TranslationLedger::on_fault(Time time, pcie::RequesterId requester, Iova iova, bool write,
                                 std::string_view reason) {
  ++faults_;
  const auto function = scene_.function_at(requester);
  const std::uint32_t endpoints = function ? scene_.endpoints_below(*function) : ~0u;
  const std::string who = pcie::Bdf::from_requester_id(requester).to_string();
  const std::string what = std::string("IOMMU fault at a ") + (write ? "write" : "read") + " of " + who + " to " +
                           hex(iova.raw()) + " (" + std::string(reason) + ")";
  evidence_.disrupt(time, endpoints, Rank::Consequence, Evidence::kTraffic, what);
  std::optional<unsigned> endpoint;
  if (function && scene_.functions()[*function].kind == sim::FunctionKind::Endpoint) {
    endpoint = scene_.functions()[*function].endpoint;
  }
  evidence_.find(Check::Iommu, time, endpoint, what);
}

std::uint64_t TranslationLedger::pages() const {
  std::uint64_t total = 0;
  for (const auto& pages : pages_) total += pages.size();
  return total;
}

}  // namespace holdover::bench
