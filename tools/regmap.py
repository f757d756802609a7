#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Generates everything that knows a register of BAR 0 from rtl/registers.toml.

    tools/regmap.py           writes the three generated files
    tools/regmap.py --check   names each generated file that is stale, and exits with 1 if there is one
"""

import argparse
import dataclasses
import pathlib
import sys
import textwrap
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = ROOT / "rtl/registers.toml"
ACCESS = ("ro", "rw", "w1c", "w1s", "wo")
NOTE = "Generated from rtl/registers.toml by tools/regmap.py; `make regs` writes it anew."


class MapError(Exception):
    """The register map contradicts itself; the message says where."""


@dataclasses.dataclass(frozen=True)
class Field:
    name: str
    shift: int
    width: int
    about: str

    @property
    def bits(self):
        return f"{self.shift + self.width - 1}:{self.shift}" if self.width > 1 else f"{self.shift}"


@dataclasses.dataclass(frozen=True)
class Register:
    name: str
    offset: int
    access: str
    reset: int
    count: int
    stride: int
    about: str
    fields: tuple

    def offsets(self):
        return (self.offset + self.stride * n for n in range(self.count))


@dataclasses.dataclass(frozen=True)
class Block:
    name: str
    offset: int
    count: int
    stride: int
    about: str
    registers: tuple


@dataclasses.dataclass(frozen=True)
class Map:
    version: int
    bar_bytes: int
    blocks: tuple


def read_field(where, raw):
    high, _, low = raw["bits"].partition(":")
    shift = int(low or high)
    width = int(high) - shift + 1
    if width < 1 or shift + width > 32:
        raise MapError(f"{where}.{raw['name']}: bits \"{raw['bits']}\" do not lie in a 32-bit register")
    return Field(raw["name"], shift, width, raw["about"])


def read_register(where, raw):
    where = f"{where}.{raw['name']}"
    fields = tuple(read_field(where, field) for field in raw.get("fields", ()))
    taken = 0
    for field in fields:
        mask = ((1 << field.width) - 1) << field.shift
        if taken & mask:
            raise MapError(f"{where}.{field.name}: overlaps another field")
        taken |= mask
    if raw["access"] not in ACCESS:
        raise MapError(f"{where}: access \"{raw['access']}\" is none of {', '.join(ACCESS)}")
    if raw["offset"] % 4 or raw.get("stride", 4) % 4:
        raise MapError(f"{where}: offset and stride must be multiples of 4")
    return Register(raw["name"], raw["offset"], raw["access"], raw.get("reset", 0), raw.get("count", 1),
                    raw.get("stride", 4), raw["about"], fields)


def read_map(path):
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    blocks = tuple(
        Block(block["name"], block["offset"], block.get("count", 1), block.get("stride", 0), block["about"],
              tuple(read_register(block["name"], register) for register in block["register"]))
        for block in raw["block"])
    owners = {}
    for block in blocks:
        for index in range(block.count):
            for register in block.registers:
                for offset in register.offsets():
                    address = block.offset + index * block.stride + offset
                    if address >= raw["bar_bytes"]:
                        raise MapError(f"{block.name}.{register.name}: {address:#x} lies behind the register region")
                    other = owners.setdefault(address, (block, register))
                    if other != (block, register):
                        raise MapError(f"{block.name}.{register.name}: shares {address:#x} with "
                                       f"{other[0].name}.{other[1].name}")
    return Map(raw["version"], raw["bar_bytes"], blocks)


def camel(name):
    return "".join(word.capitalize() for word in name.split("_"))


def systemverilog(registers):
    lines = [
        "// SPDX-License-Identifier: MIT",
        "// Offsets, fields and reset values of the registers of BAR 0. An offset is that of element 0 from the start of",
        "// the BAR; element n of an array lies n strides further.",
        f"// {NOTE}",
        "package ep_reg_pkg;",
        "",
        f"  localparam logic [31:0] MapVersion = 32'd{registers.version};",
        f"  localparam int unsigned BarBytes = 'h{registers.bar_bytes:X};",
    ]
    for block in registers.blocks:
        prefix = camel(block.name)
        lines += ["", f"  // {block.about}", f"  localparam logic [15:0] {prefix}Base = 16'h{block.offset:04X};"]
        if block.count > 1:
            lines += [f"  localparam int unsigned {prefix}Blocks = {block.count};",
                      f"  localparam int unsigned {prefix}Stride = 'h{block.stride:X};"]
        for register in block.registers:
            name = prefix + camel(register.name)
            lines.append(f"  localparam logic [15:0] {name} = 16'h{block.offset + register.offset:04X};")
            if register.count > 1:
                lines += [f"  localparam int unsigned {name}Count = {register.count};",
                          f"  localparam int unsigned {name}Stride = {register.stride};"]
            if register.reset:
                lines.append(f"  localparam logic [31:0] {name}Reset = 32'h{register.reset:08X};")
            for field in register.fields:
                lines += [f"  localparam int unsigned {name}{camel(field.name)}Lsb = {field.shift};",
                          f"  localparam int unsigned {name}{camel(field.name)}Width = {field.width};"]
    return "\n".join(lines + ["", "endpackage", ""])


CPP_HEAD = """\
// SPDX-License-Identifier: MIT
// Offsets, fields and reset values of the registers of BAR 0. An offset counts bytes from the start of the BAR.
// {note}
#pragma once

