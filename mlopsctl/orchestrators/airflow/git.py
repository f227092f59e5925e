"""A git repository that Airflow reads DAGs from: commits of our two files only, pushed only onto what was seen.

Nothing is checked out. A throw-away repository fetches the newest commit, an index of its own takes the two files, and
the new commit is pushed without force: the server takes it only while the branch stands where it was fetched. When
somebody else was faster, the same is done on top of theirs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.patience import Patience
from mlopsctl.orchestrators.airflow.git_calls import GitCalls, GitFailed, credentials
from mlopsctl.orchestrators.specs.airflow_dags import GitDags

_TRIES = 8
_CONTENDED = (
    "fetch first",
    "non-fast-forward",
    "stale info",
    "cannot lock ref",
    "failed to update ref",
    "incorrect old value",
)
_FOR_GOOD = ("hook declined", "protected branch", "permission", "denied", "authentication", "not found", "forbidden")


class GitOfDags:
    """See :class:`~mlopsctl.orchestrators.airflow.files.DagFiles`."""

    def __init__(self, dags: GitDags, patience: Patience | None = None) -> None:
        self._dags = dags
        self._ref = f"refs/heads/{dags.branch}"
        self._below = "" if dags.folder == "." else f"{dags.folder}/"
        self._patience = patience or Patience(tries=_TRIES, first=0.2)

    @property
    def where(self) -> str:
        return f"{self._dags.repository} ({self._dags.branch}{f', {self._dags.folder}' if self._below else ''})"

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        with tempfile.TemporaryDirectory(prefix="mlopsctl-git-") as folder:
            git = self._repository(folder)
            return self._there(git, self._newest(git), names)

    def write(self, files: Mapping[str, bytes], why: str) -> None:
        self._settle(dict(files), why)

    def remove(self, names: Collection[str], why: str) -> tuple[str, ...]:
        return self._settle(dict.fromkeys(names), why)

    def _settle(self, wanted: Mapping[str, bytes | None], why: str) -> tuple[str, ...]:
        """Make files have this content (``None``: not be there), and say which were changed.

        Raises:
            StepProblem: when the repository refuses, cannot be reached, or is pushed to all the time.
        """
        with tempfile.TemporaryDirectory(prefix="mlopsctl-git-") as folder:
            git = self._repository(folder)
            changed: tuple[str, ...] = ()
            for tried in range(1, self._patience.tries + 1):
                parent = self._newest(git)
                there = self._there(git, parent, wanted)
                moved = tuple(name for name in wanted if there.get(name) != wanted[name])
                if not moved:
                    # Also where an earlier push went through and its answer was lost.
                    return changed
                changed = moved
                commit = self._commit(git, parent, {name: wanted[name] for name in moved}, why)
                try:
                    git.ask("push", "--porcelain", "--no-verify", "--", self._dags.repository, f"{commit}:{self._ref}")
                except GitFailed as failed:
                    if tried == self._patience.tries or _is_for_good(failed.said):
                        raise self._refused("push to", failed.said) from failed
                    self._patience.pause(tried)
                else:
                    return changed
        raise AssertionError("the last try returns or raises")

    def _repository(self, folder: str) -> GitCalls:
        """An empty repository that is thrown away, and speaks with our credentials."""
        git = GitCalls(Path(folder), credentials(self._dags))
        try:
            git.ask("init", "--quiet", "--bare", "--template=", ".")
        except GitFailed as failed:
            raise self._refused("prepare a commit for", failed.said) from failed
        return git

    def _newest(self, git: GitCalls) -> str:
        """The commit that the branch points at, fetched."""
        wanted = (f"+{self._ref}:refs/mlopsctl/newest",)
        for tried in range(1, self._patience.tries + 1):
            try:
                git.ask("fetch", "--quiet", "--depth=1", "--no-tags", "--", self._dags.repository, *wanted)
                return git.line("rev-parse", "--verify", "refs/mlopsctl/newest")
            except GitFailed as failed:
                lasting = "couldn't find remote ref" in failed.said or _is_for_good(failed.said) or failed.is_missing
                if lasting or tried == self._patience.tries:
                    raise self._refused("fetch", failed.said) from failed
                self._patience.pause(tried)
        raise AssertionError("the last try returns or raises")

    def _there(self, git: GitCalls, commit: str, names: Collection[str]) -> dict[str, bytes]:
        found = {}
        try:
            for name in names:
                entry = git.ask("ls-tree", "-z", commit, "--", f"{self._below}{name}").decode("utf-8", "replace")
                mode, _, rest = entry.partition(" ")
                if mode in ("100644", "100755"):
                    found[name] = git.ask("cat-file", "blob", rest.split()[1])
        except GitFailed as failed:
            raise self._refused("read", failed.said) from failed
        return found

    def _commit(self, git: GitCalls, parent: str, changes: Mapping[str, bytes | None], why: str) -> str:
        """A commit on top of another that changes these files and nothing else."""
        author = self._dags.author
        who = {**_person("AUTHOR", author), **_person("COMMITTER", self._dags.committer or author)}
        try:
            git.ask("read-tree", parent)
            # As index information, which needs no work tree: mode, object, path; a mode of 0 takes the path out.
            entries = []
            for name, content in changes.items():
                blob = git.line("hash-object", "-w", "-t", "blob", "--no-filters", "--stdin", given=content or b"")
                entries.append(f"{'0' if content is None else '100644'} {blob}\t{self._below}{name}\0")
            git.ask("update-index", "-z", "--index-info", given="".join(entries).encode())
            tree = git.line("write-tree")
            return git.line("commit-tree", "--no-gpg-sign", tree, "-p", parent, "-m", why, more=who)
        except GitFailed as failed:
            raise self._refused("prepare a commit for", failed.said) from failed

    def _refused(self, doing: str, said: str) -> StepProblem:
        low = said.lower()
        hint = "check orchestrator.dags.repository, and that this machine reaches it"
        if "couldn't find remote ref" in low:
            hint = "orchestrator.dags.branch names a branch that is there; make it first"
        elif any(word in low for word in ("authentication", "denied", "could not read username", "403", "401")):
            hint = "let these credentials write there: orchestrator.dags.token, or the ones git itself knows"
        elif any(word in low for word in _CONTENDED):
            hint = "others push all the time; apply again"
        elif "hook declined" in low or "protected branch" in low:
            hint = "the repository takes no direct push to this branch: name another that Airflow follows"
        return StepProblem.because("dags-not-pushed", f"cannot {doing} {self.where}: {said}", hint=hint)


def _is_for_good(said: str) -> bool:
    """Whether git will say the same the next time."""
    low = said.lower()
    return any(word in low for word in _FOR_GOOD) and not any(word in low for word in _CONTENDED)


def _person(role: str, text: str) -> dict[str, str]:
    name, _, address = text.partition(" <")
    return {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": address.rstrip(">")}
