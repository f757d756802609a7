// SPDX-License-Identifier: MIT
#include "host/kernel/kho/kho.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

#include "host/kernel/kho/abi.h"
#include "host/kernel/kho/dram_value.h"
#include "host/kernel/kho/fdt.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

using kho_abi::kMaxOrder;
using kho_abi::kPageBytes;
using kho_abi::kPageShift;

std::uint64_t pages_of(unsigned order) { return std::uint64_t{1} << order; }

// Smallest order whose folio holds `size` bytes, 1 or more.
unsigned order_of(Bytes size) {
  const std::uint64_t pages = (size.count() - 1) / kPageBytes + 1;
  return static_cast<unsigned>(std::bit_width(pages - 1));
}

}  // namespace

std::vector<PreservedFolio> split_into_folios(PhysicalAddress first, std::uint64_t count) {
  std::vector<PreservedFolio> folios;
  std::uint64_t frame = first.raw() >> kPageShift;
  while (count != 0) {
    const unsigned aligned = frame == 0 ? kMaxOrder : static_cast<unsigned>(std::countr_zero(frame));
    const unsigned fitting = static_cast<unsigned>(std::bit_width(count)) - 1;
    const unsigned order = std::min({aligned, fitting, kMaxOrder});
    folios.push_back({PhysicalAddress{frame << kPageShift}, order});
    frame += pages_of(order);
    count -= pages_of(order);
  }
  return folios;
}

Kho::Kho(PageAllocator& pages, const BootParameters& parameters, bool enabled, ConsoleLine console, bool scratch_check)
    : pages_(pages),
      console_(std::move(console)),
      scratch_(parameters.kho_scratch),
      scratch_bytes_(parameters.kho_scratch_bytes),
      scratch_check_(scratch_check) {
  if (!enabled) return;
  if (parameters.kho_fdt != 0) populate(PhysicalAddress{parameters.kho_fdt});
  tree_ = RadixTree::create(pages_);
  const auto page = tree_ ? pages_.allocate(1, PageState::Kernel) : std::nullopt;
  if (!page || !tree_->set(*page, 0)) {
    warn("KHO: no memory for the tree, handover is off");
    tree_.reset();
    return;
  }
  fdt_ = *page;
  const bool written = write_fdt({});
  HOLDOVER_CHECK(written);
}

void Kho::populate(PhysicalAddress fdt) {
  std::string why;
  auto tree = decode_kho(pages_.dram(), fdt, &why);
  if (tree) {
    std::vector<bool> taken(pages_.dram().size() / kPageBytes);
    for (const PreservedFolio& folio : tree->folios) {
      for (std::uint64_t page = 0; page < pages_of(folio.order); ++page) {
        const PhysicalAddress address = folio.address + Bytes{page * kPageBytes};
        // Scratch is as good as free: what the old kernel believed to be safe there is lost, and nobody notices.
        const PageState state = pages_.state(address);
        if (taken[address.raw() / kPageBytes] || (state != PageState::Free && state != PageState::Scratch)) {
          why = "a preserved page is preserved twice, or belongs to the running kernel";
        }
        taken[address.raw() / kPageBytes] = true;
      }
    }
  }
  if (!why.empty()) {
    warn("KHO: revival is disabled, nothing counts as preserved: " + why);
    return;
  }
  for (const PreservedFolio& folio : tree->folios) {
    pages_.reserve(folio.address, pages_of(folio.order), PageState::Preserved);
    unrestored_.emplace(folio.address, folio.order);
  }
  incoming_ = std::move(tree->subtrees);
  is_kho_boot_ = true;
}

bool Kho::write_fdt(const std::vector<KhoSubtree>& subtrees) {
  const auto page = encode_fdt(tree_->root(), subtrees);
  if (!page) return false;
  std::copy(page->begin(), page->end(), pages_.bytes(fdt_, kPageSize).begin());
  return true;
}

bool Kho::in_scratch(PhysicalAddress first, std::uint64_t count) const {
  return first.raw() < scratch_.raw() + scratch_bytes_.count() && scratch_.raw() < first.raw() + count * kPageBytes;
}

int Kho::alloc_preserve(Bytes size, PhysicalAddress& out) {
  if (!enabled()) return EOPNOTSUPP;
  if (size.count() == 0) return EINVAL;
  const unsigned order = order_of(size);
  if (order > kMaxOrder) return E2BIG;
  const auto first = pages_.allocate(pages_of(order), PageState::Kernel, pages_of(order));
  if (!first) return ENOMEM;
  if (const int error = preserve_folio(*first, order); error != 0) {
    pages_.free(*first, pages_of(order));
    return error;
  }
  out = *first;
  return 0;
}

void Kho::unpreserve_free(PhysicalAddress address, Bytes size) {
  if (address.raw() == 0) return;
  const unsigned order = order_of(size);
  unpreserve_folio(address, order);
  pages_.free(address, pages_of(order));
}

