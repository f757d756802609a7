// SPDX-License-Identifier: MIT
// Configuration space as a client sees it: the function's own, but for what belongs to the machine it stands in, as
// vfio-pci does it (linux drivers/vfio/pci/vfio_pci_config.c). BARs and the payload size read as the client wrote them;
// the function keeps those of the machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "serve/vfio_user/function.h"

namespace holdover::serve {

class ConfigView {
 public:
  // `function` outlives the view, has been set up by firmware, and is at rest.
  explicit ConfigView(Function& function);

  // Bytes of configuration space, with as few requests as natural alignment allows.
  void read(unsigned offset, std::span<std::byte> data);
  // `after_reset` is called where the write has reset the function, when it is ready again.
  void write(unsigned offset, std::span<const std::byte> data, const std::function<void()>& after_reset);

  // While it lives the function decodes memory, whatever its client has written.
  class MemoryDecode {
   public:
    explicit MemoryDecode(ConfigView& view);
    MemoryDecode(const MemoryDecode&) = delete;
    MemoryDecode& operator=(const MemoryDecode&) = delete;
    ~MemoryDecode();

   private:
    ConfigView& view_;
    std::uint32_t command_;
  };

  // Function level reset that leaves the header, the control registers and the machine's BARs as they were. MSI-X is
  // off afterwards.
  void reset();
  // The same to what firmware has left.
  void reset_to_firmware();

 private:
  [[nodiscard]] std::uint32_t read_register(unsigned offset, unsigned size);
  void write_register(unsigned offset, unsigned size, std::uint32_t value, const std::function<void()>& after_reset);
  void write_bar(unsigned index, unsigned shift, unsigned size, std::uint32_t value);
  void restore_bars();
  void quiesce();
  void start_reset();
  void await_reset();

  Function& function_;
  unsigned express_ = 0;                    // offset of the PCI Express capability
  bool flr_ = false;                        // the function has one
  std::array<std::uint32_t, 6> bars_{};     // as the client sees them
  std::array<std::uint32_t, 6> masks_{};    // bits of them that can be written
  std::array<std::uint32_t, 6> types_{};    // and those that cannot
  std::array<std::uint32_t, 6> machine_{};  // what the machine needs in their place
  std::uint32_t payload_ = 0;               // Max_Payload_Size as the client sees it, in its place in Device Control
};

}  // namespace holdover::serve
