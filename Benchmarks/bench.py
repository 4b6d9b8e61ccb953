#!/usr/bin/env python3
"""Measures Adapt beside PyTorch and prints one table; see README.md for the rules and the protocol.

    python3 bench.py [--threads 1,2] [--rounds 10] [WORKLOAD...]

All sides of a workload are started first; then each round asks every side for one step, in turn,
while the others wait. Writes latest.json beside this program.
"""

import argparse
import json
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
RIVAL = HERE / "rival" / "rival.py"
WORKLOADS = ["dense_lm_train", "duo_lm_train"]
START_LIMIT, STEP_LIMIT = 600, 120  # seconds; compiling a model takes a minute
IDLE_LIMIT = 0.05  # share of a core that a waiting side may use before we say so
OTHERS_LIMIT = 0.1  # cores that the rest of the machine may use before we say so
LOSS_TOLERANCE = 1e-4


def numbers(text):
    return [int(part) for part in text.split(",")]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=" ".join(WORKLOADS))
    parser.add_argument("--threads", type=numbers, default=[1, 2], metavar="N[,N]")
    parser.add_argument("--rounds", type=int, default=10, help="measured, at least 1")
    parser.add_argument("--warmup", type=int, default=3, help="rounds before, not counted")
    parser.add_argument(
        "--ways", type=lambda text: text.split(","), metavar="WAY[,WAY]",
        help="the rival's ways; all that it can by default")
    parser.add_argument("--adapt", default=str(HERE / ".build" / "release" / "adapt-bench"))
    parser.add_argument("--no-adapt", action="store_true", help="measure the rival alone")
    parser.add_argument("--json", type=Path, default=HERE / "latest.json")
    options = parser.parse_args()
    options.workloads = options.workloads or WORKLOADS
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def say(*words):
    print(*words, file=sys.stderr, flush=True)


class Unavailable(Exception):
    """A side cannot run this workload; the text says why."""


class Side:
    """A process that does one step when told, and the times of its steps."""

    def __init__(self, name, command):
        self.name = name
        self.seconds = []
        self.waited = self.burnt = 0.0
        self.errors = tempfile.TemporaryFile(mode="w+")
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        except OSError as error:
            raise Unavailable(str(error)) from error
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        try:
            word, _, rest = self._line(START_LIMIT).partition(" ")
            if word != "ready":
                raise Unavailable(f"said {word!r} in place of ready")
            self.ready = self._object(rest)
        except Unavailable:
            self.stop()
            raise
        self._rest_begins()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())
        self.lines.put(None)

    def _line(self, limit):
        try:
            line = self.lines.get(timeout=limit)
        except queue.Empty:
            raise Unavailable(f"no answer in {limit} s") from None
        if line is None:
            self.process.wait()
            self.errors.seek(0)
            said = [text for text in self.errors.read().splitlines() if text.strip()]
            raise Unavailable(f"ended ({self.process.returncode}): {said[-1] if said else 'silently'}")
        return line

    @staticmethod
    def _object(text):
        try:
            value = json.loads(text) if text else {}
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def _ask(self, command, limit):
        try:
            print(command, file=self.process.stdin, flush=True)
        except OSError:
            pass  # it has ended: _line says how
        return self._line(limit)

    # While a side rests it must not disturb the others: its processor time is counted (Linux).

    def processor_seconds(self):
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _rest_begins(self):
        self.rest = (time.perf_counter(), self.processor_seconds())

    def _rest_ends(self):
        began, burnt = self.rest
        self.waited += time.perf_counter() - began
        self.burnt += self.processor_seconds() - burnt

    def step(self, measured):
        self._rest_ends()
        answer = self._ask("step", STEP_LIMIT)
        self._rest_begins()
        try:
            seconds = float(answer)
        except ValueError:
            raise Unavailable(f"answered {answer!r} to step") from None
        if measured:
            self.seconds.append(seconds)

    def finish(self):
        """What the side says of itself at the end, with the peak of its memory; then it quits."""
        self.facts = dict(self.ready)
        try:
            self.facts |= self._object(self._ask("stats", 30))
        except Unavailable:
            pass
        sgemm = [f["sgemm"] for f in (self.ready, self.facts) if f.get("sgemm")]
        self.facts["sgemm"] = max(sgemm, default=None)
        self.facts.setdefault("peak_bytes", self._peak_bytes())
        self.stop()

    def _peak_bytes(self):
        try:
            for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        except OSError:
            pass
        return None

    def stop(self):
        """Lets the process end; harmless when it already has."""
        try:
            if not self.process.stdin.closed:
                with self.process.stdin as stdin:
                    stdin.write("quit\n")
        except OSError:
            pass
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def median(self):
        return statistics.median(self.seconds)


def machine_seconds():
    """Processor time spent on this machine, by all; None where the system does not say (not Linux)."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _, _, irq, softirq, steal = (int(field) for field in fields[:8])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


class Others:
    """How many cores everything else used while the sides were measured."""

    def __init__(self, sides):
        self.sides = sides
        self.began, self.spent = time.perf_counter(), self._spent()

    def _spent(self):
        machine = machine_seconds()
        return machine and machine - sum(side.processor_seconds() for side in self.sides)

    def cores(self):
        if self.spent is None:
            return None
        return max(0.0, self._spent() - self.spent) / (time.perf_counter() - self.began)


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


def start(name, command):
    say(f"  starting {name}")
    try:
        return Side(name, command)
    except Unavailable as reason:
        say(f"  {name} is left out: {reason}")
        return None


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
    if others is not None and others > OTHERS_LIMIT:
        say(f"  other processes used {others:.1f} cores meanwhile: these times mean little")
    return {**row(workload, threads, ours, rivals), "others_cores": others}


def times(side, name):
    if side is None:
        return {f"{name}_s": None, f"{name}_min_s": None, f"{name}_max_s": None}
    return {
        f"{name}_s": side.median, f"{name}_min_s": min(side.seconds),
        f"{name}_max_s": max(side.seconds),
    }


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


# Table


def scaled(value, unit, form):
    return "–" if value is None else format(value / unit, form)


def milliseconds(result, name):
    if result[f"{name}_s"] is None:
        return "–"
    median, low, high = (result[f"{name}{part}_s"] * 1000 for part in ("", "_min", "_max"))
    form = ".0f" if median >= 100 else ".2f"
    return f"{median:{form}} ({low:{form}}–{high:{form}})"


def table(results):
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
    widths = [max(len(line[column]) for line in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in rows)


def main():
    options = parse()
    python, reason = find_torch()
    if python is None:
        say(f"PyTorch is not measured: {reason}.")
    known = rival_ways(python)
    results = []
    for workload in options.workloads:
        ways = [w for w in known.get(workload, []) if not options.ways or w in options.ways]
        for threads in options.threads:
            result = measure(workload, threads, options, python, ways)
            if result:
                results.append(result)
    if not results:
        sys.exit("bench: nothing could be measured")
    print(table(results))
    options.json.write_text(json.dumps(results, indent=1) + "\n")


main()
