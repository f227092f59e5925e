"""Pull requests, issues and comments: one of a branch or a key, brought up to date when asked again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from mlopsctl.forges.calls import Calls, Found, NotThere
from mlopsctl.forges.contract import Comment, Issue, PullRequest, Reaction
from mlopsctl.forges.github_identity import Identity, marker
from mlopsctl.ground.digest import Json

_WRITERS = ("admin", "maintain", "write")


@dataclass(frozen=True, slots=True)
class Talk:
    """What people read in a repository (``/repos/owner/name``)."""

    calls: Calls
    repository: str
    identity: Identity

    def open_pull_request(self, title: str, body: str, head: str, base: str, key: str = "") -> PullRequest:
        """The open pull request of a branch of this repository."""
        standing = self._pull_request_of(head, base)
        wanted: Found = {"title": title, "body": f"{marker(key)}\n{body}" if key else body}
        if standing is None:
            made = self.calls.once(
                "POST",
                f"{self.repository}/pulls",
                {**wanted, "head": head, "base": base},
                lambda: self._pull_request_of(head, base),
            )
            return pull_request(made)
        return pull_request(self._brought(f"{self.repository}/pulls/{number(standing)}", standing, wanted))

    def refused_pull_request(self, head: str, base: str, key: str) -> PullRequest | None:
        """The newest pull request of a key that was closed and not merged; none while the branch has an open one."""
        if self._pull_request_of(head, base) is not None:
            return None
        for found in self._pull_requests(head, base, "closed"):
            if not found.get("merged_at") and self._ours(found, key):
                return pull_request(found)
        return None

    def pull_request(self, id: int) -> PullRequest:
        """A pull request as it stands now."""
        return pull_request(_mapping(self.calls.read(f"{self.repository}/pulls/{id}")))

    def pull_request_of(self, repository: str, branch: str, commit: str, base: str) -> PullRequest | None:
        """The open pull request into ``base`` whose branch, in that repository, stands at this commit."""
        label = f"{repository.partition('/')[0]}:{branch}"
        for found in self.calls.pages(f"{self.repository}/pulls", state="open", head=label, base=base):
            head = _mapping(found.get("head"))
            theirs = str(_mapping(head.get("repo")).get("full_name") or "")
            same = theirs.lower() == repository.lower() and _branch(found, "head") == branch
            if same and _branch(found, "base") == base and head.get("sha") == commit:
                return pull_request(found)
        return None

    def may_write(self, login: str) -> bool:
        """Whether that person may write; what GitHub calls an association says nothing of that."""
        try:
            found = _mapping(self.calls.read(f"{self.repository}/collaborators/{quote(login, safe='')}/permission"))
        except NotThere:
            return False
        named = str(_mapping(found.get("user")).get("login") or "")
        return named.lower() == login.lower() and found.get("permission") in _WRITERS

    def react(self, comment: int, reaction: Reaction) -> None:
        """Let our sign stand beside a comment; GitHub keeps one of a kind."""
        body: Found = {"content": reaction.value}
        self.calls.once("POST", f"{self.repository}/issues/comments/{comment}/reactions", body, lambda: None)

    def open_issue(self, title: str, body: str, key: str) -> Issue:
        """The open issue of a key."""
        wanted: Found = {"title": title, "body": f"{marker(key)}\n{body}"}
        standing = self._issue_of(key)
        if standing is None:
            found = self.calls.once("POST", f"{self.repository}/issues", wanted, lambda: self._issue_of(key))
        else:
            found = self._brought(f"{self.repository}/issues/{number(standing)}", standing, wanted)
        return Issue(number(found), str(found.get("html_url") or ""))

    def sticky_comment(self, id: int, key: str, body: str) -> Comment:
        """The one comment of a key on a pull request."""
        wanted: Found = {"body": f"{marker(key)}\n{body}"}
        standing = self._comment_of(id, key)
        if standing is None:
            path = f"{self.repository}/issues/{id}/comments"
            found = self.calls.once("POST", path, wanted, lambda: self._comment_of(id, key))
        else:
            found = self._brought(f"{self.repository}/issues/comments/{number(standing, 'id')}", standing, wanted)
        return _comment(found)

    def find_comment(self, id: int, key: str) -> Comment | None:
        """The comment of a key on a pull request."""
        found = self._comment_of(id, key)
        return None if found is None else _comment(found)

    def _brought(self, path: str, standing: Found, wanted: Found) -> Found:
        """The thing with these values; nothing is written where it has them already."""
        if _same(standing, wanted):
            return standing

        def landed() -> Found | None:
            now = _mapping(self.calls.read(path))
            return now if _same(now, wanted) else None

        return self.calls.once("PATCH", path, wanted, landed)

    def _pull_request_of(self, head: str, base: str) -> Found | None:
        return next(self._pull_requests(head, base, "open"), None)

    def _pull_requests(self, head: str, base: str, state: str) -> Iterator[Found]:
        """Of a branch of this repository, newest first."""
        owner = self.repository.split("/")[2]
        for one in self.calls.pages(f"{self.repository}/pulls", state=state, head=f"{owner}:{head}", base=base):
            if _branch(one, "head") == head and _branch(one, "base") == base:
                yield one

    def _issue_of(self, key: str) -> Found | None:
        issues = self.calls.pages(f"{self.repository}/issues", state="open", sort="created", direction="asc")
        return next((one for one in issues if "pull_request" not in one and self._ours(one, key)), None)

    def _comment_of(self, id: int, key: str) -> Found | None:
        comments = self.calls.pages(f"{self.repository}/issues/{id}/comments")
        return next((one for one in comments if self._ours(one, key)), None)

    def _ours(self, thing: Found, key: str) -> bool:
        return str(thing.get("body") or "").startswith(marker(key)) and self.identity.wrote(thing.get("user"))


def pull_request(found: Found) -> PullRequest:
    """A pull request from GitHub's words."""
    head = _mapping(found.get("head"))
    theirs, ours = (_mapping(_mapping(found.get(side)).get("repo")).get("full_name") for side in ("head", "base"))
    return PullRequest(
        number=number(found),
        url=str(found.get("html_url") or ""),
        head=_branch(found, "head"),
        base=_branch(found, "base"),
        head_commit=str(head.get("sha") or ""),
        title=str(found.get("title") or ""),
        state="merged" if found.get("merged") else str(found.get("state") or ""),
        fork=theirs != ours,
        merge_commit=str(found.get("merge_commit_sha") or ""),
    )


def number(found: Found, key: str = "number") -> int:
    """A number of GitHub's answer; 0 where it has none."""
    value = found.get(key)
    return value if isinstance(value, int) else 0


def _comment(found: Found) -> Comment:
    return Comment(number(found, "id"), str(found.get("html_url") or ""), str(found.get("body") or ""))


def _branch(found: Found, side: str) -> str:
    return str(_mapping(found.get(side)).get("ref") or "")


def _same(found: Found, wanted: Found) -> bool:
    """GitHub keeps line ends as it likes."""
    return all(str(found.get(key) or "").replace("\r\n", "\n") == value for key, value in wanted.items())


def _mapping(value: Json) -> Found:
    return value if isinstance(value, Mapping) else {}
