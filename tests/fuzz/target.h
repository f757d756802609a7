// SPDX-License-Identifier: MIT
// One reader of bytes from elsewhere, of a handover or of a peer, and the properties that hold for any bytes: what
// libFuzzer, the replay of the corpus and the bounded random run of the tests have in common.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace holdover::fuzz {

using Input = std::vector<std::uint8_t>;

struct Target {
  std::string_view name;
  std::string_view what;
  // Returns where every property holds; aborts otherwise. A pure function of its input.
  void (*run)(std::span<const std::uint8_t> input);
  unsigned variants;  // values of the input's first byte that differ
  unsigned rounds;    // mutations in the bounded run of the tests
};

[[nodiscard]] std::span<const Target> targets();
// Null where there is none of this name.
[[nodiscard]] const Target* find_target(std::string_view name);

// A property of a target: aborts with the sentence where it does not hold.
void require(bool holds, const char* sentence);

// ---- The targets ----
void run_boot_parameters(std::span<const std::uint8_t> input);
void run_agent_state(std::span<const std::uint8_t> input);
void run_driver_state(std::span<const std::uint8_t> input);
void run_kho(std::span<const std::uint8_t> input);
void run_vmalloc(std::span<const std::uint8_t> input);
void run_block_set(std::span<const std::uint8_t> input);
void run_luo(std::span<const std::uint8_t> input);
void run_luo_ioctl(std::span<const std::uint8_t> input);
void run_pci_table(std::span<const std::uint8_t> input);
void run_iommu_state(std::span<const std::uint8_t> input);
void run_file_state(std::span<const std::uint8_t> input);
void run_handover(std::span<const std::uint8_t> input);
void run_vfio_user_message(std::span<const std::uint8_t> input);
void run_vfio_user_session(std::span<const std::uint8_t> input);

}  // namespace holdover::fuzz
