#!/usr/bin/env python3
"""Measures Adapt beside its rivals and prints tables; see README.md for the rules and the protocol.

    python3 bench.py [--threads 1,2] [--rounds 10] [WORKLOAD...]
    python3 bench.py --curves [CURVE...]

Puts what was measured into latest.json beside this program; other entries stay as they are.
"""

import argparse
import json
import sys
from pathlib import Path

import cold
import curves
import efficiency
import models
import scripting
import tables

HERE = Path(__file__).resolve().parent
# What is measured alike, with the table that shows it.
GROUPS = [
    ([models, cold], tables.models),
    ([efficiency], tables.efficiency),
    ([scripting], tables.scripting),
]
WORKLOADS = [name for modules, _ in GROUPS for module in modules for name in module.WORKLOADS]


def numbers(text):
    return [int(part) for part in text.split(",")]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=" ".join(WORKLOADS))
    parser.add_argument(
        "--curves", action="store_true",
        help=f"cost against size in place of workloads: {' '.join(curves.CURVES)}")
    parser.add_argument(
        "--threads", type=numbers, default=[1, 2], metavar="N[,N]", help="of models")
    parser.add_argument("--rounds", type=int, default=10, help="measured, at least 1")
    parser.add_argument("--warmup", type=int, default=3, help="rounds before, not counted")
    parser.add_argument(
        "--ways", type=lambda text: text.split(","), metavar="WAY[,WAY]",
        help="PyTorch's ways; all that it can by default")
    parser.add_argument(
        "--skew", choices=models.SKEWS, default="uniform",
        help="where rows go in duo_ffn and moe_ffn")
    parser.add_argument("--adapt", default=str(HERE / ".build" / "release" / "adapt-bench"))
    parser.add_argument(
        "--command", default=str(HERE / ".build" / "adapt" / "release" / "adapt"),
        help="the adapt command, for scripting")
    parser.add_argument("--no-adapt", action="store_true", help="measure PyTorch alone")
    parser.add_argument("--json", type=Path, default=HERE / "latest.json")
    options = parser.parse_args()
    known = list(curves.CURVES) if options.curves else WORKLOADS
    options.workloads = options.workloads or known
    for name in options.workloads:
        if name not in known:
            parser.error(f"there is no {name}; there are {', '.join(known)}")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def chosen(options, module):
    return [name for name in options.workloads if name in module.WORKLOADS]


def merged(old, new):
    """The old rows with the new in the places of those of the same workload, threads and skew."""
    def key(row):
        return row["workload"], row["threads"], row.get("skew")

    fresh = {key(row): row for row in new}
    kept = [fresh.pop(key(row), row) for row in old]
    return kept + list(fresh.values())


def keep(rows, path):
    old = json.loads(path.read_text()) if path.exists() else []
    path.write_text(json.dumps(merged(old, rows), indent=1) + "\n")


def main():
    options = parse()
    if options.curves:
        return curves.measure_all(options.workloads, options)
    results = []
    for modules, table in GROUPS:
        rows = []
        for module in modules:
            names = chosen(options, module)
            rows += module.measure_all(names, options) if names else []
        if rows:
            print(table(rows))
        results += rows
        keep(results, options.json)
    if not results:
        sys.exit("bench: nothing could be measured")


main()
