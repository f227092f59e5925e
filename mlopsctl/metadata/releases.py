"""The releases of an environment: each once, by number, with when it was left and whether it was rolled back from.

The current release is the one that was not left.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from sqlalchemy import ColumnElement, Connection, insert, select, update

from mlopsctl.metadata.problems import MetadataProblem
from mlopsctl.metadata.records import Release
from mlopsctl.metadata.tables import RELEASE
from mlopsctl.metadata.text import dump


def read(connection: Connection, project: str, environment: str) -> tuple[Release | None, tuple[Release, ...]]:
    """The current release, and the others in the order in which they were left."""
    query = select(RELEASE).where(*_mine(project, environment)).order_by(RELEASE.c.left_at, RELEASE.c.number)
    current, history = None, []
    for row in connection.execute(query):
        release = replace(Release(**json.loads(row.body)), withdrawn=row.withdrawn)
        if row.left_at is None:
            current = release
        else:
            history.append(release)
    return current, tuple(history)


def add(connection: Connection, project: str, environment: str, release: Release) -> None:
    """Add the next release, which is then current.

    Raises:
        ValueError: when its number is not the next one.
    """
    numbers = connection.execute(select(RELEASE.c.number).where(*_mine(project, environment))).scalars().all()
    expected = max(numbers, default=0) + 1
    if release.number != expected:
        raise ValueError(f"the next release of {environment!r} has number {expected}, not {release.number}")
    body = dump(asdict(replace(release, withdrawn=False)))
    key = {"project": project, "environment": environment, "number": release.number}
    connection.execute(insert(RELEASE).values(**key, withdrawn=False, body=body))


def leave(connection: Connection, project: str, environment: str, serial: int, *, withdrawn: bool) -> None:
    """The current release, if there is one, goes into the history; ``withdrawn`` when it was rolled back from."""
    connection.execute(
        update(RELEASE)
        .where(*_mine(project, environment), RELEASE.c.left_at.is_(None))
        .values(left_at=serial, withdrawn=withdrawn)
    )


def return_to(connection: Connection, project: str, environment: str, number: int) -> None:
    """An earlier release is current again."""
    connection.execute(
        update(RELEASE)
        .where(*_mine(project, environment), RELEASE.c.number == number)
        .values(left_at=None, withdrawn=False)
    )


def earlier(connection: Connection, project: str, environment: str, to: int | None) -> int:
    """The number of the release to return to.

    Raises:
        Problem: when nothing is released now, or there is no such earlier release.
    """
    current, history = read(connection, project, environment)
    if current is None:
        raise MetadataProblem.because(
            "nothing-released",
            f"nothing is released in {environment!r} of {project!r}, so there is nothing to roll back",
            hint="run apply to release a model",
        )
    good = [release.number for release in history if not release.withdrawn]
    known = sorted(release.number for release in history)
    if to is None and good:
        return good[-1]
    if to is not None and to in known:
        return to
    said = "no earlier release" if to is None else f"no earlier release number {to}"
    hint = f"earlier releases are {', '.join(map(str, known))}; choose one by its number" if known else ""
    raise MetadataProblem.because(
        "no-earlier-release", f"{environment!r} of {project!r} has {said} (current: {current.number})", hint=hint
    )


def _mine(project: str, environment: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return RELEASE.c.project == project, RELEASE.c.environment == environment
