#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Throughput by size of transfer beside its theory, drawn into a file: throughput_plot.py [FILE.png]"""

import sys

import matplotlib  # type: ignore[import]

import holdover

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # type: ignore[import]  # noqa: E402

measurement = holdover.measure(tests=["BW_WR", "BW_RD"], sizes=[64, 256, 1024, 4096], duration="50us")
print(measurement)

figure, axes = plt.subplots()
for test in ("BW_WR", "BW_RD"):
    points = [point for point in measurement.bandwidth if point.test == test]
    sizes = [point.size for point in points]
    (line,) = axes.plot(sizes, [point.measured_gbps for point in points], marker="o", label=test)
    axes.plot(sizes, [point.theory_gbps for point in points], linestyle="--", color=line.get_color())
axes.set_xscale("log", base=2)
axes.set_xlabel("bytes of a transfer")
axes.set_ylabel("Gb/s of data (dashed: theory of the link)")
axes.legend()
name = sys.argv[1] if len(sys.argv) > 1 else "throughput.png"
figure.savefig(name)
print("drawn:", name)
