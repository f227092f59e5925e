"""The log of a step's attempt: which file it is, and its text as it can be shown safely."""

from __future__ import annotations

import codecs
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.delivery.answers.find import find_step, run_at
from mlopsctl.delivery.stores import Stores
from mlopsctl.ground.errors import StepProblem, UsageProblem
from mlopsctl.ground.redact import redact
from mlopsctl.ground.text import name_problem, printable
from mlopsctl.metadata.records import ExecutionRecord, RunRecord
from mlopsctl.step.task import StepState

_CHUNK = 1 << 16
_LONGEST_LINE = 1 << 20
_PAUSE = 0.5
# Colours only change how letters look. What is no colour may move the cursor, and is spelled out.
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class LogFile:
    """One attempt's log. ``note`` says where it comes from when that is another run; ``done`` when it grows no more."""

    path: Path
    run: str
    step: str
    attempt: int
    note: str = ""
    done: Callable[[], bool] = lambda: True


def find_log(folder: Path, environment: str | None, text: str, step: str, attempt: int | None) -> LogFile:
    """The log of a step in the run that the text names; of its last attempt where none is given.

    The log of a reused result is that of the run which made it.

    Raises:
        UsageProblem: when there is no such run, step or attempt.
        StepProblem: when the step never started, or its log is not on this machine.
    """
    with run_at(folder, environment, text) as (_, stores, run):
        known = stores.metadata.executions(run.id)
        begun = _begun(stores, run)
        find_step(step, (*(record.step for record in known), *begun), f"run {run.id}")
        mine = {record.attempt: record for record in known if record.step == step}
        numbers = sorted({*mine, *begun.get(step, ())})
        if attempt is not None and attempt not in numbers:
            listed = ", ".join(map(str, numbers))
            raise UsageProblem.because(
                "unknown-attempt", f"{step} has no attempt {attempt} in run {run.id}", hint=f"attempts: {listed}"
            )
        number = attempt if attempt is not None else numbers[-1]
        record = mine.get(number)
        if record is None:
            path = _path(stores, run.id, step, number)
            return LogFile(path, run.id, step, number, done=_ended(folder, environment, run.id, step, number))
        return _recorded(stores, run, record)


def safe_lines(path: Path) -> Iterator[str]:
    """The lines of a log with colours left out and every other control character spelled out.

    Lines are cut at a million characters, so that a log of one endless line can be shown as well.
    """
    with path.open("rb") as stream:
        rest = ""
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        while chunk := stream.read(_CHUNK):
            *lines, rest = (rest + decoder.decode(chunk)).split("\n")
            yield from map(safe, lines)
            if len(rest) > _LONGEST_LINE:
                yield safe(rest)
                rest = ""
        rest += decoder.decode(b"", final=True)
        if rest:
            yield safe(rest)


def raw_chunks(path: Path) -> Iterator[bytes]:
    """The bytes of a log as they are."""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def followed(log: LogFile) -> Iterator[str]:
    """The lines of a log, and those that are added until its attempt ends."""
    with log.path.open("rb") as stream:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        rest = ""
        while True:
            ended = log.done()
            while chunk := stream.read(_CHUNK):
                *lines, rest = (rest + decoder.decode(chunk)).split("\n")
                yield from map(safe, lines)
            if ended:
                break
            time.sleep(_PAUSE)
        if rest:
            yield safe(rest)


def safe(line: str) -> str:
    """One line of a program's output as a terminal may show it: nothing in it can move the cursor or hide text.

    A progress bar writes over itself; what was last written stays.
    """
    line = _COLOUR.sub("", line).rstrip("\r").rpartition("\r")[2]
    return redact(printable(line.expandtabs()))


def _recorded(stores: Stores, run: RunRecord, record: ExecutionRecord) -> LogFile:
    if record.state is StepState.CACHED:
        return _origin(stores, run, record)
    if not record.log:
        raise StepProblem.because(
            "no-log",
            f"{record.step} did not start in run {run.id}: {record.state}"
            + f" ({record.problem})" * bool(record.problem),
            hint=f"`mlopsctl why {record.step}` says why",
        )
    return LogFile(_path(stores, run.id, record.step, record.attempt), run.id, record.step, record.attempt)


def _origin(stores: Stores, run: RunRecord, record: ExecutionRecord) -> LogFile:
    """The log of the execution whose result was reused."""
    made = (one for one in stores.metadata.executions_of_key(record.key) if one.state is StepState.SUCCESS)
    outputs = {name: artifact.digest for name, artifact in record.outputs.items()}
    for one in made:
        if {name: artifact.digest for name, artifact in one.outputs.items()} == outputs:
            note = f"{record.step} was reused in run {run.id}; this is the log of run {one.run}, which made the result"
            return LogFile(_path(stores, one.run, one.step, one.attempt), one.run, one.step, one.attempt, note)
    raise StepProblem.because(
        "no-log",
        f"{record.step} was reused in run {run.id}, and the run that made the result is no longer recorded",
        hint="`mlopsctl run --no-cache` runs the step again",
    )


def _path(stores: Stores, run: str, step: str, attempt: int) -> Path:
    """Where the log is, made from names of the known grammar and never from a path that somebody recorded."""
    folder = stores.home / "runs"
    path = folder / run / f"{step}.{attempt}.log"
    if name_problem(step) or path.parent.parent != folder or not path.resolve().is_relative_to(folder.resolve()):
        raise StepProblem.because("no-log", f"{printable(step)} of run {printable(run)} has no log of ours")
    if not path.is_file():
        raise StepProblem.because(
            "log-gone",
            f"the log of {step} (attempt {attempt}) of run {run} is not here",
            hint=f"it was kept on the machine that ran it, in .mlops/runs/{run}/",
        )
    return path


def _begun(stores: Stores, run: RunRecord) -> dict[str, list[int]]:
    """The attempts whose log exists, by step: a running attempt has a log and no record yet."""
    if run.state != "running":
        return {}
    found: dict[str, list[int]] = {}
    folder = stores.home / "runs" / run.id
    for path in folder.glob("*.log") if folder.is_dir() else ():
        step, _, attempt = path.name.removesuffix(".log").rpartition(".")
        if step and attempt.isdecimal():
            found.setdefault(step, []).append(int(attempt))
    return found


def _ended(folder: Path, environment: str | None, run: str, step: str, attempt: int) -> Callable[[], bool]:
    def ended() -> bool:
        with run_at(folder, environment, run) as (_, stores, now):
            known = stores.metadata.executions(run)
            return now.state != "running" or any((r.step, r.attempt) == (step, attempt) for r in known)

    return ended
