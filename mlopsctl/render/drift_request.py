"""The pull requests that a drift asks for, as their readers see them: what drifted with its numbers, and the plan."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.delivery.drift.finding import Drift, Plane
from mlopsctl.delivery.drift.mend import Mend
from mlopsctl.delivery.drift.retrain import Retrain
from mlopsctl.forges.contract import MOST_TEXT
from mlopsctl.ground.cut import fitted
from mlopsctl.ground.redact import redact
from mlopsctl.ground.text import printable
from mlopsctl.render.drift import SIGNS
from mlopsctl.render.plan import plan_markdown
from mlopsctl.render.publish.checks import MORE
from mlopsctl.render.report.spans import code, prose, table

_ROOM = MOST_TEXT - 1000


def retrain_markdown(found: Retrain) -> str:
    """Why a model is to be trained on newer rows, and what that takes."""
    return _body(_retrain(found))


def mend_markdown(found: Mend) -> str:
    """What the lock says and what is released, and why this lock is right."""
    return _body(_mend(found))


def _retrain(found: Retrain) -> Iterator[str]:
    where, trains = code(found.environment), code(found.trains)
    yield f"The newest rows of {where} are no longer like those that its champion was judged on."
    yield _findings(found.found, (Plane.DATA,))
    yield "\n".join(f"* {printable(one.reason)}" for one in found.decisions)
    yield f"### What `mlopsctl apply -e {found.trains}` would do now"
    yield plan_markdown(found.plan).rstrip()
    file = code(f"{found.file.parent.name}/{found.file.name}")
    yield (
        f"The plan trains because the rows that {trains} reads are others than those of its last model. {file} changes "
        f"no step: it says in git why, and merging it starts the delivery of {trains}. Whether the new model is "
        "released is for its gates to say."
    )
    if found.trains != found.environment:
        yield f"{where} then gets the model by a promotion."


def _mend(found: Mend) -> Iterator[str]:
    where = code(found.found.environment)
    yield f"The lock of {where} does not say what is released there."
    yield _findings(found.found, (Plane.CONFIG, Plane.SCHEDULE, Plane.SERVING))
    why = prose(found.why)
    yield f"{why[0].upper()}{why[1:]}."
    yield (
        f"Once this is merged, the lock is proved by its evidence again, and `mlopsctl apply -e "
        f"{found.found.environment}` changes no release. Close it where what is released is the mistake, and put the "
        "lock in order by hand."
    )


def _findings(found: Drift, planes: tuple[Plane, ...]) -> str:
    rows = [
        (SIGNS[one.standing], one.plane.value, code(one.what), code(one.wanted, 600), code(one.found, 600))
        for one in found.findings
        if one.plane in planes
    ]
    return table(("", "plane", "what", "git and the records say", "found"), rows)


def _body(blocks: Iterator[str]) -> str:
    return redact(fitted(list(blocks), _ROOM, MORE)) + "\n"
