// SPDX-License-Identifier: MIT
// A kexec that hands nothing over: user space lets every function master the bus, and asks for the next kernel.
//
// Parameters of the command line: driver=none leaves the functions without a driver (default: the VFIO driver, by an
// open device file), command=N is what user space writes into COMMAND (default: memory decode and bus mastering),
// jump=crash enters the next kernel as a panic does, without any shutdown.
#pragma once

#include "host/system.h"

namespace holdover::host {

// Ends in kexec() or crash(), or returns with jump=none and where the kexec was refused.
void run_plain_kexec_stage_1(System& system);
// The next kernel has booted: there is nothing left to do, unless the command line names a further kernel.
void run_plain_kexec_stage_2(System& system);

}  // namespace holdover::host
