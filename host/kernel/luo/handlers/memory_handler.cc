// SPDX-License-Identifier: MIT
#include "host/kernel/luo/handlers/memory_handler.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <memory>
#include <set>

#include "host/kernel/kho/abi.h"
#include "host/kernel/kho/dram_value.h"
#include "host/kernel/kho/vmalloc.h"

namespace holdover::host::kernel {
namespace {

using memory_abi::FolioSer;
using memory_abi::MemorySer;

constexpr Bytes kMemorySerSize{sizeof(MemorySer)};
// By the agent's convention: its state under token 1, behind the device, rings under token 2, data buffers under 3.
constexpr std::uint64_t kStateToken = 1;
constexpr std::uint64_t kRingsToken = 2;
constexpr std::uint64_t kDataToken = 3;

std::uint64_t pages_of(const MemoryFolio& folio) { return std::uint64_t{1} << folio.order; }

// Whether the list could be that of a file in this DRAM: ascending, without overlap, within the file's size.
bool is_plausible(const MemoryState& state) {
  std::uint64_t next = 0;
  std::set<PhysicalAddress> addresses;
  for (const MemoryFolio& folio : state.folios) {
    if (folio.index < next || folio.index > state.page_count() || pages_of(folio) > state.page_count() - folio.index ||
        !addresses.insert(folio.address).second) {
      return false;
    }
    next = folio.index + pages_of(folio);
  }
  return true;
}

}  // namespace

// What unpreserve has to undo.
struct MemoryHandler::Preserved {
  std::vector<MemoryFolio> folios;
  bool first_page_left_out = false;
  VmallocArea list;
  kho_abi::VmallocSer handed{};
};

MemoryHandler::MemoryHandler(Kho& kho, KernelObjects& objects, const Policies& policies)
    : kho_(kho), objects_(objects), policies_(policies) {}

bool MemoryHandler::can_preserve(const KernelFile& file) const {
  const auto* const memory = dynamic_cast<const MemoryFile*>(&file);
  return memory != nullptr && !memory->huge();
}

bool MemoryHandler::leaves_out_first_page(std::uint64_t token) const {
  return (policies_.mistakes.data_buffer_not_preserved && token == kDataToken) ||
         (policies_.mistakes.ring_not_preserved && token == kRingsToken);
}

int MemoryHandler::preserve_folio(const MemoryFolio& folio, bool leave_out_first_page) {
  if (!leave_out_first_page) return kho_.preserve_folio(folio.address, folio.order);
  return folio.order == 0 ? 0 : kho_.preserve_pages(folio.address + kPageSize, pages_of(folio) - 1);
}

void MemoryHandler::unpreserve_folio(const MemoryFolio& folio, bool leave_out_first_page) {
  if (!leave_out_first_page) {
    kho_.unpreserve_folio(folio.address, folio.order);
  } else if (folio.order != 0) {
    kho_.unpreserve_pages(folio.address + kPageSize, pages_of(folio) - 1);
  }
}

int MemoryHandler::preserve_list(const MemoryState& memory, Preserved& preserved, MemorySer& header) {
  if (memory.folios.empty()) return 0;
  auto list = allocate_vmalloc(kho_.pages(), Bytes{memory.folios.size() * sizeof(FolioSer)});
  if (!list) return ENOMEM;
  for (std::size_t index = 0; index < memory.folios.size(); ++index) {
    const MemoryFolio& folio = memory.folios[index];
    const FolioSer entry{
        folio.address.raw() >> kho_abi::kPageShift | memory_abi::kFolioDirty | memory_abi::kFolioUptodate, folio.index};
    write_vmalloc(kho_.pages(), *list, index * sizeof(entry), std::as_bytes(std::span(&entry, 1)));
  }
  if (const int error = preserve_vmalloc(kho_, *list, header.folios); error != 0) {
    free_vmalloc(kho_.pages(), *list);
    return error;
  }
  preserved.list = std::move(*list);
  preserved.handed = header.folios;
  return 0;
}

int MemoryHandler::preserve(FileState& state) {
  auto& file = dynamic_cast<MemoryFile&>(*state.file);
  const MemoryState memory = file.state();
  if ((memory.seals & ~kKnownSeals) != 0) return EOPNOTSUPP;
  if (memory.page_count() > std::numeric_limits<std::uint32_t>::max()) return EFBIG;
  PhysicalAddress where;
  if (const int error = kho_.alloc_preserve(kMemorySerSize, where); error != 0) return error;
  auto preserved = std::make_shared<Preserved>();
  preserved->first_page_left_out = leaves_out_first_page(state.token);
  MemorySer header{memory.position.count(), memory.size.count(), memory.seals, memory.flags, memory.folios.size(), {}};
  int error = preserve_list(memory, *preserved, header);
  for (const MemoryFolio& folio : memory.folios) {
    if (error == 0) error = preserve_folio(folio, preserved->folios.empty() && preserved->first_page_left_out);
    if (error != 0) break;
    preserved->folios.push_back(folio);
  }
  store(kho_.pages().dram(), where.raw(), header);
  state.handle = where.raw();
  state.private_data = preserved;
  file.set_frozen(true);
  if (error != 0) unpreserve(state);
  return error;
}

void MemoryHandler::unpreserve(FileState& state) {
  const auto preserved = std::static_pointer_cast<Preserved>(state.private_data);
  for (std::size_t index = 0; index < preserved->folios.size(); ++index) {
    unpreserve_folio(preserved->folios[index], index == 0 && preserved->first_page_left_out);
  }
  if (!preserved->list.folios.empty()) {
    unpreserve_vmalloc(kho_, preserved->list, preserved->handed);
    free_vmalloc(kho_.pages(), preserved->list);
  }
  kho_.unpreserve_free(PhysicalAddress{state.handle}, kMemorySerSize);
  state.private_data.reset();
  dynamic_cast<MemoryFile&>(*state.file).set_frozen(false);
}

int MemoryHandler::freeze(FileState& state) {
  if (policies_.mistakes.freeze_fails && state.token == kStateToken) return EINVAL;
  const MemoryState memory = dynamic_cast<const MemoryFile&>(*state.file).state();
  auto header = load<MemorySer>(kho_.pages().dram(), state.handle);
  header.position = memory.position.count();
  header.flags = memory.flags;
  store(kho_.pages().dram(), state.handle, header);
  return 0;
}

int MemoryHandler::take_over(std::uint64_t handle, MemoryState& out) {
  const PhysicalAddress where{handle};
  if (!in_dram(kho_.pages().dram(), where, sizeof(MemorySer)) || !kho_.can_restore(where, kMemorySerSize)) return EIO;
  const auto header = load<MemorySer>(kho_.pages().dram(), handle);
  kho_.restore_free(where);
  if ((header.seals & ~kKnownSeals) != 0) return EOPNOTSUPP;
  out = MemoryState{Bytes{header.size}, Bytes{header.position}, header.seals, header.flags, {}};
  if (header.folio_count > kho_.pages().dram().size() / kPageSize.count()) return EIO;
  if (header.folio_count == 0) return 0;
  const auto list = restore_vmalloc(kho_, header.folios);
  if (!list) return EIO;
  const bool fits = list->size() >= Bytes{header.folio_count * sizeof(FolioSer)};
  for (std::uint64_t index = 0; fits && index < header.folio_count; ++index) {
    FolioSer entry{};
    read_vmalloc(kho_.pages(), *list, index * sizeof(entry), std::as_writable_bytes(std::span(&entry, 1)));
    // The order is KHO's; a frame beyond DRAM is none that waits.
    const PhysicalAddress address{(entry.frame_and_flags & memory_abi::kFrameMask) << kho_abi::kPageShift};
    const auto order = kho_.waiting_order(address);
    if (!order) break;
    out.folios.push_back({entry.index, address, *order});
  }
  free_vmalloc(kho_.pages(), *list);
  return out.folios.size() == header.folio_count && is_plausible(out) && restore_folios(out) ? 0 : EIO;
}

bool MemoryHandler::restore_folios(const MemoryState& state) {
  // One range comes back as one allocation.
  if (is_contiguous(state) &&
      split_into_folios(state.folios.front().address, state.page_count()).size() == state.folios.size()) {
    return kho_.restore_pages(state.folios.front().address, state.page_count(), PageState::Dma);
  }
  return std::all_of(state.folios.begin(), state.folios.end(), [this](const MemoryFolio& folio) {
    return kho_.restore_folio(folio.address, PageState::Dma).has_value();
  });
}

int MemoryHandler::retrieve(FileState& state) {
  MemoryState memory;
  if (const int error = take_over(state.handle, memory); error != 0) return error;
  state.file = objects_.restore_memory(memory);
  if (state.file != nullptr) return 0;
  for (const MemoryFolio& folio : memory.folios) kho_.pages().free(folio.address, pages_of(folio));
  return EOPNOTSUPP;
}

void MemoryHandler::finish(FileState& state) {
  // Retrieved: everything was taken over. Failed: what is left stays reserved until the next boot.
  if (state.retrieve_status != 0) return;
  MemoryState memory;
  if (take_over(state.handle, memory) != 0) return;
  for (const MemoryFolio& folio : memory.folios) kho_.pages().free(folio.address, pages_of(folio));
}

}  // namespace holdover::host::kernel
