"""Results as people read them: rows with the keys of latest.json, as tables."""


def scaled(value, unit, form):
    return "–" if value is None else format(value / unit, form)


def milliseconds(result, name):
    if result[f"{name}_s"] is None:
        return "–"
    median, low, high = (result[f"{name}{part}_s"] * 1000 for part in ("", "_min", "_max"))
    form = ".0f" if median >= 100 else ".2f"
    return f"{median:{form}} ({low:{form}}–{high:{form}})"


def aligned(rows):
    widths = [max(len(line[column]) for line in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in rows)


def training(results):
    """`share of sgemm` is ours where ours ran, else the rival's; so are the operations."""
    rows = [[
        "workload", "threads", "ours ms (min–max)", "rival ms (min–max)", "way", "ratio", "GFLOP",
        "rival GFLOP", "share of sgemm", "peak MB", "rival peak MB",
    ]]
    for r in results:
        rows.append([
            r["workload"], str(r["threads"]), milliseconds(r, "ours"), milliseconds(r, "rival"),
            r["rival_way"] or "–", scaled(r["ratio"], 1, ".2f"), scaled(r["flops"], 1e9, ".1f"),
            scaled(r["rival_flops"], 1e9, ".1f"), scaled(r["sgemm_share"], 1, ".0%"),
            scaled(r["peak_bytes"], 1e6, ".0f"), scaled(r["rival_peak_bytes"], 1e6, ".0f"),
        ])
    return aligned(rows)
