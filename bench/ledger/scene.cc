// SPDX-License-Identifier: MIT
#include "bench/ledger/scene.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace holdover::bench {
namespace {

constexpr const char* kNobody = "nobody";

}  // namespace

Scene::Scene(std::vector<sim::FunctionInfo> functions) : functions_(std::move(functions)), bdfs_(functions_.size()) {
  for (sim::FunctionIndex i = 0; i < functions_.size(); ++i) {
    if (functions_[i].kind != sim::FunctionKind::Endpoint) continue;
    if (endpoints_.size() <= functions_[i].endpoint) endpoints_.resize(functions_[i].endpoint + 1);
    endpoints_[functions_[i].endpoint] = i;
  }
  segments_.push_back({pcie::Phase::Boot, kernel_name(0), Time{0}});
}

void Scene::enter(Time time, pcie::Phase phase, const std::string& host) {
  const Segment& current = segments_.back();
  if (current.phase == phase && current.host == host) return;
  segments_.push_back({phase, host, time});
}

void Scene::on_phase(Time time, pcie::Phase phase, pcie::Step step, std::uint64_t value) {
  if (pcie::in_any_phase(step)) phase = this->phase();
  const auto kernel = static_cast<unsigned>(jumps_.size());
  enter(time, phase, phase == pcie::Phase::Blackout ? kNobody : kernel_name(kernel));
  marks_.push_back({time, phase, step, value, kernel});
  switch (step) {
    case pcie::Step::FunctionPreserved:
      if (const auto function = function_at(static_cast<pcie::RequesterId>(value)); function) {
        if (functions_[*function].kind == sim::FunctionKind::Endpoint)
          recorded_ |= 1u << functions_[*function].endpoint;
      }
      break;
    case pcie::Step::WindowBegin:
      if (!window_begin_) window_begin_ = time;
      break;
    case pcie::Step::WindowEnd:
    case pcie::Step::NoHandover:
    case pcie::Step::AgentFailed:
    case pcie::Step::Panic:
      if (window_begin_ && !window_end_) window_end_ = time;
      if (step != pcie::Step::WindowEnd) traffic_ = false;
      break;
    case pcie::Step::KexecRefused:
      refused_ = true;
      break;
    case pcie::Step::TrafficStarted:
      traffic_ = true;
      break;
    case pcie::Step::TrafficStopped:
      traffic_ = false;
      if (refused_ && window_begin_ && !window_end_) window_end_ = time;
      break;
    case pcie::Step::Begin:
    case pcie::Step::FunctionFound:
    case pcie::Step::FunctionRetrieved:
    case pcie::Step::FunctionFinished:
    case pcie::Step::MissedMessages:
    default:  // what the live update holds
      break;
  }
}

void Scene::on_jump(Time time) {
  if (phase() == pcie::Phase::Blackout) return;
  jumps_.push_back(time);
  if (!window_begin_) window_begin_ = time;
  enter(time, pcie::Phase::Blackout, kNobody);
}

void Scene::place(sim::FunctionIndex function, pcie::Bdf bdf) { bdfs_.at(function) = bdf; }

const Scene::Segment& Scene::segment_at(Time time) const {
  for (std::size_t i = segments_.size(); i > 1; --i) {
    if (segments_[i - 1].begin <= time) return segments_[i - 1];
  }
  return segments_.front();
}

const Scene::Mark* Scene::find(pcie::Step step) const {
  const auto found = std::find_if(marks_.begin(), marks_.end(), [step](const Mark& mark) { return mark.step == step; });
  return found == marks_.end() ? nullptr : &*found;
}

std::optional<pcie::Phase> Scene::panicked_in() const {
  const Mark* const panic = find(pcie::Step::Panic);
  if (panic == nullptr) return std::nullopt;
  const bool first = panic == marks_.data() || (panic - 1)->kernel != panic->kernel;
  if (!first) return (panic - 1)->phase;
  return panic->kernel == 0 ? pcie::Phase::Boot : pcie::Phase::EarlyBoot;
}

std::vector<sim::FunctionIndex> Scene::path(unsigned endpoint) const {
  std::vector<sim::FunctionIndex> path;
  for (std::optional<sim::FunctionIndex> at = function_of(endpoint); at; at = functions_[*at].parent)
    path.push_back(*at);
  std::reverse(path.begin(), path.end());
  return path;
}

std::uint32_t Scene::endpoints_below(sim::FunctionIndex function) const {
  std::uint32_t below = 0;
  for (unsigned endpoint = 0; endpoint < endpoint_count(); ++endpoint) {
    const std::vector<sim::FunctionIndex> path = this->path(endpoint);
    if (std::find(path.begin(), path.end(), function) != path.end()) below |= 1u << endpoint;
  }
  return below;
}

std::optional<sim::FunctionIndex> Scene::function_at(pcie::RequesterId id) const {
  for (sim::FunctionIndex i = 0; i < bdfs_.size(); ++i) {
    if (bdfs_[i].requester_id() == id) return i;
  }
  return std::nullopt;
}

std::string Scene::describe(sim::FunctionIndex function) const {
  return bdfs_.at(function).to_string() + " (" + functions_[function].name + ")";
}

std::uint32_t Scene::judged_endpoints() const {
  if (recorded_ != 0) return handed_over();
  return static_cast<std::uint32_t>((std::uint64_t{1} << endpoint_count()) - 1);
}

std::string kernel_name(unsigned index) {
  std::string letters;
  for (unsigned rest = index + 1; rest != 0; rest = (rest - 1) / 26) {
    letters.insert(letters.begin(), static_cast<char>('A' + (rest - 1) % 26));
  }
  return "kernel " + letters;
}

std::string readable_time(Time time) {
  struct Unit {
    std::uint64_t picoseconds;
    const char* name;
  };
  static constexpr std::array<Unit, 3> kUnits = {{{1'000'000'000, "ms"}, {1'000'000, "us"}, {1'000, "ns"}}};
  std::array<char, 48> text{};
  for (const Unit& unit : kUnits) {
    if (time.count() < unit.picoseconds && unit.picoseconds != 1'000) continue;
    const auto whole = static_cast<unsigned long long>(time.count() / unit.picoseconds);
    const auto thousandths =
        static_cast<unsigned long long>(time.count() % unit.picoseconds / (unit.picoseconds / 1000));
    std::snprintf(text.data(), text.size(), "%llu.%03llu %s", whole, thousandths, unit.name);
    break;
  }
  return text.data();
}

std::string hex(std::uint64_t value, unsigned digits) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "0x%0*llx", static_cast<int>(digits), static_cast<unsigned long long>(value));
  return text.data();
}

}  // namespace holdover::bench
