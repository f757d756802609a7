// SPDX-License-Identifier: MIT
#include "cli/campaign.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "pcie/error.h"
#include "sim/random.h"
#include "sim/witness.h"

namespace holdover::cli {
namespace {

constexpr Time kMicrosecond{1'000'000};
constexpr std::array<const char*, 3> kAspm{"l0s", "l1", "all"};

class Draw {
 public:
  explicit Draw(std::uint64_t seed) : seed_(seed) {}

  // 0..bound-1, a number for each name.
  [[nodiscard]] std::uint64_t below(std::string_view name, std::uint64_t bound) const {
    return sim::Random{seed_, "campaign/" + std::string(name)}.below(bound);
  }
  [[nodiscard]] std::uint64_t between(std::string_view name, std::uint64_t low, std::uint64_t high) const {
    return low + below(name, high - low + 1);
  }
  template <typename Table>
  [[nodiscard]] const auto& one_of(std::string_view name, const Table& table) const {
    return table[static_cast<std::size_t>(below(name, table.size()))];
  }

 private:
  std::uint64_t seed_;
};

// Everything in half of the runs, one alone or nothing in a quarter, else some of the table.
std::string draw_disturbances(const Draw& draw) {
  const std::uint64_t quarter = draw.below("disturb", 4);
  if (quarter < 2) return "all";
  if (quarter == 2) {
    const std::uint64_t which = draw.below("disturb/alone", sim::disturbances().size() + 1);
    return which == sim::disturbances().size() ? "none" : std::string(sim::disturbances()[which].name);
  }
  std::string names;
  for (const sim::DisturbanceEntry& entry : sim::disturbances()) {
    if (draw.below("disturb/" + std::string(entry.name), 2) == 0) continue;
    names += (names.empty() ? "" : ",") + std::string(entry.name);
  }
  return names.empty() ? "none" : names;
}

std::string draw_bulk(const Draw& draw, unsigned channels) {
  std::string bulk;
  const std::uint64_t count = draw.between("bulk", 1, channels);
  for (std::uint64_t channel = 0; channel < count; ++channel) {
    const bool to_host = draw.below("bulk/" + std::to_string(channel), 2) == 0;
    bulk += std::string(channel == 0 ? "" : ",") + (to_host ? "c2h" : "h2c");
  }
  return bulk;
}

// Lengths of few bytes, around every boundary there is, and long ones.
std::uint32_t draw_transfer(const Draw& draw) {
  constexpr std::array<std::uint32_t, 7> kAround{0, 64, 128, 256, 512, 4096, 16384};
  if (draw.below("transfer", 3) == 0) return 0;
  const std::uint32_t around = draw.one_of("transfer/around", kAround);
  const auto off = static_cast<std::uint32_t>(draw.below("transfer/off", 4));
  return std::clamp<std::uint32_t>(around + 1 - std::min(off, around), 1, 16384);
}

// Microseconds between heartbeats that the machine can take.
std::uint64_t least_heartbeat(const bench::RunOptions& options) {
  constexpr std::uint64_t kWaitingRecords = 16;
  const Time bound = sim::silence_bound(bench::machine_config(options)).total;
  return std::max<std::uint64_t>(2, bound / (kMicrosecond * kWaitingRecords) + 1);
}

// Any link that can take heartbeats in half of the runs, else the usual one; and a heartbeat that it can take. On
// slower ones a run takes many times longer, most of it for configuration requests that wait behind traffic.
void draw_link(const Draw& draw, bench::RunOptions& options) {
  constexpr std::uint64_t kSlowest = 8;
  if (draw.below("link", 2) != 0) {
    const std::string usual = options.link;
    options.link = "gen" + std::to_string(draw.between("link/generation", 1, 5)) + "x" +
                   std::to_string(1u << draw.between("link/lanes", 0, 4));
    if (least_heartbeat(options) > kSlowest) options.link = usual;
  }
  const std::uint64_t least = least_heartbeat(options);
  options.heartbeat = kMicrosecond * draw.between("heartbeat", least, std::min(least + 4, kSlowest));
}

bool is_possible(const bench::RunOptions& options) {
  try {
    bench::validate(options);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::string to_string(const sim::ModelSize& size) {
  return std::to_string(size.data_width) + "x" + std::to_string(size.channels);
}

bench::RunOptions draw(std::uint64_t seed, const std::vector<sim::ModelSize>& models, const bench::RunOptions& base) {
  const Draw draw{seed};
  bench::RunOptions options = base;
  options.seed = seed;
  options.topology = draw.one_of("topology", sim::topologies()).name;
  // By width first: there are more models of some than of others.
  std::vector<unsigned> widths;
  for (const sim::ModelSize& model : models) {
    if (widths.empty() || widths.back() != model.data_width) widths.push_back(model.data_width);
  }
  options.width = draw.one_of("width", widths);
  std::vector<unsigned> channels;
  for (const sim::ModelSize& model : models) {
    if (model.data_width == options.width) channels.push_back(model.channels);
  }
  options.channels = draw.one_of("channels", channels);
  options.bulk = draw_bulk(draw, options.channels);
  options.max_payload = draw.below("max-payload", 2) == 0 ? 512 : 128u << draw.below("max-payload/small", 2);
  options.transfer = draw_transfer(draw);
  options.disturb = draw_disturbances(draw);
  options.read_latency_min = Time{1000} * draw.between("read-latency-min", 50, 600);
  options.read_latency_max = options.read_latency_min + Time{1000} * draw.between("read-latency-max", 0, 2000);
  options.write_latency_max = Time{1000} * draw.between("write-latency-max", 0, 500);
  if (draw.below("aspm", 4) == 0) options.aspm = draw.one_of("aspm/which", kAspm);
  draw_link(draw, options);
  const std::uint64_t least = sim::longest_answer(bench::machine_config(options)) / kMicrosecond + 2;
  options.completion_timeout = kMicrosecond * draw.between("completion-timeout", least, least + 60);
  options.blackout = kMicrosecond * draw.between("blackout", 20, 400);
  options.before = kMicrosecond * draw.between("before", 0, 100);
  options.after = kMicrosecond * draw.between("after", 0, 100);
  options.isolation = draw.below("isolation", 4) == 0 ? bench::Isolation::Process : bench::Isolation::InProcess;
  if (draw.below("scenario", 4) == 0) {
    bench::RunOptions other = options;
    other.scenario = draw.one_of("scenario/which", bench::update_scenarios()).name;
    if (is_possible(other)) options = other;
  }
  return options;
}

}  // namespace holdover::cli
