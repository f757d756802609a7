// SPDX-License-Identifier: MIT
#include "bench/ledger/handover_ledger.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "host/kernel/boot_parameters.h"
#include "host/kernel/iommu/page_table.h"
#include "host/kernel/kho/decode.h"
#include "host/kernel/luo/handlers/iommu_abi.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

namespace kernel = host::kernel;

constexpr std::uint64_t kPage = kPageSize.count();

template <typename Value>
std::optional<Value> value_at(std::span<const std::byte> dram, std::uint64_t address) {
  if (address > dram.size() || dram.size() - address < sizeof(Value)) return std::nullopt;
  Value value;
  std::memcpy(&value, dram.data() + address, sizeof value);
  return value;
}

void keep(std::vector<bool>& pages, std::uint64_t address) {
  if (address / kPage < pages.size()) pages[address / kPage] = true;
}

// Every page that a chain of page numbers lists must be preserved.
void judge_page_list(std::span<const std::byte> dram, std::uint64_t chain, const std::string& what,
                     HandoverImage& image) {
  const auto blocks = kernel::decode_blocks(dram, PhysicalAddress{chain}, sizeof(std::uint64_t));
  if (!blocks) {
    image.problems.push_back("the list of " + what + " at " + hex(chain) + " is broken");
    return;
  }
  for (const std::size_t entry : blocks->entries) {
    const auto page = value_at<std::uint64_t>(dram, entry);
    if (page && *page / kPage < image.preserved.size() && image.preserved[*page / kPage]) continue;
    image.problems.push_back("page " + hex(page.value_or(0)) + " of " + what + " is not in the KHO tree");
  }
}

// Every table that the IOMMU can reach from `root` must be preserved, whether the kernel listed it or not.
void judge_tables(std::span<const std::byte> dram, std::uint64_t root, const std::string& what, HandoverImage& image) {
  if (root % kPage != 0 || root / kPage >= image.preserved.size()) {
    image.problems.push_back("the root of " + what + " lies outside memory");
    return;
  }
  for (const PhysicalAddress table : kernel::second_level::tables(dram, PhysicalAddress{root})) {
    std::string problem = "page " + hex(table.raw()) + " of " + what + " is not in the KHO tree";
    const bool known = std::find(image.problems.begin(), image.problems.end(), problem) != image.problems.end();
    if (!image.preserved[table.raw() / kPage] && !known) image.problems.push_back(std::move(problem));
  }
}

void judge_iommu(std::span<const std::byte> dram, std::uint64_t address, HandoverImage& image) {
  const auto unit = value_at<kernel::iommu_abi::IommuSer>(dram, address);
  if (!unit || unit->version != kernel::iommu_abi::kVersion) {
    image.problems.push_back("the IOMMU's state at " + hex(address) + " has no version that this bench knows");
    return;
  }
  judge_page_list(dram, unit->structure_pages, "the IOMMU's root and context tables", image);
  const auto domains =
      kernel::decode_blocks(dram, PhysicalAddress{unit->domains}, sizeof(kernel::iommu_abi::DomainSer));
  if (!domains) {
    image.problems.push_back("the list of IOMMU domains at " + hex(unit->domains) + " is broken");
    return;
  }
  for (const std::size_t entry : domains->entries) {
    const auto domain = value_at<kernel::iommu_abi::DomainSer>(dram, entry);
    if (!domain || domain->in_use == 0) continue;
    const std::string what = "the page tables of IOMMU domain " + std::to_string(domain->domain_id);
    judge_page_list(dram, domain->table_pages, what, image);
    judge_tables(dram, domain->root, what, image);
  }
}

}  // namespace

