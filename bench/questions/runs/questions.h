// SPDX-License-Identifier: MIT
// The questions that whole runs answer, in words: entries of the table of questions.
#pragma once

#include "bench/questions/question.h"
#include "bench/questions/runs/experiments.h"

namespace holdover::bench {

inline constexpr Question kQuestion01{
    "Q1", "Does hardware really run on, without a gap, over the whole update?",
    "Heartbeat, two bulk channels and interrupts run from before the first preserve to after the last finish, "
    "under kernels that hand over everything, less, and nothing. Every record has a number, every byte a value "
    "that follows from its place and its lap.",
    ask_q01};
inline constexpr Question kQuestion08{
    "Q8", "Is it safe to go on with an ordinary boot when what was handed over cannot be retrieved?",
    "DMA runs while the address of the PCI core's table is damaged on the way to the next kernel, which is started "
    "with pci=assign-busses. For each version of the series, with everything else handed over, and once more with "
    "a table that can be read.",
    ask_q08};
inline constexpr Question kQuestion09{
    "Q9", "How long is the window in which any driver may bind to a running function, and how harmful is that?",
    "From the scan's lookup of a function until user space retrieves its file, vfio-pci or a driver that knows "
    "nothing of live update binds to it, with and without a check of the binding.",
    ask_q09};
inline constexpr Question kQuestion10{
    "Q10", "Is a stable address (segment, bus, device, function) enough as identity?",
    "During the blackout the endpoint is exchanged for another of the same kind, which answers at the same address "
    "with another serial number and subsystem.",
    ask_q10};
inline constexpr Question kQuestion11{
    "Q11", "Does the lookup of a function come early enough, before anything is written to it?",
    "Two endpoints below a switch are handed over with the bridges above them; each configuration write and each "
    "reset under the new kernel is held against the moment of the function's lookup.",
    ask_q11};
inline constexpr Question kQuestion12{
    "Q12", "Who keeps a function from being released while it is handed over, and what if nobody does?",
    "At each point of the update somebody unbinds the driver of the running function, removes it as a module, or "
    "the agent dies with every descriptor that it holds. (Where a real unbind would sleep until the device file is "
    "closed, this one answers EBUSY.)",
    ask_q12};
inline constexpr Question kQuestion13{
    "Q13", "What happens to a function that was preserved under one driver and is bound to another?",
    "Under the new kernel a driver that initializes what it probes, and one that reads another layout of saved "
    "state, are bound to the running function; what shows is looked for at the device.",
    ask_q13};
inline constexpr Question kQuestion14{
    "Q14", "What should be the contract between two drivers: a name, a schema, or the handler's compatible string?",
    "The layout of saved state, the driver's name or both change between two kernels, under each model of what is "
    "checked; a model is right where it refuses what would do damage and nothing else.",
    ask_q14};
inline constexpr Question kQuestion17{
    "Q17", "Should probe be left out until retrieve? Which hardware actions of probe hurt?",
    "Every write while drivers of the new kernel bind to a running function is recorded; then one action more at a "
    "time, each also with the entry model in which retrieve takes the place of probe.",
    ask_q17};
inline constexpr Question kQuestion18{
    "Q18", "Should freeze be separate from shutdown? Which hardware actions of shutdown hurt?",
    "Every write of the old kernel's shutdown to a running function and the bridges above it is recorded; then one "
    "action more at a time, each also with the entry model in which freeze takes the place of shutdown.",
    ask_q18};

}  // namespace holdover::bench
