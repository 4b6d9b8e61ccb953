"""What is measured: a process that does one step when told, and how busy the machine is meanwhile."""

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

START_LIMIT, STEP_LIMIT = 900, 600  # seconds; compiling a model takes a minute
IDLE_LIMIT = 0.05  # share of a core that a waiting side may use before we say so
SILENCE = 0.02  # seconds before a turn, in which threads of the side before it stop spinning
TURN = 0.05  # seconds that a turn of short steps takes
OTHERS_LIMIT = 0.1  # cores that the rest of the machine may use before we say so


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

    def turn(self, measured):
        """One step, or several where they are short: their median counts."""
        time.sleep(SILENCE)
        self._rest_ends()
        steps = [self._step()]
        while sum(steps) < TURN:
            steps.append(self._step())
        self._rest_begins()
        if measured:
            self.seconds.append(statistics.median(steps))

    def _step(self):
        answer = self._ask("step", STEP_LIMIT)
        try:
            # No clock is exact to less, and a turn ends.
            return max(1e-6, float(answer))
        except ValueError:
            raise Unavailable(f"answered {answer!r} to step") from None

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


def warn_of_others(cores):
    if cores is not None and cores > OTHERS_LIMIT:
        say(f"  other processes used {cores:.1f} cores meanwhile: these times mean little")


def start(name, command):
    """The side, or None and a word about it."""
    say(f"  starting {name}")
    try:
        return Side(name, command)
    except Unavailable as reason:
        say(f"  {name} is left out: {reason}")
        return None


def take_turns(sides, options, agree=lambda: None):
    """Steps of all sides, in turn, if `agree` does not object; then all have ended.

    How many cores everything else used meanwhile (0 where that is not known), or None when it was
    given up.
    """
    sides = list(sides)
    try:
        agree()
        for turn in range(options.warmup + options.rounds):
            if turn == options.warmup:
                others = Others(sides)
            for side in sides:
                side.turn(measured=turn >= options.warmup)
        others = others.cores() or 0
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
    return others


def times(side, name):
    if side is None:
        return {f"{name}_s": None, f"{name}_min_s": None, f"{name}_max_s": None}
    return {
        f"{name}_s": side.median, f"{name}_min_s": min(side.seconds),
        f"{name}_max_s": max(side.seconds),
    }
