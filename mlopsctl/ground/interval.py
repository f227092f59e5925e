"""Intervals of time: from a first moment on, up to another that is no longer part of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from mlopsctl.ground.errors import UsageProblem
from mlopsctl.ground.text import printable


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """``start`` is the first moment, ``end`` the first one after it; both aware, in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError("an interval ends after it starts")

    @property
    def length(self) -> timedelta:
        """From the first moment to the end."""
        return self.end - self.start

    def __str__(self) -> str:
        return f"{shown_moment(self.start)} … {shown_moment(self.end)}"

    def cut(self, moments: Iterable[datetime]) -> tuple[Interval, ...]:
        """The intervals between those of the moments that lie inside; together they are this one, oldest first."""
        inside = sorted({one.astimezone(UTC) for one in moments if self.start < one < self.end})
        return tuple(Interval(start, end) for start, end in pairwise((self.start, *inside, self.end)))

    def tiled(self, every: timedelta) -> tuple[Interval, ...]:
        """Intervals of that length, oldest first; the last one is shorter where they do not fit evenly.

        Raises:
            UsageProblem: when that are more than 10,000.
        """
        count = -(-self.length // every) if every > timedelta(0) else 0
        if not 0 < count <= _MOST:
            raise UsageProblem.because(
                "too-many-intervals",
                f"{self} in parts of {every} are too many intervals",
                hint=f"at most {_MOST:,} are run by one command",
            )
        return self.cut(self.start + every * number for number in range(1, count))


_MOST = 10_000


def parse_interval(start: str, end: str) -> Interval:
    """Two moments as the command line has them: ``2013-01-01`` or ``2013-01-01T06:00:00+02:00``, else UTC.

    Raises:
        UsageProblem: when one is no moment, or they are not in order.
    """
    first, last = _moment(start), _moment(end)
    if first >= last:
        raise UsageProblem.because(
            "bad-interval",
            f"the interval ends at {printable(end)}, which is not after its start, {printable(start)}",
            hint="write --interval START END; END is no longer part of it",
        )
    return Interval(first, last)


def shown_moment(moment: datetime) -> str:
    """A date where it is midnight UTC, else with the time."""
    text = moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return text.removesuffix("T00:00:00Z")


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageProblem.because(
            "bad-interval",
            f"{printable(text)!r} is no moment",
            hint="write 2013-01-01, or 2013-01-01T06:00:00+02:00; without a time zone it is UTC",
        ) from None
