#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Proves what formal/ claims of the endpoint's small parts, and shows that each proof can fail.

A proof is by induction over time, or holds for so many clocks from reset on. Each is repeated with the part changed in
one place, and must fail then. Yosys runs in WebAssembly from build/tools (`tools/setup.sh synth`). Exit 1: a claim does
not hold, or a change was not noticed.
"""

import dataclasses
import sys
import time

from yosys import ROOT, Failed, work_folder, yosys

PACKAGES = ["rtl/ep_tlp_pkg.sv", "rtl/ep_pkg.sv"]


@dataclasses.dataclass
class Proof:
    name: str
    claim: str
    top: str
    part: str
    steps: int          # of induction at most, or clocks
    induction: bool
    changes: list       # (text in the part, what stands there instead)
    parameters: str = ""


PROOFS = [
    Proof("splitter", "no piece crosses MPS, MRRS or 4 KiB; pieces cover the transfer exactly once", "splitter_proof",
          "rtl/dma/ep_dma_splitter.sv", 4, True,
          [("(limit - 13'd1));", "(limit - 13'd2));"), ("remaining_i < 25'(room)", "remaining_i < 25'd512"),
           ("3'd3: limit = 13'd1024", "3'd3: limit = 13'd2048")]),
    Proof("stream register", "no beat is lost, doubled or reordered", "stream_proof", "rtl/stream/ep_stream_register.sv",
          6, True, [("!valid_q || out_ready_i", "1'b1"), ("valid_q <= in_valid_i", "valid_q <= 1'b1")],
          "-G Register=1"),
    *[Proof(f"stream fifo of {2 ** log}", "no beat is lost, doubled or reordered", "stream_proof",
            "rtl/stream/ep_stream_fifo.sv", clocks, False,
            [("if (out_valid_o && out_ready_i) head_q", "if (out_ready_i) head_q"),
             ("(DepthLog2 + 1)'(2 ** DepthLog2)", "(DepthLog2 + 1)'(2 ** DepthLog2 + 1)"),
             ("mem[head_q[DepthLog2-1:0]]", "mem[tail_q[DepthLog2-1:0]]")], f"-G DepthLog2={log}")
      for log, clocks in ((1, 16), (2, 16))],
    Proof("round robin", "whoever goes on asking is served before anybody else is served twice", "round_robin_proof",
          "rtl/stream/ep_round_robin.sv", 10, True,
          [("({Count{1'b1}} << 1) << index_o", "{Count{1'b1}} << index_o"),
           ("(request_i & later_q) : request_i", "request_i : request_i")]),
    Proof("tags", "no tag is given out again before its read, and its quarantine, is over, and none is lost", "tags_proof",
          "rtl/tlp/ep_tlp_tags.sv", 3, True,
          [("assign released = packet_end_i && (finished || release_q);",
            "assign released = finished || (packet_end_i && release_q);"),
           ("assign push_back = unusable && !free && !clear_i;", "assign push_back = unusable && !clear_i;"),
           ("(!swept_fresh && swept_progress.state == StFree);", "swept_progress.state == StFree;"),
           ("!clear_i && !(packet_end_i && release_q)", "!clear_i")]),
]


def attempt(proof: Proof, part: str, label: str) -> None:
    """Throws Failed where the claim does not hold of this part."""
    others = {"rtl/stream/ep_stream_fifo.sv", "rtl/stream/ep_stream_register.sv"} - {proof.part}
    sources = [*PACKAGES, part, f"formal/{proof.top}.sv", *(sorted(others) if proof.top == "stream_proof" else [])]
    method = f"-tempinduct -maxsteps {proof.steps}" if proof.induction else \
        f"-tempinduct-baseonly -maxsteps {proof.steps}"
    script = (f"read_slang --threads 1 --top {proof.top} {proof.parameters} {' '.join(sources)}\n"
              f"hierarchy -check -top {proof.top}\nproc\nflatten\nmemory_map\nopt -full\nchformal -lower\n"
              f"opt_clean\nstat\nsat -verify -prove-asserts -set-assumes {method}\n")
    yosys(work_folder("prove") / label.replace(" ", "-"), label, script, sources)


def main() -> int:
    failures = []
    for proof in PROOFS:
        begin = time.monotonic()
        try:
            attempt(proof, proof.part, proof.name)
            how = "by induction" if proof.induction else f"for {proof.steps} clocks"
            print(f"holds {how}: {proof.name}: {proof.claim}; {time.monotonic() - begin:.0f} s", flush=True)
        except Failed as failure:
            failures.append(str(failure))
            print(f"FAILED: {failure}", flush=True)
            continue
        text = (ROOT / proof.part).read_text()
        for number, (old, new) in enumerate(proof.changes):
            if text.count(old) != 1:
                failures.append(f"{proof.part} has no single «{old}» to change")
                print(f"FAILED: {failures[-1]}")
                continue
            changed = work_folder("prove") / f"changed-{number}.sv"
            changed.write_text(text.replace(old, new))
            try:
                attempt(proof, str(changed.relative_to(ROOT)), f"{proof.name} changed {number}")
            except Failed:
                print(f"  fails as it must with «{new.strip()}»", flush=True)
                continue
            failures.append(f"{proof.name}: «{new}» in {proof.part} was not noticed")
            print(f"FAILED: {failures[-1]}", flush=True)
    for failure in failures:
        print(f"prove.py: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
