// SPDX-License-Identifier: MIT
// Configuration space as a client sees it: the function's own, but for what belongs to the machine it stands in, as
// vfio-pci does it (linux drivers/vfio/pci/vfio_pci_config.c). BARs and the payload size read as the client wrote them;
// the function keeps those of the machine. What the two ends of the link have agreed on is not to be written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "serve/vfio_user/function.h"

namespace holdover::serve {

class ConfigView {
 public:
  // `function` outlives the view, has been set up by firmware, and is at rest.
  explicit ConfigView(Function& function);

  // Bytes of configuration space, with as few requests as natural alignment allows.
  void read(unsigned offset, std::span<std::byte> data);
  // `when_ready` is called where the write has reset the function, or woken it from D3hot, when it is ready again.
  void write(unsigned offset, std::span<const std::byte> data, const std::function<void()>& when_ready);

  // In D3hot: no access reaches its BARs.
  [[nodiscard]] bool asleep();

  // While it lives the function decodes memory, whatever its client has written, unless it is asleep.
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

  // Function level reset that leaves the header, the control registers and the machine's BARs as they were. The MSI-X
  // table is empty afterwards.
  void reset();
  // The same to what firmware has left, with no error in any status register. What a function level reset keeps (PCIe
  // 5.0, 6.6.2, and sticky registers) is written back, as Linux does when vfio-pci closes a function. What no write
  // can bring back stays: the Header Log, and First Error Pointer, which mean nothing while no error is logged.
  void reset_to_firmware();

 private:
  [[nodiscard]] std::uint32_t read_register(unsigned offset, unsigned size);
  void write_register(unsigned offset, unsigned size, std::uint32_t value, const std::function<void()>& when_ready);
  void write_device_control(unsigned offset, unsigned size, std::uint32_t value,
                            const std::function<void()>& when_ready);
  void write_power_state(unsigned size, std::uint32_t value, const std::function<void()>& when_ready);
  [[nodiscard]] bool of_link(unsigned offset) const;
  void write_bar(unsigned index, unsigned shift, unsigned size, std::uint32_t value);
  void restore_bars();
  struct Setting {
    unsigned offset;
    unsigned size;
    std::uint32_t value;
  };
  // What software has set, BARs aside, in the order in which it can be written back.
  [[nodiscard]] std::vector<Setting> settings();
  void put_back(const std::vector<Setting>& settings);
  void clear_errors();
  void quiesce();
  void start_reset();
  void await_reset();

  Function& function_;
  unsigned express_ = 0;                    // offsets of capabilities: PCI Express
  unsigned power_ = 0;                      // power management; 0, here and below: there is none
  unsigned msix_ = 0;                       // MSI-X
  unsigned aer_ = 0;                        // Advanced Error Reporting
  bool flr_ = false;                        // the function has one
  std::array<std::uint32_t, 6> bars_{};     // as the client sees them
  std::array<std::uint32_t, 6> masks_{};    // bits of them that can be written
  std::array<std::uint32_t, 6> types_{};    // and those that cannot
  std::array<std::uint32_t, 6> machine_{};  // what the machine needs in their place
  std::uint32_t payload_ = 0;               // Max_Payload_Size as the client sees it, in its place in Device Control
  std::vector<Setting> firmware_;           // what firmware has left
};

}  // namespace holdover::serve
