"""Previews: an environment that stands nowhere in the file, made of one that does.

``-e pr-7`` is the environment of ``previews: {of: …}`` under another name: nothing starts it by itself, no model is
promoted into it, and what it serves has names and ports of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from mlopsctl.config.document import Document
from mlopsctl.config.look import Loaded
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import UsageProblem
from mlopsctl.ground.source import DocPath, Mark

_NAME = re.compile(r"pr-([1-9][0-9]{0,9})", re.ASCII)
_ENVIRONMENTS = "environments"


def preview_name(number: int) -> str:
    """The environment of a pull request."""
    return f"pr-{number}"


def preview_number(environment: str) -> int | None:
    """The pull request of an environment's name; none for a name of another shape."""
    found = _NAME.fullmatch(environment)
    return int(found[1]) if found else None


def origin(document: Document, names: tuple[str, ...], environment: str | None) -> str:
    """The environment that a preview of this name is made of; empty where it is not a preview.

    Raises:
        UsageProblem: when the name is a preview's and the project has none.
    """
    if environment is None or environment in names or preview_number(environment) is None:
        return ""
    section = document.data.get("previews")
    of = section.get("of") if isinstance(section, Mapping) else None
    if isinstance(of, str) and of in names:
        return of
    message = f"there is no environment {environment!r}, and the project says nothing of previews"
    hint = f"write `previews: {{of: NAME}}` into the project; there is: {', '.join(names)}"
    raise UsageProblem.because("which-environment", message, hint=hint)


def with_preview(document: Document, of: str, environment: str) -> Document:
    """The document with one environment more: a copy of ``of`` without triggers and promotion.

    What stands in it keeps its place in the text of the environment that it is a copy of.
    """
    declared = document.data.get(_ENVIRONMENTS)
    overlays: Mapping[str, Json] = declared if isinstance(declared, Mapping) else {of: {}}
    over = overlays.get(of)
    kept: dict[str, Json] = dict(over) if isinstance(over, Mapping) else {}
    kept.pop("promotion", None)
    copied: dict[str, Json] = {**kept, "triggers": []}
    root = (_ENVIRONMENTS, of)
    moved = {
        (_ENVIRONMENTS, environment, *path[len(root) :]): mark
        for path, mark in document.marks.items()
        if path[: len(root)] == root
    }
    asked = document.marks[("previews",)]
    root_of_copy: DocPath = (_ENVIRONMENTS, environment)
    made: dict[DocPath, Mark] = {(_ENVIRONMENTS,): asked, root_of_copy: asked}
    marks = {**made, **document.marks, **moved, (*root_of_copy, "triggers"): asked}
    return replace(document, data={**document.data, _ENVIRONMENTS: {**overlays, environment: copied}}, marks=marks)


def apart(loaded: Loaded, of: str) -> Loaded:
    """The preview with a server of its own, and the environment whose champion it is judged against."""
    deployment = loaded.project.deployment
    if deployment is None:
        return replace(loaded, preview_of=of)
    own = deployment.model_copy(update={"server": deployment.server.apart()})
    return replace(loaded, project=loaded.project.model_copy(update={"deployment": own}), preview_of=of)
