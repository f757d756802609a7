# SPDX-License-Identifier: MIT
"""TLP traces: the numbers that stand in the columns of Trace.to_numpy()."""

from __future__ import annotations

import enum

__all__ = ["CompletionStatus", "Record", "TlpKind"]


class Record(enum.IntEnum):
    """Column `record`. RX and TX are TLPs, towards the endpoint and from it; the others touch DRAM (docs/trace.md)."""

    RX = 0
    TX = 1
    EFFECT = 2
    STORE = 3
    REGISTER = 4
    FILL = 5


class TlpKind(enum.IntEnum):
    """Column `kind`."""

    MRd = 0
    MWr = 1
    CfgRd0 = 2
    CfgWr0 = 3
    CfgRd1 = 4
    CfgWr1 = 5
    Msg = 6
    MsgD = 7
    Cpl = 8
    CplD = 9
    NONE = 255


class CompletionStatus(enum.IntEnum):
    """Column `status`, of completions (PCIe 5.0, table 2-34)."""

    SC = 0
    UR = 1
    RRS = 2
    CA = 4
