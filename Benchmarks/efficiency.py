"""Whether time follows work: layers that route beside the dense one, ours alone, in one run.

Adaptive efficiency is (time routed / time dense) ÷ (FLOPs routed / FLOPs dense), of 2,048 rows:
1 when what is not computed takes no time.
"""

from models import our_command
from sides import say, start, take_turns, times

ROWS = 2048
DENSE = ("dense_ffn", {"rows": ROWS})
ROUTED = {
    "efficiency_duo": ("duo_ffn", {"rows": ROWS}),
    "efficiency_moe": ("moe_ffn", {"rows": ROWS}),
    "efficiency_keep_25": ("share_ffn", {"rows": ROWS, "share": "25%"}),
}
WORKLOADS = list(ROUTED)


def row(name, threads, side, dense, others):
    flops, full = side.facts["flops"], dense.facts["flops"]
    share = flops / full
    sgemm = side.facts.get("sgemm")
    return {
        "workload": name, "threads": threads, **times(side, "ours"), **times(None, "rival"),
        "rival_way": None, "ratio": None, "flops": flops, "dense_flops": full,
        "executed_share": share, "sgemm": sgemm,
        "sgemm_share": flops / side.median / sgemm if sgemm else None,
        "peak_bytes": side.facts["peak_bytes"],
        "dense_s": dense.median, "time_share": side.median / dense.median,
        "efficiency": side.median / dense.median / share, "others_cores": others,
    }


def measure(names, threads, options):
    say(f"adaptive efficiency, {threads} thread{'s' if threads > 1 else ''}")
    sides = {}
    for name, (script, settings) in {"dense": DENSE, **{n: ROUTED[n] for n in names}}.items():
        side = start(name, our_command(script, settings, threads, options))
        if side:
            sides[name] = side
    others = take_turns(sides.values(), options)
    if others is None:
        return []
    dense = sides.pop("dense", None)
    return [row(name, threads, side, dense, others) for name, side in sides.items()] if dense else []


def measure_all(names, options):
    if options.no_adapt:
        return []
    return [row for threads in options.threads for row in measure(names, threads, options)]
