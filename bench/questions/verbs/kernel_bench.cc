// SPDX-License-Identifier: MIT
#include "bench/questions/verbs/kernel_bench.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>

#include "bench/compare/register_names.h"
#include "bench/firmware.h"
#include "bench/ledger/handover_ledger.h"
#include "bench/questions/verbs/slot_platform.h"
#include "host/kernel/panic.h"
#include "pcie/config_space.h"
#include "pcie/error.h"

namespace holdover::bench {
namespace {

using host::kernel::Kernel;
using host::kernel::KernelFile;
using host::kernel::LuoSession;

constexpr std::uint64_t kSpaceToken = 10;
constexpr std::uint64_t kDeviceToken = 20;

sim::MachineConfig quiet_switch(const Laboratory& laboratory) {
  RunOptions options = laboratory.options();
  options.topology = "switch";
  options.disturb = "none";
  return machine_config(options);
}

std::uint32_t register_of(const std::vector<std::byte>& space, unsigned offset, unsigned size) {
  std::uint32_t value = 0;
  for (unsigned byte = 0; byte < size; ++byte)
    value |= std::to_integer<std::uint32_t>(space[offset + byte]) << 8 * byte;
  return value;
}

}  // namespace

KernelBench::KernelBench(const Laboratory& laboratory)
    : machine_(laboratory.machines()(quiet_switch(laboratory), *this)) {
  HOLDOVER_CHECK(machine_ != nullptr);
  platform_ = std::make_unique<SlotPlatform>(machine_->platform(), [this](unsigned port) {
    return register_of(machine_->config_space(port), pcie::config::kSecondaryBus, 1);
  });
}

KernelBench::~KernelBench() {
  if (kernel_) kernel_->stop();
}

bool KernelBench::boot(const std::string& command_line) {
  write_cold_boot(machine_->platform().dram(), command_line);
  return enter(kColdBootParameters);
}

bool KernelBench::enter(PhysicalAddress parameters) {
  held_.clear();
  kernel_.reset();
  console_.clear();
  panic_.clear();
  kernel_ = std::make_unique<Kernel>(*platform_, parameters);
  try {
    kernel_->boot();
  } catch (const host::kernel::Panic& panic) {
    panic_ = panic.what();
    kernel_->stop();
  }
  return panic_.empty();
}

int KernelBench::kexec(const std::string& command_line) {
  if (const int error = kernel_->load_image(command_line); error != 0) return error;
  PhysicalAddress next;
  if (const int error = kernel_->kexec(next); error != 0) return error;
  machine_->poison(decode_handover(machine_->platform().dram(), next).preserved);
  return enter(next) ? 0 : EIO;
}

unsigned KernelBench::console_lines_with(std::string_view words) const {
  return static_cast<unsigned>(std::count_if(console_.begin(), console_.end(), [&](const std::string& line) {
    return line.find(words) != std::string::npos;
  }));
}

int KernelBench::open(unsigned endpoint) {
  Held held;
  if (const int error = kernel_->open_device(bdf(name_of(endpoint)), held.device); error != 0) return error;
  if (const int error = kernel_->create_domain(held.space); error != 0) return error;
  if (const int error = held.device->attach(*held.space); error != 0) return error;
  if (const int error = held.device->enable_bus_master(); error != 0) return error;
  held_[endpoint] = std::move(held);
  return 0;
}

int KernelBench::create_session(const std::string& name, LuoSession*& session) {
  return kernel_->live_update().luo().create_session(name, session);
}

int KernelBench::preserve(LuoSession& session, unsigned endpoint) {
  Held& held = held_.at(endpoint);
  const int marked = held.space->mark(kSpaceToken + endpoint);
  if (marked != 0 && marked != ENOTTY) return marked;
  if (marked == 0) {
    if (const int error = session.preserve(held.space.file(), kSpaceToken + endpoint); error != 0) return error;
  }
  return session.preserve(held.device.file(), kDeviceToken + endpoint);
}

int KernelBench::retrieve_session(const std::string& name, LuoSession*& session) {
  const int error = kernel_->live_update().luo().open();
  if (error != 0 && error != EBUSY) return error;
  return kernel_->live_update().luo().retrieve_session(name, session);
}

int KernelBench::retrieve(LuoSession& session, unsigned endpoint) {
  KernelFile* space = nullptr;
  const int there = session.retrieve(kSpaceToken + endpoint, space);
  if (there != 0 && there != ENOENT) return there;
  KernelFile* device = nullptr;
  if (const int error = session.retrieve(kDeviceToken + endpoint, device); error != 0) return error;
  Held held;
  if (there == 0) {
    held.space = host::kernel::FileReference(dynamic_cast<host::kernel::IommuDomain&>(*space));
  } else if (const int error = kernel_->create_domain(held.space); error != 0) {
    return error;
  }
  held.device = host::kernel::FileReference(dynamic_cast<host::kernel::VfioDevice&>(*device));
  if (const int error = held.device->attach(*held.space); error != 0) return error;
  held_[endpoint] = std::move(held);
  return 0;
}

sim::FunctionIndex KernelBench::find(const std::string& function) const {
  for (sim::FunctionIndex index = 0; index < machine_->functions().size(); ++index) {
    if (machine_->functions()[index].name == function) return index;
  }
  throw Error(ErrorCode::NotFound, "the machine has no function «" + function + "»");
}

void KernelBench::set_present(unsigned endpoint, bool present) {
  platform_->set_present(machine_->functions()[find(name_of(endpoint))].parent.value(), present);
}

pcie::Bdf KernelBench::bdf(const std::string& function) const { return machine_->bdf(find(function)); }

std::uint32_t KernelBench::config(const std::string& function, unsigned offset, unsigned size) const {
  return register_of(machine_->config_space(find(function)), offset, size);
}

void KernelBench::on_config_write(const sim::ConfigWrite& write) {
  if (!stage_.empty() && write.byte_enables != 0) seen_.push_back({stage_, write});
}

std::vector<std::string> KernelBench::writes(const std::string& stage) const {
  std::vector<std::string> lines;
  for (const Seen& seen : seen_) {
    if (seen.stage != stage) continue;
    const sim::ConfigWrite& write = seen.write;
    const auto first = static_cast<unsigned>(std::countr_zero(unsigned{write.byte_enables}));
    const auto size = static_cast<unsigned>(std::popcount(unsigned{write.byte_enables}));
    const std::uint32_t mask = ~std::uint32_t{0} >> (32 - 8 * size);
    const RegisterNames names = RegisterNames::of_function(machine_->config_space(write.function));
    char values[32];
    std::snprintf(values, sizeof values, " %0*x -> %0*x", static_cast<int>(2 * size),
                  (write.before >> 8 * first) & mask, static_cast<int>(2 * size), (write.written >> 8 * first) & mask);
    lines.push_back(machine_->functions()[write.function].name + " " + names.name(write.offset + first) + values);
  }
  return lines;
}

unsigned KernelBench::writes_to(const std::string& function, const std::string& stage) const {
  const sim::FunctionIndex index = find(function);
  return static_cast<unsigned>(std::count_if(seen_.begin(), seen_.end(), [&](const Seen& seen) {
    return seen.stage == stage && seen.write.function == index;
  }));
}

}  // namespace holdover::bench
