"""Bring checks, comment and deployment to the forge, with less where the rights are less; say what was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mlopsctl.delivery.publish.value import Publication
from mlopsctl.forges.contract import Check, CommitStatus, Forge, ForgeProblem, NoRights, PostedCheck
from mlopsctl.ground.log import log_for

_log = log_for("publish")

Aggregate = Callable[[Mapping[str, str]], Check]


@dataclass
class Sent:
    """What reached the forge.

    Attributes:
        how: ``checks``, ``statuses``, or empty where the rights allow neither.
        lost: why checks could not be published, by name.
        superseded: the newer commit of the pull request; empty where this one is its head.
        comment: the address of the comment; empty for none.
    """

    how: str = ""
    checks: list[PostedCheck] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)
    superseded: str = ""
    comment: str = ""
    notes: list[str] = field(default_factory=list)


def send(forge: Forge, found: Publication, checks: Sequence[Check], last: Aggregate, comment: str) -> Sent:
    """Publish on the commit that was judged, whatever its branch does meanwhile.

    Args:
        checks: one for each item; ``last`` makes the one for all of them, once it is known what was lost.
        comment: for the pull request, unless a newer commit is its head by now.
    """
    sent = Sent()
    try:
        for check in checks:
            _one(forge, check, sent)
        _one(forge, last(sent.lost), sent)
        sent.how = "checks"
    except NoRights as why:
        _statuses(forge, [*checks, last(sent.lost)], sent, str(why))
    if found.subject.pull_request:
        _comment(forge, found, comment, sent)
    return sent


def _one(forge: Forge, check: Check, sent: Sent) -> None:
    try:
        sent.checks.append(forge.publish_check(check))
    except NoRights:
        raise
    except ForgeProblem as why:
        sent.lost[check.name] = str(why)
        _log.warning("not published", check=check.name, problem=str(why))


def _statuses(forge: Forge, checks: Sequence[Check], sent: Sent, why: str) -> None:
    """The smaller form: a line with a mark for each check."""
    sent.notes.append(f"no check runs could be written, so commit statuses are: {why}")
    for check in checks:
        status = CommitStatus(check.commit, check.name, check.conclusion, check.title, check.details_url)
        try:
            forge.set_status(status)
        except NoRights as refused:
            sent.notes.append(f"no commit statuses could be written either: {refused}")
            return
        except ForgeProblem as problem:
            sent.lost[check.name] = str(problem)
    sent.how = "statuses"


def _comment(forge: Forge, found: Publication, body: str, sent: Sent) -> None:
    """The comment, unless a newer commit has taken the branch over: it is for the newer one to speak then."""
    subject = found.subject
    try:
        sent.superseded = _newer(forge, found)
        if sent.superseded:
            sent.notes.append(f"{subject.commit[:12]} is superseded by {sent.superseded[:12]}; its comment is left")
            return
        sent.comment = forge.sticky_comment(subject.pull_request, subject.key, body).url
        sent.superseded = _newer(forge, found)
    except NoRights as why:
        sent.notes.append(f"no comment could be written: {why}")
    except ForgeProblem as why:
        sent.lost["comment"] = str(why)
        _log.warning("not published", check="comment", problem=str(why))


def _newer(forge: Forge, found: Publication) -> str:
    head = forge.pull_request(found.subject.pull_request).head_commit
    return "" if head == found.subject.commit else head
