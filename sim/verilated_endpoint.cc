// SPDX-License-Identifier: MIT
#include "sim/verilated_endpoint.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <utility>

#include "pcie/error.h"
#include "sim/model_pins.h"
#include "sim/pin_record.h"
#include "sim/scheduler.h"
#include "sim/verilated_model.h"
#include "sim/waveform_file.h"
#ifdef HOLDOVER_MODEL
#include "sim/endpoint_model.h"
#endif

namespace holdover::sim {
namespace {

constexpr std::size_t kBeatBytes = sizeof(Model::tx_req_data_o);
static_assert(kBeatBytes <= InputPins::kDataWords * sizeof(std::uint32_t));
constexpr std::size_t kConfigBeatBytes = 4;
constexpr unsigned kResetClocks = 16;
constexpr std::size_t kRequest = static_cast<std::size_t>(Stream::Request);
constexpr std::size_t kCompletion = static_cast<std::size_t>(Stream::Completion);
constexpr std::size_t kConfig = static_cast<std::size_t>(Stream::Config);

class VerilatedEndpoint final : public Endpoint {
 public:
  VerilatedEndpoint(const EndpointConfig& config, const std::filesystem::path& pin_record)
      : model_(&context_, "endpoint") {
    if (!pin_record.empty()) recorder_ = std::make_unique<PinRecorder>(pin_record);
    reset(config);
  }
#ifdef HOLDOVER_TRACED
  VerilatedEndpoint(const EndpointConfig& config, const WaveConfig& wave) : model_(&context_, "endpoint"), wave_(wave) {
    partial_ = wave.path.string() + ".partial";
    {
      std::ofstream probe(partial_, std::ios::binary);
      if (!probe) {
        throw Error(ErrorCode::Unavailable, "the waveform " + wave.path.string() +
                                                " cannot be written; name a file in a directory that exists");
      }
    }
    context_.traceEverOn(true);
    context_.timeunit(-12);
    context_.timeprecision(-12);
    model_.trace(&fst_, 99);
    fst_.open(partial_.c_str());
    if (!fst_.isOpen()) {
      throw Error(ErrorCode::Unavailable,
                  "the waveform " + wave.path.string() + " cannot be written; choose another place for it");
    }
    reset(config);
  }
#endif
  ~VerilatedEndpoint() override {
#ifdef HOLDOVER_TRACED
    if (fst_.isOpen()) {
      fst_.close();
      std::error_code ignored;  // nobody is left to be told
      std::filesystem::remove(partial_, ignored);
    }
#endif
    model_.final();
  }

  void tick(Time now, EndpointPins& pins) override {
    for (std::size_t stream = 0; stream < kStreams; ++stream) drive(stream, pins.rx[stream]);
    drive_block(pins);
    if (recorder_) recorder_->add(inputs_);
    model_.clk_i = 0;
    model_.eval();
    dump(now - kClockPeriod / 2);
    sample(pins);
    model_.clk_i = 1;
    model_.eval();
    dump(now);
  }

  void drop_streams() override {
    rx_ = {};
    tx_ = {};
  }

  std::uint32_t peek(unsigned offset) override {
    model_.peek_offset_i = static_cast<std::uint16_t>(offset & 0xffcu);
    model_.eval();
    return model_.peek_data_o;
  }

  void exchange(const EndpointConfig& straps) override { apply_straps(model_, straps); }

  void close_files() override {
    if (recorder_) recorder_->flush();
#ifdef HOLDOVER_TRACED
    if (!fst_.isOpen()) return;
    fst_.close();
    std::error_code error;
    if (!is_whole_waveform(partial_)) {
      std::filesystem::remove(partial_, error);
      throw Error(ErrorCode::Unavailable, "the waveform " + wave_.path.string() +
                                              " cannot be written whole; is the disk full, or a file's size limited?");
    }
    std::filesystem::rename(partial_, wave_.path, error);
    if (error) {
      throw Error(ErrorCode::Unavailable,
                  "the waveform " + wave_.path.string() + " cannot be written: " + error.message());
    }
#endif
  }

 private:
  struct Rx {
    const pcie::Tlp* tlp = nullptr;
    std::size_t beat = 0;
    std::size_t beats = 0;
    bool advanced = false;  // the pins show the beat before
  };
  struct Tx {
    bool presented = false;  // the first beat stands on the pins
    bool inside = false;     // and was taken
    bool known = true;       // its header names a TLP
  };

  void reset(const EndpointConfig& config) {
    apply_straps(model_, config);
    inputs_.link_up = 1;
    for (unsigned clock = 0; clock < kResetClocks; ++clock) {
      apply_block(model_, inputs_);
      if (recorder_) recorder_->add(inputs_);
      model_.clk_i = 0;
      model_.eval();
      model_.clk_i = 1;
      model_.eval();
    }
    inputs_.reset_n = 1;
    apply_block(model_, inputs_);
  }

