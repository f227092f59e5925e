"""When a cron schedule comes next, and when it came last, in a time zone whose clocks change.

A time that the clocks jump over comes when they have jumped; a time that they show twice comes the first time. A
schedule whose hour begins with ``*`` follows the time that passes instead: it loses no hour and doubles none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from mlopsctl.ground.cron import field_values, five_fields

# From 29 February 1896 to that of 1904 are eight years; no schedule that `cron_problem` lets pass comes more seldom.
_FARTHEST = timedelta(days=366 * 9)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Times:
    """The times of a schedule (five cron fields, or a nickname) in an IANA time zone; all moments are aware."""

    cron: str
    timezone: str = "UTC"

    def last(self, moment: datetime) -> datetime | None:
        """The newest time that is not after the moment, in UTC; ``None`` where none lies within nine years."""
        moment = moment.astimezone(UTC)
        day = moment.astimezone(ZoneInfo(self.timezone)).date() + _DAY
        end = day - _FARTHEST
        fields = _Fields.of(self.cron)
        while day >= end:
            if fields.on(day):
                found = [time for time in fields.times(day, ZoneInfo(self.timezone)) if time <= moment]
                if found:
                    return max(found)
            day -= _DAY
        return None

    def next(self, moment: datetime) -> datetime | None:
        """The first time after the moment, in UTC; ``None`` where none lies within nine years."""
        moment = moment.astimezone(UTC)
        day = moment.astimezone(ZoneInfo(self.timezone)).date() - _DAY
        end = day + _FARTHEST
        fields = _Fields.of(self.cron)
        while day <= end:
            if fields.on(day):
                found = [time for time in fields.times(day, ZoneInfo(self.timezone)) if time > moment]
                if found:
                    return min(found)
            day += _DAY
        return None


@dataclass(frozen=True, slots=True)
class _Fields:
    """The values of the five fields. ``either``: both days are restricted, and one of them is enough, as cron has it.
    ``passing``: the hour begins with ``*``."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool
    passing: bool

    @classmethod
    def of(cls, cron: str) -> _Fields:
        minutes, hours, days, months, weekdays = field_values(cron)
        _, hour, day, _, weekday = five_fields(cron).split(" ")
        return cls(
            minutes, hours, days, months, frozenset(one % 7 for one in weekdays),
            either=not day.startswith("*") and not weekday.startswith("*"), passing=hour.startswith("*"),
        )  # fmt: skip

    def on(self, day: date) -> bool:
        """Whether it comes on a day."""
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return of_month or of_week if self.either else of_month and of_week

    def times(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        """Its moments on a day that it comes on, in UTC."""
        for hour in self.hours:
            for minute in self.minutes:
                shown = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                first = shown.astimezone(UTC)
                if not self.passing:
                    yield first
                    continue
                for moment in {first, shown.replace(fold=1).astimezone(UTC)}:
                    # A time that the clocks jump over is no time that passes.
                    if moment.astimezone(zone).replace(tzinfo=None) == shown.replace(tzinfo=None):
                        yield moment
