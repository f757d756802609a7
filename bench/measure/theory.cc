// SPDX-License-Identifier: MIT
#include "bench/measure/theory.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "pcie/error.h"

namespace holdover::bench {
namespace {

// Framing, sequence number, LCRC and the first header word of a TLP, then the rest of its header.
constexpr double kRequest32 = 8 + 4 + 8;
constexpr double kRequest64 = 8 + 4 + 12;
constexpr double kCompletion = 8 + 4 + 8;

struct Generation {
  double gigatransfers;
  double coding;
  double ack_delay;  // bytes that it adds to the interval between acknowledgements
};
constexpr std::array<Generation, 5> kGenerations{
    {{2.5, 0.8, 0}, {5, 0.8, 51}, {8, 128.0 / 130, 96}, {16, 128.0 / 130, 96}, {32, 128.0 / 130, 96}}};

struct Width {
  unsigned lanes;
  std::array<double, 4> ack_interval;  // bytes at MAX_PAYLOAD 128, 256, 512, 1024 (PCIe 5.0, table 3-7)
};
constexpr std::array<Width, 5> kWidths{{{1, {237, 416, 559, 1071}},
                                        {2, {128, 217, 289, 545}},
                                        {4, {73, 118, 154, 282}},
                                        {8, {67, 107, 86, 150}},
                                        {16, {48, 72, 86, 150}}}};

std::uint64_t pieces(std::uint64_t size, std::uint64_t most) { return (size + most - 1) / most; }
double times(std::uint64_t count, double bytes) { return static_cast<double>(count) * bytes; }

double request(const LinkTheory& link) { return link.request_bytes(); }
double share(double rate, std::uint64_t size, double carried) { return rate * static_cast<double>(size) / carried; }

// Bytes on the wire of one transfer, each way.
struct Carried {
  double up;
  double down;
  [[nodiscard]] double most() const { return std::max(up, down); }
};
Carried of_write(const LinkTheory& link, std::uint64_t size) {
  return {times(pieces(size, link.max_payload), request(link)) + static_cast<double>(size), 0};
}
Carried of_read(const LinkTheory& link, std::uint64_t size) {
  return {times(pieces(size, link.max_read_request), request(link)),
          times(pieces(size, link.completion), kCompletion) + static_cast<double>(size)};
}

}  // namespace

double LinkTheory::raw() const {
  HOLDOVER_CHECK(generation >= 1 && generation <= kGenerations.size());
  const Generation& each = kGenerations[generation - 1];
  return each.gigatransfers * each.coding * lanes;
}

double LinkTheory::request_bytes() const { return wide_addresses ? kRequest64 : kRequest32; }
double LinkTheory::completion_bytes() { return kCompletion; }

double LinkTheory::acknowledge_interval() const {
  HOLDOVER_CHECK(generation >= 1 && generation <= kGenerations.size());
  const auto* const width =
      std::find_if(kWidths.begin(), kWidths.end(), [this](const Width& each) { return each.lanes == lanes; });
  HOLDOVER_CHECK(width != kWidths.end());
  std::size_t index = 0;
  while (index + 1 < width->ack_interval.size() && (128u << index) < max_payload) ++index;
  return width->ack_interval[index] + kGenerations[generation - 1].ack_delay;
}

double LinkTheory::tlp_bandwidth() const {
  const double interval = acknowledge_interval();
  return raw() * (1 - 8 / interval - 8 / interval - 4.0 / 1538);
}

double LinkTheory::write(std::uint64_t size) const {
  return share(tlp_bandwidth(), size, of_write(*this, size).most());
}
double LinkTheory::read(std::uint64_t size) const { return share(tlp_bandwidth(), size, of_read(*this, size).most()); }
double LinkTheory::read_write(std::uint64_t size) const {
  const Carried write = of_write(*this, size);
  const Carried read = of_read(*this, size);
  return share(tlp_bandwidth(), size, Carried{write.up + read.up, write.down + read.down}.most());
}
double LinkTheory::write_bound(std::uint64_t size) const { return share(raw(), size, of_write(*this, size).most()); }
double LinkTheory::read_bound(std::uint64_t size) const { return share(raw(), size, of_read(*this, size).most()); }

namespace {

// What the rings add to the link for each transfer.
Carried of_rings(const EngineTheory& engine, const LinkTheory& link) {
  const std::uint64_t fetched = std::uint64_t{engine.batch} * engine.descriptor;
  return {request(link) + engine.record + times(pieces(fetched, link.max_read_request), request(link)) / engine.batch,
          engine.descriptor + times(pieces(fetched, link.completion), kCompletion) / engine.batch};
}
// Beats that carry `size` bytes in pieces.
double beats(const EngineTheory& engine, std::uint64_t size, std::uint64_t most) {
  return times(size / most, static_cast<double>(pieces(most, engine.beat))) +
         static_cast<double>(pieces(size % most, engine.beat));
}
double stream(const EngineTheory& engine, std::uint64_t size, double carried) {
  return 8.0 * static_cast<double>(size) / (carried * engine.clock_period);
}

}  // namespace

double EngineTheory::write(const LinkTheory& link, std::uint64_t size) const {
  const Carried rings = of_rings(*this, link);
  const Carried data = of_write(link, size);
  const double on_link = share(link.tlp_bandwidth(), size, Carried{data.up + rings.up, data.down + rings.down}.most());
  const double sent = beats(*this, size, link.max_payload) + static_cast<double>(pieces(record, beat)) + 1.0 / batch;
  return std::min(on_link, stream(*this, size, sent));
}

double EngineTheory::read(const LinkTheory& link, std::uint64_t size) const {
  const Carried rings = of_rings(*this, link);
  const Carried data = of_read(link, size);
  const double on_link = share(link.tlp_bandwidth(), size, Carried{data.up + rings.up, data.down + rings.down}.most());
  const double sent = static_cast<double>(pieces(size, link.max_read_request) + pieces(record, beat)) + 1.0 / batch;
  const double taken = beats(*this, size, link.completion) + static_cast<double>(pieces(descriptor, beat));
  return std::min(on_link, stream(*this, size, std::max(sent, taken)));
}

}  // namespace holdover::bench