HandoverImage decode_handover(std::span<const std::byte> dram, PhysicalAddress boot_parameters) {
  HandoverImage image;
  image.preserved.assign(dram.size() / kPage, false);
  keep(image.preserved, boot_parameters.raw());
  kernel::BootParameters parameters;
  try {
    parameters = kernel::read_boot_parameters(dram, boot_parameters);
  } catch (const Error& error) {
    image.unreadable = error.what();
    return image;
  }
  if (parameters.crash_region_bytes != 0) {
    // All that the kernel which panicked had stays as it is, but for what it had kept free for this one.
    for (std::uint64_t page = 0; page < image.preserved.size(); ++page) {
      const std::uint64_t address = page * kPage;
      const bool inside =
          address >= parameters.crash_region && address - parameters.crash_region < parameters.crash_region_bytes;
      if (!inside) image.preserved[page] = true;
    }
    image.unreadable = "a crash kernel is handed nothing";
    return image;
  }
  if (parameters.kho_fdt == 0) {
    image.unreadable = "the next kernel is entered without one";
    return image;
  }
  const PhysicalAddress fdt{parameters.kho_fdt};
  keep(image.preserved, fdt.raw());
  const auto pages = kernel::decode_preserved_pages(dram, fdt);
  const auto tree = kernel::decode_kho(dram, fdt, &image.unreadable);
  if (!pages || !tree) {
    if (image.unreadable.empty()) image.unreadable = "its pages cannot be walked";
    return image;
  }
  image.unreadable.clear();
  for (std::size_t page = 0; page < pages->size() && page < image.preserved.size(); ++page) {
    if (!(*pages)[page]) continue;
    image.preserved[page] = true;
    ++image.pages;
  }
  std::string why;
  image.live_update = kernel::decode_live_update(dram, fdt, &why);
  if (!image.live_update) {
    image.problems.push_back("what the live update orchestrator left cannot be read: " + why);
    return image;
  }
  for (const kernel::HandedFlb& flb : image.live_update->flbs) {
    if (kernel::is_pci_table(flb.name)) {
      image.devices = kernel::decode_pci_table(dram, PhysicalAddress{flb.data}, flb.name, &why);
      if (!image.devices) image.problems.push_back("the table of PCI devices cannot be read: " + why);
    } else if (flb.name == kernel::iommu_abi::kCompatible) {
      judge_iommu(dram, flb.data, image);
    }
  }
  return image;
}

void HandoverLedger::broken(Time time, std::string sentence) {
  Evidence::Observation observation;
  observation.time = time;
  observation.since = scene_.window_begin().value_or(time);
  observation.sentence = std::move(sentence);
  evidence_.find(Check::Handover, std::move(observation));
}

std::vector<unsigned> HandoverLedger::recorded() const {
  std::vector<unsigned> endpoints;
  for (unsigned endpoint = 0; endpoint < scene_.endpoint_count(); ++endpoint) {
    if (((scene_.handed_over() >> endpoint) & 1) != 0) endpoints.push_back(endpoint);
  }
  return endpoints;
}

void HandoverLedger::on_jump(Time time, const HandoverImage& image, std::uint64_t free_pages) {
  Amount amount;
  amount.pages = image.pages;
  amount.free_pages = free_pages;
  if (image.live_update) {
    amount.sessions = image.live_update->sessions.size();
    for (const kernel::HandedSession& session : image.live_update->sessions) amount.files += session.files.size();
  }
  if (image.devices) amount.devices = image.devices->size();
  amounts_.push_back(amount);
  judge_amounts(time);
  if (!image.unreadable.empty()) {
    broken(time, "no handover: there is no readable KHO tree (" + image.unreadable + ")");
    return;
  }
  for (const std::string& problem : image.problems) {
    broken(time, problem);
    evidence_.disrupt(time, ~0u, Rank::Circumstance, Evidence::kTraffic, problem);
  }
  if (image.live_update) judge_live_update(time, *image.live_update);
  if (image.devices) {
    judge_table(time, *image.devices);
  } else if (!recorded().empty()) {
    broken(time, "endpoints were recorded for the update, and no table of PCI devices was handed over");
  }
}

void HandoverLedger::judge_amounts(Time time) {
  if (!equal_amounts_ || amounts_.size() < 3) return;
  const Amount& before = amounts_[amounts_.size() - 2];
  const Amount& now = amounts_.back();
  if (now == before) return;
  const auto text = [](const Amount& amount) {
    return std::to_string(amount.sessions) + " sessions, " + std::to_string(amount.files) + " files, " +
           std::to_string(amount.devices) + " functions and " + std::to_string(amount.pages) + " pages, with " +
           std::to_string(amount.free_pages) + " pages left";
  };
  broken(time, "update " + std::to_string(amounts_.size()) + " hands over " + text(now) + "; the one before it " +
                   text(before) + ": something leaks");
}

void HandoverLedger::judge_live_update(Time time, const kernel::HandedLiveUpdate& live_update) {
  const Amount& amount = amounts_.back();
  if (amount.sessions == 0) broken(time, "no handover: no session was handed over");
  if (amount.sessions != 0 && amount.files < recorded().size()) {
    broken(time, "the session has " + std::to_string(amount.files) + " files, and " +
                     std::to_string(recorded().size()) + " endpoints were to be handed over");
  }
  for (const kernel::HandedFlb& flb : live_update.flbs) {
    const std::uint64_t expected = recorded().size();
    if (!kernel::is_pci_table(flb.name) || flb.count == expected) continue;
    broken(time, "the table of PCI devices counts " + std::to_string(flb.count) + " files, and " +
                     std::to_string(expected) + " endpoints were recorded");
  }
}

