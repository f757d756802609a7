// SPDX-License-Identifier: MIT
#include "host/kernel/pci/resources.h"

#include <algorithm>

#include "host/kernel/pci/bars.h"
#include "host/kernel/pci/bridge_windows.h"
#include "pcie/error.h"

namespace holdover::host::kernel {
namespace {

enum class Kind { Memory, Prefetch };

// Where a BAR belongs: behind bridges only 64-bit prefetchable ones may lie above 4 GiB.
Kind kind_of(const Bar& bar) { return bar.wide && bar.prefetchable ? Kind::Prefetch : Kind::Memory; }

Window& window_of(PciDevice& bridge, Kind kind) {
  return kind == Kind::Memory ? bridge.memory_window : bridge.prefetch_window;
}

// The window through which BARs of this kind are reached below a bridge: without a prefetchable one, the other.
Kind below(const PciDevice& bridge, Kind kind) {
  return kind == Kind::Prefetch && !bridge.prefetch_window.implemented ? Kind::Memory : kind;
}

struct Ranges {
  AddressRange memory;
  AddressRange prefetch;
  AddressRange& of(Kind kind) { return kind == Kind::Memory ? memory : prefetch; }
};

// ---- Claiming ----

bool claim(PciDevice& device, Ranges& above) {
  const auto range = [&](Kind kind) -> AddressRange& {
    return above.of(device.upstream == nullptr ? kind : below(*device.upstream, kind));
  };
  for (const Bar& bar : device.bars) {
    if (bar.size == Bytes{0} || bar.io) continue;
    if (bar.address.raw() == 0 || bar.address.raw() % bar.size.count() != 0) return false;
    if (!range(kind_of(bar)).take(bar.address, bar.size)) return false;
  }
  if (!device.bridge) return true;
  for (const Kind kind : {Kind::Memory, Kind::Prefetch}) {
    const Window& window = window_of(device, kind);
    if (window.size > Bytes{0} && !range(kind).take(window.base, window.size)) return false;
  }
  Ranges inside{AddressRange(device.memory_window.base, device.memory_window.size),
                AddressRange(device.prefetch_window.base, device.prefetch_window.size)};
  return std::all_of(device.children.begin(), device.children.end(),
                     [&](const auto& child) { return claim(*child, inside); });
}

// ---- Assigning ----

struct Demand {
  Bytes size{0};
  Bytes alignment{1};
};

struct Request {
  PciDevice* device;
  int bar;  // index, or -1 for the window of a bridge
  Demand demand;
};

Bytes round_up(Bytes size, Bytes alignment) {
  return Bytes{(size.count() + alignment.count() - 1) & ~(alignment.count() - 1)};
}

Demand window_demand(PciDevice& bridge, Kind kind);

// What a function asks of the bus it stands on, for one kind of window; the largest alignment first.
void collect(PciDevice& device, Kind kind, const PciDevice* above, std::vector<Request>& requests) {
  const auto lands_here = [&](Kind own) { return (above == nullptr ? own : below(*above, own)) == kind; };
  for (std::size_t index = 0; index < device.bars.size(); ++index) {
    const Bar& bar = device.bars[index];
    if (bar.size == Bytes{0} || bar.io || !lands_here(kind_of(bar))) continue;
    requests.push_back({&device, static_cast<int>(index), {bar.size, bar.size}});
  }
  if (!device.bridge) return;
  for (const Kind own : {Kind::Memory, Kind::Prefetch}) {
    if (!lands_here(own) || !window_of(device, own).implemented) continue;
    const Demand demand = window_demand(device, own);
    if (demand.size > Bytes{0}) requests.push_back({&device, own == Kind::Memory ? -1 : -2, demand});
  }
}

std::vector<Request> requests_below(const std::vector<std::unique_ptr<PciDevice>>& siblings, Kind kind,
                                    const PciDevice* above) {
  std::vector<Request> requests;
  for (const auto& device : siblings) collect(*device, kind, above, requests);
  std::stable_sort(requests.begin(), requests.end(),
                   [](const Request& a, const Request& b) { return a.demand.alignment > b.demand.alignment; });
  return requests;
}

Demand window_demand(PciDevice& bridge, Kind kind) {
  Demand demand{Bytes{0}, kWindowGranule};
  for (const Request& request : requests_below(bridge.children, kind, &bridge)) {
    demand.size = round_up(demand.size, request.demand.alignment) + request.demand.size;
    demand.alignment = std::max(demand.alignment, request.demand.alignment);
  }
  demand.size = round_up(demand.size, kWindowGranule);
  return demand;
}

void forget(PciDevice& device) {
  for (Bar& bar : device.bars) {
    bar.address = BusAddress{0};
    bar.assigned = false;
  }
  device.memory_window.size = Bytes{0};
  device.prefetch_window.size = Bytes{0};
  for (const auto& child : device.children) forget(*child);
}

void mark_assigned(PciDevice& device) {
  for (Bar& bar : device.bars) bar.assigned = bar.size > Bytes{0} && !bar.io;
  for (const auto& child : device.children) mark_assigned(*child);
}

void place_all(const std::vector<Request>& requests, AddressRange& range) {
  for (const Request& request : requests) {
    const BusAddress place = range.place(request.demand.size, request.demand.alignment);
    if (place.raw() == 0) continue;
    if (request.bar >= 0) {
      Bar& bar = request.device->bars[static_cast<std::size_t>(request.bar)];
      bar.address = place;
      bar.assigned = true;
      write_bar(*request.device, static_cast<unsigned>(request.bar));
      continue;
    }
    const Kind kind = request.bar == -1 ? Kind::Memory : Kind::Prefetch;
    Window& window = window_of(*request.device, kind);
    window.base = place;
    window.size = request.demand.size;
    AddressRange inside(window.base, window.size);
    place_all(requests_below(request.device->children, kind, request.device), inside);
  }
}

// __pci_bus_assign_resources(): the bridges below a bridge come before it.
void write_windows_below(const std::vector<std::unique_ptr<PciDevice>>& siblings) {
  for (const auto& device : siblings) {
    if (!device->bridge) continue;
    write_windows_below(device->children);
    if (device->secondary != 0) write_windows(*device);
  }
}

}  // namespace

bool AddressRange::take(BusAddress base, Bytes size) {
  if (size == Bytes{0} || base < base_ || size > size_ || base - base_ > size_ - size) return false;
  auto next = taken_.begin();
  while (next != taken_.end() && next->base < base) ++next;
  if (next != taken_.end() && next->base - base < size) return false;
  if (next != taken_.begin()) {
    const Taken& before = *(next - 1);
    if (base - before.base < before.size) return false;
  }
  taken_.insert(next, {base, size});
  return true;
}

BusAddress AddressRange::place(Bytes size, Bytes alignment) {
  const auto aligned = [&](BusAddress address) {
    return BusAddress{(address.raw() + alignment.count() - 1) & ~(alignment.count() - 1)};
  };
  if (take(aligned(base_), size)) return aligned(base_);
  for (std::size_t index = 0; index < taken_.size(); ++index) {
    const BusAddress candidate = aligned(taken_[index].base + taken_[index].size);
    if (take(candidate, size)) return candidate;
  }
  return BusAddress{0};
}

void assign_resources(const PciBus& bus, const HostWindows& windows) {
  bus.for_each([](PciDevice& device) { disable_rom(device); });
  Ranges ranges{windows.memory, windows.prefetch};
  std::vector<PciDevice*> unassigned;
  for (const auto& device : bus.root_devices()) {
    Ranges trial = ranges;
    if (claim(*device, trial)) {
      ranges = trial;
      mark_assigned(*device);
    } else {
      unassigned.push_back(device.get());
    }
  }
  for (PciDevice* device : unassigned) {
    forget(*device);
    for (const Kind kind : {Kind::Memory, Kind::Prefetch}) {
      std::vector<Request> requests;
      collect(*device, kind, nullptr, requests);
      place_all(requests, ranges.of(kind));
    }
  }
  write_windows_below(bus.root_devices());
}

}  // namespace holdover::host::kernel
