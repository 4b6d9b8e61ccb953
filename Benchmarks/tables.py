"""Results as people read them: rows with the keys of latest.json, as tables."""


def scaled(value, unit, form):
    return "–" if value is None else format(value / unit, form)


def milliseconds(result, name):
    if result[f"{name}_s"] is None:
        return "–"
    median, low, high = (result[f"{name}{part}_s"] * 1000 for part in ("", "_min", "_max"))
    form = ".0f" if median >= 100 else ".2f" if median >= 1 else ".4f"
    return f"{median:{form}} ({low:{form}}–{high:{form}})"


def aligned(rows):
    widths = [max(len(line[column]) for line in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in rows)


def models(results):
    """`executed` is of what all paths would cost; `share of sgemm` and the operations are ours where
    ours ran, else the rival's."""
    rows = [[
        "workload", "threads", "ours ms (min–max)", "rival ms (min–max)", "way", "ratio", "GFLOP",
        "executed", "rival GFLOP", "GFLOP/s", "share of sgemm", "of bandwidth", "peak MB",
        "rival peak MB",
    ]]
    for r in results:
        rows.append([
            named(r), str(r["threads"]), milliseconds(r, "ours"), milliseconds(r, "rival"),
            r["rival_way"] or "–", scaled(r["ratio"], 1, ".2f"), scaled(r["flops"], 1e9, ".3g"),
            scaled(r["executed_share"], 1, ".0%"), scaled(r["rival_flops"], 1e9, ".3g"),
            scaled(r["flops_per_second"], 1e9, ".1f"), scaled(r["sgemm_share"], 1, ".0%"),
            scaled(r.get("bandwidth_share"), 1, ".0%"), scaled(r["peak_bytes"], 1e6, ".0f"),
            scaled(r["rival_peak_bytes"], 1e6, ".0f"),
        ])
    return aligned(rows)


def named(result):
    skew = result.get("skew")
    return result["workload"] + (f" ({skew})" if skew not in (None, "uniform") else "")


def efficiency(results):
    rows = [["workload", "threads", "ms (min–max)", "dense ms", "time", "FLOP", "efficiency"]]
    for r in results:
        rows.append([
            r["workload"], str(r["threads"]), milliseconds(r, "ours"),
            scaled(r["dense_s"], 1e-3, ".2f"), scaled(r["time_share"], 1, ".0%"),
            scaled(r["executed_share"], 1, ".0%"), scaled(r["efficiency"], 1, ".2f"),
        ])
    return aligned(rows)


def scripting(results):
    """`CPU` is processor time, which a busy machine disturbs less; `start` how much of it is the start."""
    rows = [[
        "workload", "ours ms (min–max)", "rival ms (min–max)", "way", "ratio", "ours CPU ms (start)",
        "rival CPU ms (start)", "CPU ratio", "beside",
    ]]
    for r in results:
        rows.append([
            r["workload"], milliseconds(r, "ours"), milliseconds(r, "rival"), r["rival_way"] or "–",
            scaled(r["ratio"], 1, ".2f"), processor(r, "ours"), processor(r, "rival"),
            scaled(r["cpu_ratio"], 1, ".2f"), beside(r),
        ])
    return aligned(rows)


def processor(result, name):
    spent, start = result[f"{name}_cpu_s"], result[f"{name}_start_cpu_s"]
    return scaled(spent, 1e-3, ".1f") + ("" if start is None else f" ({start * 1000:.1f})")


def beside(result):
    """What only some workloads say: other rivals, a rate, a limit."""
    parts = [
        f"{name} {way['median_s'] * 1000:.1f} ms, CPU {way['cpu_s'] * 1000:.1f}"
        for name, way in result["rival_ways"].items() if name != result["rival_way"]
    ]
    if result.get("bytes_per_second"):
        parts.append(f"{result['bytes_per_second'] / 1e6:.1f} MB/s")
    if result.get("limit_s"):
        parts.append(f"limit {result['limit_s'] * 1000:.0f} ms")
    return "; ".join(parts) or "–"
