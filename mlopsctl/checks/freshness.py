"""``freshness``: the newest row is not too old."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import Field

from mlopsctl.checks.facts import Newest
from mlopsctl.checks.rule import DataEvidence, Rule, counted
from mlopsctl.evidence import CheckResult, Verdict
from mlopsctl.ground.scalars import ColumnName, Duration

_SECOND, _DAY = 1000, 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Freshness(Rule):
    """The largest value of a column of time lies at most ``max_age`` before now.

    Now is the moment that the plan pinned. A time without a zone is one of UTC, so a newest row may lie up to a day
    ahead, which is told; one further ahead hides how old the data is: an error.
    """

    kind: Literal["freshness"] = Field(
        default="freshness", title="Kind", description="A bound on the age of the newest row."
    )
    column: ColumnName = Field(title="Column", description="The column of time: numbers since 1970, dates, timestamps.")
    unit: Literal["s", "ms", "us", "ns"] | None = Field(
        default=None, title="Unit", description="What numbers since 1970 count; not needed for dates and timestamps."
    )
    max_age: Duration = Field(title="Largest age", description="How old the newest row may be, for example 90d.")

    def judge(self, evidence: DataEvidence) -> CheckResult:
        """See :meth:`Rule.judge`."""
        fact = self.fact(evidence, Newest)
        if isinstance(fact, CheckResult):
            return fact
        if fact.strange:
            shown = f", such as {', '.join(fact.examples)}" if fact.examples else ""
            return self.error(f"{self.column}: {counted(fact.strange)} without a readable time{shown}")
        if fact.newest is None:
            return self.error(f"{self.column} has no value at all")
        if fact.clock <= 0:
            return self.error("the plan pinned no moment to compare with")
        age = fact.clock - fact.newest
        when = f"the newest row is of {_moment(fact.newest)}"
        if age < -_DAY:
            return self.error(f"{when}, {_span(-age)} in the future: that says nothing of the age of the data")
        if age > self.max_age * _SECOND:
            return self.result(Verdict.FAIL, f"{when}, {_span(age)} old, more than {_span(self.max_age * _SECOND)}")
        return self.result(Verdict.PASS, f"{when}, {_span(age)} old" if age >= 0 else f"{when}, in the future")


def _moment(milliseconds: int) -> str:
    try:
        found = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return "a time beyond the year 9999"
    return f"{found:%Y-%m-%d %H:%M:%S} UTC"


def _span(milliseconds: float) -> str:
    """A length of time in its largest unit, cut and not rounded up."""
    seconds = int(milliseconds // _SECOND)
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            return f"{whole}.{rest * 10 // size}{unit}" if rest * 10 // size else f"{whole}{unit}"
    return f"{seconds}s"
