// SPDX-License-Identifier: MIT
// Legal traffic, drawn from seeds, breaks no rule; the same traffic with one thing changed that makes it illegal breaks
// one. What is illegal about a change is said beside it, and is no copy of a rule.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "protocol_checker_fixture.h"
#include "sim/random.h"

namespace holdover::sim {
namespace {

constexpr std::uint64_t kSeeds = 150;
constexpr unsigned kSteps = 200;

struct Event {
  Direction direction = Direction::Tx;
  Tlp tlp;
  FunctionState state;
  std::optional<pcie::TlpHeader> raw = {};
};
using Traffic = std::vector<Event>;

// An endpoint and a host that keep the rules.
class Conversation {
 public:
  explicit Conversation(std::uint64_t seed) : draw_(seed, "conversation") {
    state_ = working_state();
    state_.max_payload = static_cast<std::uint8_t>(draw_.below(3));
    state_.max_read_request = static_cast<std::uint8_t>(draw_.below(6));
    state_.extended_tag = flip();
    state_.relaxed_ordering = flip();
    state_.no_snoop = flip();
    state_.rcb = flip();
  }

  Traffic run() {
    for (unsigned step = 0; step < kSteps; ++step) take_step();
    while (!reads_.empty()) answer_endpoint();
    while (!accesses_.empty()) answer_host();
    return std::move(traffic_);
  }

 private:
  struct Read {
    Tlp request;
    unsigned remaining = 0;
  };

  unsigned below(unsigned limit) { return static_cast<unsigned>(draw_.below(limit)); }
  bool flip() { return draw_.below(2) == 0; }
  void add(Direction direction, Tlp tlp) { traffic_.push_back(Event{direction, std::move(tlp), state_}); }

