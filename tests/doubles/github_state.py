"""What a repository on GitHub holds, and what each operation does to it; every body and answer is checked."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from tests.doubles import github_models as models
from tests.doubles.github_faults import Refusal

Thing = dict[str, Any]
_MOST_TEXT = 65_535
_APP = {"id": 15368, "slug": "github-actions"}


@dataclass
class Caller:
    """Who calls: the login it writes under, its App, and what it may write."""

    login: str = "github-actions[bot]"
    kind: str = "Bot"
    app: Thing = field(default_factory=lambda: dict(_APP))
    may: frozenset[str] = frozenset({"checks", "statuses", "issues", "pulls", "deployments"})


@dataclass
class Repository:
    """One repository; lists are in order of creation."""

    base: str
    name: str = "acme/models"
    checks: list[Thing] = field(default_factory=list)
    annotations: dict[int, list[Thing]] = field(default_factory=dict)
    statuses: list[Thing] = field(default_factory=list)
    comments: list[Thing] = field(default_factory=list)
    issues: list[Thing] = field(default_factory=list)
    pulls: list[Thing] = field(default_factory=list)
    deployments: list[Thing] = field(default_factory=list)
    deployment_statuses: list[Thing] = field(default_factory=list)
    reactions: list[Thing] = field(default_factory=list)
    artifacts: list[Thing] = field(default_factory=list)
    reviews: dict[int, list[Thing]] = field(default_factory=dict)
    blobs: dict[int, bytes] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    ids: Any = field(default_factory=lambda: itertools.count(1001))

    def snapshot(self) -> Thing:
        """Everything, as JSON."""
        kinds = ("checks", "statuses", "comments", "issues", "pulls", "deployments", "deployment_statuses", "reactions")
        annotations = {str(id): found for id, found in self.annotations.items()}
        return {"repository": self.name, **{kind: getattr(self, kind) for kind in kinds}, "annotations": annotations}

    def open_pull(self, head: str, sha: str, *, base: str = "main", title: str = "A change", fork: str = "") -> int:
        """A pull request that somebody opened."""
        return int(
            self._pull({"title": title, "head": head, "base": base}, Caller("alice", "User"), sha, fork)["number"]
        )

    def push(self, number: int, sha: str) -> None:
        """The branch of a pull request moves, by force or not."""
        self._find(self.pulls, "number", number)["head"]["sha"] = sha

    def merge(self, branch: str) -> None:
        """Somebody merges the open pull request of a branch."""
        (pull,) = [one for one in self.pulls if one["head"]["ref"] == branch and one["state"] == "open"]
        pull |= {"state": "closed", "merged_at": "2026-01-02T03:04:05Z"}

    def spoof(self, name: str, sha: str, external_id: str = "", conclusion: str = "success", app: int = 666) -> None:
        """A check run of that name by another App."""
        self._check(
            {"name": name, "head_sha": sha, "external_id": external_id, "status": "completed",
             "conclusion": conclusion, "output": {"title": "All good", "summary": "Trust me."}},
            Caller("evil[bot]", "Bot", {"id": app, "slug": "evil"}),
        )  # fmt: skip

    def leave(self, run: int, name: str, sha: str, content: bytes, *, expired: bool = False) -> None:
        """An artifact that a workflow run on a commit left: an archive, of whatever bytes."""
        id = next(self.ids)
        given = {"id": id, "name": name, "size_in_bytes": len(content), "expired": expired,
                 "workflow_run": {"id": run, "head_sha": sha}}  # fmt: skip
        self.artifacts.append(models.answer(models.ARTIFACT, given))
        self.blobs[id] = content

    def review(self, run: int, environment: str, login: str, state: str = "approved") -> None:
        """Somebody says whether a run's jobs may begin in an environment."""
        user = models.answer_part(models.REVIEW, "user", {"login": login, "type": "User"})
        given = {"environments": [{"name": environment}], "state": state, "user": user, "comment": ""}
        self.reviews.setdefault(run, []).append(models.answer(models.REVIEW, given))

    # Operations, by GitHub's ids: path parameters, query, body, caller → answer.

    def checks_create(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        self._needs(who, "checks")
        self._fits(body)
        return self._check(body, who)

    def checks_update(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        self._needs(who, "checks")
        self._fits(body)
        run = self._find(self.checks, "id", at["id"])
        if run["app"]["id"] != who.app["id"]:
            raise Refusal(403, f"Invalid app_id `{who.app['id']}` - check run can only be modified by its creator.")
        return self._filled(run, body)

    def checks_get(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        return self._find(self.checks, "id", at["id"])

    def checks_list_annotations(self, at: Thing, query: Thing, body: Thing, who: Caller) -> list[Thing]:
        return self.annotations.get(int(at["id"]), [])

    def checks_list_for_ref(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        found = [run for run in self.checks if run["head_sha"] == at["sha"]]
        if "check_name" in query:
            found = [run for run in found if run["name"] == query["check_name"]]
        return {"total_count": len(found), "check_runs": found[::-1]}

    def repos_create_commit_status(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        self._needs(who, "statuses")
        keys = ("state", "description", "target_url")
        given = {**{key: body.get(key) for key in keys}, "context": body.get("context", "default"), "sha": at["sha"]}
        return self._kept(self.statuses, models.STATUS, given, who, "statuses")

    def repos_list_commit_statuses_for_ref(self, at: Thing, query: Thing, body: Thing, who: Caller) -> list[Thing]:
        return [one for one in self.statuses if one["sha"] == at["sha"]][::-1]

    def issues_create(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        self._needs(who, "issues")
        given = {"title": body["title"], "body": body.get("body"), "number": next(self.numbers), "state": "open"}
        return self._kept(self.issues, models.ISSUE, given, who, "issues")

    def issues_list_for_repo(self, at: Thing, query: Thing, body: Thing, who: Caller) -> list[Thing]:
        return [one for one in self.issues if query.get("state", "open") in ("all", one["state"])]

    def issues_get(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        return self._find(self.issues, "number", at["id"])

    def issues_update(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        self._needs(who, "issues")
        return self._changed(self._find(self.issues, "number", at["id"]), body)

    def issues_list_comments(self, at: Thing, query: Thing, body: Thing, who: Caller) -> list[Thing]:
        return [one for one in self.comments if one["issue"] == int(at["id"])]

    def issues_create_comment(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        self._needs(who, "issues", "pulls")
        self._short(body.get("body"))
        given = {"body": body["body"], "issue": int(at["id"])}
        return self._kept(self.comments, models.COMMENT, given, who, "comments")

    def issues_get_comment(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        return self._find(self.comments, "id", at["id"])

    def issues_update_comment(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        self._needs(who, "issues", "pulls")
        self._short(body.get("body"))
        return self._changed(self._find(self.comments, "id", at["id"]), body)

    def reactions_create_for_issue_comment(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        self._needs(who, "issues", "pulls")
        given = {"comment": int(at["id"]), "content": body["content"]}
        same = [one for one in self.reactions if given.items() <= one.items() and one["user"]["login"] == who.login]
        return same[0] if same else self._kept(self.reactions, models.REACTION, given, who, "reactions")

    def repos_get_collaborator_permission_level(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        """By name; of a public repository everybody may read."""
        permission = self.people.get(at["login"], "read")
        user = models.answer_part(models.PERMISSION, "user", {"login": at["login"], "type": "User"})
        roles = {"write": "maintain"} if at["login"].startswith("maintainer") else {}
        given = {"permission": permission, "role_name": roles.get(permission, permission), "user": user}
        return models.answer(models.PERMISSION, given)

    def actions_list_workflow_run_artifacts(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        found = [one for one in self.artifacts if one["workflow_run"]["id"] == int(at["id"])]
        found = [one for one in found if query.get("name", one["name"]) == one["name"]]
        return models.answer(models.ARTIFACTS, {"total_count": len(found), "artifacts": found[::-1]})

    def actions_get_reviews_for_run(self, at: Thing, query: Thing, body: Thing, who: Caller) -> list[Thing]:
        return self.reviews.get(int(at["id"]), [])

    def actions_download_artifact(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        found = self._find(self.artifacts, "id", at["id"])
        if found["expired"]:
            raise Refusal(410, "Artifact has expired")
        raise Refusal(302, "Found", {"Location": f"{self.base}/_blobs/{found['id']}"})

    def pulls_list(self, at: Thing, query: Thing, body: Thing, who: Caller) -> list[Thing]:
        found = [one for one in self.pulls if query.get("state", "open") in ("all", one["state"])]
        if "head" in query:
            found = [one for one in found if one["head"]["label"] == query["head"]]
        if "base" in query:
            found = [one for one in found if one["base"]["ref"] == query["base"]]
        return found[::-1]

    def pulls_create(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        self._needs(who, "pulls")
        owner = self.name.partition("/")[0]
        same = {"head": f"{owner}:{body['head']}", "base": body["base"]}
        if self.pulls_list(at, same, {}, who):
            raise Refusal(422, f"A pull request already exists for {same['head']}.")
        return self._pull(body, who, f"{next(self.ids):040x}", "")

    def pulls_get(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        return self._find(self.pulls, "number", at["id"])

    def pulls_update(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        self._needs(who, "pulls")
        return self._changed(self._find(self.pulls, "number", at["id"]), body)

    def repos_create_deployment(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        self._needs(who, "deployments")
        given = {"sha": body["ref"], "ref": body["ref"], "task": body.get("task", "deploy"),
                 "payload": body.get("payload", {}), "environment": body.get("environment", "production"),
                 "original_environment": body.get("environment", "production"), "description": body.get("description"),
                 "production_environment": body.get("production_environment", False),
                 "transient_environment": body.get("transient_environment", False)}  # fmt: skip
        return self._kept(self.deployments, models.DEPLOYMENT, given, who, "deployments", author="creator")

    def repos_list_deployments(self, at: Thing, query: Thing, body: Thing, who: Caller) -> list[Thing]:
        wanted = {key: query[key] for key in ("sha", "environment", "task", "ref") if key in query}
        return [one for one in self.deployments if all(one[key] == value for key, value in wanted.items())][::-1]

    def repos_create_deployment_status(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        self._needs(who, "deployments")
        self._find(self.deployments, "id", at["id"])
        if len(body.get("description", "")) > 140:
            raise Refusal(422, "description is too long (maximum is 140 characters)")
        keys = ("state", "description", "environment_url", "log_url")
        given = {"description": "", **{key: body[key] for key in keys if key in body}, "deployment": int(at["id"])}
        if body["state"] == "success" and body.get("auto_inactive", True):
            self._end_prior(int(at["id"]), who)
        return self._state_of(given, who)

    def _state_of(self, given: Thing, who: Caller) -> Thing:
        return self._kept(
            self.deployment_statuses, models.DEPLOYMENT_STATUS, given, who, "deployment-statuses", author="creator"
        )

    def _end_prior(self, id: int, who: Caller) -> None:
        """What ``auto_inactive`` does, in the words of GitHub's description."""
        where = self._find(self.deployments, "id", id)["environment"]
        for one in self.deployments:
            states = [state["state"] for state in self.deployment_statuses if state["deployment"] == one["id"]]
            stays = one["transient_environment"] or one["production_environment"]
            if one["id"] < id and one["environment"] == where and not stays and states[-1:] == ["success"]:
                self._state_of({"description": "", "state": "inactive", "deployment": one["id"]}, who)

    def repos_list_deployment_statuses(self, at: Thing, query: Thing, body: Thing, who: Caller) -> list[Thing]:
        return [one for one in self.deployment_statuses if one["deployment"] == int(at["id"])][::-1]

    def repos_get(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        owner, _, name = self.name.partition("/")
        given = {"name": name, "full_name": self.name, "owner": {"login": owner}, "default_branch": "main"}
        return models.answer(models.REPOSITORY, given)

    def users_get_authenticated(self, at: Thing, query: Thing, body: Thing, who: Caller) -> Thing:
        if who.kind == "Bot":
            raise Refusal(403, "Resource not accessible by integration")
        return {"login": who.login, "id": 1, "type": who.kind}

    def _check(self, body: Thing, who: Caller) -> Thing:
        id = next(self.ids)
        given = {
            "id": id, "name": body["name"], "head_sha": body["head_sha"], "app": {"name": "app", **who.app},
            "html_url": f"{self.base}/{self.name}/runs/{id}", "status": "queued", "conclusion": None,
            "external_id": "", "output": {"annotations_count": 0},
        }  # fmt: skip
        run = models.answer(
            models.CHECK_RUN, {**given, "app": models.answer_part(models.CHECK_RUN, "app", given["app"])}
        )
        self.checks.append(run)
        return self._filled(run, body)

    def _filled(self, run: Thing, body: Thing) -> Thing:
        for key in ("name", "external_id", "details_url", "status", "conclusion"):
            if key in body:
                run[key] = body[key]
        if "conclusion" in body:
            run["status"] = "completed"
        elif run["status"] != "completed":
            run["conclusion"] = None
        output = body.get("output") or {}
        run["output"].update({key: output.get(key) for key in ("title", "summary", "text") if output})
        there = self.annotations.setdefault(run["id"], [])
        there.extend(models.answer(models.ANNOTATION, one) for one in output.get("annotations", []))
        run["output"]["annotations_count"] = len(there)
        return models.answer(models.CHECK_RUN, run)

    def _fits(self, body: Thing) -> None:
        """What the description says only in words."""
        output = body.get("output") or {}
        if len(output.get("annotations", [])) > 50:
            raise Refusal(422, "No more than 50 annotations are allowed per request.")
        for key in ("summary", "text"):
            self._short(output.get(key))
        for one in output.get("annotations", []):
            if one["start_line"] < 1 or one["end_line"] < one["start_line"]:
                raise Refusal(422, "Invalid line of an annotation.")
            if len(one["message"].encode()) > 64 << 10:
                raise Refusal(422, "The message of an annotation is too long.")

    @staticmethod
    def _short(text: str | None) -> None:
        if text is not None and len(text.encode("utf-16-le")) // 2 > _MOST_TEXT:
            raise Refusal(422, "Only 65535 characters are allowed.")

    def _pull(self, body: Thing, who: Caller, sha: str, fork: str) -> Thing:
        owner = self.name.partition("/")[0]
        number, id = next(self.numbers), next(self.ids)
        theirs = fork or self.name
        given = {
            "id": id, "number": number, "title": body["title"], "body": body.get("body"), "state": "open",
            "html_url": f"{self.base}/{self.name}/pull/{number}",
            "user": {"login": who.login, "type": who.kind},
            "head": {"ref": body["head"], "sha": sha, "label": f"{theirs.partition('/')[0]}:{body['head']}",
                     "repo": {"full_name": theirs}},
            "base": {"ref": body["base"], "label": f"{owner}:{body['base']}", "repo": {"full_name": self.name}},
        }  # fmt: skip
        pull = models.answer(models.PULL, _with_repos(given))
        self.pulls.append(pull)
        return pull

    def _kept(
        self, shelf: list[Thing], kind: Any, given: Thing, who: Caller, where: str, author: str = "user"
    ) -> Thing:
        id = next(self.ids)
        path = f"{self.base}/repos/{self.name}/{where}/{given.get('number', id)}"
        made = models.answer(kind, {"id": id, "url": path, "html_url": path, **given})
        made[author] = {**(made.get(author) or {}), "login": who.login, "type": who.kind}
        shelf.append(made)
        return made

    @staticmethod
    def _changed(thing: Thing, body: Thing) -> Thing:
        thing.update({key: value for key, value in body.items() if key in ("title", "body", "state", "base")})
        return thing

    @staticmethod
    def _find(shelf: list[Thing], key: str, value: Any) -> Thing:
        for one in shelf:
            if one[key] == int(value):
                return one
        raise Refusal(404, "Not Found")

    @staticmethod
    def _needs(who: Caller, *rights: str) -> None:
        if not who.may & set(rights):
            raise Refusal(403, "Resource not accessible by integration")


def _with_repos(given: Thing) -> Thing:
    for side in ("head", "base"):
        given[side]["repo"] = models.answer_part(models.PULL, side, {"repo": given[side]["repo"]})["repo"]
    return given
