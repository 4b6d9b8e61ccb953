#!/usr/bin/env python3
"""PyTorch's side of the benchmarks: one process does one workload in one way, a step on request.

    python3 rival.py --workload moe_ffn --set rows=128 --way sort --threads 2

Speaks the protocol of ../README.md on stdin and stdout: says `ready {json}`; answers `step` with
the seconds of one step, `stats` with `{json}`, and ends at `quit`. `--list` prints the workloads
and their ways as JSON.
"""

import argparse
import gc
import json
import shutil
import sys
import time
from pathlib import Path

import torch

import common
import decoding
import halting
import language_models
import layers
import pruning
import searching

WORKLOADS = {
    "dense_lm_train": language_models.Dense,
    "duo_lm_train": language_models.DuoModel,
    "moe_lm_train": language_models.MixtureModel,
    "mod_lm_train": language_models.DepthsModel,
    "dense_ffn": layers.Dense,
    "duo_ffn": layers.DuoLayer,
    "moe_ffn": layers.MixtureLayer,
    "act_parity_train": halting.ACT,
    "ponder_infer": halting.Ponder,
    "early_exit_infer": halting.EarlyExit,
    "prune_infer": pruning.Prune,
    "oracle": searching.Oracle,
    "decode": decoding.Decode,
}


def available_ways(workload):
    """`compile` needs a C++ compiler on this machine."""
    compiler = any(shutil.which(name) for name in ("g++", "clang++", "c++"))
    return [way for way in WORKLOADS[workload].ways if compiler or not way.endswith("compile")]


def setting(text):
    name, _, value = text.partition("=")
    return name, int(value) if value.isdigit() else value


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="print workloads and ways, and end")
    parser.add_argument("--workload", choices=WORKLOADS)
    parser.add_argument("--way")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--set", type=setting, action="append", default=[], metavar="NAME=VALUE",
        help="a setting of the workload")
    parser.add_argument("--export", type=Path, help="write weights, inputs and output first")
    parser.add_argument("--check", type=Path, help="compare the output with that of such a file")
    options = parser.parse_args()
    if options.list:
        print(json.dumps({workload: available_ways(workload) for workload in WORKLOADS}))
        sys.exit(0)
    if options.workload is None:
        parser.error("--workload is missing")
    options.way = options.way or WORKLOADS[options.workload].ways[0]
    return options


def agreement(workload, file):
    """How far the output is from that of the way that wrote the file."""
    wanted = common.read(file).get("output")
    return {} if wanted is None else {"difference": common.difference(wanted, workload.output)}


def say(*words):
    print(*words, flush=True)


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    workload = WORKLOADS[options.workload](options.way, **dict(options.set))
    ready = {
        "rival": f"PyTorch {torch.__version__}", "workload": options.workload, "way": options.way,
        "threads": torch.get_num_threads(), "sgemm": common.sgemm_rate(), **workload.facts(),
    }
    if options.export:
        common.export(options.export, workload.model, workload.tensors())
    if options.check:
        ready |= agreement(workload, options.check)
    workload.step()  # where it compiles, it does so now; counted as no step
    if isinstance(workload, common.Inference) and workload.compiles:
        compiled = common.difference(workload.output, workload.forward())
        ready["difference"] = max(compiled, ready.get("difference", 0))
    gc.collect()
    gc.disable()
    say("ready", json.dumps(ready))
    for line in sys.stdin:
        command = line.strip()
        if command == "step":
            start = time.perf_counter()
            workload.step()
            say(f"{time.perf_counter() - start:.7f}")
        elif command == "stats":
            say(json.dumps({"sgemm": common.sgemm_rate()}))
        elif command == "quit":
            break
        elif command:
            say("error unknown command")


if __name__ == "__main__":
    main()