  void take_step() {
    switch (below(10)) {
      case 0:
      case 1:
        return ask_host();
      case 2:
        return add(Direction::Tx, memory(TlpKind::MemoryWrite, 128u << state_.max_payload));
      case 3:
        return ask_endpoint();
      case 4:
        return add(Direction::Tx, some_message());
      case 5:
        return add(Direction::Tx, write(0xfee0'0000 + 4 * below(64), 4));
      case 6:
        if (!accesses_.empty()) answer_host();
        return;
      default:
        if (!reads_.empty()) answer_endpoint();
        return;
    }
  }

  // Any memory request of the endpoint: any length up to a limit, any byte enables, any place within a page.
  Tlp memory(TlpKind kind, unsigned most) {
    const unsigned words = 1 + below(flip() ? 3 : std::min(most / 4, 1024u));
    const std::uint64_t page = draw_.below(2) == 0 ? draw_.below(0xf'0000) : 0x10'0000 + draw_.below(1u << 30);
    Tlp tlp = read((page << 12) + 4 * below(1025 - words), 4 * words, 0);
    tlp.kind = kind;
    const bool quad = words == 2 && tlp.address % 8 == 0;
    const bool free = words == 1 || quad;
    constexpr unsigned kFirst[] = {0b1000, 0b1100, 0b1110, 0b1111};
    constexpr unsigned kLast[] = {0b0001, 0b0011, 0b0111, 0b1111};
    tlp.first_be = static_cast<std::uint8_t>(free ? 1 + below(15) : kFirst[below(4)]);
    if (words > 1) tlp.last_be = static_cast<std::uint8_t>(free ? 1 + below(15) : kLast[below(4)]);
    if (state_.relaxed_ordering && flip()) tlp.attributes |= 2;
    if (state_.no_snoop && flip()) tlp.attributes |= 1;
    if (kind == TlpKind::MemoryWrite) tlp.payload.resize(4 * words);
    return tlp;
  }

  void ask_host() {
    const unsigned tags = state_.extended_tag ? 256 : 32;
    const auto tag = static_cast<std::uint16_t>(below(tags));
    const auto same = [tag](const Read& each) { return each.request.tag == tag; };
    if (std::any_of(reads_.begin(), reads_.end(), same)) return;
    Tlp request = memory(TlpKind::MemoryRead, 128u << state_.max_read_request);
    request.tag = tag;
    add(Direction::Tx, request);
    reads_.push_back(Read{request, static_cast<unsigned>(pcie::enabled_bytes(request).count())});
  }

  // One completion of one of the reads, cut where the base specification lets it be cut.
  void answer_endpoint() {
    const std::size_t which = below(static_cast<unsigned>(reads_.size()));
    Read& read = reads_[which];
    if (below(20) == 0) {
      add(Direction::Rx, failure(read.request, CompletionStatus::UnsupportedRequest));
      reads_.erase(reads_.begin() + static_cast<std::ptrdiff_t>(which));
      return;
    }
    const std::uint64_t end = pcie::first_byte_address(read.request) + pcie::enabled_bytes(read.request).count();
    const std::uint64_t next = end - read.remaining;
    const std::uint64_t boundary = state_.rcb ? 128 : 64;
    const std::uint64_t most = (next & ~std::uint64_t{3}) + (128u << state_.max_payload);
    std::vector<std::uint64_t> stops;
    for (std::uint64_t at = (next / boundary + 1) * boundary; at < end && at <= most; at += boundary)
      stops.push_back(at);
    if (end <= most) stops.push_back(end);
    const std::uint64_t stop = stops[below(static_cast<unsigned>(stops.size()))];
    add(Direction::Rx, completion(read.request, read.remaining, static_cast<unsigned>(stop - next)));
    read.remaining = static_cast<unsigned>(end - stop);
    if (read.remaining == 0) reads_.erase(reads_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  void ask_endpoint() {
    Tlp request;
    switch (below(4)) {
      case 0:
        request = config_read();
        break;
      case 1:
        request = config_write();
        break;
      case 2:
        request = read(0xe000'0000 + 8 * below(512), 4 + 4 * below(2));
        break;
      default:
        request = write(0xe000'0000 + 8 * below(512), 4 + 4 * below(2));
    }
    if (pcie::is_config(request.kind)) request.register_offset = static_cast<std::uint16_t>(4 * below(1024));
    request.requester = kHost;
    request.tag = static_cast<std::uint16_t>(next_tag_++ & 0xff);
    add(Direction::Rx, request);
    if (request.kind != TlpKind::MemoryWrite) accesses_.push_back(request);
  }

  void answer_host() {
    const Tlp request = accesses_.front();
    accesses_.erase(accesses_.begin());
    if (below(20) == 0) {
      add(Direction::Tx, failure(request, CompletionStatus::CompleterAbort));
    } else if (request.kind == TlpKind::ConfigWrite0) {
      add(Direction::Tx, plain_completion(request));
    } else {
      const auto bytes = static_cast<unsigned>(request.length_dw * 4);
      add(Direction::Tx, completion(request, bytes, bytes));
    }
  }

  Tlp some_message() {
    constexpr std::uint8_t kErrors[] = {0x30, 0x31, 0x33};
    if (flip()) return pme();
    return message(kErrors[below(3)], 0);
  }

  Random draw_;
  FunctionState state_;
  Traffic traffic_;
  std::vector<Read> reads_;
  std::vector<Tlp> accesses_;
  unsigned next_tag_ = 0;
};

bool is_memory(const Event& e) { return e.tlp.kind == TlpKind::MemoryRead || e.tlp.kind == TlpKind::MemoryWrite; }
bool is_tx(const Event& e) { return e.direction == Direction::Tx; }
bool is_completion(const Event& e) { return pcie::is_completion(e.tlp.kind); }
bool is_message(const Event& e) { return e.tlp.kind == TlpKind::Message; }
bool is_config(const Event& e) { return pcie::is_config(e.tlp.kind); }
bool is_interrupt(const Event& e) { return e.tlp.kind == TlpKind::MemoryWrite && e.tlp.address >> 20 == 0xfee; }
bool is_tx_memory(const Event& e) { return is_tx(e) && is_memory(e); }
bool is_tx_read(const Event& e) { return is_tx(e) && e.tlp.kind == TlpKind::MemoryRead; }
bool has_data(const Event& e) { return !e.tlp.payload.empty(); }
bool is_answer(const Event& e) { return e.tlp.kind == TlpKind::CompletionData; }
unsigned nonzero(Random& draw, unsigned limit) { return 1 + static_cast<unsigned>(draw.below(limit - 1)); }

// One thing that is illegal wherever it applies.
struct Change {
  const char* name;
  bool (*applies)(const Event&);
  void (*apply)(Event&, Random&);
};

const Change kChanges[] = {
    {"somebody else's requester ID", [](const Event& e) { return is_tx(e) && !is_completion(e); },
     [](Event& e, Random& d) { e.tlp.requester ^= static_cast<std::uint16_t>(nonzero(d, 0x10000)); }},
    {"a traffic class that no virtual channel has", [](const Event&) { return true; },
     [](Event& e, Random& d) { e.tlp.traffic_class = static_cast<std::uint8_t>(nonzero(d, 8)); }},
    {"ID-based ordering, which is not enabled", [](const Event& e) { return is_tx(e) || is_config(e); },
     [](Event& e, Random&) { e.tlp.attributes |= 4; }},
    {"poison", [](const Event&) { return true; }, [](Event& e, Random&) { e.tlp.poisoned = true; }},
    {"an address within a double word", is_memory, [](Event& e, Random& d) { e.tlp.address += nonzero(d, 4); }},
    {"an address from which it crosses a page", [](const Event& e) { return is_memory(e) && e.tlp.length_dw > 1; },
     [](Event& e, Random& d) { e.tlp.address = (e.tlp.address | 0xfff) + 1 - 4 * nonzero(d, e.tlp.length_dw); }},
    {"another payload than Length says", has_data,
     [](Event& e, Random& d) { e.tlp.payload.resize(e.tlp.payload.size() + 4 * nonzero(d, 8)); }},
    {"another Length than its payload has", has_data,
     [](Event& e, Random& d) { e.tlp.length_dw = static_cast<std::uint16_t>(e.tlp.length_dw + nonzero(d, 8)); }},
    {"a Length that counts nothing", [](const Event& e) { return is_message(e) || e.tlp.kind == TlpKind::Completion; },
     [](Event& e, Random& d) { e.tlp.length_dw = static_cast<std::uint16_t>(nonzero(d, 1024)); }},
    {"more data than Max_Payload_Size",
     [](const Event& e) { return e.tlp.kind == TlpKind::MemoryWrite && !is_interrupt(e); },
     [](Event& e, Random&) {
       const unsigned bytes = (128u << e.state.max_payload) + 4;
       e.tlp = write(e.tlp.address & ~std::uint64_t{0xfff}, bytes);
       e.tlp.requester = e.direction == Direction::Tx ? kEndpoint : kHost;
     }},
    {"a read of more than Max_Read_Request_Size",
     [](const Event& e) { return is_tx_read(e) && e.state.max_read_request < 5; },
     [](Event& e, Random&) {
       e.tlp.address &= ~std::uint64_t{0xfff};
       e.tlp.length_dw = static_cast<std::uint16_t>((32u << e.state.max_read_request) + 1);
       e.tlp.first_be = e.tlp.last_be = 0xf;
     }},
    {"last byte enables of a single double word", [](const Event& e) { return is_memory(e) && e.tlp.length_dw == 1; },
     [](Event& e, Random& d) { e.tlp.last_be = static_cast<std::uint8_t>(nonzero(d, 16)); }},
    {"no first byte enables", [](const Event& e) { return is_memory(e) && e.tlp.length_dw > 1; },
     [](Event& e, Random&) { e.tlp.first_be = 0; }},
    {"no last byte enables", [](const Event& e) { return is_memory(e) && e.tlp.length_dw > 1; },
     [](Event& e, Random&) { e.tlp.last_be = 0; }},
    {"a hole behind the first byte", [](const Event& e) { return is_memory(e) && e.tlp.length_dw > 2; },
     [](Event& e, Random& d) { e.tlp.first_be = static_cast<std::uint8_t>(nonzero(d, 8)); }},
    {"a hole before the last byte", [](const Event& e) { return is_memory(e) && e.tlp.length_dw > 2; },
     [](Event& e, Random& d) { e.tlp.last_be = static_cast<std::uint8_t>(2 * nonzero(d, 8)); }},
    {"a tag of more than eight bits", [](const Event&) { return true; },
     [](Event& e, Random& d) { e.tlp.tag = static_cast<std::uint16_t>(e.tlp.tag + 0x100 * nonzero(d, 4)); }},
    {"a tag that needs Extended Tag Field Enable", [](const Event& e) { return is_tx_read(e) && e.tlp.tag > 31; },
     [](Event& e, Random&) { e.state.extended_tag = false; }},
    {"Bus Master Enable is clear", is_tx_memory, [](Event& e, Random&) { e.state.bus_master = false; }},
    {"not in D0", is_tx_memory, [](Event& e, Random&) { e.state.d_state = 3; }},
    {"relaxed ordering, which is not enabled", is_tx_memory,
     [](Event& e, Random&) {
       e.state.relaxed_ordering = false;
       e.tlp.attributes |= 2;
     }},
    {"no snoop, which is not enabled", is_tx_memory,
     [](Event& e, Random&) {
       e.state.no_snoop = false;
       e.tlp.attributes |= 1;
     }},
    {"an interrupt of less than four bytes", is_interrupt,
     [](Event& e, Random& d) { e.tlp.first_be = static_cast<std::uint8_t>(nonzero(d, 15)); }},
    {"a completion of nothing that was asked", is_completion,
     [](Event& e, Random& d) { e.tlp.requester ^= static_cast<std::uint16_t>(nonzero(d, 0x10000)); }},
    {"a byte count that does not go on", is_answer,
     [](Event& e, Random& d) {
       e.tlp.byte_count = static_cast<std::uint16_t>(e.tlp.byte_count % 4096 + nonzero(d, 64));
     }},
    {"a lower address that does not go on", is_answer,
     [](Event& e, Random& d) { e.tlp.lower_address ^= static_cast<std::uint8_t>(nonzero(d, 128)); }},
    {"a status that does not exist", is_completion,
     [](Event& e, Random& d) { e.tlp.status = static_cast<CompletionStatus>(5 + d.below(3)); }},
    {"data with a failure", is_answer, [](Event& e, Random&) { e.tlp.status = CompletionStatus::UnsupportedRequest; }},
    {"a completer that is not there", is_completion,
     [](Event& e, Random& d) {
       e.tlp.completer = is_tx(e) ? static_cast<std::uint16_t>(kEndpoint ^ nonzero(d, 0x10000)) : kEndpoint;
     }},
    {"other attributes than the request's", is_completion,
     [](Event& e, Random& d) { e.tlp.attributes ^= static_cast<std::uint8_t>(nonzero(d, 4)); }},
    {"a configuration request of two double words", is_config,
     [](Event& e, Random&) {
       e.tlp.length_dw = 2;
       if (!e.tlp.payload.empty()) e.tlp.payload.resize(8);
     }},
    {"last byte enables of a configuration request", is_config,
     [](Event& e, Random& d) { e.tlp.last_be = static_cast<std::uint8_t>(nonzero(d, 16)); }},
    {"a device number below a link", is_config,
     [](Event& e, Random& d) { e.tlp.target = static_cast<std::uint16_t>(e.tlp.target + 8 * nonzero(d, 32)); }},
    {"a register beyond configuration space", is_config,
     [](Event& e, Random&) { e.tlp.register_offset = static_cast<std::uint16_t>(e.tlp.register_offset + 0x1000); }},
    {"a message code that does not exist", is_message,
     [](Event& e, Random& d) { e.tlp.message_code = static_cast<std::uint8_t>(0x80 + d.below(0x80)); }},
    {"a message that is routed elsewhere", is_message,
     [](Event& e, Random& d) { e.tlp.message_routing = static_cast<std::uint8_t>(nonzero(d, 8)); }},
    {"contents of a message that has none", is_message,
     [](Event& e, Random& d) { e.tlp.address = nonzero(d, 1u << 30); }},
    {"a bit of the header that nobody may set", is_tx,
     [](Event& e, Random& d) {
       constexpr unsigned kBits[] = {10, 11, 15, 16, 17, 19, 23};  // AT, TD, TH, LN, T8, T9
       pcie::TlpHeader raw = pcie::encode_header(e.tlp);
       raw[0] |= 1u << kBits[d.below(7)];
       e.raw = raw;
     }},
};

class Judge {
 public:
  void watch(const Event& e) {
    checker_.observe(now_, 0, e.direction, e.tlp, e.state, e.raw ? &*e.raw : nullptr);
    now_ += Time{10'000};
  }
  std::vector<std::string> finish() {
    checker_.finish(now_, Time{0});
    return std::move(broken_);
  }

 private:
  Time now_ = 1_us;
  std::vector<std::string> broken_;
  ProtocolChecker checker_{1, [this](const Violation& found) { broken_.push_back(found.rule + " " + found.sentence); }};
};

std::vector<std::string> judge(const Traffic& traffic) {
  Judge judge;
  for (const Event& event : traffic) judge.watch(event);
  return judge.finish();
}

TEST(ProtocolProperties, LegalTrafficBreaksNoRule) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Traffic traffic = Conversation(seed).run();
    const std::vector<std::string> broken = judge(traffic);
    ASSERT_TRUE(broken.empty()) << "seed " << seed << ": " << broken.front();
    EXPECT_GT(traffic.size(), kSteps / 2) << "seed " << seed;
  }
}

TEST(ProtocolProperties, OneIllegalChangeBreaksARule) {
  std::vector<unsigned> tried(std::size(kChanges));
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Traffic legal = Conversation(seed).run();
    Random draw(seed, "change");
    for (std::size_t i = 0; i < std::size(kChanges); ++i) {
      const Change& change = kChanges[i];
      std::vector<std::size_t> places;
      for (std::size_t at = 0; at < legal.size(); ++at) {
        if (change.applies(legal[at])) places.push_back(at);
      }
      if (places.empty()) continue;
      const std::size_t at = places[draw.below(places.size())];
      Traffic traffic = legal;
      change.apply(traffic[at], draw);
      ++tried[i];
      EXPECT_FALSE(judge(traffic).empty()) << "seed " << seed << ", TLP " << at << ": «" << change.name << "» in "
                                           << pcie::to_string(legal[at].tlp) << " was not noticed";
    }
  }
  for (std::size_t i = 0; i < std::size(kChanges); ++i) EXPECT_GT(tried[i], kSeeds / 4) << kChanges[i].name;
}

// A failure may end a read at any point: then nobody can tell that data before it is missing.
bool is_followed_by_failure(const Traffic& traffic, std::size_t at) {
  for (std::size_t later = at + 1; later < traffic.size(); ++later) {
    const Tlp& next = traffic[later].tlp;
    if (next.requester != traffic[at].tlp.requester || next.tag != traffic[at].tlp.tag) continue;
    if (pcie::is_completion(next.kind)) return next.status != CompletionStatus::Success;
    if (next.kind == TlpKind::MemoryRead) return false;
  }
  return false;
}

TEST(ProtocolProperties, ATlpTooManyOrTooFewBreaksARule) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Traffic legal = Conversation(seed).run();
    Random draw(seed, "number");
    for (const bool twice : {false, true}) {
      std::vector<std::size_t> places;
      for (std::size_t at = 0; at < legal.size(); ++at) {
        const bool counts = is_completion(legal[at]) || is_tx_read(legal[at]) || is_config(legal[at]);
        if (counts && (twice || !is_answer(legal[at]) || !is_followed_by_failure(legal, at))) places.push_back(at);
      }
      const std::size_t at = places[draw.below(places.size())];
      Traffic traffic = legal;
      const auto place = traffic.begin() + static_cast<std::ptrdiff_t>(at);
      if (twice) {
        traffic.insert(place, legal[at]);
      } else {
        traffic.erase(place);
      }
      EXPECT_FALSE(judge(traffic).empty()) << "seed " << seed << ", TLP " << at << " " << (twice ? "twice" : "left out")
                                           << ": " << pcie::to_string(legal[at].tlp);
    }
  }
}

}  // namespace
}  // namespace holdover::sim
