"""Workloads of models, ours beside PyTorch's: training steps, forward passes, searches, writing.

All sides of a workload are started first; then each round asks every side for one step, in turn,
while the others wait. Nothing is timed before all sides agree on the loss or on the output.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from sides import Unavailable, say, start, take_turns, times

HERE = Path(__file__).resolve().parent
RIVAL = HERE / "rival" / "rival.py"
# Name -> (script of workloads/ and PyTorch's workload, their settings).
TABLE = {
    "dense_lm_train": ("dense_lm_train", {}),
    "duo_lm_train": ("duo_lm_train", {}),
    "moe_lm_train": ("moe_lm_train", {}),
    "mod_lm_train": ("mod_lm_train", {}),
    "dense_ffn_2048": ("dense_ffn", {"rows": 2048}),
    "duo_ffn_2048": ("duo_ffn", {"rows": 2048}),
    "moe_ffn_2048": ("moe_ffn", {"rows": 2048}),
    "moe_ffn_128": ("moe_ffn", {"rows": 128}),
    "moe_ffn_16": ("moe_ffn", {"rows": 16}),
    "duo_ffn_1": ("duo_ffn", {"rows": 1}),
    "act_parity_train": ("act_parity_train", {}),
    "ponder_infer_128": ("ponder_infer", {"samples": 128}),
    "ponder_infer_1": ("ponder_infer", {"samples": 1}),
    "early_exit_infer": ("early_exit_infer", {}),
    "prune_infer": ("prune_infer", {}),
    "oracle_729": ("oracle", {}),
    "decode_1": ("decode", {"sequences": 1}),
    "decode_16": ("decode", {"sequences": 16}),
}
WORKLOADS = list(TABLE)
SKEWED = ("duo_ffn", "moe_ffn")  # those that `--skew` means
SKEWS = ["uniform", "zipf", "one", "empty"]
TOLERANCE = 1e-4


def find_torch():
    """(command of a Python with PyTorch, or None, why)"""
    named = os.environ.get("ADAPT_TORCH_PYTHON")
    for python in [named] if named else ["python3"]:
        try:
            found = subprocess.run([python, "-c", "import torch"], capture_output=True, text=True)
        except OSError as error:
            return None, str(error)
        if found.returncode == 0:
            return python, None
    where = f"$ADAPT_TORCH_PYTHON ({named})" if named else "python3"
    return None, f"{where} has no PyTorch; $ADAPT_TORCH_PYTHON may name a Python that has"


def rival_ways(python):
    """Workload -> ways, as the rival knows them on this machine."""
    if python is None:
        return {}
    listed = subprocess.run(
        [python, str(RIVAL), "--list"], capture_output=True, text=True, check=True)
    return json.loads(listed.stdout)


def words(settings):
    return [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]


def our_command(script, settings, threads, options):
    path = HERE / "workloads" / f"{script}.adapt"
    return [options.adapt, str(path), "--threads", str(threads), *words(settings)]


def rival_command(workload, settings, way, threads, python):
    return [
        python, str(RIVAL), "--workload", workload, "--way", way, "--threads", str(threads),
        *words(settings),
    ]


def start_rivals(base, settings, threads, python, ways, weights):
    """The rival's sides; the first writes the weights, the others compare with what it gave."""
    rivals = []
    for way in ways:
        command = rival_command(base, settings, way, threads, python)
        command += ["--check" if weights.exists() else "--export", str(weights)]
        rivals.append(start(f"PyTorch {way}", command))
    return [side for side in rivals if side]


def start_all(name, threads, options, python, ways):
    """(ours or None, the rival's sides)"""
    base, settings = TABLE[name]
    skew = {"skew": options.skew} if base in SKEWED else {}
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        rivals = start_rivals(base, {**settings, **skew}, threads, python, ways, weights)
        if options.no_adapt:
            return None, rivals
        command = our_command(base, settings, threads, options)
        if weights.exists():
            command += ["--weights", str(weights)]
        return start("Adapt", command), rivals  # all have read it before they said ready


