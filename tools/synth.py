#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Synthesizes the endpoint's core for two families and counts what it takes, block by block.

Fails (exit 1) on latches, multiple drivers, combinational loops, anything that cannot be synthesized, cells it cannot
count, and on more LUTs than the limit. Writes a table to docs/synthesis.md and figures to build/synth/synthesis.json.
Yosys runs in WebAssembly from build/tools (`tools/setup.sh synth`). Exit 2: Yosys is not there.
"""

import argparse
import collections
import json
import pathlib
import re
import sys
import tempfile

from yosys import ROOT, Failed, work_folder, yosys

WORK = work_folder("synth")
DOCUMENT = ROOT / "docs" / "synthesis.md"
TOP = "ep_core"
WIDTH, CHANNELS, LUT_LIMIT = 256, 4, 40_000
FAMILIES = {"xcup": "UltraScale+", "xc7": "7-series"}
# Every shape that is supported is elaborated and checked; the one above is mapped.
SHAPES = [(64, 1), (64, 8), (128, 2), (256, 4), (512, 8)]

# What a cell takes: look-up tables, flip-flops, block RAMs of 36 Kib, DSPs. Distributed RAM counts as the LUTs it
# occupies (Xilinx UG974, UG953); inverters are absorbed by what they feed.
COSTS = {
    **{f"LUT{n}": (1, 0, 0, 0) for n in range(1, 7)},
    **dict.fromkeys(["FDRE", "FDSE", "FDCE", "FDPE"], (0, 1, 0, 0)),
    **dict.fromkeys(["SRL16E", "SRLC32E"], (1, 0, 0, 0)),
    **dict.fromkeys(["RAM32X1D", "RAM64X1D"], (2, 0, 0, 0)),
    **dict.fromkeys(["RAM32M", "RAM64M", "RAM128X1D"], (4, 0, 0, 0)),
    **dict.fromkeys(["RAM32M16", "RAM64M8", "RAM256X1D"], (8, 0, 0, 0)),
    **dict.fromkeys(["RAMB36E1", "RAMB36E2"], (0, 0, 1, 0)),
    **dict.fromkeys(["RAMB18E1", "RAMB18E2"], (0, 0, 0.5, 0)),
    **dict.fromkeys(["DSP48E1", "DSP48E2"], (0, 0, 0, 1)),
    **dict.fromkeys(["INV", "CARRY4", "CARRY8", "MUXF7", "MUXF8", "MUXF9", "$buf", "GND", "VCC"], (0, 0, 0, 0)),
}
NO_STATE_WITHOUT_CLOCK = "select -assert-none t:$dlatch t:$adlatch t:$dlatchsr t:$sr t:$_DLATCH_*"

# What must not pass, each as small as it can be.
DEFECTS = {
    "a latch": "module bad(input logic g, d, output logic q); always_latch if (g) q = d; endmodule",
    "an unintended latch": "module bad(input logic g, d, output logic q); always @* if (g) q = d; endmodule",
    "two drivers": "module bad(input logic a, b, output wire q); assign q = a; assign q = b; endmodule",
    "a combinational loop": "module bad(input logic a, output logic q); logic x; assign x = q ^ a; assign q = !x; "
                            "endmodule",
    "a loop through modules": "module part(input logic a, b, output logic q); assign q = a ^ b; endmodule\n"
                              "module bad(input logic a, output logic q); logic x; part u(.a, .b(x), .q); "
                              "part v(.a, .b(q), .q(x)); endmodule",
    "a delay loop": "module bad(output logic q); initial forever #1 q = !q; endmodule",
}


def read_and_check(read: str, top: str) -> str:
    return f"{read}\nhierarchy -check -top {top}\nproc\nopt_clean\n{NO_STATE_WITHOUT_CLOCK}\ncheck -assert\n"


def checked(read: str, top: str) -> str:
    """Flat at the end: a loop may go through several modules."""
    return read_and_check(read, top) + "flatten\nopt_clean\ncheck -assert\n"


def sources() -> list[str]:
    lines = (ROOT / "rtl" / "endpoint.f").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def read_core(width: int, channels: int, top: str) -> str:
    parameters = f"-G DataWidth={width}" + (f" -G ChannelCount={channels}" if top == TOP else "")
    return f"read_slang --threads 1 --keep-hierarchy --top {top} -I rtl {parameters} {' '.join(sources())}"


def self_test() -> None:
    """Each planted defect must be refused, and its correct sibling not."""
    with tempfile.TemporaryDirectory(dir=WORK) as folder:
        path = pathlib.Path(folder, "bad.sv").relative_to(ROOT)
        for name, text in DEFECTS.items():
            (ROOT / path).write_text(text + "\n")
            try:
                yosys(WORK / "self-test", "self-test", checked(f"read_slang --threads 1 --keep-hierarchy --top bad {path}", "bad"),
                      [str(path)])
            except Failed as failure:
                print(f"refused as it must be: {name} ({str(failure)[:110]})")
                continue
            raise Failed(f"{name} was not noticed")
        (ROOT / path).write_text("module bad(input logic a, b, output logic q); assign q = a & b; endmodule\n")
        yosys(WORK / "self-test", "self-test", checked(f"read_slang --threads 1 --top bad {path}", "bad"), [str(path)])


def blocks_of(folder: pathlib.Path) -> dict[str, tuple]:
    """Instances and local costs of every module, summed over its instances."""
    modules = json.loads((folder / "stat.json").read_text())["modules"]
    names = {name.lstrip("\\") for name in modules}
    blocks: dict[str, list] = collections.defaultdict(lambda: [0, 0, 0, 0, 0])
    for name, figures in modules.items():
        block = blocks[re.split(r"[$\\]", name.lstrip("\\"))[0]]
        block[0] += 1
        for cell, count in figures["num_cells_by_type"].items():
            if cell.lstrip("\\") in names:
                continue
            if cell not in COSTS:
                raise Failed(f"{name} has cells of a kind that is not in COSTS: {cell}")
            for i, cost in enumerate(COSTS[cell]):
                block[i + 1] += cost * count
    return {name: tuple(block) for name, block in sorted(blocks.items())}


def total(blocks: dict[str, tuple]) -> tuple:
    return tuple(sum(block[i] for block in blocks.values()) for i in range(1, 5))


def text_of(value: float) -> str:
    return f"{value:g}" if value < 1000 else f"{value:,.0f}".replace(",", " ")


def table(results: dict[str, dict[str, tuple]]) -> list[str]:
    heads = [f"{kind}, {FAMILIES[family]}" for family in results for kind in ("LUT", "FF", "BRAM", "DSP")]
    lines = ["| block | instances | " + " | ".join(heads) + " |", "|---" * (len(heads) + 2) + "|"]
    for name in sorted({name for blocks in results.values() for name in blocks}):
        rows = [blocks.get(name, (0,) * 5) for blocks in results.values()]
        lines.append(f"| `{name}` | {rows[0][0]} | " + " | ".join(text_of(v) for row in rows for v in row[1:]) + " |")
    sums = [text_of(v) for blocks in results.values() for v in total(blocks)]
    lines.append("| **all** | | " + " | ".join(f"**{value}**" for value in sums) + " |")
    return lines


def document(results: dict[str, dict[str, tuple]]) -> str:
    return "\n".join([
        "# What the endpoint takes on a device",
        "",
        f"`make synth` writes this page: `{TOP}` with {WIDTH} bit and {CHANNELS} channels, mapped by Yosys (its slang "
        "front end reads the",
        "sources, `synth_xilinx` maps them), hierarchy kept, without timing constraints, placement or routing. A block's "
        "figures leave out",
        "the blocks inside it and are summed over its instances. LUT holds distributed RAM as well; BRAM is in units "
        "of 36 Kib.",
        f"The limit is {LUT_LIMIT:,} LUT.".replace(",", " "),
        "",
        *table(results),
        "",
        "On the way it fails on latches, multiple drivers, combinational loops and whatever cannot be synthesized, in "
        "every shape:",
        ", ".join(f"{width} bit x {channels}" for width, channels in SHAPES) +
        ", and in the soft configuration space; it shows first that it does notice each of them.",
        "",
    ])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks-only", action="store_true", help="elaborate and check every shape; map nothing")
    options = parser.parse_args()
    files = [*sources(), "rtl/ep_assert.svh"]
    try:
        self_test()
        for width, channels in SHAPES:
            yosys(WORK / f"check-{width}x{channels}", f"check of {width} bit x {channels}", checked(read_core(width, channels, TOP), TOP), files)
            print(f"checked: {TOP}, {width} bit x {channels}")
        yosys(WORK / "check-config", "check of the configuration space", checked(read_core(WIDTH, CHANNELS, "ep_config_space"), "ep_config_space"), files)
        print("checked: ep_config_space")
        if options.checks_only:
            return 0
        results = {}
        for family, name in FAMILIES.items():
            print(f"mapping to {name}, some minutes", flush=True)
            folder = yosys(WORK / family, name, read_and_check(read_core(WIDTH, CHANNELS, TOP), TOP) +
                           f"synth_xilinx -family {family} -top {TOP} -noiopad -noclkbuf\ncheck -assert\n"
                           "tee -q -o out/stat.json stat -json\n", files)
            results[family] = blocks_of(folder)
    except Failed as failure:
        print(f"synth.py: {failure}", file=sys.stderr)
        return 1
    print("\n".join(table(results)))
    (WORK / "synthesis.json").write_text(json.dumps(
        {"schema": 1, "top": TOP, "data_width": WIDTH, "channels": CHANNELS, "lut_limit": LUT_LIMIT,
         "columns": ["instances", "lut", "ff", "bram36", "dsp"], "families": results}, indent=1) + "\n")
    text = document(results)
    changed = not DOCUMENT.exists() or DOCUMENT.read_text() != text
    DOCUMENT.write_text(text)
    print(f"docs/synthesis.md {'has changed' if changed else 'is as it was'}")
    most = max(total(blocks)[0] for blocks in results.values())
    if most > LUT_LIMIT:
        print(f"synth.py: {most} LUT are more than the limit of {LUT_LIMIT}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
