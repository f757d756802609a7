// SPDX-License-Identifier: MIT
// The questions that the kernel's verbs answer, in words: entries of the table of questions.
#pragma once

#include "bench/questions/question.h"
#include "bench/questions/verbs/experiments.h"

namespace holdover::bench {

inline constexpr Question kQuestion02{
    "Q2", "What does the call with which a driver of v3 asks for the retrieval of a function do for the PCI core?",
    "Under v3 an endpoint is handed over twice in a row, with a driver that makes the call and with one that does not; "
    "then both once more under a kernel that does not find the table. All configuration writes and the answers of all "
    "verbs are compared.",
    ask_q02};
inline constexpr Question kQuestion03{
    "Q3", "Does finish have an effect beside making a second retrieval impossible?",
    "Kernels that number buses anew where they may scan them before finish and after it, and configuration writes and "
    "the endpoint's address are compared. In each version a function is plugged again before finish and after it.",
    ask_q03};
inline constexpr Question kQuestion04{
    "Q4", "Is the room for functions a matter of allocation alone?",
    "In each version functions are preserved until one is refused, with a count of functions present at the first of "
    "them, virtual functions too. On a machine an endpoint is plugged in and preserved beside one that is in use.",
    ask_q04};
inline constexpr Question kQuestion05{
    "Q5", "Can the PCI core's table go away before all functions are unpreserved, and can user space bring that about?",
    "Two endpoints below one switch, in one session or two, preserved and closed in every order, with a file preserved "
    "twice in between. After each step the table's references are held against its entries. Then a driver reports a "
    "function without a file.",
    ask_q05};
inline constexpr Question kQuestion06{
    "Q6", "Can a function be unpreserved without having been preserved, or be preserved twice, and what must be said?",
    "While one endpoint is preserved, a driver unpreserves its neighbour, unpreserves where no table is, and preserves "
    "twice; user space tries the last through its verbs. Entries before and after, and every line, are compared.",
    ask_q06};
inline constexpr Question kQuestion07{
    "Q7", "Can a kernel tell that no PCI table came in from one of another version?",
    "A table of each version is handed to a kernel of each other version, beside data of another subsystem; what it "
    "does "
    "is compared with what it does where there is no PCI table. Then the version field alone is raised.",
    ask_q07};
inline constexpr Question kQuestion15{
    "Q15", "What does the count of a bridge count, and does a shared bridge outlive one of two endpoints?",
    "Two endpoints below one switch are preserved and unpreserved, and handed over and finished, in both orders. "
    "Counts "
    "are read from memory after each step.",
    ask_q15};
inline constexpr Question kQuestion16{
    "Q16", "How long does the table live where finish is never called: does it leak, dangle, or end in a panic?",
    "Finish is left out, by the driver and by user space. References, pages and functions that stay are looked at; "
    "then "
    "another endpoint is handed over to a third kernel.",
    ask_q16};
inline constexpr Question kQuestion19{
    "Q19", "Is enumeration over before a driver registers, so that the table can be read safely?",
    "Enumeration, registration of the driver and the agent's retrieval come in every order that a boot and a hot-plug "
    "can bring.",
    ask_q19};
inline constexpr Question kQuestion20{
    "Q20", "Can the last driver that goes away take the table along?",
    "The only driver unregisters while its sessions are pending: before the jump, after it with the device node never "
    "opened, and with it open; and it unregisters the table alone.",
    ask_q20};

}  // namespace holdover::bench
