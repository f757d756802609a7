// SPDX-License-Identifier: MIT
#include "host/kernel/luo/decode.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "host/kernel/kho/abi.h"
#include "host/kernel/kho/decode.h"
#include "host/kernel/kho/dram_value.h"
#include "host/kernel/luo/abi.h"

namespace holdover::host::kernel {
namespace {

// The string in a fixed field; nothing where its NUL or the string itself is missing.
template <std::size_t Size>
std::optional<std::string> text_of(const char (&field)[Size]) {
  const char* const end = std::find(field, field + Size, '\0');
  if (end == field || end == field + Size) return std::nullopt;
  return std::string(field, end);
}

// `used`: blocks of other sessions. One that two share can be restored once only, and would be read for each of them.
std::optional<std::vector<HandedFile>> decode_files(std::span<const std::byte> dram, const luo_abi::SessionSer& session,
                                                    std::set<PhysicalAddress>& used) {
  const auto chain = decode_blocks(dram, PhysicalAddress{session.files}, sizeof(luo_abi::FileSer));
  if (!chain || chain->entries.size() != session.count) return std::nullopt;
  for (const PhysicalAddress block : chain->blocks) {
    if (!used.insert(block).second) return std::nullopt;
  }
  std::vector<HandedFile> files;
  for (const std::size_t entry : chain->entries) {
    const auto file = load<luo_abi::FileSer>(dram, entry);
    const auto compatible = text_of(file.compatible);
    if (!compatible) return std::nullopt;
    files.push_back({*compatible, file.handle, file.token});
  }
  return files;
}

}  // namespace

std::optional<std::vector<HandedSession>> decode_sessions(std::span<const std::byte> dram, PhysicalAddress sessions) {
  const auto chain = decode_blocks(dram, sessions, sizeof(luo_abi::SessionSer));
  if (!chain) return std::nullopt;
  std::vector<HandedSession> decoded;
  std::set<PhysicalAddress> used;
  for (const std::size_t entry : chain->entries) {
    const auto session = load<luo_abi::SessionSer>(dram, entry);
    const auto name = text_of(session.name);
    auto files = decode_files(dram, session, used);
    if (!name || !files) return std::nullopt;
    decoded.push_back({*name, std::move(*files)});
  }
  return decoded;
}

std::optional<std::vector<HandedFlb>> decode_flbs(std::span<const std::byte> dram, PhysicalAddress flbs) {
  std::vector<HandedFlb> decoded;
  if (flbs.raw() == 0) return decoded;
  if (flbs.raw() % kho_abi::kPageBytes != 0 || !in_dram(dram, flbs, kho_abi::kPageBytes)) return std::nullopt;
  const auto header = load<luo_abi::FlbHeader>(dram, flbs.raw());
  if (header.pages != 1 || header.count > luo_abi::kMaxFlbs) return std::nullopt;
  for (std::uint64_t index = 0; index < header.count; ++index) {
    const auto flb = load<luo_abi::FlbSer>(dram, flbs.raw() + sizeof(header) + index * sizeof(luo_abi::FlbSer));
    const auto name = text_of(flb.name);
    if (!name) return std::nullopt;
    decoded.push_back({*name, flb.data, flb.count});
  }
  return decoded;
}

std::optional<HandedLiveUpdate> decode_live_update(std::span<const std::byte> dram, PhysicalAddress fdt,
                                                   std::string* why) {
  std::string unused;
  std::string& reason = why != nullptr ? *why : unused;
  const auto tree = decode_kho(dram, fdt, &reason);
  if (!tree) return std::nullopt;
  const auto subtree = std::find_if(tree->subtrees.begin(), tree->subtrees.end(),
                                    [](const KhoSubtree& candidate) { return candidate.name == luo_abi::kSubtree; });
  if (subtree == tree->subtrees.end()) {
    reason = "the KHO tree has no LUO entry";
    return std::nullopt;
  }
  if (!subtree->well_formed || subtree->size.count() < sizeof(luo_abi::LuoSer)) {
    reason = "the LUO entry is too short or lies outside DRAM";
    return std::nullopt;
  }
  const auto luo = load<luo_abi::LuoSer>(dram, subtree->data.raw());
  if (text_of(luo.compatible) != std::string{luo_abi::kCompatible}) {
    reason = "the LUO entry is not compatible with luo-v5";
    return std::nullopt;
  }
  auto sessions = decode_sessions(dram, PhysicalAddress{luo.sessions});
  auto flbs = decode_flbs(dram, PhysicalAddress{luo.flbs});
  if (!sessions || !flbs) {
    reason = sessions ? "the FLB table is broken" : "the session table is broken";
    return std::nullopt;
  }
  return HandedLiveUpdate{luo.liveupdate_num, std::move(*sessions), std::move(*flbs)};
}

}  // namespace holdover::host::kernel
