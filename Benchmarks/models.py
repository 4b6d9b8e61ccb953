"""Training steps, ours beside PyTorch's.

All sides of a workload are started first; then each round asks every side for one step, in turn,
while the others wait.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from sides import Others, Unavailable, say, start, times, warn_of_others

HERE = Path(__file__).resolve().parent
RIVAL = HERE / "rival" / "rival.py"
WORKLOADS = ["dense_lm_train", "duo_lm_train"]
IDLE_LIMIT = 0.05  # share of a core that a waiting side may use before we say so
LOSS_TOLERANCE = 1e-4


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


def start_all(workload, threads, options, python, ways):
    """(ours or None, the rival's sides)"""
    weights = Path(tempfile.gettempdir()) / f"adapt-bench-{os.getpid()}.safetensors"
    rivals = []
    for way in ways:
        command = [python, str(RIVAL), "--workload", workload, "--way", way, "--threads", str(threads)]
        if not options.no_adapt and not weights.exists():
            command += ["--export", str(weights)]
        rivals.append(start(f"PyTorch {way}", command))
    ours = None
    if not options.no_adapt:
        script = HERE / "workloads" / f"{workload}.adapt"
        command = [options.adapt, str(script), "--threads", str(threads)]
        if weights.exists():
            command += ["--weights", str(weights)]
        ours = start("Adapt", command)
    weights.unlink(missing_ok=True)  # both have read it before they said ready
    return ours, [side for side in rivals if side]


def compare_losses(ours, rivals):
    mine = ours.ready.get("loss")
    for rival in rivals:
        theirs = rival.ready.get("loss")
        if mine is None or theirs is None:
            raise Unavailable("a side does not say the loss it starts with")
        if abs(mine - theirs) > LOSS_TOLERANCE * abs(theirs):
            raise Unavailable(f"the first losses differ: {mine} and {theirs}")


def measure(workload, threads, options, python, ways):
    """One row of the result, or None when no side can run the workload."""
    say(f"{workload}, {threads} thread{'s' if threads > 1 else ''}")
    ours, rivals = start_all(workload, threads, options, python, ways)
    sides = ([ours] if ours else []) + rivals
    if not sides:
        return None
    try:
        if ours:
            compare_losses(ours, rivals)
        for turn in range(options.warmup + options.rounds):
            if turn == options.warmup:
                others = Others(sides)
            for side in sides:
                side.step(measured=turn >= options.warmup)
        others = others.cores()
        for side in sides:
            side.finish()
    except Unavailable as reason:
        say(f"  given up: {reason}")
        return None
    finally:
        for side in sides:
            side.stop()
    for side in sides:
        if side.waited and side.burnt / side.waited > IDLE_LIMIT:
            say(f"  {side.name} used {side.burnt / side.waited:.0%} of a core while it waited")
    warn_of_others(others)
    return {**row(workload, threads, ours, rivals), "others_cores": others}


def row(workload, threads, ours, rivals):
    best = min(rivals, key=lambda side: side.median, default=None)
    main = ours or best
    flops, sgemm = main.facts.get("flops"), main.facts.get("sgemm")
    if ours and sgemm is None and best:
        sgemm = best.facts.get("sgemm")
    return {
        "workload": workload, "threads": threads,
        **times(ours, "ours"), **times(best, "rival"),
        "rival_way": best.name.removeprefix("PyTorch ") if best else None,
        "ratio": ours.median / best.median if ours and best else None,
        "flops": flops, "dense_flops": main.facts.get("dense_flops"),
        "rival_flops": best.facts.get("flops") if best else None,
        "sgemm": sgemm,
        "sgemm_share": flops / main.median / sgemm if flops and sgemm else None,
        "peak_bytes": ours.facts["peak_bytes"] if ours else None,
        "rival_peak_bytes": best.facts["peak_bytes"] if best else None,
        "rounds": len(main.seconds),
        "rival_ways": {
            side.name.removeprefix("PyTorch "): {
                **{key: side.facts.get(key) for key in ("rival", "optimizer", "shares")},
                "median_s": side.median, "seconds": side.seconds,
            } for side in rivals
        },
        "ours_seconds": ours.seconds if ours else None,
    }


def measure_all(workloads, options):
    """A row for each workload and number of threads that could be measured."""
    python, reason = find_torch()
    if python is None:
        say(f"PyTorch is not measured: {reason}.")
    known = rival_ways(python)
    rows = []
    for workload in workloads:
        ways = [w for w in known.get(workload, []) if not options.ways or w in options.ways]
        rows += [measure(workload, threads, options, python, ways) for threads in options.threads]
    return [row for row in rows if row]
