// SPDX-License-Identifier: MIT
// Interrupts of the function for a client: its MSI-X table belongs to the server, which lets each vector that has an
// eventfd message the interrupt controller of the machine. INTx and the error interrupt are eventfds alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "serve/vfio_user/config_view.h"
#include "serve/vfio_user/event_file.h"
#include "serve/vfio_user/function.h"
#include "vfio_user/message.h"

namespace holdover::serve {

class Interrupts {
 public:
  // Both outlive it.
  Interrupts(Function& function, ConfigView& config);

  // Of this type (vfio_user::kIrq…).
  [[nodiscard]] std::uint32_t count(std::uint32_t type) const;
  [[nodiscard]] std::uint32_t flags(std::uint32_t type) const;
  // What a client asks for. 0 or an errno: EINVAL for a range that is not there, for a descriptor that is no eventfd,
  // for a trigger where interrupts are off and where MSI-X would have to be turned on in D3hot (as Linux refuses it),
  // ENOTTY for what this type cannot do.
  [[nodiscard]] int set(const vfio_user::SetIrqs& request, std::vector<FileDescriptor> descriptors);

  // Whether an access to a BAR touches the table, which clients do not write.
  [[nodiscard]] bool holds_table(unsigned bar, std::uint64_t offset, std::uint64_t size) const;
  // A reset has emptied the table, or D3hot has kept writes from it: it is filled again.
  void restore();
  // Nobody listens any more.
  void clear();

  // Signals the eventfd, when every message with a number below `after` has been answered (see release()). Numbers do
  // not fall. Where an interrupt has one before it and one behind it that wait as well, it becomes one with the latter.
  void raise(std::uint32_t type, std::uint32_t index, std::uint64_t after);
  void raise_error(std::uint64_t after) { raise(vfio_user::kIrqError, 0, after); }
  // All messages with numbers below this are answered.
  void release(std::uint64_t answered);

 private:
  struct Vector {
    std::optional<EventFile> event;
    bool masked = false;
    // Of the oldest and the newest interrupt that wait. The oldest is never put off by those that follow.
    std::optional<std::uint64_t> oldest;
    std::optional<std::uint64_t> newest;
  };

  [[nodiscard]] int connect(std::uint32_t type, std::uint32_t first, std::uint32_t count,
                            std::vector<FileDescriptor> descriptors);
  [[nodiscard]] std::uint32_t read_control();
  void write_control(std::uint32_t value);
  void turn_on();
  void turn_off();
  void program(std::uint32_t vector);
  void fill_table();
  void set_mask(std::uint32_t vector);
  void set_masks(std::uint32_t first, std::uint32_t count);
  void disconnect(std::vector<Vector>& vectors);

  Function& function_;
  ConfigView& config_;
  unsigned capability_ = 0;  // offset of MSI-X; 0: there is none
  unsigned table_bar_ = 0;
  std::uint64_t table_offset_ = 0;
  std::vector<std::vector<Vector>> vectors_;  // by type
  bool on_ = false;                           // MSI-X, by request of the client
  std::size_t waiting_ = 0;                   // interrupts, of all vectors
};

}  // namespace holdover::serve
