"""Moments and lengths of time as a person reads them; digests in twelve letters."""

from __future__ import annotations

import time


def moment(milliseconds: int) -> str:
    """A moment in UTC: ``2026-01-31 12:00:05``."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(milliseconds / 1000))


def took(started: int, finished: int | None) -> str:
    """How long something took, from milliseconds; empty while it goes on."""
    if finished is None:
        return ""
    seconds = max(0, finished - started) / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def short(digest: str) -> str:
    """A digest as a person compares it."""
    return digest.removeprefix("sha256:")[:12]
