// SPDX-License-Identifier: MIT
#include "host/kernel/luo/handlers/memory_handler.h"

#include <cerrno>

#include "host/kernel/kho/abi.h"
#include "host/kernel/kho/block_set.h"
#include "host/kernel/kho/dram_value.h"

namespace holdover::host::kernel {
namespace {

using memory_abi::FolioSer;
using memory_abi::MemorySer;

constexpr Bytes kMemorySerSize{sizeof(MemorySer)};
// By the agent's convention: rings under token 2, data buffers under token 3.
constexpr std::uint64_t kRingsToken = 2;
constexpr std::uint64_t kDataToken = 3;

}  // namespace

MemoryHandler::MemoryHandler(Kho& kho, KernelObjects& objects, const Policies& policies)
    : kho_(kho), objects_(objects), policies_(policies) {}

bool MemoryHandler::can_preserve(const KernelFile& file) const {
  return dynamic_cast<const MemoryFile*>(&file) != nullptr;
}

bool MemoryHandler::leaves_out_first_page(std::uint64_t token) const {
  return (policies_.mistakes.data_buffer_not_preserved && token == kDataToken) ||
         (policies_.mistakes.ring_not_preserved && token == kRingsToken);
}

int MemoryHandler::preserve(FileState& state) {
  const auto& file = dynamic_cast<const MemoryFile&>(*state.file);
  PhysicalAddress header;
  if (const int error = kho_.alloc_preserve(kMemorySerSize, header); error != 0) return error;
  const auto folios = split_into_folios(file.first(), file.page_count());
  BlockSet set(kho_, sizeof(FolioSer));
  int error = set.resize(folios.size());
  if (error == 0) {
    const std::uint64_t left_out = leaves_out_first_page(state.token) ? 1 : 0;
    if (file.page_count() > left_out) {
      error = kho_.preserve_pages(file.first() + left_out * kPageSize, file.page_count() - left_out);
    }
  }
  if (error != 0) {
    set.release();
    kho_.unpreserve_free(header, kMemorySerSize);
    return error;
  }
  for (std::size_t index = 0; index < folios.size(); ++index) {
    store(set.entry(index), 0, FolioSer{folios[index].address.raw(), folios[index].order, 0});
  }
  store(kho_.pages().dram(), header.raw(), MemorySer{file.page_count(), set.first().raw()});
  state.handle = header.raw();
  return 0;
}

void MemoryHandler::unpreserve(FileState& state) {
  const auto& file = dynamic_cast<const MemoryFile&>(*state.file);
  const std::uint64_t left_out = leaves_out_first_page(state.token) ? 1 : 0;
  if (file.page_count() > left_out) {
    kho_.unpreserve_pages(file.first() + left_out * kPageSize, file.page_count() - left_out);
  }
  const auto header = load<MemorySer>(kho_.pages().dram(), state.handle);
  const auto chain = decode_blocks(kho_.pages().dram(), PhysicalAddress{header.folios}, sizeof(FolioSer));
  HOLDOVER_CHECK(chain.has_value());
  for (const PhysicalAddress block : chain->blocks) kho_.unpreserve_free(block, kPageSize);
  kho_.unpreserve_free(PhysicalAddress{state.handle}, kMemorySerSize);
}

int MemoryHandler::take_over(std::uint64_t handle, PhysicalAddress& first, std::uint64_t& count) {
  const PhysicalAddress where{handle};
  if (!in_dram(kho_.pages().dram(), where, sizeof(MemorySer)) || !kho_.can_restore(where, kMemorySerSize)) return EIO;
  const auto header = load<MemorySer>(kho_.pages().dram(), handle);
  auto set = BlockSet::restore(kho_, PhysicalAddress{header.folios}, sizeof(FolioSer));
  kho_.restore_free(where);
  if (!set || set->size() == 0) return EIO;
  first = PhysicalAddress{load<FolioSer>(set->entry(0), 0).address};
  count = header.page_count;
  // The folios must be what preserve_pages() makes of one contiguous range.
  const bool plausible =
      count != 0 && count <= kho_.pages().dram().size() / kPageSize.count() && first.raw() % kPageSize.count() == 0;
  const auto folios = plausible ? split_into_folios(first, count) : std::vector<PreservedFolio>{};
  bool same = folios.size() == set->size();
  for (std::size_t index = 0; same && index < folios.size(); ++index) {
    const auto entry = load<FolioSer>(set->entry(index), 0);
    same = folios[index] == PreservedFolio{PhysicalAddress{entry.address}, entry.order};
  }
  set->release();
  return same && kho_.restore_pages(first, count, PageState::Dma) ? 0 : EIO;
}

int MemoryHandler::retrieve(FileState& state) {
  PhysicalAddress first;
  std::uint64_t count = 0;
  if (const int error = take_over(state.handle, first, count); error != 0) return error;
  state.file = &objects_.restore_memory(first, count);
  return 0;
}

void MemoryHandler::finish(FileState& state) {
  // Retrieved: everything was taken over. Failed: what is left stays reserved until the next boot.
  if (state.retrieve_status != 0) return;
  PhysicalAddress first;
  std::uint64_t count = 0;
  if (take_over(state.handle, first, count) == 0) kho_.pages().free(first, count);
}

}  // namespace holdover::host::kernel
