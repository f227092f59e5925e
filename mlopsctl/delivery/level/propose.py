"""What a project lacks for a level, as a pull request: written into the files of a commit, never into the checkout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.load import FILE
from mlopsctl.delivery.level.read import read_evidence
from mlopsctl.delivery.level.upgrade import upgraded_by
from mlopsctl.delivery.promotion.proposal import Proposal, base_commit, base_of, changed_in, files_at
from mlopsctl.ground.errors import UsageProblem
from mlopsctl.levels import Standing, judge


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What would be written for a level.

    Attributes:
        standing: the level as it is proved now.
        done: each change and why, in a sentence.
    """

    project: str
    level: int
    standing: Standing
    done: tuple[str, ...]
    files: dict[Path, bytes]

    def proposal(self, body: str) -> Proposal:
        """The pull request; the same level always has the same branch."""
        return Proposal(
            branch=f"mlopsctl/level-{self.level}-{self.project}",
            title=f"Bring {self.project} to level {self.level}",
            body=body,
            files=self.files,
        )


def upgrade_of(place: Path, environment: str | None, level: int) -> Upgrade:
    """Write what is missing for a level beside the checkout; no files where nothing is missing that can be written.

    The changes stand on the branch that is checked out, as the remote ``origin`` has it.

    Raises:
        UsageProblem: when there is no such branch, or the project file here is another one than there.
        Problem: see :func:`~mlopsctl.delivery.level.upgrade.upgraded`.
    """
    file = place / FILE if place.is_dir() else place
    base, root = base_of(file.parent)
    evidence = read_evidence(place, environment)
    name = file.resolve().relative_to(root.resolve())
    with files_at(file.parent, base_commit(file.parent, base)) as there:
        if not (there / name).is_file() or (there / name).read_bytes() != file.read_bytes():
            raise UsageProblem.because(
                "not-pushed",
                f"{name.as_posix()} is not what `origin` has on {base}, which the pull request would stand on",
                hint="commit and push it first; or leave out --pr, and the changes are written here",
            )
        done = upgraded_by(there / name, evidence, level)
        written = changed_in(there)
        told = tuple(line.replace(f"{there}/", "") for line in done)
    files = {root / path: content for path, content in written.items()}
    return Upgrade(evidence.project.name, level, judge(evidence), told, files)