// Every recorded endpoint with 1, every bridge above one with the number of recorded endpoints below it, nothing else.
void HandoverLedger::judge_table(Time time, const std::vector<kernel::HandedPciDevice>& devices) {
  std::map<pcie::Bdf, unsigned> expected;
  for (const unsigned endpoint : recorded()) {
    for (const sim::FunctionIndex function : scene_.path(endpoint)) ++expected[scene_.bdf(function)];
  }
  for (const kernel::HandedPciDevice& device : devices) {
    const auto found = expected.find(device.bdf);
    if (found == expected.end()) {
      broken(time, device.bdf.to_string() + " stands in the table of PCI devices and was not recorded");
      continue;
    }
    if (found->second != device.refcount) {
      broken(time, device.bdf.to_string() + " stands in the table of PCI devices with a count of " +
                       std::to_string(device.refcount) + "; " + std::to_string(found->second) + " is right");
    }
    expected.erase(found);
  }
  for (const auto& [bdf, count] : expected) {
    broken(time, bdf.to_string() + " is missing from the table of PCI devices");
  }
}

void HandoverLedger::judge_marks(Time time, unsigned kernel) {
  const auto marked = [this, kernel](pcie::Step step, pcie::RequesterId id) {
    return std::any_of(scene_.marks().begin(), scene_.marks().end(), [=](const Scene::Mark& mark) {
      return mark.kernel == kernel && mark.step == step && mark.value == id;
    });
  };
  const std::string never = kernel == 1 ? " was never " : " was under " + kernel_name(kernel) + " never ";
  for (const unsigned endpoint : recorded()) {
    const sim::FunctionIndex function = scene_.function_of(endpoint);
    const pcie::RequesterId id = scene_.bdf(function).requester_id();
    if (!marked(pcie::Step::FunctionRetrieved, id)) broken(time, scene_.describe(function) + never + "retrieved");
    if (!marked(pcie::Step::FunctionFinished, id)) broken(time, scene_.describe(function) + never + "finished");
  }
}

// A window that opens late or closes early would leave a part of the update unjudged.
void HandoverLedger::judge_window(Time time) {
  const Scene::Mark* begin = scene_.find(pcie::Step::WindowBegin);
  if (begin == nullptr || begin->kernel != 0 || begin->phase > pcie::Phase::Preserve) {
    broken(begin == nullptr ? time : begin->time, "nobody said before the freeze that a preserve had succeeded");
  }
  const Scene::Mark* end = scene_.find(pcie::Step::WindowEnd);
  if (end == nullptr) {
    broken(time, "the session was never finished");
  } else if (end->kernel != scene_.jumps().size()) {
    broken(end->time, kernel_name(end->kernel) + " said that the session was finished, before the jump");
  }
}

void HandoverLedger::on_end(Time time, unsigned updates) {
  // A host that never came to the update says nothing about the update.
  if (!scene_.window_begin() && scene_.phase() < pcie::Phase::Preserve) return;
  if (const Scene::Mark* panic = scene_.find(pcie::Step::Panic)) {
    broken(panic->time,
           kernel_name(panic->kernel) + " panicked in phase " + std::string(pcie::to_string(*scene_.panicked_in())));
  }
  if (const Scene::Mark* failed = scene_.find(pcie::Step::AgentFailed)) {
    broken(failed->time, "the agent under " + kernel_name(failed->kernel) + " gave up in phase " +
                             std::string(pcie::to_string(failed->phase)) + ", errno " + std::to_string(failed->value));
  }
  if (updates == 0) return;
  if (const Scene::Mark* refused = scene_.find(pcie::Step::KexecRefused)) {
    broken(refused->time, "update refused: errno " + std::to_string(refused->value) + ", step " +
                              std::string(pcie::to_string(refused->phase)));
    return;
  }
  if (const Scene::Mark* none = scene_.find(pcie::Step::NoHandover)) {
    broken(none->time, "no handover: " + kernel_name(none->kernel) + " has no session to retrieve, errno " +
                           std::to_string(none->value));
    return;
  }
  if (scene_.jumps().size() < updates) {
    broken(time, scene_.jumped() ? "only " + std::to_string(scene_.jumps().size()) + " of " + std::to_string(updates) +
                                       " updates came to the jump"
                                 : "the update never came to the jump");
    return;
  }
  for (unsigned kernel = 1; kernel <= updates; ++kernel) judge_marks(time, kernel);
  judge_window(time);
}

}  // namespace holdover::bench
