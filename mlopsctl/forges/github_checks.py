"""Check runs: one of a key on a commit, whatever gets lost on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from mlopsctl.forges.calls import Calls, ForgeProblem, Found, NoRights
from mlopsctl.forges.contract import MOST_ANNOTATIONS, Annotation, Check, PostedCheck
from mlopsctl.forges.github_identity import Identity, short_key
from mlopsctl.ground.digest import Json


@dataclass(frozen=True, slots=True)
class CheckRuns:
    """The check runs of a repository (``/repos/owner/name``)."""

    calls: Calls
    repository: str
    identity: Identity

    def publish(self, check: Check) -> PostedCheck:
        """Let exactly one check run of ours with this key stand on the commit, saying this.

        A run of the same name and key that another App made cannot be changed by us; it is left, and ours is made.
        """
        foreign: set[int] = set()
        for run in list(self._standing(check, foreign)):
            try:
                return self._confirmed(self._update(run, check), check)
            except NoRights:
                foreign.add(_number(run))
        return self._confirmed(self._create(check, foreign), check)

    def listed(self, commit: str, name: str = "") -> Sequence[PostedCheck]:
        """The runs on a commit that we made, newest first."""
        named = {"check_name": name} if name else {}
        runs = self.calls.pages(f"{self.repository}/commits/{commit}/check-runs", "check_runs", filter="all", **named)
        ours = [_posted(run) for run in runs if self.identity.made(run.get("app")) and _ours(run.get("external_id"))]
        return sorted(ours, key=lambda one: -one.id)

    def _standing(self, check: Check, foreign: set[int]) -> Iterator[Found]:
        """The runs with this key that may be ours, the newest first."""
        path = f"{self.repository}/commits/{check.commit}/check-runs"
        runs = self.calls.pages(path, "check_runs", check_name=check.name, filter="all")
        known = [
            run
            for run in runs
            if run.get("external_id") == short_key(check.key)
            and run.get("head_sha") == check.commit
            and self.identity.made(run.get("app"))
            and _number(run) not in foreign
        ]
        yield from sorted(known, key=_number, reverse=True)

    def _create(self, check: Check, foreign: set[int]) -> Found:
        batches = _batches(check.annotations)
        body = {"name": check.name, "head_sha": check.commit, **_body(check, batches[0], last=len(batches) == 1)}
        run = self.calls.once(
            "POST", f"{self.repository}/check-runs", body, lambda: next(self._standing(check, foreign), None)
        )
        return run if len(batches) == 1 else self._append(run, check, batches[1:])

    def _update(self, run: Found, check: Check) -> Found:
        """The run brought up to date; annotations that it has already are not added again."""
        there = self._annotations(run)
        missing = [one for one in check.annotations if _mark(one) not in there]
        if not missing and _says(run, check):
            return run
        return self._append(run, check, _batches(missing))

    def _append(self, run: Found, check: Check, batches: Sequence[Sequence[Annotation]]) -> Found:
        """Batch after batch; the verdict goes with the last one, so that no half of it counts."""
        path = f"{self.repository}/check-runs/{_number(run)}"
        expected = _count(run)
        for at, batch in enumerate(batches):
            last = at == len(batches) - 1
            expected += len(batch)

            def landed(last: bool = last, expected: int = expected) -> Found | None:
                now = self.calls.read(path)
                right = isinstance(now, Mapping) and _count(now) >= expected and (_says(now, check) or not last)
                return now if right and isinstance(now, Mapping) else None

            run = self.calls.once("PATCH", path, {"name": check.name, **_body(check, batch, last=last)}, landed)
        return run

    def _annotations(self, run: Found) -> frozenset[tuple[Json, ...]]:
        if not _count(run):
            return frozenset()
        found = self.calls.pages(f"{self.repository}/check-runs/{_number(run)}/annotations")
        return frozenset((one.get("path"), one.get("start_line"), one.get("message")) for one in found)

    def _confirmed(self, run: Found, check: Check) -> PostedCheck:
        """What stands there now must be what was asked for."""
        if run.get("conclusion") != check.conclusion.value or run.get("head_sha") != check.commit:
            message = f"the check {check.name} does not stand on {check.commit[:12]} as {check.conclusion.value}"
            raise ForgeProblem.because("check-not-published", message, hint="publish again")
        return _posted(run)


def _body(check: Check, annotations: Sequence[Annotation], *, last: bool) -> dict[str, Json]:
    output: dict[str, Json] = {"title": check.title, "summary": check.summary}
    if check.text:
        output["text"] = check.text
    if annotations:
        output["annotations"] = [_annotation(one) for one in annotations]
    body: dict[str, Json] = {"external_id": short_key(check.key), "output": output}
    if check.details_url:
        body["details_url"] = check.details_url
    return {**body, "status": "completed", "conclusion": check.conclusion.value} if last else {
        **body, "status": "in_progress"
    }  # fmt: skip


def _annotation(one: Annotation) -> dict[str, Json]:
    given: dict[str, Json] = {
        "path": one.path,
        "start_line": one.start_line,
        "end_line": one.end_line,
        "annotation_level": one.level.value,
        "message": one.message,
    }
    return {**given, "title": one.title} if one.title else given


def _batches(annotations: Sequence[Annotation]) -> list[list[Annotation]]:
    """At least one batch, for a check without annotations is published too."""
    rest = iter(annotations)
    found: list[list[Annotation]] = []
    while batch := list(islice(rest, MOST_ANNOTATIONS)):
        found.append(batch)
    return found or [[]]


def _mark(one: Annotation) -> tuple[Json, ...]:
    return (one.path, one.start_line, one.message)


def _says(run: Found, check: Check) -> bool:
    """Whether the run ended as the check says, in the same words."""
    output = run.get("output")
    if run.get("status") != "completed" or run.get("conclusion") != check.conclusion.value:
        return False
    said = output if isinstance(output, Mapping) else {}
    wanted = (check.title, check.summary, check.text)
    there = tuple(_settled(str(said.get(key) or "")) for key in ("title", "summary", "text"))
    return there == tuple(map(_settled, wanted))


def _settled(text: str) -> str:
    """A text as GitHub may keep it: line ends and white space around it are its own."""
    return text.replace("\r\n", "\n").strip()


def _count(run: Found) -> int:
    output = run.get("output")
    count = output.get("annotations_count") if isinstance(output, Mapping) else 0
    return count if isinstance(count, int) else 0


def _number(run: Found) -> int:
    id = run.get("id")
    return id if isinstance(id, int) else 0


def _ours(external_id: Json) -> bool:
    return isinstance(external_id, str) and external_id.startswith("mlopsctl:")


def _posted(run: Found) -> PostedCheck:
    return PostedCheck(
        id=_number(run),
        name=str(run.get("name") or ""),
        commit=str(run.get("head_sha") or ""),
        key=str(run.get("external_id") or ""),
        conclusion=str(run.get("conclusion") or ""),
        url=str(run.get("html_url") or ""),
    )
