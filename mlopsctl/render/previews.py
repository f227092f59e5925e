"""The views of previews."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mlopsctl.delivery.previews import Preview
from mlopsctl.render.times import moment


def previews_text(found: Sequence[Preview], now: int) -> str:
    """One line a preview: its environment, its last run, until when it stays."""
    if not found:
        return "No preview stands."
    width = max(len(one.environment) for one in found)
    return "\n".join(f"{one.environment:<{width}}  {_told(one, now)}" for one in found)


def _told(one: Preview, now: int) -> str:
    until = "expired" if one.expired(now) else "stays until"
    released = "a model is released" if one.released else "nothing is released"
    return f"last run {moment(one.last_run)}  {until} {moment(one.expires)}  {released}"


def previews_json(found: Sequence[Preview], now: int) -> str:
    """The same for programs; moments are milliseconds since the epoch."""
    listed = [
        {
            "number": one.number,
            "environment": one.environment,
            "last_run": one.last_run,
            "expires": one.expires,
            "expired": one.expired(now),
            "released": one.released,
        }
        for one in found
    ]
    return json.dumps(listed, indent=2)
