// SPDX-License-Identifier: MIT
#include "sim/pin_replay.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include "pcie/error.h"
#include "sim/model_pins.h"
#include "sim/pin_record.h"
#include "sim/verilated_model.h"

namespace holdover::sim {

struct PinReplay::State {
  std::vector<char> record;
};

PinReplay::PinReplay(const std::filesystem::path& pin_record) : state_(std::make_unique<State>()) {
  std::ifstream file(pin_record, std::ios::binary);
  if (!file) throw Error(ErrorCode::Unavailable, "The pin record " + pin_record.string() + " cannot be read.");
  state_->record.assign(std::istreambuf_iterator<char>(file), {});
  if (state_->record.size() < kPinMagic.size() ||
      !std::equal(kPinMagic.begin(), kPinMagic.end(), state_->record.begin())) {
    throw Error(ErrorCode::Corrupt, "The file " + pin_record.string() + " is no pin record.");
  }
}

PinReplay::~PinReplay() = default;

PinReplay::Result PinReplay::run() {
  VerilatedContext context;
  Model model(&context, "endpoint");
  apply_straps(model, EndpointConfig{});
  InputPins pins;
  std::array<char, sizeof(InputPins)> bytes{};
  Result result;
  const std::vector<char>& record = state_->record;
  for (std::size_t at = kPinMagic.size(); at + sizeof(std::uint32_t) <= record.size();) {
    std::uint32_t mask = 0;
    std::memcpy(&mask, &record[at], sizeof mask);
    at += sizeof mask;
    for (std::size_t part = 0; mask >> part != 0; ++part) {
      if ((mask >> part & 1) == 0) continue;
      if (at + kPinPart > record.size()) throw Error(ErrorCode::Corrupt, "The pin record ends inside a clock.");
      std::memcpy(&bytes[part * kPinPart], &record[at], kPinPart);
      at += kPinPart;
    }
    std::memcpy(&pins, bytes.data(), sizeof pins);
    for (std::size_t stream = 0; stream < pins.rx.size(); ++stream) apply_stream(model, stream, pins.rx[stream]);
    apply_block(model, pins);
    model.clk_i = 0;
    model.eval();
    result.digest = result.digest * 31 + model.tx_req_valid_o + 2u * model.tx_cpl_valid_o + model.tx_req_data_o[0];
    model.clk_i = 1;
    model.eval();
    result.clocks += Cycles{1};
  }
  model.final();
  return result;
}

}  // namespace holdover::sim
