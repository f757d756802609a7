// SPDX-License-Identifier: MIT
#include "host/kernel/luo/handlers/binding_live_update.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/luo.h"
#include "host/kernel/panic.h"

namespace holdover::host::kernel {
namespace {

using binding_abi::BindingSer;
using binding_abi::BindingsSer;

constexpr Bytes kHeaderSize{sizeof(BindingsSer)};

}  // namespace

int BindingLiveUpdate::preserve(std::uint64_t& data) {
  if (const int error = kho_.alloc_preserve(kHeaderSize, header_); error != 0) return error;
  set_.emplace(kho_, sizeof(BindingSer));
  write_header();
  data = header_.raw();
  return 0;
}

void BindingLiveUpdate::unpreserve(std::uint64_t) {
  slots_.clear();
  set_->release();
  kho_.unpreserve_free(header_, kHeaderSize);
  header_ = PhysicalAddress{0};
}

void BindingLiveUpdate::write_header() {
  store(kho_.pages().dram(), header_.raw(), BindingsSer{binding_abi::kVersion, 0, set_->first().raw()});
}

int BindingLiveUpdate::record(pcie::Bdf function, const SavedBinding& binding) {
  if (header_.raw() == 0) return ENOENT;
  BindingSer entry{function.segment, function.requester_id(), 1, {}, {}};
  if (binding.driver.size() >= sizeof entry.driver) return EINVAL;
  std::uint64_t slot = 0;
  while (slot < set_->size() && load<BindingSer>(set_->entry(slot), 0).in_use != 0) ++slot;
  if (slot == set_->size()) {
    if (const int error = set_->resize(slot + 1); error != 0) return error;
  }
  std::copy(binding.driver.begin(), binding.driver.end(), entry.driver);
  std::copy(binding.schema.begin(), binding.schema.end(), entry.schema);
  store(set_->entry(slot), 0, entry);
  slots_[function] = slot;
  write_header();
  return 0;
}

void BindingLiveUpdate::forget(pcie::Bdf function) {
  const auto found = slots_.find(function);
  if (found == slots_.end()) return;
  store(set_->entry(found->second), 0, BindingSer{});
  slots_.erase(found);
}

const SavedBinding* BindingLiveUpdate::incoming(pcie::Bdf function) {
  if (!incoming_ && luo_.get_incoming(*this) == 0) luo_.put_incoming(*this);
  if (!incoming_) return nullptr;
  const auto found = incoming_->find(function);
  return found == incoming_->end() ? nullptr : &found->second;
}

int BindingLiveUpdate::retrieve(std::uint64_t data) {
  const PhysicalAddress where{data};
  if (!in_dram(kho_.pages().dram(), where, sizeof(BindingsSer)) || !kho_.can_restore(where, kHeaderSize)) {
    throw Panic("PCI: the handed-over bindings were not preserved");
  }
  const auto header = load<BindingsSer>(kho_.pages().dram(), data);
  if (header.version != binding_abi::kVersion) throw Panic("PCI: the handed-over bindings have another version");
  if (kho_.restore_folio(where, PageState::Kernel) != 0u)
    throw Panic("PCI: the handed-over bindings have a wrong size");
  auto set = BlockSet::restore(kho_, PhysicalAddress{header.entries}, sizeof(BindingSer));
  if (!set) throw Panic("PCI: the handed-over bindings are broken");
  incoming_set_.emplace(*set);
  incoming_.emplace();
  for (std::uint64_t slot = 0; slot < incoming_set_->size(); ++slot) {
    const auto entry = load<BindingSer>(incoming_set_->entry(slot), 0);
    if (entry.in_use == 0) continue;
    SavedBinding binding;
    const std::size_t length = strnlen(entry.driver, sizeof entry.driver);
    if (length == sizeof entry.driver) throw Panic("PCI: a handed-over binding has no driver name");
    binding.driver.assign(entry.driver, length);
    std::copy(std::begin(entry.schema), std::end(entry.schema), binding.schema.begin());
    const auto function = pcie::Bdf::from_requester_id(entry.bdf, static_cast<std::uint16_t>(entry.segment));
    if (!incoming_->emplace(function, std::move(binding)).second) {
      throw Panic("PCI: two bindings were handed over for one function");
    }
  }
  return 0;
}

void BindingLiveUpdate::finish(std::uint64_t data) {
  incoming_set_->release();
  incoming_set_.reset();
  incoming_.reset();
  kho_.pages().free(PhysicalAddress{data}, 1);
}

}  // namespace holdover::host::kernel
