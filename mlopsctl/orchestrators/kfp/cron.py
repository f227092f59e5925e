"""Schedules in the form that Kubeflow Pipelines reads: six fields, seconds first, in the server's one time zone.

The server's cron (robfig/cron 1.2) takes five fields too, as seconds to months: the weekday would be lost without a
word. It knows no 7 for Sunday, and no time zone: a trigger is read in the zone of the whole server, which its setting
``CRON_SCHEDULE_TIMEZONE`` names.
"""

from __future__ import annotations

from mlopsctl.ground.cron import five_fields
from mlopsctl.ground.errors import InvalidProject
from mlopsctl.orchestrators.contract import Schedule

_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SUNDAY_AGAIN = 7
_UTC = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Universal", "Zulu"})


def server_cron(cron: str) -> str:
    """A schedule of ours (five fields, or a nickname) as the server takes it."""
    *others, weekday = five_fields(cron).split(" ")
    return " ".join(["0", *others, ",".join(_weekday(item) for item in weekday.split(","))])


def our_cron(cron: str, wanted: str = "") -> str:
    """The server's schedule in five fields; as it is where it runs at other seconds than 0, or has no such form.

    ``wanted`` is how the project writes it, and what comes back where both mean the same.
    """
    fields = cron.split()
    if wanted and " ".join(fields) == server_cron(wanted):
        return wanted
    return " ".join(fields[1:]) if len(fields) == 6 and fields[0] == "0" else cron


def check_timezone(schedule: Schedule, server: str) -> None:
    """Refuse a schedule in another time zone than the server's.

    Raises:
        InvalidProject: with what to do.
    """
    if same_timezone(schedule.timezone, server):
        return
    raise InvalidProject.because(
        "kfp-timezone",
        f"the schedule {schedule.name} is in {schedule.timezone}, and Kubeflow Pipelines reads schedules in one time "
        f"zone for the whole server, here {server}",
        hint=f"write the trigger in {server}; or, where the server's CRON_SCHEDULE_TIMEZONE is {schedule.timezone}, "
        f"say so: orchestrator: {{timezone: {schedule.timezone}}}",
    )


def same_timezone(one: str, other: str) -> bool:
    """Whether two names mean one time zone, as far as names tell."""
    return one == other or (one in _UTC and other in _UTC)


def _weekday(item: str) -> str:
    """One item of the weekday field, without a 7 in it, also where ``5/2`` would reach it."""
    span, _, step = item.partition("/")
    first, dash, last = span.partition("-")
    if span == "*" or not (step or dash or span == str(_SUNDAY_AGAIN)):
        return item
    low = _number(first)
    high = _number(last) if dash else _SUNDAY_AGAIN if step else low
    days = range(low, high + 1, int(step) if step else 1)
    return ",".join(str(day) for day in sorted({day % _SUNDAY_AGAIN for day in days}))


def _number(text: str) -> int:
    return _DAYS.index(text.upper()) if text.upper() in _DAYS else int(text)
