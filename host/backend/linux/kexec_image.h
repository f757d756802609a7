// SPDX-License-Identifier: MIT
// The kernel that a kexec enters, loaded from files (kexec_file_load(2)).
#pragma once

#include <string>

#include "host/backend/linux/system_calls.h"

namespace holdover::host {

struct KexecFiles {
  std::string kernel;  // path of an image; empty: none is given
  std::string initrd;  // path; empty: none
};
enum class KexecEntry { OnReboot, OnPanic };

// Throws Error{Unavailable} that names a file that cannot be opened, Error{Refused} with the kernel's errno and the way
// out.
void load_kexec_image(SystemCalls& calls, const KexecFiles& files, const std::string& command_line, KexecEntry entry);

}  // namespace holdover::host
