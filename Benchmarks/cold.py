"""From the start of a process to the first forward pass of a loaded model, and the memory it takes.

Whole commands, in turn. Nothing is timed before both print the same number.
"""

import tempfile
from pathlib import Path

from models import TOLERANCE, find_torch
from scripting import Command, interleave
from sides import Unavailable, say, times, warn_of_others

HERE = Path(__file__).resolve().parent
WORKLOADS = ["cold_start"]
FILE = "cold_start.safetensors"


def script(name):
    return str(HERE / "workloads" / f"{name}.adapt")


def agree(ours, rival):
    mine, theirs = float(ours.output()), float(rival.output())
    if abs(mine - theirs) > TOLERANCE * abs(theirs):
        raise Unavailable(f"ours gives {mine} and PyTorch {theirs}")


def measure(options, folder):
    Command("Adapt", [options.command, "run", script("cold_start_save")], folder).output()
    ours = Command("Adapt", [options.command, "run", script("cold_start")], folder)
    commands = [ours]
    python, reason = find_torch()
    if python:
        rival = HERE / "rival" / "cold_start.py"
        commands.append(Command("eager", [python, str(rival), f"{folder}/{FILE}"]))
        agree(ours, commands[1])
    else:
        say(f"PyTorch is not measured: {reason}.")
    others = interleave(commands, options)
    warn_of_others(others)
    rival = commands[1] if python else None
    return {
        "workload": "cold_start", "threads": 1, **times(ours, "ours"), **times(rival, "rival"),
        "rival_way": rival.name if rival else None,
        "ratio": ours.median / rival.median if rival else None,
        "flops": None, "dense_flops": None, "executed_share": None, "rival_flops": None,
        "flops_per_second": None, "sgemm_share": None,
        "ours_cpu_s": ours.cpu, "rival_cpu_s": rival.cpu if rival else None,
        "peak_bytes": ours.peak_bytes, "rival_peak_bytes": rival.peak_bytes if rival else None,
        "ours_seconds": ours.seconds, "others_cores": others,
    }


def measure_all(_, options):
    if options.no_adapt:
        return []
    say("cold_start")
    with tempfile.TemporaryDirectory() as folder:
        try:
            return [measure(options, folder)]
        except Unavailable as reason:
            say(f"  given up: {reason}")
            return []
