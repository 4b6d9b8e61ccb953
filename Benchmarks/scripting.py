"""The language's own speed: whole commands beside CPython and Lua, parsing, and checking.

A round runs every command once, in turn, from its start to its end. Nothing is timed before all
commands of a workload printed the same; of `script_build` also the whole graph must be the same.
Processor time is kept beside the time of the clock: on a busy machine it says more.
"""

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import script_text
from sides import Others, Side, Unavailable, say, times, warn_of_others

HERE = Path(__file__).resolve().parent
RIVALS = HERE / "rival" / "scripting"
COMMANDS = ["script_loop", "script_fib", "script_build"]
WORKLOADS = COMMANDS + ["parse", "check_1000"]
PARSED_BYTES, CHECKED_LINES = 5_000_000, 1000
CHECK_LIMIT = 0.050  # seconds, the start included
# Of Python only the language: without the packages of this machine, which take time to find.
PYTHON = [sys.executable, "-I", "-S"]
PYTHON_NAME = f"{platform.python_implementation()} {platform.python_version()}"


class Command:
    """A command and what its runs took."""

    def __init__(self, name, words, folder=None):
        self.name = name
        self.words = words
        self.folder = folder
        self.peak_bytes = 0
        self.seconds, self.cpu_seconds = [], []
        self.burnt = 0.0

    def output(self, *more):
        """What it prints, with these words added."""
        try:
            ran = subprocess.run([*self.words, *more], capture_output=True, text=True, cwd=self.folder)
        except OSError as error:
            raise Unavailable(str(error)) from error
        if ran.returncode != 0:
            said = (ran.stderr.strip() or "silently").splitlines()[0]
            raise Unavailable(f"{self.name} ended ({ran.returncode}): {said}")
        return ran.stdout

    def run(self, measured):
        began = time.perf_counter()
        process = subprocess.Popen(
            self.words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=self.folder)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise Unavailable(f"{self.name} ended ({process.returncode}) while it was measured")
        spent = usage.ru_utime + usage.ru_stime
        self.burnt += spent
        self.peak_bytes = max(self.peak_bytes, 1024 * usage.ru_maxrss)
        if measured:
            self.seconds.append(seconds)
            self.cpu_seconds.append(spent)

    def processor_seconds(self):
        return self.burnt

    @property
    def median(self):
        return statistics.median(self.seconds)

    @property
    def cpu(self):
        return statistics.median(self.cpu_seconds)


def interleave(commands, options):
    """Runs all in turn; how many cores everything else used meanwhile."""
    for turn in range(options.warmup + options.rounds):
        if turn == options.warmup:
            others = Others(commands)
        for command in commands:
            command.run(measured=turn >= options.warmup)
    return others.cores()


def rivals_of(workload):
    """CPython first, which ours is compared with; then whatever else is on this machine."""
    rivals = [Command(PYTHON_NAME, [*PYTHON, str(RIVALS / f"{workload}.py")])]
    lua, script = shutil.which("lua5.4"), RIVALS / f"{workload}.lua"
    if script.exists() and lua:
        rivals.append(Command("Lua 5.4", [lua, str(script)]))
    elif script.exists():
        say("  Lua is not measured: there is no lua5.4")
    return rivals


def compare_outputs(workload, options, ours, rivals):
    mine = ours.output()
    for rival in rivals:
        theirs = rival.output()
        if theirs != mine:
            raise Unavailable(f"{rival.name} printed {theirs.strip()!r} and ours {mine.strip()!r}")
    if workload == "script_build":
        script = ours.words[-1]
        graph = Command("Adapt", [options.command, "graph", "--after", "trace", script])
        if graph.output() != rivals[0].output("--graph"):
            raise Unavailable("the graphs differ")


def measure_command(workload, options, empty):
    script = str(HERE / "workloads" / f"{workload}.adapt")
    ours = Command("Adapt", [options.command, "run", script])
    rivals = rivals_of(workload)
    compare_outputs(workload, options, ours, rivals)
    starts = [
        Command("Adapt", [options.command, "run", str(empty)]),
        Command(PYTHON_NAME, [*PYTHON, "-c", ""]),
    ]
    others = interleave([ours, *rivals, *starts], options)
    return row(workload, ours, rivals, starts, others)


def measure_check(options, folder):
    path = folder / "check_1000.adapt"
    text = script_text.script_of_lines(CHECKED_LINES)
    path.write_text(text)
    ours = Command("Adapt", [options.command, "check", "--strict", str(path)])
    ours.output()  # ends with an error unless the script is right and gives no warning
    others = interleave([ours], options)
    return {
        **row("check_1000", ours, [], [], others),
        "lines": text.count("\n"), "limit_s": CHECK_LIMIT,
    }


def measure_parse(options, folder):
    path = folder / "parse.adapt"
    path.write_text(script_text.script_of_bytes(PARSED_BYTES))
    ours = Side("Adapt", [options.adapt, str(path), "--parse"])
    try:
        if ours.ready["errors"]:
            raise Unavailable("the script has errors")
        for turn in range(options.warmup + options.rounds):
            if turn == options.warmup:
                others = Others([ours])
            ours.turn(measured=turn >= options.warmup)
        others = others.cores()
    finally:
        ours.stop()
    ours.cpu = None  # of the process: freeing the tree, which is not timed, would count
    size = ours.ready["bytes"]
    return {
        **row("parse", ours, [], [], others),
        "bytes": size, "bytes_per_second": size / ours.median,
    }


def row(workload, ours, rivals, starts, others):
    """With the keys that all workloads have, and those of processor time."""
    rival = rivals[0] if rivals else None
    our_start, rival_start = (start.cpu for start in starts) if starts else (None, None)
    warn_of_others(others)
    return {
        "workload": workload, "threads": 1,
        **times(ours, "ours"), **times(rival, "rival"),
        "rival_way": rival.name if rival else None,
        "ratio": ours.median / rival.median if rival else None,
        "ours_cpu_s": ours.cpu, "rival_cpu_s": rival.cpu if rival else None,
        "ours_start_cpu_s": our_start, "rival_start_cpu_s": rival_start,
        "cpu_ratio": ours.cpu / rival.cpu if rival else None,
        **dict.fromkeys([
            "flops", "dense_flops", "rival_flops", "sgemm", "sgemm_share", "peak_bytes",
            "rival_peak_bytes",
        ]),
        "rounds": len(ours.seconds),
        "rival_ways": {
            side.name: {"median_s": side.median, "cpu_s": side.cpu, "seconds": side.seconds}
            for side in rivals
        },
        "ours_seconds": ours.seconds,
        "others_cores": others,
    }


def measure(workload, options, folder):
    if workload == "parse":
        return measure_parse(options, folder)
    if workload == "check_1000":
        return measure_check(options, folder)
    empty = folder / "empty.adapt"
    empty.write_text("")
    return measure_command(workload, options, empty)


def measure_all(workloads, options):
    """A row for each workload that could be measured."""
    rows = []
    if options.no_adapt:
        say("scripting is not measured without ours")
        return rows
    with tempfile.TemporaryDirectory(prefix="adapt-bench-") as folder:
        for workload in workloads:
            say(workload)
            try:
                rows.append(measure(workload, options, Path(folder)))
            except Unavailable as reason:
                say(f"  given up: {reason}")
    return rows
