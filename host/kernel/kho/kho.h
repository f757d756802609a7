// SPDX-License-Identifier: MIT
// Kexec Handover: keeps physical pages untouched over a kexec and hands named blobs to the next kernel. Verbs return 0
// or a positive errno. There is no finalize step: whatever is in the tree at the jump is what survives.
//
// Boot: construct after the page allocator, before anything else is allocated. Where the boot parameters name a tree,
// the constructor reserves all of its pages (PageState::Preserved); a tree that cannot be read disables KHO revival,
// and the kernel boots as if nothing had been preserved.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/kernel/boot_parameters.h"
#include "host/kernel/kho/decode.h"
#include "host/kernel/kho/radix_tree.h"
#include "host/kernel/mm/page_allocator.h"

namespace holdover::host::kernel {

using ConsoleLine = std::function<void(std::string_view)>;

// The aligned powers of two that preserve_pages() splits a range of pages into, in ascending order.
[[nodiscard]] std::vector<PreservedFolio> split_into_folios(PhysicalAddress first, std::uint64_t count);

class Kho {
 public:
  // `pages` outlives it. With `enabled` false every verb answers EOPNOTSUPP and fdt() is 0. Without `scratch_check`
  // (CONFIG_KEXEC_HANDOVER_DEBUG) nobody notices that pages which are to be preserved lie in scratch: the next kernel
  // overwrites them.
  Kho(PageAllocator& pages, const BootParameters& parameters, bool enabled, ConsoleLine console,
      bool scratch_check = true);
  Kho(const Kho&) = delete;
  Kho& operator=(const Kho&) = delete;

  [[nodiscard]] bool enabled() const { return tree_.has_value(); }
  // Whether this kernel was booted by a KHO kexec, with a tree that could be read.
  [[nodiscard]] bool is_kho_boot() const { return is_kho_boot_; }
  // For BootParameters::kho_fdt of the next kernel; 0 where KHO is off.
  [[nodiscard]] PhysicalAddress fdt() const { return fdt_; }
  [[nodiscard]] PageAllocator& pages() { return pages_; }

  // ---- Outgoing ----
  // Zeroed, contiguous, a power of two of pages, preserved. EINVAL: size 0; E2BIG: above 4 MiB; ENOMEM.
  [[nodiscard]] int alloc_preserve(Bytes size, PhysicalAddress& out);
  // Undoes alloc_preserve of that size; address 0 is allowed.
  void unpreserve_free(PhysicalAddress address, Bytes size);
  // One naturally aligned folio. EINVAL: order, alignment, outside DRAM, or inside scratch where that is checked. The
  // tree holds a bit and no count: preserved twice and unpreserved once is not preserved.
  [[nodiscard]] int preserve_folio(PhysicalAddress address, unsigned order);
  void unpreserve_folio(PhysicalAddress address, unsigned order);
  // `count` contiguous pages, split into aligned powers of two (the machine has one NUMA node, so that no other border
  // splits them); all or nothing. Undone with the same arguments only.
  [[nodiscard]] int preserve_pages(PhysicalAddress first, std::uint64_t count);
  void unpreserve_pages(PhysicalAddress first, std::uint64_t count);
  [[nodiscard]] bool is_preserved(PhysicalAddress address, unsigned order) const;

  // EEXIST: name taken; ENOMEM: the page is full. The blob's pages are preserved separately.
  [[nodiscard]] int add_subtree(const std::string& name, PhysicalAddress blob, Bytes size);
  // ENOENT where no subtree has this blob.
  int remove_subtree(PhysicalAddress blob);

  // ---- Incoming ----
  // ENOENT: no KHO boot or no such name; EINVAL: its properties are malformed.
  [[nodiscard]] int retrieve_subtree(const std::string& name, PhysicalAddress& blob, Bytes& size) const;
  // Takes a preserved folio over into `state`, once: nothing (and a warning) for a second time, another address, or a
  // page that was not preserved. Returns its order.
  [[nodiscard]] std::optional<unsigned> restore_folio(PhysicalAddress address, PageState state);
  // The counterpart of preserve_pages; false where one of the folios cannot be restored (nothing is, then).
  [[nodiscard]] bool restore_pages(PhysicalAddress first, std::uint64_t count, PageState state);
  // Whether a folio of at least `size` bytes at this address waits to be restored.
  [[nodiscard]] bool can_restore(PhysicalAddress address, Bytes size) const;
  // Order of the folio that waits at this address; nothing where none does.
  [[nodiscard]] std::optional<unsigned> waiting_order(PhysicalAddress address) const;
  // Restores the folio and frees it; address 0 is allowed.
  void restore_free(PhysicalAddress address);
  // Folios of the old kernel that nobody restored yet.
  [[nodiscard]] std::size_t unrestored() const { return unrestored_.size(); }

  void warn(std::string_view sentence) const;

 private:
  void populate(PhysicalAddress fdt);
  [[nodiscard]] bool write_fdt(const std::vector<KhoSubtree>& subtrees);
  [[nodiscard]] bool in_scratch(PhysicalAddress first, std::uint64_t count) const;

  PageAllocator& pages_;
  ConsoleLine console_;
  PhysicalAddress scratch_;
  Bytes scratch_bytes_;
  bool scratch_check_;
  bool is_kho_boot_ = false;
  std::vector<KhoSubtree> incoming_;
  std::map<PhysicalAddress, unsigned> unrestored_;  // order by address: what stands in struct page of a real kernel
  std::optional<RadixTree> tree_;
  PhysicalAddress fdt_;
  std::vector<KhoSubtree> subtrees_;  // mirror of the FDT page, which is rewritten at each change
};

}  // namespace holdover::host::kernel
