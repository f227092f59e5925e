"""The plane of data: the project's drift checks on the newest rows, against the statistics of the champion's rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlopsctl.checks import Drift
from mlopsctl.config.load import Loaded
from mlopsctl.delivery.drift.finding import Finding, Judged, Plane, Standing
from mlopsctl.delivery.drift.newest import judge_newest
from mlopsctl.delivery.ready import require_step_libraries
from mlopsctl.delivery.stores import Stores
from mlopsctl.evidence import Verdict
from mlopsctl.ground.errors import Problem

MOST_ROWS = 10_000_000
"""How many rows of a dataset are read at most, where nobody says."""

_STANDING = {Verdict.PASS: Standing.SAME, Verdict.FAIL: Standing.DRIFTED, Verdict.ERROR: Standing.UNREAD}
_WANTED = "near the champion's"


def data_findings(loaded: Loaded, stores: Stores, most_rows: int = MOST_ROWS) -> Iterator[Finding]:
    """One for each drift check of each dataset; none where a project declares none.

    Every source is read that a run here can read; one that cannot be, or has more than ``most_rows``, is unread.
    """
    for name, dataset in loaded.project.data.items():
        checks = [check for check in dataset.checks if isinstance(check, Drift)]
        if not checks:
            continue
        reference = _statistics(loaded, stores, name)
        if not reference:
            why = "no champion, or its run kept no statistics: `mlopsctl apply` makes both"
            yield _finding(name, Standing.UNREAD, "statistics of the champion's rows", why)
            continue
        try:
            yield from _judged(loaded, stores, name, checks, reference, most_rows)
        except Problem as problem:
            yield _finding(name, Standing.UNREAD, _WANTED, _told(problem))


def _statistics(loaded: Loaded, stores: Stores, dataset: str) -> str:
    """The digest of the statistics of the rows that the champion's run read; empty for none."""
    release = stores.state.read(loaded.project.name, loaded.environment).release
    if release is None:
        return ""
    for execution in stores.metadata.executions(release.run):
        if execution.step == f"statistics-{dataset}" and "statistics" in execution.outputs:
            return execution.outputs["statistics"].digest
    return ""


def _judged(
    loaded: Loaded, stores: Stores, name: str, checks: Sequence[Drift], reference: str, most_rows: int
) -> Iterator[Finding]:
    """What the checks say of the newest rows."""
    require_step_libraries()
    newest = judge_newest(loaded, stores, name, checks, reference, most_rows)
    for result in newest.checks:
        judged = Judged(name, result.name, newest.rows)
        yield _finding(f"{name} {result.name}", _STANDING[result.verdict], _WANTED, result.reason, judged)


def _told(problem: Problem) -> str:
    """What is wrong, and what to do about it."""
    hint = next((one.hint for one in problem.diagnostics if one.hint), "")
    return f"{problem}; {hint}" if hint else str(problem)


def _finding(what: str, standing: Standing, wanted: str, found: str, judged: Judged | None = None) -> Finding:
    return Finding(Plane.DATA, what, standing, wanted, found, judged)
