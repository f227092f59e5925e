"""``environments/<env>.lock.yaml``: the reviewed file that says, by digest, which model an environment follows.

``mlopsctl promote`` writes it, with the evidence for it beside it (``environments/<env>.evidence.json``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import Field, ValidationError

from mlopsctl.config.document import Document, parse_document
from mlopsctl.config.keys import keys_at
from mlopsctl.config.translate import diagnostics
from mlopsctl.ground.digest import Json, digest_json
from mlopsctl.ground.errors import Diagnostic, InvalidProject, Span, Undecided
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Name
from mlopsctl.ground.source import DocPath

FOLDER = "environments"
_MOST_BYTES = 1 << 20

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
_Line = Annotated[str, Field(max_length=1000, pattern=r"^[^\p{C}\p{Zl}\p{Zp}]*$")]
_Commit = Annotated[str, Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})?$")]


class LockedModel(Spec):
    """The model that the environment follows."""

    name: Name = Field(title="Name", description="The registered model.")
    version: _Line = Field(title="Version", description="Its version where it comes from.")
    digest: Digest = Field(title="Digest", description="The model's digest: what it is, wherever it stands.")


class LockedCode(Spec):
    """The code that made the model."""

    commit: _Commit = Field(title="Commit", description="The commit of the run; empty outside git.")
    digest: Digest = Field(title="Digest", description="The digest of the user's files that the run executed.")


class LockedHold(Spec):
    """A rollback that holds the environment."""

    model: Digest = Field(title="Model", description="The model that was withdrawn.")
    reason: _Line = Field(title="Reason", description="Why.")


class ReleaseLock(Spec):
    """What an environment follows."""

    version: Literal[1] = Field(title="Version", description="The version of this file: 1.")
    project: Name = Field(title="Project", description="The project's name.")
    environment: Name = Field(title="Environment", description="The environment that follows this lock.")
    source: Name = Field(alias="from", title="From", description="The environment that the model comes from.")
    model: LockedModel = Field(title="Model", description="The model.")
    data: dict[Name, Digest] = Field(title="Data", description="The examples of the run that made it, by dataset.")
    code: LockedCode = Field(title="Code", description="The code that made it.")
    image: _Line = Field(title="Image", description="The image that its steps ran in, by digest; empty for none.")
    pipeline: Digest = Field(title="Pipeline", description="The pipeline that made it.")
    evidence: Digest = Field(title="Evidence", description="The sha256 of the evidence file beside this one.")
    hold: LockedHold | None = Field(None, title="Hold", description="Set by a rollback: nothing newer goes out.")

    @property
    def release(self) -> Mapping[str, Json]:
        """What the evidence must say word by word: everything but the evidence's own digest and a hold."""
        found = self.model_dump(mode="json", by_alias=True, exclude={"evidence", "hold"})
        return cast(Mapping[str, Json], found)

    @property
    def digest(self) -> str:
        """The identity of what is followed; a hold does not change it."""
        return digest_json("mlopsctl/release-lock/v1", {**self.release, "evidence": self.evidence})


@dataclass(frozen=True, slots=True)
class Followed:
    """A lock as it was read: its values, its text, and where they stand."""

    lock: ReleaseLock
    content: bytes
    document: Document
    file: Path

    def span(self, path: DocPath) -> Span:
        """Where a value of the lock stands."""
        return self.document.span_of(path)


def lock_file(folder: Path, environment: str) -> Path:
    """Where the lock of an environment stands in a project's folder."""
    return folder / FOLDER / f"{environment}.lock.yaml"


def evidence_file(folder: Path, environment: str) -> Path:
    """Where the evidence for the lock of an environment stands."""
    return folder / FOLDER / f"{environment}.evidence.json"


def read_release_lock(folder: Path, environment: str) -> Followed | None:
    """The lock of an environment; ``None`` where there is none.

    Raises:
        Undecided: when it cannot be read, or is about another environment, with every problem at its line.
    """
    file = lock_file(folder, environment)
    try:
        with file.open("rb") as stream:
            content = stream.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Undecided.because(
            "unreadable-lock", f"{file} cannot be read: {error.strerror}", span=Span(str(file), 1, 1, 1, 1)
        ) from error
    return parse_release_lock(content, file, environment)


def parse_release_lock(content: bytes, file: Path, environment: str) -> Followed:
    """The lock in the bytes of a file; see :func:`read_release_lock`."""
    try:
        document = parse_document(content, str(file))
        lock = ReleaseLock.model_validate_json(json.dumps(document.data))
    except InvalidProject as problem:
        raise Undecided(problem.diagnostics) from None
    except ValidationError as error:
        raise Undecided(
            diagnostics(error.errors(include_url=False), document, lambda at: keys_at(ReleaseLock, document.data, at))
        ) from None
    found = Followed(lock, content, document, file)
    if lock.environment != environment:
        raise Undecided(
            Diagnostic(
                "wrong-lock",
                f"this lock is for {lock.environment}, and stands where that of {environment} belongs",
                found.span(("environment",)),
                "a lock cannot be copied to another environment: use `mlopsctl promote`",
            )
        )
    return found