def compare(ours, rivals):
    """Raises unless all sides that say how far they are from the first one are near, and all losses
    are the same."""
    sides = ([ours] if ours else []) + rivals
    for side in sides:
        difference = side.ready.get("difference")
        if difference is not None and not difference <= TOLERANCE:
            raise Unavailable(f"the output of {side.name} differs by {difference}")
    losses = {side.name: side.ready["loss"] for side in sides if "loss" in side.ready}
    first = next(iter(losses.values()), None)
    if any(abs(loss - first) > TOLERANCE * abs(first) for loss in losses.values()):
        raise Unavailable(f"the losses differ: {losses}")
    if ours and rivals and not {"loss", "difference"} & set(ours.ready):
        raise Unavailable("ours says neither a loss nor how far its output is from the rival's")


def measure(name, threads, options, python, ways):
    """One row of the result, or None when no side can run the workload."""
    say(f"{name}, {threads} thread{'s' if threads > 1 else ''}")
    ours, rivals = start_all(name, threads, options, python, ways)
    sides = ([ours] if ours else []) + rivals
    if not sides:
        return None
    others = take_turns(sides, options, agree=lambda: compare(ours, rivals))
    if others is None:
        return None
    skew = options.skew if TABLE[name][0] in SKEWED else None
    return {**row(name, threads, ours, rivals), "skew": skew, "others_cores": others}


def dense_flops(ours, best):
    """Those of every path taken by all: by the rival's formula, or by what ours executed of it."""
    if best and best.facts.get("dense_flops"):
        return best.facts["dense_flops"]
    if ours and ours.facts.get("executed_share") and ours.facts.get("flops"):
        return ours.facts["flops"] / ours.facts["executed_share"]
    return None


def bandwidth_share(side):
    """What must be read, of what could have been read in that time; only of writing."""
    read, bandwidth = side.facts.get("bytes_read"), side.facts.get("bandwidth")
    return read / side.median / bandwidth if read and bandwidth else None


def row(workload, threads, ours, rivals):
    best = min(rivals, key=lambda side: side.median, default=None)
    main = ours or best
    flops, sgemm = main.facts.get("flops"), main.facts.get("sgemm")
    if ours and sgemm is None and best:
        sgemm = best.facts.get("sgemm")
    dense = dense_flops(ours, best)
    return {
        "workload": workload, "threads": threads,
        **times(ours, "ours"), **times(best, "rival"),
        "rival_way": best.name.removeprefix("PyTorch ") if best else None,
        "ratio": ours.median / best.median if ours and best else None,
        "flops": flops, "dense_flops": dense,
        "executed_share": flops / dense if flops and dense else None,
        "rival_flops": best.facts.get("flops") if best else None,
        "sgemm": sgemm,
        "flops_per_second": flops / main.median if flops else None,
        "sgemm_share": flops / main.median / sgemm if flops and sgemm else None,
        "bandwidth_share": bandwidth_share(main),
        "peak_bytes": ours.facts["peak_bytes"] if ours else None,
        "rival_peak_bytes": best.facts["peak_bytes"] if best else None,
        "rounds": len(main.seconds),
        "rival_ways": {
            side.name.removeprefix("PyTorch "): {
                **{key: side.facts.get(key) for key in ("rival", "optimizer", "shares")},
                "median_s": side.median, "seconds": side.seconds,
            } for side in rivals
        },
        "shares": ours.facts.get("shares") if ours else None,
        "ours_seconds": ours.seconds if ours else None,
    }


def measure_all(workloads, options):
    """A row for each workload and number of threads that could be measured."""
    python, reason = find_torch()
    if python is None:
        say(f"PyTorch is not measured: {reason}.")
    known = rival_ways(python)
    rows = []
    for name in workloads:
        base, _ = TABLE[name]
        ways = [w for w in known.get(base, []) if not options.ways or w in options.ways]
        rows += [measure(name, threads, options, python, ways) for threads in options.threads]
    return [row for row in rows if row]
