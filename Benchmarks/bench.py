#!/usr/bin/env python3
"""Measures Adapt beside its rivals and prints tables; see README.md for the rules and the protocol.

    python3 bench.py [--threads 1,2] [--rounds 10] [WORKLOAD...]

Puts what was measured into latest.json beside this program; other entries stay as they are.
"""

import argparse
import json
import sys
from pathlib import Path

import scripting
import tables
import training

HERE = Path(__file__).resolve().parent
WORKLOADS = training.WORKLOADS + scripting.WORKLOADS


def numbers(text):
    return [int(part) for part in text.split(",")]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=" ".join(WORKLOADS))
    parser.add_argument(
        "--threads", type=numbers, default=[1, 2], metavar="N[,N]", help="of training")
    parser.add_argument("--rounds", type=int, default=10, help="measured, at least 1")
    parser.add_argument("--warmup", type=int, default=3, help="rounds before, not counted")
    parser.add_argument(
        "--ways", type=lambda text: text.split(","), metavar="WAY[,WAY]",
        help="PyTorch's ways; all that it can by default")
    parser.add_argument("--adapt", default=str(HERE / ".build" / "release" / "adapt-bench"))
    parser.add_argument(
        "--command", default=str(HERE / ".build" / "adapt" / "release" / "adapt"),
        help="the adapt command, for scripting")
    parser.add_argument("--no-adapt", action="store_true", help="measure PyTorch alone")
    parser.add_argument("--json", type=Path, default=HERE / "latest.json")
    options = parser.parse_args()
    options.workloads = options.workloads or WORKLOADS
    for name in options.workloads:
        if name not in WORKLOADS:
            parser.error(f"there is no workload {name}; there are {', '.join(WORKLOADS)}")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def chosen(options, group):
    return [name for name in options.workloads if name in group.WORKLOADS]


def merged(old, new):
    """The old rows with the new in the places of those of the same workload and threads."""
    def key(row):
        return row["workload"], row["threads"]

    fresh = {key(row): row for row in new}
    kept = [fresh.pop(key(row), row) for row in old]
    return kept + list(fresh.values())


def main():
    options = parse()
    results = []
    for group, table in ((training, tables.training), (scripting, tables.scripting)):
        names = chosen(options, group)
        rows = group.measure_all(names, options) if names else []
        if rows:
            print(table(rows))
        results += rows
    if not results:
        sys.exit("bench: nothing could be measured")
    old = json.loads(options.json.read_text()) if options.json.exists() else []
    options.json.write_text(json.dumps(merged(old, results), indent=1) + "\n")


main()
