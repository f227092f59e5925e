"""Prove a lock: the evidence beside it must be whole, signed where that is asked for, and about this very lock."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.promotion.envelope import opened
from mlopsctl.delivery.promotion.lock_text import lock_text
from mlopsctl.delivery.promotion.statement import Statement, differences, read_statement
from mlopsctl.delivery.promotion.unproved import NotProved
from mlopsctl.ground.digest import PREFIX
from mlopsctl.ground.errors import Undecided
from mlopsctl.ground.source import DocPath
from mlopsctl.lowering.release_lock import Followed, evidence_file

_AGAIN = "take both files back from git, or promote again: `mlopsctl promote {} {}`"


@dataclass(frozen=True, slots=True)
class Proof:
    """A lock that was proved, with what its evidence states."""

    followed: Followed
    statement: Statement
    signed: bool


def prove(loaded: Loaded, followed: Followed, content: bytes | None = None) -> Proof:
    """Verify a lock against its evidence, without asking anybody.

    Args:
        content: the evidence; what stands beside the lock where none is given.

    Raises:
        Undecided: when a byte of either is not as it was promoted, naming what differs at its line.
    """
    lock = followed.lock
    if lock.project != loaded.project.name:
        raise _not_proved(followed, ("project",), f"the lock is for the project {lock.project}")
    promotion = loaded.project.promotion
    wanted = promotion.source if promotion is not None else None
    if lock.source != wanted:
        message = f"the lock comes from {lock.source}, and {lock.environment} is promoted from {wanted}"
        raise _not_proved(followed, ("from",), message)
    _require_own_text(followed)
    content = _content(loaded, followed) if content is None else content
    found = PREFIX + hashlib.sha256(content).hexdigest()
    file = evidence_file(loaded.folder, lock.environment)
    if found != lock.evidence:
        raise _not_proved(followed, ("evidence",), f"{file.name} is not the evidence that was locked: it is {found}")
    try:
        payload, signed = opened(loaded, content)
        statement = read_statement(payload)
    except (NotProved, ValueError) as error:
        hint = error.hint if isinstance(error, NotProved) else ""
        raise _not_proved(followed, ("evidence",), f"{file.name} proves nothing: {error}", hint) from None
    _require_same(followed, statement)
    return Proof(followed, statement, signed)


def _require_own_text(followed: Followed) -> None:
    """The same lock has one text only, so that a change in what is no value is noticed too."""
    wanted = lock_text(followed.lock).encode()
    if followed.content == wanted:
        return
    ours, theirs = wanted.splitlines(), followed.content.splitlines()
    number = next((at for at, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one != other), -1)
    at = number + 1 if number >= 0 else min(len(ours), len(theirs)) + 1
    raise _not_proved(followed, (), f"line {at} of the lock is not as mlopsctl writes it")


def _require_same(followed: Followed, statement: Statement) -> None:
    lock, predicate = followed.lock, statement.predicate
    if statement.models != (lock.model.digest,):
        said = ", ".join(statement.models) or "nothing"
        raise _not_proved(followed, ("model", "digest"), f"the evidence is about {said}, not about this model")
    for at, said, found in differences(predicate.release, lock.release):
        raise _not_proved(
            followed, tuple(at.split(".")), f"the lock says {found} for {at}, and its evidence says {said}"
        )
    bad = [gate for gate in predicate.gates if gate.decides and gate.verdict != "pass" and not gate.overridden]
    if predicate.verdict != "pass" or predicate.preflight != "pass" or bad:
        names = ", ".join(gate.name for gate in bad) or "its verdict"
        raise _not_proved(followed, ("evidence",), f"the evidence does not say pass: {names}")


def _content(loaded: Loaded, followed: Followed) -> bytes:
    file = evidence_file(loaded.folder, followed.lock.environment)
    try:
        return file.read_bytes()
    except OSError as error:
        message = f"the evidence {file.name} cannot be read: {error.strerror}"
        raise _not_proved(followed, ("evidence",), message) from error


def _not_proved(followed: Followed, path: DocPath, message: str, hint: str = "") -> Undecided:
    lock = followed.lock
    again = _AGAIN.format(lock.source, lock.environment)
    return Undecided.because(
        "not-proved",
        f"nothing is released: {message}",
        hint=f"{again}; {hint}" if hint else again,
        span=followed.span(path),
    )
