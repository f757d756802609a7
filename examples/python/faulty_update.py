#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A live update under a kernel that makes a mistake, and what the nine checks say."""

import holdover

plan = holdover.FaultPlan("H014")
print(plan)

report = holdover.run(fault=plan, blackout="200us", before="50us", after="50us")
print(report.verdict)
for name, check in report.verdict.checks.items():
    print(f"  {name:<15}{check.status:<5} {check.figure}")
for cause in report.verdict.causes:
    print("cause:", cause)
print("again:", report.replay)
