// SPDX-License-Identifier: MIT
// Which driver each handed-over function was bound to: the FLB «pci-binding», which the next kernel can read before it
// binds a driver, and so before a session can be opened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "host/kernel/drivers/schema.h"
#include "host/kernel/kho/block_set.h"
#include "host/kernel/luo/file_handler.h"
#include "pcie/bdf.h"

namespace holdover::host::kernel {

class Luo;

namespace binding_abi {

inline constexpr std::string_view kCompatible = "pci-binding";
inline constexpr std::uint32_t kVersion = 1;

struct BindingsSer {
  std::uint32_t version;
  std::uint32_t reserved;  // 0
  std::uint64_t entries;   // block chain of BindingSer; 0: none
};
static_assert(sizeof(BindingsSer) == 16);

struct BindingSer {
  std::uint32_t segment;
  std::uint16_t bdf;
  std::uint16_t in_use;  // 1; 0: free slot
  char driver[32];       // NUL-terminated
  std::uint8_t schema[16];
};
static_assert(sizeof(BindingSer) == 56 && offsetof(BindingSer, schema) == 40);

}  // namespace binding_abi

class BindingLiveUpdate : public Flb {
 public:
  // Both outlive it.
  BindingLiveUpdate(Kho& kho, Luo& luo) : kho_(kho), luo_(luo) {}

  // ---- File handler ----
  // ENOENT: no file is being preserved; EINVAL: a name that is too long; ENOMEM, ENOSPC.
  [[nodiscard]] int record(pcie::Bdf function, const SavedBinding& binding);
  void forget(pcie::Bdf function);

  // ---- Driver core ----
  // Null where nothing was saved for the function. Throws Panic for bindings that are broken or were not preserved.
  [[nodiscard]] const SavedBinding* incoming(pcie::Bdf function);

  // ---- Flb ----
  [[nodiscard]] std::string_view compatible() const override { return binding_abi::kCompatible; }
  [[nodiscard]] int preserve(std::uint64_t& data) override;
  void unpreserve(std::uint64_t data) override;
  [[nodiscard]] int retrieve(std::uint64_t data) override;
  void finish(std::uint64_t data) override;

 private:
  void write_header();

  Kho& kho_;
  Luo& luo_;
  PhysicalAddress header_;
  std::optional<BlockSet> set_;
  std::map<pcie::Bdf, std::uint64_t> slots_;

  std::optional<std::map<pcie::Bdf, SavedBinding>> incoming_;
  std::optional<BlockSet> incoming_set_;
};

}  // namespace holdover::host::kernel
