// SPDX-License-Identifier: MIT
// Sets the input pins of a model of sim_top (docs/architecture.md 8.1). Streams are numbered as sim::Stream numbers
// them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "sim/pin_record.h"
#include "sim/witness.h"

namespace holdover::sim {

template <typename Model>
void apply_straps(Model& model, const EndpointConfig& config) {
  model.strap_vendor_id_i = config.vendor_id;
  model.strap_device_id_i = config.device_id;
  model.strap_subsystem_vendor_id_i = config.subsystem_vendor_id;
  model.strap_subsystem_id_i = config.subsystem_id;
  model.strap_class_code_i = config.class_code;
  model.strap_revision_i = config.revision;
  model.strap_serial_number_i = config.serial_number;
  model.strap_bar0_size_log2_i = static_cast<std::uint8_t>(config.bar0_size_log2);
  model.strap_bar2_size_log2_i = static_cast<std::uint8_t>(config.bar2_size_log2);
  model.strap_max_payload_supported_i = static_cast<std::uint8_t>(config.max_payload_supported);
  model.strap_msix_vectors_i = static_cast<std::uint8_t>(config.msix_vectors);
  model.strap_no_soft_reset_i = config.no_soft_reset ? 1 : 0;
  model.strap_pending_while_disabled_i = config.pending_while_disabled ? 1 : 0;
  model.strap_aer_i = config.aer ? 1 : 0;
  model.strap_ari_i = config.ari ? 1 : 0;
  model.strap_dsn_i = config.dsn ? 1 : 0;
  model.strap_link_speed_i = static_cast<std::uint8_t>(config.link_speed);
  model.strap_link_width_i = static_cast<std::uint8_t>(config.link_width);
  model.strap_aspm_i = static_cast<std::uint8_t>(config.aspm);
  model.strap_bar0_wide_i = config.bar0_wide ? 1 : 0;
  model.strap_bar2_wide_i = config.bar2_wide ? 1 : 0;
  model.strap_io_space_i = config.io_space ? 1 : 0;
  model.strap_interrupt_pin_i = static_cast<std::uint8_t>(config.interrupt_pin);
  model.strap_pme_i = config.pme ? 1 : 0;
  model.strap_extended_tag_i = config.extended_tag ? 1 : 0;
  model.strap_slot_clock_i = config.slot_clock ? 1 : 0;
}

// As many of the words as the port is wide.
template <typename Wide, std::size_t N>
void put(Wide& port, const std::array<std::uint32_t, N>& words) {
  static_assert(sizeof port <= sizeof words);
  std::memcpy(&port, words.data(), sizeof port);
}

template <typename Model>
void apply_stream(Model& model, std::size_t stream, const InputPins::RxStream& rx) {
  switch (stream) {
    case 0:
      model.rx_req_valid_i = rx.valid;
      model.rx_req_sop_i = rx.sop;
      model.rx_req_eop_i = rx.eop;
      put(model.rx_req_header_i, rx.header);
      put(model.rx_req_data_i, rx.data);
      break;
    case 1:
      model.rx_cpl_valid_i = rx.valid;
      model.rx_cpl_sop_i = rx.sop;
      model.rx_cpl_eop_i = rx.eop;
      put(model.rx_cpl_header_i, rx.header);
      put(model.rx_cpl_data_i, rx.data);
      break;
    default:
      model.rx_cfg_valid_i = rx.valid;
      model.rx_cfg_sop_i = rx.sop;
      model.rx_cfg_eop_i = rx.eop;
      put(model.rx_cfg_header_i, rx.header);
      model.rx_cfg_data_i = rx.data[0];
      break;
  }
}

template <typename Model>
void apply_block(Model& model, const InputPins& pins) {
  model.rst_ni = pins.reset_n;
  model.hot_reset_i = pins.hot_reset;
  model.link_up_i = pins.link_up;
  model.tx_req_ready_i = pins.tx_ready[0];
  model.tx_cpl_ready_i = pins.tx_ready[1];
  model.tx_cfg_ready_i = pins.tx_ready[2];
  model.tx_msg_ready_i = pins.message_ready;
  model.tx_np_limit_i = pins.np_limit;
  model.posted_sent_i = pins.posted_sent;
}

}  // namespace holdover::sim