  void drive(std::size_t stream, const pcie::Tlp* offered) {
    Rx& state = rx_[stream];
    InputPins::RxStream& rx = inputs_.rx[stream];
    const std::size_t width = stream == kConfig ? kConfigBeatBytes : kBeatBytes;
    if (state.tlp == nullptr) {
      if (offered == nullptr) {
        if (rx.valid == 0) return;
        rx.valid = 0;
        apply_stream(model_, stream, rx);
        return;
      }
      state.tlp = offered;
      state.beat = 0;
      state.beats = std::max<std::size_t>((offered->payload.size() + width - 1) / width, 1);
      rx.header = pcie::encode_header(*offered);
      rx.valid = 1;
    } else if (!state.advanced) {
      return;
    }
    state.advanced = false;
    rx.sop = state.beat == 0 ? 1 : 0;
    rx.eop = state.beat + 1 == state.beats ? 1 : 0;
    const std::size_t from = state.beat * width;
    const std::size_t size = std::min(width, state.tlp->payload.size() - from);
    if (size < kBeatBytes) rx.data = {};
    if (size > 0) std::memcpy(rx.data.data(), state.tlp->payload.data() + from, size);
    apply_stream(model_, stream, rx);
  }

  void drive_block(const EndpointPins& pins) {
    for (std::size_t stream = 0; stream < kStreams; ++stream) inputs_.tx_ready[stream] = pins.tx_ready[stream] ? 1 : 0;
    inputs_.message_ready = pins.message_ready ? 1 : 0;
    inputs_.np_limit = pins.np_limit;
    inputs_.posted_sent = pins.posted_sent;
    inputs_.hot_reset = pins.hot_reset ? 1 : 0;
    inputs_.link_up = pins.link_up ? 1 : 0;
    inputs_.reset_n = pins.power ? 1 : 0;
    apply_block(model_, inputs_);
  }

  void sample(EndpointPins& pins) {
    sample_function(pins);
    accept(kRequest, model_.rx_req_ready_o != 0, pins);
    accept(kCompletion, model_.rx_cpl_ready_o != 0, pins);
    accept(kConfig, model_.rx_cfg_ready_o != 0, pins);
    if (model_.tx_req_valid_o != 0) {
      collect(kRequest, model_.tx_req_sop_o != 0, model_.tx_req_eop_o != 0, &model_.tx_req_header_o[0],
              &model_.tx_req_data_o, pins);
    }
    if (model_.tx_cpl_valid_o != 0) {
      collect(kCompletion, model_.tx_cpl_sop_o != 0, model_.tx_cpl_eop_o != 0, &model_.tx_cpl_header_o[0],
              &model_.tx_cpl_data_o, pins);
    }
    if (model_.tx_cfg_valid_o != 0) {
      collect(kConfig, model_.tx_cfg_sop_o != 0, model_.tx_cfg_eop_o != 0, &model_.tx_cfg_header_o[0],
              &model_.tx_cfg_data_o, pins);
    }
    if (model_.tx_msg_valid_o != 0 && inputs_.message_ready != 0 && pins.link_up) {
      pins.message_valid = true;
      std::copy_n(&model_.tx_msg_header_o[0], pins.message.size(), pins.message.begin());
    }
    if (model_.cfg_write_valid_o != 0) {
      pins.config_write = true;
      pins.written.offset = model_.cfg_write_offset_o;
      pins.written.byte_enables = model_.cfg_write_be_o;
      pins.written.written = model_.cfg_write_data_o;
      pins.written.before = model_.cfg_write_before_o;
      pins.written.after = model_.cfg_write_after_o;
    }
    if (model_.event_valid_o != 0) {
      pins.event = true;
      pins.event_vector = model_.event_vector_o;
      pins.event_coalesced = model_.event_coalesced_o != 0;
    }
  }

  void accept(std::size_t stream, bool ready, EndpointPins& pins) {
    Rx& state = rx_[stream];
    if (state.tlp == nullptr || !ready) return;
    state.advanced = true;
    if (++state.beat < state.beats) return;
    pins.rx_taken[stream] = true;
    state.tlp = nullptr;
  }

