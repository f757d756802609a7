// SPDX-License-Identifier: MIT
// What one lifetime of user space leaves to the next: descriptors, and what they are. A sealed memfd of lines of text,
// whose descriptor the next one is told; the others stay open under the numbers that stand in it.
//
//   holdover-vfio-user 1
//   connection SOCKET MAX-DESCRIPTORS MAX-TRANSFER PASS-DESCRIPTORS
//   next-iova ADDRESS
//   command-line TEXT
//   memory DESCRIPTOR                                              counted from 0
//   space ATTACHED                                                 counted from 0
//   map IOVA SIZE MEMORY OFFSET DEVICE-WRITES                      of the space above it
//   device SPACE INTERRUPTS                                        SPACE -1: attached to none
//   session NAME-IN-HEXADECIMAL
//   file TOKEN KIND INDEX                                          of the session above it; KIND memory, space, device
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pcie/file_descriptor.h"
#include "vfio_user/version.h"

namespace holdover::host {

// Outside, as an optional of a struct of a class that is not complete yet cannot be made with every compiler.
struct CarriedDevice {
  std::optional<std::size_t> space;
  bool interrupts = false;
};

struct CarriedState {
  struct Map {
    std::uint64_t iova = 0;
    std::uint64_t size = 0;
    std::size_t memory = 0;
    std::uint64_t offset = 0;
    bool device_writes = false;
  };
  struct Space {
    bool attached = false;
    std::vector<Map> maps;
  };
  using Device = CarriedDevice;
  enum class Kind { Memory, Space, Device };
  struct File {
    std::uint64_t token = 0;
    Kind kind = Kind::Memory;
    std::size_t index = 0;
  };
  struct Session {
    std::string name;
    std::vector<File> files;
  };

  int socket = -1;
  vfio_user::Capabilities server;
  bool pass_descriptors = true;
  std::uint64_t next_iova = 0;
  std::string command_line;
  std::vector<int> memories;
  std::vector<Space> spaces;
  std::optional<Device> device;
  std::vector<Session> sessions;
};

// The memfd, open across an execve. Throws Error{Refused}.
[[nodiscard]] FileDescriptor write_carried_state(const CarriedState& state);
// Throws Error{Corrupt} that names the line where it is no such state.
[[nodiscard]] CarriedState read_carried_state(int descriptor);

}  // namespace holdover::host
