#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Holds the dependency rule of docs/architecture.md, section 1, against every #include line of the C++ sources.

Each rule reads: files below this path may include headers below these paths. The longest matching path rules.
Foreign headers that appear in one place only are listed with that place. Exit 1 names every line that breaks a rule.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

SEAMS = ["host/system.h", "host/device/", "host/liveupdate/"]
BACKENDS = [*SEAMS, "host/backend/iova_ranges.h", "host/backend/refusal.h"]
RULES = {
    "pcie/": ["pcie/"],
    "vfio_user/": ["vfio_user/", "pcie/"],
    "sim/": ["sim/", "pcie/"],
    "sim/remote/": ["sim/remote/", "pcie/"],
    "host/device/": ["host/device/", "host/driver/endpoint_regs.h", "pcie/"],
    "host/liveupdate/": [*SEAMS, "pcie/"],
    "host/system.h": [*SEAMS, "pcie/"],
    "host/driver/": [*SEAMS, "host/driver/", "pcie/"],
    "host/measure/": [*SEAMS, "host/driver/", "host/measure/", "pcie/"],
    "host/agent/": [*SEAMS, "host/driver/", "host/agent/", "pcie/"],
    "host/backend/refusal": ["host/backend/refusal.h", "pcie/"],
    "host/backend/iova_ranges": ["pcie/"],
    "host/backend/emulated/": [*BACKENDS, "host/backend/emulated/", "host/fail_stop_platform.h", "host/kernel/", "pcie/"],
    "host/backend/sysfs/": [*SEAMS, "host/backend/sysfs/", "pcie/"],
    "host/backend/linux/": [*BACKENDS, "host/backend/linux/", "pcie/"],
    "host/backend/vfio/": [*BACKENDS, "host/backend/linux/", "host/backend/vfio/", "host/driver/endpoint_regs.h", "pcie/"],
    "host/backend/target": [*SEAMS, "host/backend/", "pcie/"],
    "host/backend/vfio_user/": [*BACKENDS, "host/backend/vfio_user/", "host/backend/linux/", "vfio_user/", "pcie/"],
    "host/kernel/": ["host/kernel/", "pcie/"],
    "host/fail_stop_platform": ["host/fail_stop_platform.h", "pcie/"],
    "host/image.h": ["pcie/"],
    "host/image.cc": [*SEAMS, "host/image.h", "host/agent/", "host/backend/emulated/", "pcie/"],
    "host/image_main.cc": ["host/image.h", "sim/remote/", "pcie/"],
    "bench/": ["bench/", "host/", "pcie/", "sim/witness.h"],
    "bench/isolation_process.cc": ["bench/", "host/", "pcie/", "sim/witness.h", "sim/remote/"],
    "serve/sysfs/": ["serve/sysfs/", "bench/", "host/", "pcie/", "sim/witness.h"],
    "serve/": ["serve/", "bench/", "host/", "vfio_user/", "pcie/", "sim/witness.h"],
    "serve/vfio_user/": ["serve/vfio_user/", "bench/", "vfio_user/", "pcie/", "sim/witness.h", "sim/request_memory.h"],
    "serve/vfio_user/machine.cc": ["serve/vfio_user/", "host/driver/endpoint_regs.h", "pcie/", "sim/witness.h"],
    "cli/serve_command": ["cli/", "bench/", "serve/vfio_user/", "pcie/", "sim/witness.h"],
    "cli/access_speed": ["cli/", "host/backend/vfio_user/", "serve/vfio_user/", "vfio_user/", "pcie/", "sim/witness.h"],
    "cli/speed.cc": ["cli/", "bench/", "pcie/", "sim/witness.h", "sim/pin_replay.h"],
    "cli/trace_command.cc": ["cli/", "bench/", "pcie/", "sim/trace_"],
    "cli/": ["cli/", "bench/", "host/", "serve/", "pcie/", "sim/witness.h", "sim/model_library.h"],
    "cli/campaign": ["cli/", "bench/", "pcie/", "sim/witness.h", "sim/model_library.h", "sim/random.h"],
    "cli/child_run": ["cli/", "bench/", "pcie/", "sim/witness.h"],
    "python/": ["python/", "cli/run_options.h", "cli/run_request.h", "cli/time_text.h", "cli/version.h", "bench/", "host/",
                "pcie/", "sim/witness.h", "sim/trace_"],
    "tests/": ["tests/", "cli/", "bench/", "serve/", "host/", "sim/", "vfio_user/", "pcie/"],
}
FOREIGN = {
    "verilated": ["sim/verilated_model.h", "tests/rtl/"],
    "Vholdover_model": ["sim/verilated_model.h"],
    "linux/vfio.h": ["host/backend/vfio/vfio_abi.h"],
    "libfdt": ["host/kernel/kho/fdt.cc"],
    "CLI/": ["cli/"],
    "pci/pci.h": ["host/backend/sysfs/sysfs_tree.cc"],
    "fuse3/": ["serve/sysfs/fuse_mount.cc"],
    "pybind11/": ["python/"],
    "toml": ["cli/toml_file.h"],
    "nlohmann/": ["bench/report_json.cc", "bench/compare/comparison_json.cc", "bench/measure/measure_json.cc", "bench/field/field_json.cc", "cli/board_report.cc", "cli/devices_report.cc", "cli/matrix_report.cc", "cli/question_report.cc", "cli/regress_report.cc", "cli/speed.cc", "vfio_user/version.cc", "tests/"],
    "gtest/": ["tests/"],
    "gmock/": ["tests/"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
OURS = ("pcie/", "vfio_user/", "sim/", "host/", "bench/", "serve/", "cli/", "python/", "tests/")


def rule_for(path: str) -> tuple[str, list[str]]:
    matching = [prefix for prefix in RULES if path.startswith(prefix)]
    if not matching:
        return "", []
    longest = max(matching, key=len)
    return longest, RULES[longest]


def broken(path: str, header: str, quoted: bool) -> str | None:
    if quoted and header.startswith(OURS):
        prefix, allowed = rule_for(path)
        if not prefix:
            return "stands in a folder without a rule"
        if not any(header.startswith(folder) for folder in allowed):
            return f"{prefix} may include only {', '.join(allowed)}"
        return None
    for name, places in FOREIGN.items():
        if header.startswith(name) and not any(path.startswith(place) for place in places):
            return f"{name} belongs to {', '.join(places)}"
    return None


def main() -> int:
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.h", "*.cc"],
                            cwd=ROOT, capture_output=True, text=True, check=True)
    failures = 0
    for path in listed.stdout.split():
        if not (ROOT / path).exists():
            continue
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if match and (reason := broken(path, match[2], match[1] == '"')):
                print(f"{path}:{number}: {match[2]}: {reason}")
                failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
