"""Cost against size, ours alone: whether time follows work.

    python3 bench.py --curves [NAME...]

Each curve is a table of runs of a workload with one setting changed. All sizes of a curve are
alive at once and take turns. Writes curves/NAME.json and curves/NAME.svg.
"""

import json
from pathlib import Path

import svg
from models import our_command
from sides import say, start, take_turns

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "curves"


def doubling(first, last):
    while first <= last:
        yield first
        first *= 2


def series(script, setting, values, **fixed):
    return [(value, script, {setting: value, **fixed}) for value in values]


# Name -> (title, what x is, {series: [(x, script, settings)]}).
CURVES = {
    "tokens": ("One layer, forward: rows", "rows", {
        "dense": series("dense_ffn", "rows", doubling(16, 8192)),
        "big/small/skip": series("duo_ffn", "rows", doubling(16, 8192)),
        "2 of 8 experts": series("moe_ffn", "rows", doubling(16, 8192)),
    }),
    "experts": ("2 experts of so many, 2,048 rows, forward", "experts", {
        "2,048 rows": series("moe_ffn", "experts", doubling(2, 64)),
        "128 rows": series("moe_ffn", "experts", doubling(2, 64), rows=128),
    }),
    "depth": ("Language model of 4 × 128 tokens, forward: blocks", "blocks", {
        "dense": series("lm_forward", "depth", doubling(1, 16)),
    }),
    "length": ("Language model of 2 blocks, forward: one sequence", "tokens of the sequence", {
        "dense": series("lm_forward", "length", doubling(128, 8192), depth=2, sequences=1),
    }),
    "share": ("One layer for a share of 2,048 rows, forward", "executed share, %", {
        "keep": [
            (percent, "share_ffn", {"share": f"{percent}%"})
            for percent in (5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
        ],
    }),
}


def start_all(lines, threads, options):
    """[(series, x, side)] of those that could be started"""
    found = []
    for name, runs in lines.items():
        for x, script, settings in runs:
            side = start(f"{name}, {x}", our_command(script, settings, threads, options))
            if side:
                found.append((name, x, side))
    return found


def measure(name, threads, options):
    """The points of a curve: medians in milliseconds."""
    say(f"curve {name}, {threads} thread{'s' if threads > 1 else ''}")
    runs = start_all(CURVES[name][2], threads, options)
    sides = [side for _, _, side in runs]
    if take_turns(sides, options) is None:
        return []
    return [{
        "series": line, "x": x, "threads": threads, "median_s": side.median,
        "min_s": min(side.seconds), "max_s": max(side.seconds), "flops": side.facts.get("flops"),
        "operations": side.facts.get("operations"),
        "sgemm": side.facts.get("sgemm"), "peak_bytes": side.facts.get("peak_bytes"),
    } for line, x, side in runs]


def drawing(name, points):
    """The curves, and what the first one would be if time were proportional to all its operations."""
    title, x_name, _ = CURVES[name]
    lines = {}
    for point in points:
        lines.setdefault(point["series"], []).append(point)
    drawn = {
        line: [(p["x"], p["median_s"] * 1000) for p in found] for line, found in lines.items()
    }
    first = next(iter(lines.values()))
    if all(p["operations"] for p in first):
        rate = first[-1]["median_s"] / first[-1]["operations"]
        drawn["∝ operations"] = [(p["x"], p["operations"] * rate * 1000) for p in first]
    threads = points[0]["threads"]
    return svg.curves(f"{title} ({threads} threads)", x_name, "ms", drawn)


def measure_all(names, options):
    """Writes the curves; with the most threads asked for."""
    FOLDER.mkdir(exist_ok=True)
    for name in names:
        points = measure(name, max(options.threads), options)
        if points:
            (FOLDER / f"{name}.json").write_text(json.dumps(points, indent=1) + "\n")
            (FOLDER / f"{name}.svg").write_text(drawing(name, points))
            say(f"  wrote {FOLDER / name}.svg")
