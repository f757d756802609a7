// SPDX-License-Identifier: MIT
// Return values of the emulated kernel that <cerrno> does not have.
#pragma once

namespace holdover::host::kernel {

// Largest value that a kernel can return as an error (MAX_ERRNO).
inline constexpr int kMaxErrno = 4095;

// The caller sleeps until this kernel is gone: a verb that waits for a lock which reboot() never gives back. No errno,
// so that nobody can take it for an answer of the kernel.
inline constexpr int kNeverReturns = 0x10000;
static_assert(kNeverReturns > kMaxErrno);

}  // namespace holdover::host::kernel
