#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A DMA copy to card memory and back, with the host's memory as NumPy arrays."""

import numpy as np

import holdover

with holdover.Machine(seed=7) as machine, machine.open() as device, device.driver() as driver:
    vendor, function = device.config_read(0, 2), device.config_read(2, 2)
    print(f"{device.bdf} is {vendor:04x}:{function:04x}, {driver.channels} channels, {driver.vectors} vectors")

    source, back = driver.buffer(65536), driver.buffer(65536)
    source.array[:] = np.random.default_rng(7).integers(0, 256, source.size, dtype=np.uint8)

    begin = machine.now_ps
    status = driver.copy_to_card(source, 0)
    print(f"to the card: {status.name}, {(machine.now_ps - begin) / holdover.us:.1f} us of simulated time")
    status = driver.copy_to_host(back, 0)
    print(f"to the host: {status.name}")

    print("equal" if np.array_equal(source.array, back.array) else "DIFFERENT")
