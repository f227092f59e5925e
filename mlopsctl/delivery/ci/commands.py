"""Commands in comments: ``/mlopsctl apply staging``. One closed grammar, and answers for people with write access only.

What a comment says reaches nothing but :func:`parse`; what goes on from there are words that stand in the project.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlopsctl.ci import GitHubActions
from mlopsctl.delivery.ci.event import WrittenComment
from mlopsctl.delivery.ci.promotions import promotions
from mlopsctl.delivery.ci.scaffold import settings_of
from mlopsctl.delivery.ci.scene import Scene
from mlopsctl.forges.contract import Forge, Reaction

VERBS = ("plan", "apply", "promote", "rollback")
_MOST = 300
_CALLED = re.compile(r"/mlopsctl(?: |\Z)")
_WORDS = re.compile(r"/mlopsctl((?: [a-z][a-z0-9_-]{0,62}){1,5})\Z")


@dataclass(frozen=True, slots=True)
class Command:
    """What is asked for; ``next`` is where a promotion goes, and empty otherwise."""

    verb: str
    environment: str
    next: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, ["/mlopsctl", self.verb, self.environment, self.next]))


@dataclass(frozen=True, slots=True)
class Allowed:
    """What commands can name: the environments, and the promotions between two of them."""

    project: str
    environments: tuple[str, ...]
    promotions: tuple[tuple[str, str], ...]
    named: bool

    @property
    def usage(self) -> tuple[str, ...]:
        """Every command that there is."""
        name = f"{self.project} " if self.named else ""
        verbs = [verb for verb in VERBS if verb != "promote"]
        single = [f"/mlopsctl {name}{verb} {one}" for verb in verbs for one in self.environments]
        return (*single, *(f"/mlopsctl {name}promote {one} {other}" for one, other in self.promotions))


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done upon a comment.

    Attributes:
        command: what is carried out; ``None`` for nothing.
        reaction: the sign beside the comment; ``None`` where the comment is none of ours.
        refused: why it is not carried out, in words of ours; empty where nothing is to be said.
        asked: who asked and where, for the records.
    """

    command: Command | None = None
    reaction: Reaction | None = None
    refused: str = ""
    asked: str = ""


class NotACommand(Exception):
    """Why a comment that calls us asks for nothing that there is, in words of ours only."""


def allowed(scene: Scene) -> Allowed:
    """What commands can name in a project; one below the repository's root is called by its name."""
    settings = settings_of(scene, "github_actions")
    assert isinstance(settings, GitHubActions)
    stages = scene.applied(settings.environment)
    return Allowed(
        project=scene.name,
        environments=tuple(stage.name for stage in stages),
        promotions=tuple((stage.name, after) for stage in stages for after in promotions(scene, stage.follows)),
        named=scene.folder != ".",
    )


def parse(body: str, known: Allowed) -> Command | None:
    """The command in a comment; nothing where it calls nobody, or another project.

    Raises:
        NotACommand: when it calls us and is none.
    """
    text = body.strip()
    if not _CALLED.match(text):
        return None
    if known.named and not text.startswith(f"/mlopsctl {known.project} "):
        return None
    found = _WORDS.match(text) if len(text) <= _MOST else None
    if found is None:
        raise NotACommand("a command is one line of small letters, and nothing beside it")
    words = found[1].split()
    named = len(words) > 1 and words[1] in VERBS
    if named and words[0] == known.project:
        words = words[1:]
    elif named and words[0] not in VERBS:
        return None
    return _command(words, known)


def decide(comment: WrittenComment, known: Allowed, forge: Forge) -> Decision:
    """What is done upon a comment. Whoever may not write here gets a sign and no words."""
    try:
        command, refused = parse(comment.body, known), ""
    except NotACommand as why:
        command, refused = None, str(why)
    if command is None and not refused:
        return Decision()
    if not forge.may_write(comment.login):
        return Decision(reaction=Reaction.REFUSED)
    refused = refused or _refused_here(comment, forge)
    if command is None or refused:
        return Decision(reaction=Reaction.PUZZLED, refused=refused)
    return Decision(command, Reaction.SEEN, asked=f"asked for by {comment.login} in {comment.number}")


def outputs(decision: Decision) -> Mapping[str, str]:
    """What the jobs that come after are told: words of the project and of one closed grammar."""
    command = decision.command
    return {
        "command": command.verb if command else "",
        "environment": command.environment if command else "",
        "next": command.next if command else "",
        "asked": decision.asked,
    }


def _command(words: Sequence[str], known: Allowed) -> Command:
    match words:
        case ["promote", source, target]:
            if (source, target) not in known.promotions:
                raise NotACommand("no model is promoted between these environments")
            return Command("promote", source, target)
        case ["promote", *_]:
            raise NotACommand("a promotion names two environments")
        case [verb, environment] if verb in VERBS:
            if environment not in known.environments:
                raise NotACommand("there is no such environment")
            return Command(verb, environment)
        case [verb, *_] if verb in VERBS:
            raise NotACommand("the command names one environment")
    raise NotACommand("there is no such command")


def _refused_here(comment: WrittenComment, forge: Forge) -> str:
    """Commands run merged code; under a fork's pull request they would look as if they ran that of the fork."""
    if not comment.is_pull_request:
        return ""
    asked = forge.pull_request(comment.number)
    if asked.fork and asked.state != "merged":
        return "under the pull request of a fork no command is carried out before it is merged"
    return ""
