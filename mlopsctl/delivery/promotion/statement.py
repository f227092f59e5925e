"""The statement of a promotion: an in-toto Statement whose subject is the model and whose predicate is the proof."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from mlopsctl.ground.digest import PREFIX, Json, canonical_json

STATEMENT: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "urn:mlopsctl:promotion:v1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
"""What an envelope says that it holds."""

Verdict = Literal["pass", "fail", "error"]


class _Part(BaseModel):
    """A part of a statement; nothing else may stand in it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, populate_by_name=True)


class Subject(_Part):
    """What the statement is about: a model, by digest."""

    name: str
    digest: dict[str, Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]


class GateProof(_Part):
    """What a gate said. ``overridden``: why it was broken by hand; empty when it was not."""

    name: str
    verdict: Verdict
    decides: bool
    reason: str
    overridden: str = ""


class Predicate(_Part):
    """Why the model may move up.

    Attributes:
        release: the lock's content word by word, but for the digest of this evidence.
        run, plan, commit, policy: the run that released it in ``from``, its plan, the commit and the gates.
        verdict: of all checks and gates there.
        evaluation, blessing: artifact digests.
    """

    release: dict[str, JsonValue]
    run: str
    plan: str
    commit: str
    policy: str
    verdict: Verdict
    preflight: Verdict
    evaluation: str
    blessing: str
    gates: tuple[GateProof, ...]


class Statement(_Part):
    """An in-toto Statement, version 1, about a promotion."""

    type: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: tuple[Subject, ...]
    predicate_type: Literal["urn:mlopsctl:promotion:v1"] = Field(alias="predicateType")
    predicate: Predicate

    @property
    def content(self) -> bytes:
        """The bytes that are signed."""
        return canonical_json(cast(Json, self.model_dump(mode="json", by_alias=True)))

    @property
    def models(self) -> tuple[str, ...]:
        """The digests of all subjects, as we write them."""
        return tuple(PREFIX + subject.digest.get("sha256", "") for subject in self.subject)


def state(model: str, name: str, predicate: Predicate) -> Statement:
    """The statement about a model, by our digest of it."""
    subject = Subject(name=name, digest={"sha256": model.removeprefix(PREFIX)})
    return Statement(type=STATEMENT, subject=(subject,), predicate_type=PREDICATE, predicate=predicate)


def read_statement(content: bytes) -> Statement:
    """The statement in these bytes.

    Raises:
        ValueError: when they are none, with what is wrong.
    """
    try:
        return Statement.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{at or 'the text'}: {first['msg']}") from None


def differences(said: Mapping[str, Json], found: Mapping[str, Json], at: str = "") -> Sequence[tuple[str, str, str]]:
    """Where two values differ: the path, what the first says, and what the second."""
    result: list[tuple[str, str, str]] = []
    for key in sorted({*said, *found}):
        here = f"{at}.{key}" if at else key
        one, other = said.get(key), found.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            result += differences(one, other, here)
        elif one != other:
            result.append((here, _short(one), _short(other)))
    return result


def _short(value: Json) -> str:
    return "nothing" if value is None else json.dumps(value, default=list)[:100]
