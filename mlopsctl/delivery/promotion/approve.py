"""``approve``: say yes to what an apply would do now, to that and to nothing else."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from dataclasses import dataclass

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.environment import writing
from mlopsctl.delivery.plan import Plan
from mlopsctl.delivery.prepare import prepare
from mlopsctl.delivery.promotion import approval
from mlopsctl.delivery.promotion.follow import require_lock
from mlopsctl.delivery.release import take_over
from mlopsctl.delivery.stores import open_stores
from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.text import printable


@dataclass(frozen=True, slots=True)
class Approved:
    """What was approved: why the environment asked, by whom, and the digest of what was seen."""

    reasons: tuple[str, ...]
    by: str
    digest: str


def approve(
    loaded: Loaded,
    whom: Callable[[str], str],
    confirm: Callable[[Plan, tuple[str, ...]], bool],
    *,
    release_hold: bool = False,
) -> Approved | None:
    """Record an approval; ``None`` when ``confirm`` said no. Without reasons nothing asks for one, and none is kept.

    ``whom`` says who approves; it hears who approved just this already, or an empty text.

    Raises:
        ApprovalMissing: when nothing was promoted yet.
        Problem: as ``plan`` does.
    """
    require_lock(loaded)
    with open_stores(loaded) as stores, writing(loaded, stores) as lease:
        take_over(stores, lease)
        prepared = prepare(loaded, stores, lift_hold=release_hold, collecting=True)
        why = approval.asked(loaded, prepared.state, prepared.proof)
        now = approval.seen(loaded, prepared.plan, prepared.proof)
        if not why:
            return Approved((), "", now.digest)
        if not confirm(prepared.plan, why):
            return None
        by = whom(approval.given_by(loaded, stores, now))
        approval.give(stores, lease, now, by, now_ms())
        return Approved(why, by, now.digest)


def who_is_at_work() -> str:
    """Who is at work, as far as it is known: the person whom CI acts for, or the user here."""
    try:
        found = os.environ.get("GITHUB_ACTOR", "") or getpass.getuser()
    except (KeyError, OSError):
        found = ""
    return printable(found)[:100] or "somebody"