#include <cstdint>

namespace holdover::host::regs {{

// Some bits of a register.
struct Field {{
  unsigned shift = 0;
  unsigned width = 0;

  [[nodiscard]] constexpr std::uint32_t mask() const {{
    return static_cast<std::uint32_t>(((std::uint64_t{{1}} << width) - 1) << shift);
  }}
  // The field's value in a register that reads `value`.
  [[nodiscard]] constexpr std::uint32_t extract(std::uint32_t value) const {{ return (value & mask()) >> shift; }}
  // Register bits that hold `value` in the field; bits that do not fit are lost.
  [[nodiscard]] constexpr std::uint32_t place(std::uint32_t value) const {{ return (value << shift) & mask(); }}
}};

inline constexpr std::uint32_t kVersion = {version};
inline constexpr std::uint32_t kBarBytes = 0x{bar_bytes:x};
"""


def cpp_offset(block, register):
    """One constant, or one function of the indices that choose an element."""
    arguments, terms = [], []
    if block.count > 1:
        arguments.append(f"std::uint32_t {block.name.lower()}")
        terms.append(f"{block.name.lower()} * kStride")
    if register.count > 1:
        arguments.append("std::uint32_t index")
        terms.append(f"index * {register.stride}")
    base = f"0x{block.offset + register.offset:04x}"
    if not arguments:
        return f"inline constexpr std::uint32_t k{camel(register.name)} = {base};"
    return (f"[[nodiscard]] constexpr std::uint32_t {register.name.lower()}({', '.join(arguments)}) "
            f"{{ return {base} + {' + '.join(terms)}; }}")


def cpp(registers):
    lines = [CPP_HEAD.format(note=NOTE, version=registers.version, bar_bytes=registers.bar_bytes)]
    for block in registers.blocks:
        name = block.name.lower()
        lines += textwrap.wrap(block.about, 120, initial_indent="// ", subsequent_indent="// ")
        lines += [f"namespace {name} {{",
                  f"inline constexpr std::uint32_t kBase = 0x{block.offset:04x};"]
        if block.count > 1:
            lines += [f"inline constexpr std::uint32_t kCount = {block.count};",
                      f"inline constexpr std::uint32_t kStride = 0x{block.stride:x};"]
        for register in block.registers:
            lines.append(cpp_offset(block, register))
            if register.count > 1:
                lines.append(f"inline constexpr std::uint32_t k{camel(register.name)}Count = {register.count};")
            if register.reset:
                lines.append(f"inline constexpr std::uint32_t k{camel(register.name)}Reset = 0x{register.reset:08x};")
            lines += [f"inline constexpr Field k{camel(register.name)}{camel(field.name)}{{{field.shift}, {field.width}}};"
                      for field in register.fields]
        lines += [f"}}  // namespace {name}", ""]
    return "\n".join(lines + ["}  // namespace holdover::host::regs", ""])


MARKDOWN_HEAD = """\
# The endpoint's registers and its structures in host memory

<!-- {note} -->

This is version {version} of the map: a driver compares it with `VERSION` and refuses any other.

## BARs

| BAR | what | size |
|---|---|---|
| 0 | registers, 32 bits, not prefetchable (strap `bar0_wide`: 64 bits, prefetchable, with BAR 1); the region below is {kib} KiB, and repeats nowhere: the rest reads 0 | strap `bar0_size_log2` |
| 2, 3 | card memory, 64 bits, prefetchable (strap `bar2_wide` = 0: 32 bits, not prefetchable, BAR 2 alone); addresses are taken modulo the memory's size (`CARD_MEMORY`) | strap `bar2_size_log2` |

Registers are 32 bits wide and little endian, and take any byte enables. A request for several double words is served one
by one, in the order of the addresses. Of a read-only pair (`_LO`, `_HI`) the read of `_LO` latches `_HI`, so two reads give
one 64-bit value. Offsets that are not in this list read 0 and ignore writes.

A read of BAR 0 is answered only when every posted request that the endpoint had begun before it has left. A count that is
read there therefore never runs ahead of the data it counts.

## Access types

| type | meaning |
|---|---|
| ro | reads; writes are ignored |
| rw | reads what was written |
| w1c | writing 1 to a bit clears it |
| w1s | writing 1 to a bit starts or sets something; reads 0 unless the text says otherwise |
| wo | writes have an effect; reads 0 |

Everything but the monitor goes back to its reset value (0 where none is given) with every reset of the function:
fundamental, conventional, FLR, and D3hot to D0 without No_Soft_Reset. The monitor and `TIME` know only the fundamental reset.

## Structures in host memory

All are little endian; `host/driver/dma_abi.h` has them for C++.

**Descriptor**, 32 bytes, slot n modulo `RING_ENTRIES` of the ring at `RING_BASE`:

| bytes | name | meaning |
|---|---|---|
| 0..7 | host_address | address of the first byte as the device shall use it (IOVA), any alignment |
| 8..15 | card_address | address in card memory, modulo its size; with `PATTERN` the byte offset in the pattern stream |
| 16..19 | length | 1 to 2^24 bytes; anything else ends the descriptor with BadDescriptor |
| 20..23 | flags | bit 0: announce this completion at once, whatever the moderation |
| 24..27 | cookie | comes back in the completion record |
| 28..31 | | 0 |

**Completion record**, 16 bytes, record n of a channel (counted from 0 since RESET) in slot n modulo `RING_ENTRIES` of the ring at
`COMPLETION_BASE`. It is written after the data of its descriptor, and visible after it:

| bytes | name | meaning |
|---|---|---|
| 0..3 | sequence | n modulo 2^32 |
| 4..7 | status | bits 7:0 DmaStatus, bits 11:8 channel, bit 31 phase: 1 in the ring's first lap, then it alternates |
| 8..11 | length | bytes moved |
| 12..15 | cookie | of the descriptor |

DmaStatus: 0 Ok, 1 UnsupportedRequest, 2 CompleterAbort, 3 Poisoned, 4 Timeout, 5 Reset, 6 BadDescriptor. Any but 0 stops the channel.

**Heartbeat record**, 32 bytes, record n in slot n modulo `RING_ENTRIES` of the ring at `RING_BASE`:

| bytes | name | meaning |
|---|---|---|
| 0..7 | sequence | n, which counts the missed records too |
| 8..15 | time | `TIME` at the record's deadline |
| 16..19 | missed | `MISSED` at that time |
| 20..23 | period | `PERIOD` |
| 24..31 | check | bitwise complement of sequence xor time |

The lap of a channel's pattern is the number of times its descriptor ring has wrapped since RESET. The generator uses it; the
checker compares with lap 0.

## Interrupts

An event on a vector sends the table entry's message when MSI-X Enable is 1, Function Mask and the entry's mask are 0, and the
function may master the bus (Bus Master Enable, D0). Otherwise it sets the vector's pending bit; a second event that finds
the bit set is coalesced into it. Each pending bit sends one message as soon as these conditions hold. This endpoint keeps events
that are raised while MSI-X is disabled, and sends them later; the strap `pending_while_disabled` = 0 makes it drop them, as some
devices do. A pending bit that was set before Enable fell stays.
"""


def markdown(registers):
    lines = [MARKDOWN_HEAD.format(note=NOTE, version=registers.version, kib=registers.bar_bytes // 1024)]
    for block in registers.blocks:
        place = f"{block.offset:#06x}"
        if block.count > 1:
            place += f" + n * {block.stride:#x}, n = 0..{block.count - 1}"
        lines += [f"## {block.name}", "", f"At {place}. {block.about}", "",
                  "| offset | register | type | reset | bits | field | meaning |", "|---|---|---|---|---|---|---|"]
        for register in block.registers:
            offset = f"{register.offset:#05x}"
            if register.count > 1:
                offset += f" + n * {register.stride}, n = 0..{register.count - 1}"
            reset = f"{register.reset:#x}" if register.reset else ""
            lines.append(f"| {offset} | {register.name} | {register.access} | {reset} | | | {register.about} |")
            lines += [f"| | | | | {field.bits} | {field.name} | {field.about} |" for field in register.fields]
        lines.append("")
    return "\n".join(lines)


OUTPUTS = {
    "rtl/ep_reg_pkg.sv": systemverilog,
    "host/driver/endpoint_regs.h": cpp,
    "docs/registers.md": markdown,
}


def main():
    parser = argparse.ArgumentParser(description="Generate the register map's package, header and document.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a generated file is stale")
    arguments = parser.parse_args()
    try:
        registers = read_map(SOURCE)
    except MapError as error:
        print(f"{SOURCE.relative_to(ROOT)}: {error}.", file=sys.stderr)
        return 1
    stale = []
    for name, render in OUTPUTS.items():
        path, text = ROOT / name, render(registers)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if arguments.check:
            stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{name} is stale: run `make regs` and commit the result.", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
