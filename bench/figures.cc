// SPDX-License-Identifier: MIT
#include "bench/figures.h"

#include <algorithm>
#include <string>

namespace holdover::bench {
namespace {

std::string n(std::uint64_t count) { return std::to_string(count); }

void after_panic(const AfterPanic& after, CheckResult& result) {
  result.figure += "; after the panic DMA went on for " + readable_time(after.last - after.panic) + " (" +
                   n(after.requests) + " requests, " + n(after.strays) + " accesses to foreign pages)";
  result.numbers.push_back({"dma_after_panic_ps", (after.last - after.panic).count()});
  result.numbers.push_back({"requests_after_panic", after.requests});
  result.numbers.push_back({"strays_after_panic", after.strays});
}

void continuity(const Ledgers& ledgers, CheckResult& result) {
  std::uint64_t records = 0;
  std::uint64_t absent = 0;
  std::uint64_t cells = 0;
  std::uint64_t to_host = 0;
  std::uint64_t to_card = 0;
  std::uint64_t laps = 0;
  Time longest;
  Time limit;
  Time stall_to_host;
  Time stall_to_card;
  Time stall_limit;
  for (unsigned endpoint = 0; endpoint < ledgers.endpoints.size(); ++endpoint) {
    if (((ledgers.scene.judged_endpoints() >> endpoint) & 1) == 0) continue;
    const HeartbeatLedger& heartbeat = ledgers.endpoints[endpoint].heartbeat();
    records += heartbeat.records();
    absent += heartbeat.absent();
    cells += heartbeat.cells();
    longest = std::max(longest, heartbeat.longest_silence().value_or(Time{0}));
    if (heartbeat.ever_ran()) limit = std::max(limit, heartbeat.limit());
    for (const ChannelLedger& channel : ledgers.endpoints[endpoint].channels()) {
      if (!channel.ever_ran()) continue;
      (channel.to_host() ? to_host : to_card) += channel.bytes();
      laps += channel.laps();
      Time& stall = channel.to_host() ? stall_to_host : stall_to_card;
      stall = std::max(stall, channel.longest_stall());
      stall_limit = std::max(stall_limit, channel.stall_limit());
    }
  }
  result.figure = n(records) + " records, " + n(absent) + " due and never arrived, longest silence " +
                  readable_time(longest) + " of " + readable_time(limit) + "; " + n(to_host >> 10) +
                  " KiB to the host, " + n(to_card >> 10) + " KiB to the card in " + n(laps) + " laps";
  result.numbers = {{"records", records},
                    {"absent", absent},
                    {"reader_cells", cells},
                    {"longest_silence_ps", longest.count()},
                    {"silence_limit_ps", limit.count()},
                    {"bytes_to_host", to_host},
                    {"bytes_to_card", to_card},
                    {"laps", laps},
                    {"longest_bulk_stall_ps", std::max(stall_to_host, stall_to_card).count()},
                    {"longest_stall_to_host_ps", stall_to_host.count()},
                    {"longest_stall_to_card_ps", stall_to_card.count()},
                    {"bulk_stall_limit_ps", stall_limit.count()}};
}

void interrupts(const Ledgers& ledgers, CheckResult& result) {
  InterruptLedger::Vector sum;
  std::uint64_t vectors = 0;
  for (unsigned endpoint = 0; endpoint < ledgers.endpoints.size(); ++endpoint) {
    if (((ledgers.scene.judged_endpoints() >> endpoint) & 1) == 0) continue;
    for (const InterruptLedger::Vector& vector : ledgers.endpoints[endpoint].interrupts().vectors()) {
      vectors += vector.events != 0 ? 1 : 0;
      sum.events += vector.events;
      sum.coalesced += vector.coalesced;
      sum.sent += vector.sent;
      sum.arrived += vector.arrived;
    }
  }
  result.figure = n(sum.events) + " events on " + n(vectors) + " vectors = " + n(sum.sent) + " messages + " +
                  n(sum.coalesced) + " coalesced; " + n(sum.arrived) + " arrived";
  result.numbers = {{"vectors", vectors},
                    {"events", sum.events},
                    {"messages", sum.sent},
                    {"coalesced", sum.coalesced},
                    {"arrived", sum.arrived}};
}

void configuration(const Ledgers& ledgers, CheckResult& result) {
  const ConfigLedger& config = ledgers.config;
  result.figure = n(config.functions()) + " functions compared, " + n(config.writes()) + " writes in the window";
  if (config.longest_window() > Time{0}) {
    result.figure += ", " + config.longest_where() + " away for " + readable_time(config.longest_window());
  }
  result.numbers = {{"functions", config.functions()},
                    {"writes", config.writes()},
                    {"momentary_changes", config.momentary()},
                    {"longest_momentary_change_ps", config.longest_window().count()}};
}

}  // namespace

void describe_figures(const Ledgers& ledgers, CheckResult& result) {
  switch (result.check) {
    case Check::Continuity:
      return continuity(ledgers, result);
    case Check::Memory: {
      const MemoryLedger& memory = ledgers.memory;
      result.figure = n(memory.bytes_compared() >> 10) + " KiB compared, " + n(memory.bytes_written() >> 10) +
                      " KiB written and " + n(memory.bytes_read() >> 10) + " KiB read by devices, " +
                      n(memory.stray_accesses()) + " accesses to foreign pages";
      result.numbers = {{"bytes_compared", memory.bytes_compared()},
                        {"bytes_written", memory.bytes_written()},
                        {"bytes_read", memory.bytes_read()},
                        {"stray_accesses", memory.stray_accesses()}};
      return;
    }
    case Check::Configuration:
      return configuration(ledgers, result);
    case Check::Bdf:
      result.figure = n(ledgers.identity.tlps()) + " TLPs in the window under unchanged IDs";
      if (result.status == CheckStatus::Fail) result.figure = n(ledgers.identity.tlps()) + " TLPs in the window";
      result.numbers = {{"tlps", ledgers.identity.tlps()}};
      return;
    case Check::Iommu: {
      const TranslationLedger& iommu = ledgers.translation;
      result.figure = n(iommu.translations()) + " accesses, " + n(iommu.pages()) + " pages, " + n(iommu.faults()) +
                      " faults, " + n(iommu.bypasses()) + " untranslated";
      result.numbers = {{"accesses", iommu.translations()},
                        {"pages", iommu.pages()},
                        {"faults", iommu.faults()},
                        {"untranslated", iommu.bypasses()}};
      return;
    }
    case Check::Interrupts:
      return interrupts(ledgers, result);
    case Check::ResetAndLink:
      result.figure = n(ledgers.resets.resets()) + " resets, link lost " + n(ledgers.resets.link_losses()) + " times";
      result.numbers = {{"resets", ledgers.resets.resets()}, {"link_losses", ledgers.resets.link_losses()}};
      return;
    case Check::Protocol: {
      const RequestLedger& requests = ledgers.requests;
      result.figure = n(requests.requests()) + " non-posted requests, " + n(requests.completed()) + " completed, " +
                      n(requests.refused()) + " requests refused, " + n(requests.violations()) + " violations";
      result.numbers = {{"non_posted", requests.requests()},
                        {"completed", requests.completed()},
                        {"refused", requests.refused()},
                        {"violations", requests.violations()}};
      return;
    }
    case Check::Handover: {
      const std::vector<HandoverLedger::Amount>& amounts = ledgers.handover.amounts();
      const HandoverLedger::Amount last = amounts.empty() ? HandoverLedger::Amount{} : amounts.back();
      result.figure = n(last.sessions) + " sessions, " + n(last.files) + " files, " + n(last.devices) + " functions, " +
                      n(last.pages) + " pages handed over" +
                      (amounts.size() > 1 ? ", " + n(amounts.size()) + " times" : std::string());
      result.numbers = {{"updates", amounts.size()}, {"sessions", last.sessions}, {"files", last.files},
                        {"functions", last.devices}, {"pages", last.pages},       {"free_pages", last.free_pages}};
      if (const auto after = ledgers.invariants.after_panic()) after_panic(*after, result);
      return;
    }
  }
}

}  // namespace holdover::bench
