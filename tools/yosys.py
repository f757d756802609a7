# SPDX-License-Identifier: MIT
"""Yosys, as tools/setup.sh synth puts it into build/tools: one run of a script."""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = ROOT / "build" / "tools"


def work_folder(name: str) -> pathlib.Path:
    folder = ROOT / "build" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Failed(Exception):
    """One sentence."""


def yosys(folder: pathlib.Path, name: str, script: str, files: list[str]) -> pathlib.Path:
    """Runs a script over files named relative to the project; what it writes below out/ goes to the folder, which is
    returned. Shows on a terminal at which step it is. Throws Failed with the first thing that Yosys complains of."""
    node = TOOLS / "node_modules" / ".bin" / "node"
    if not node.exists():
        print("Yosys is not in build/tools; run tools/setup.sh synth", file=sys.stderr)
        sys.exit(2)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "script.ys").write_text(script)
    environment = {**os.environ, "HOLDOVER_NODE_MODULES": str(TOOLS / "node_modules")}
    log = folder / "yosys.log"
    command = [str(node), str(ROOT / "tools" / "yosys.mjs"), str(folder / "script.ys"), str(folder), *files]
    with log.open("w") as out, subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            line = re.sub(r"\x1b\[[0-9;]*m", "", line)
            out.write(line)
            if sys.stderr.isatty() and re.match(r"\d+(\.\d+)*\. Executing", line):
                print(f"\r\x1b[K{name}: {line.strip()[:90]}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    if process.returncode != 0:
        lines = log.read_text().splitlines()
        reasons = [line for line in lines if re.search(r"error: |^Warning: (?!Feature)", line)]
        reasons += [line for line in lines if line.startswith("ERROR: ")]
        raise Failed(f"{name}: {reasons[0] if reasons else 'Yosys stopped'} ({log.relative_to(ROOT)})")
    return folder