int Kho::preserve_folio(PhysicalAddress address, unsigned order) {
  if (!enabled()) return EOPNOTSUPP;
  if (order > kMaxOrder || address.raw() % (kPageBytes << order) != 0) return EINVAL;
  if (!in_dram(pages_.dram(), address, kPageBytes << order)) return EINVAL;
  if (scratch_check_ && in_scratch(address, pages_of(order))) return EINVAL;
  return tree_->set(address, order) ? 0 : ENOMEM;
}

void Kho::unpreserve_folio(PhysicalAddress address, unsigned order) {
  if (!enabled()) return;
  if (order > kMaxOrder || !tree_->clear(address, order)) warn("KHO: unpreserve of a folio that is not preserved");
}

int Kho::preserve_pages(PhysicalAddress first, std::uint64_t count) {
  if (!enabled()) return EOPNOTSUPP;
  if (count == 0 || first.raw() % kPageBytes != 0 || count > pages_.dram().size() / kPageBytes) return EINVAL;
  const std::vector<PreservedFolio> folios = split_into_folios(first, count);
  for (std::size_t done = 0; done < folios.size(); ++done) {
    if (const int error = preserve_folio(folios[done].address, folios[done].order); error != 0) {
      while (done-- > 0) unpreserve_folio(folios[done].address, folios[done].order);
      return error;
    }
  }
  return 0;
}

void Kho::unpreserve_pages(PhysicalAddress first, std::uint64_t count) {
  for (const PreservedFolio& folio : split_into_folios(first, count)) unpreserve_folio(folio.address, folio.order);
}

bool Kho::is_preserved(PhysicalAddress address, unsigned order) const {
  return enabled() && order <= kMaxOrder && tree_->test(address, order);
}

int Kho::add_subtree(const std::string& name, PhysicalAddress blob, Bytes size) {
  if (!enabled()) return EOPNOTSUPP;
  const auto same = [&](const KhoSubtree& subtree) { return subtree.name == name; };
  if (std::any_of(subtrees_.begin(), subtrees_.end(), same)) return EEXIST;
  std::vector<KhoSubtree> subtrees = subtrees_;
  subtrees.push_back({name, blob, size});
  if (!write_fdt(subtrees)) return ENOMEM;
  subtrees_ = std::move(subtrees);
  return 0;
}

int Kho::remove_subtree(PhysicalAddress blob) {
  const auto found =
      std::find_if(subtrees_.begin(), subtrees_.end(), [&](const KhoSubtree& subtree) { return subtree.data == blob; });
  if (found == subtrees_.end()) return ENOENT;
  subtrees_.erase(found);
  const bool written = write_fdt(subtrees_);
  HOLDOVER_CHECK(written);
  return 0;
}

int Kho::retrieve_subtree(const std::string& name, PhysicalAddress& blob, Bytes& size) const {
  const auto found =
      std::find_if(incoming_.begin(), incoming_.end(), [&](const KhoSubtree& subtree) { return subtree.name == name; });
  if (found == incoming_.end()) return ENOENT;
  if (!found->well_formed) return EINVAL;
  blob = found->data;
  size = found->size;
  return 0;
}

std::optional<unsigned> Kho::restore_folio(PhysicalAddress address, PageState state) {
  const auto found = unrestored_.find(address);
  if (found == unrestored_.end()) {
    warn("KHO: restore of a folio that is not preserved, or was restored already");
    return std::nullopt;
  }
  const unsigned order = found->second;
  unrestored_.erase(found);
  pages_.free(address, pages_of(order));
  pages_.reserve(address, pages_of(order), state);
  return order;
}

bool Kho::restore_pages(PhysicalAddress first, std::uint64_t count, PageState state) {
  if (count == 0 || first.raw() % kPageBytes != 0 || count > pages_.dram().size() / kPageBytes) return false;
  const std::vector<PreservedFolio> folios = split_into_folios(first, count);
  for (const PreservedFolio& folio : folios) {
    const auto found = unrestored_.find(folio.address);
    if (found == unrestored_.end() || found->second != folio.order) {
      warn("KHO: restore of pages that are not preserved, or were restored already");
      return false;
    }
  }
  for (const PreservedFolio& folio : folios) {
    unrestored_.erase(folio.address);
    pages_.free(folio.address, pages_of(folio.order));
  }
  pages_.reserve(first, count, state);
  return true;
}

bool Kho::can_restore(PhysicalAddress address, Bytes size) const {
  const auto found = unrestored_.find(address);
  return found != unrestored_.end() && size.count() <= kPageBytes << found->second;
}

std::optional<unsigned> Kho::waiting_order(PhysicalAddress address) const {
  const auto found = unrestored_.find(address);
  return found == unrestored_.end() ? std::nullopt : std::optional(found->second);
}

void Kho::restore_free(PhysicalAddress address) {
  if (address.raw() == 0) return;
  if (const auto order = restore_folio(address, PageState::Kernel)) pages_.free(address, pages_of(*order));
}

void Kho::warn(std::string_view sentence) const {
  if (console_) console_(sentence);
}

}  // namespace holdover::host::kernel