  void collect(std::size_t stream, bool sop, bool eop, const EData* header, const void* data, EndpointPins& pins) {
    Tx& state = tx_[stream];
    if (!pins.link_up) return;  // the reset cuts TLPs off anywhere
    if (sop && !state.presented) {
      state.presented = true;
      // One register lies between the decision to send and the pins.
      pins.tx_state[stream] = before_;
    }
    if (inputs_.tx_ready[stream] == 0) return;
    pcie::Tlp& tlp = pins.tx[stream];
    if (sop) {
      pcie::TlpHeader words{};
      std::copy(header, header + words.size(), words.begin());
      auto decoded = pcie::decode_header(words);
      pins.tx_header[stream] = words;
      state.known = decoded.has_value() && !state.inside;
      state.inside = true;
      if (decoded) tlp = std::move(*decoded);
      if (pcie::has_payload(tlp.kind)) tlp.payload.reserve(tlp.length_dw * 4u);
    } else if (!state.inside) {
      state.known = false;
    }
    if (pcie::has_payload(tlp.kind)) {
      const std::size_t width = stream == kConfig ? kConfigBeatBytes : kBeatBytes;
      const std::size_t size = std::min<std::size_t>(width, tlp.length_dw * 4u - tlp.payload.size());
      if (size == 0) state.known = false;
      const auto* bytes = static_cast<const std::byte*>(data);
      tlp.payload.insert(tlp.payload.end(), bytes, bytes + size);
    }
    if (!eop) return;
    const bool whole = !pcie::has_payload(tlp.kind) || tlp.payload.size() == tlp.length_dw * 4u;
    if (state.known && whole) {
      pins.tx_valid[stream] = true;
      pins.any_tx = true;
    } else {
      pins.malformed_tx = true;
      pins.malformed_stream = static_cast<Stream>(stream);
      tlp = pcie::Tlp{};
    }
    state = Tx{};
  }

  void sample_function(EndpointPins& pins) {
    before_ = pins.function;
    const std::uint64_t packed =
        std::uint64_t{model_.fn_bdf_o} | (std::uint64_t{model_.fn_bus_master_o} << 16) |
        (std::uint64_t{model_.fn_memory_o} << 17) | (std::uint64_t{model_.fn_d_state_o} << 18) |
        (std::uint64_t{model_.fn_max_payload_o} << 20) | (std::uint64_t{model_.fn_max_read_request_o} << 23) |
        (std::uint64_t{model_.fn_extended_tag_o} << 26) | (std::uint64_t{model_.fn_relaxed_ordering_o} << 27) |
        (std::uint64_t{model_.fn_no_snoop_o} << 28) | (std::uint64_t{model_.fn_rcb_o} << 29) |
        (std::uint64_t{model_.fn_flr_o} << 30) | (std::uint64_t{1} << 31) | (std::uint64_t{model_.fn_aspm_o} << 32);
    if (packed == packed_) return;
    packed_ = packed;
    FunctionState& f = pins.function;
    f.bdf = model_.fn_bdf_o;
    f.bus_master = model_.fn_bus_master_o != 0;
    f.memory = model_.fn_memory_o != 0;
    f.d_state = model_.fn_d_state_o;
    f.max_payload = model_.fn_max_payload_o;
    f.max_read_request = model_.fn_max_read_request_o;
    f.extended_tag = model_.fn_extended_tag_o != 0;
    f.relaxed_ordering = model_.fn_relaxed_ordering_o != 0;
    f.no_snoop = model_.fn_no_snoop_o != 0;
    f.rcb = model_.fn_rcb_o != 0;
    f.aspm = model_.fn_aspm_o;
    pins.reset_in_progress = model_.fn_flr_o != 0;
    pins.function_changed = true;
  }

#ifdef HOLDOVER_TRACED
  void dump(Time time) {
    if (time >= wave_.from && (!wave_.to || time <= *wave_.to)) fst_.dump(time.count());
  }
#else
  void dump(Time) {}
#endif

  VerilatedContext context_;
  Model model_;
#ifdef HOLDOVER_TRACED
  WaveConfig wave_;
  std::filesystem::path partial_;
  VerilatedFstC fst_;
#endif
  InputPins inputs_;
  std::array<Rx, kStreams> rx_{};
  std::array<Tx, kStreams> tx_{};
  std::uint64_t packed_ = 0;
  FunctionState before_;
  std::unique_ptr<PinRecorder> recorder_;
};

}  // namespace

#if defined HOLDOVER_MODEL

extern "C" const EndpointModel* holdover_endpoint_model() {
  static const EndpointModel kModel{kEndpointModelAbi, kEndpointModelLayout, HOLDOVER_MODEL_WIDTH,
                                    HOLDOVER_MODEL_CHANNELS,
                                    [](const EndpointConfig& config, [[maybe_unused]] const WaveConfig& wave,
                                       [[maybe_unused]] const std::filesystem::path& pin_record) -> Endpoint* {
#ifdef HOLDOVER_TRACED
                                      return new VerilatedEndpoint(config, wave);
#else
                                      return new VerilatedEndpoint(config, pin_record);
#endif
                                    }};
  static_assert(kBeatBytes * 8 == HOLDOVER_MODEL_WIDTH);
  return &kModel;
}

#elif defined HOLDOVER_TRACED

std::unique_ptr<Endpoint> make_traced_endpoint(const EndpointConfig& config, const WaveConfig& wave) {
  return std::make_unique<VerilatedEndpoint>(config, wave);
}

#else

std::unique_ptr<Endpoint> make_verilated_endpoint(const EndpointConfig& config,
                                                  const std::filesystem::path& pin_record) {
  return std::make_unique<VerilatedEndpoint>(config, pin_record);
}

#endif

}  // namespace holdover::sim
