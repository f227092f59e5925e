"""What a proposed lock says of itself: branch, title, and the evidence as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.promotion.promote import Promoted
from mlopsctl.delivery.promotion.proposal import Proposal
from mlopsctl.delivery.promotion.revert import Revert
from mlopsctl.ground.text import printable
from mlopsctl.metadata.records import Release

_MOST = 60_000
_HIDDEN = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>|#@"})


def promotion_proposal(found: Promoted, page: str = "") -> Proposal:
    """The pull request of a promotion; ``page`` is that of the workflow's run which proposes it."""
    version = f"{found.release.registry_name} v{found.release.registry_version}"
    return Proposal(
        branch=f"mlopsctl/promote-{found.project}-{found.target}",
        title=f"Promote {version} from {found.source} to {found.target}",
        body="\n".join([*_body(found), *_page(page)])[:_MOST],
        files=found.files,
    )


def revert_proposal(loaded: Loaded, found: Revert, release: Release, reason: str, page: str = "") -> Proposal:
    """The pull request that makes git say what a rollback did; ``page`` as above."""
    version = f"{release.registry_name} v{release.registry_version}"
    after = (
        "Once merged, the lock names that model again, and the hold ends."
        if found.names_earlier
        else "Git has no earlier lock for that model: the lock says that it is held. Promote another model to end it."
    )
    said = f"{loaded.environment} was rolled back to {_md(version)}: {_md(reason)}"
    body = "\n".join([said, "", after, "", f"Model `{release.model}`", *_page(page)])
    return Proposal(
        branch=f"mlopsctl/rollback-{loaded.project.name}-{loaded.environment}",
        title=f"Roll {loaded.environment} back to {version}",
        body=body[:_MOST],
        files=found.files,
    )


def names(files: tuple[Path, ...], folder: Path) -> str:
    """Files as a person reads them."""
    return ", ".join(path.relative_to(folder).as_posix() for path in files)


def _body(found: Promoted) -> Iterator[str]:
    yield f"`apply -e {found.target}` follows this lock once it is merged, and judges the model again there."
    yield ""
    yield f"| | {found.target} now | with this |"
    yield "|---|---|---|"
    for row in found.rows:
        yield f"| {_md(row.what)} | {_md(row.now)} | {_md(row.then)} |"
    yield ""
    yield f"| gate in {found.source} | verdict | why |"
    yield "|---|---|---|"
    for gate in found.gates:
        verdict = gate.verdict if gate.decides else "does not decide"
        over = f" (broken by hand: {gate.overridden})" if gate.overridden else ""
        yield f"| {_md(gate.name)} | {verdict} | {_md(gate.reason + over)} |"
    if found.measures:
        yield ""
        yield "Measured there: " + ", ".join(f"{_md(metric)} {value}" for metric, value in found.measures) + "."
    yield ""
    yield "| what the evidence is about | |"
    yield "|---|---|"
    for what, digest in found.digests:
        # GitHub makes a link of a whole commit; the other digests are only text.
        yield f"| {what} | {_md(digest) if what == 'commit' else f'`{_md(digest)}`'} |"
    yield ""
    yield f"Run `{found.release.run}`, release {found.release.number} of {found.source}. " + (
        "The evidence is signed." if found.signed else "The evidence is not signed."
    )
    yield from (f"\n{_md(note)}" for note in found.notes)


def _page(page: str) -> list[str]:
    return ["", f"[The run that proposed this]({page})"] if page else []


def _md(text: str) -> str:
    """Text from users as it may stand in a table of Markdown."""
    return printable(text).translate(_HIDDEN)
