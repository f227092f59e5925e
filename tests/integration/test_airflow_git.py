"""DAGs in a git repository: only our two files change, nobody's push is lost, and a real Airflow 3 reads the bundle."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.patience import Patience
from mlopsctl.orchestrators.airflow.git import GitOfDags
from mlopsctl.orchestrators.specs.airflow_dags import GitDags

FILES = {"churn.py": b"dag = 1\n", "churn.json": b'{"a": "\xc3\xa9\\r\\n"}\r\n'}


def git(folder: Path, *words: str) -> str:
    env = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com",
        "GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.com",
    }  # fmt: skip
    done = subprocess.run(["git", *words], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A bare repository with a branch that holds somebody else's files."""
    bare, work = tmp_path / "origin.git", tmp_path / "work"
    bare.mkdir()
    git(bare, "init", "--quiet", "--bare", "--initial-branch=main", ".")
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch=main", ".")
    (work / "dags").mkdir()
    (work / "dags" / "other.py").write_text("other = 1\n")
    (work / "README").write_text("theirs\n")
    (work / ".gitattributes").write_text("* text=auto eol=crlf\n")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "theirs")
    git(work, "push", "--quiet", str(bare), "main")
    return bare


def place(origin: Path | str, **more: object) -> GitOfDags:
    written = {"repository": str(origin), "folder": "dags", "author": "Robot <robot@example.com>", **more}
    return GitOfDags(GitDags.model_validate(written), Patience(tries=6, sleep=lambda _: None))


def test_two_files_are_pushed_and_nothing_else_changes(origin: Path) -> None:
    dags = place(origin, committer="Other <other@example.com>")
    assert dags.read(FILES) == {}
    dags.write(FILES, "Deploy the DAG churn\n\nsha256:1\n")
    assert dags.read(FILES) == FILES
    changed = git(origin, "show", "--name-status", "--format=%an %ae %cn %ce%n%B", "main").splitlines()
    assert changed[0] == "Robot robot@example.com Other other@example.com"
    assert changed[1] == "Deploy the DAG churn"
    assert changed[-2:] == ["A\tdags/churn.json", "A\tdags/churn.py"]
    assert git(origin, "rev-list", "--count", "main") == "2"


def test_what_is_there_is_not_pushed_again(origin: Path) -> None:
    place(origin).write(FILES, "one")
    place(origin).write(FILES, "two")
    assert git(origin, "rev-list", "--count", "main") == "2"


def test_removing_takes_our_files_only(origin: Path) -> None:
    place(origin).write(FILES, "one")
    assert set(place(origin).remove(FILES, "two")) == set(FILES)
    assert place(origin).remove(FILES, "three") == ()
    assert git(origin, "ls-tree", "-r", "--name-only", "main").split() == [".gitattributes", "README", "dags/other.py"]


def hook(origin: Path, name: str, text: str) -> None:
    path = origin / "hooks" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_push_in_between_is_kept_and_ours_comes_after_it(origin: Path, tmp_path: Path) -> None:
    # The hook runs when our push has begun: it lets somebody else be faster, twice.
    theirs = (
        f'n=$(cat {tmp_path}/n 2>/dev/null || echo 0); [ "$n" -ge 2 ] && exit 0; echo $((n+1)) > {tmp_path}/n\n'
        "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n"
        "export GIT_AUTHOR_NAME=Ann GIT_AUTHOR_EMAIL=a@b.c GIT_COMMITTER_NAME=Ann GIT_COMMITTER_EMAIL=a@b.c\n"
        'new=$(git commit-tree "main^{tree}" -p main -m "theirs $n"); git update-ref refs/heads/main "$new"'
    )
    hook(origin, "pre-receive", theirs)
    place(origin).write(FILES, "ours")
    assert git(origin, "log", "--format=%s", "main").splitlines() == ["ours", "theirs 1", "theirs 0", "theirs"]
    assert place(origin).read(FILES) == FILES


def test_many_at_once_lose_nothing(origin: Path) -> None:
    def one(number: int) -> None:
        patient = GitOfDags(GitDags(repository=str(origin), folder="dags"), Patience(tries=60, first=0.01, longest=0.5))
        patient.write({f"p{number}.py": b"1", f"p{number}.json": b"{}"}, f"deploy {number}")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    names = git(origin, "ls-tree", "-r", "--name-only", "main", "dags").split()
    assert names == sorted(["dags/other.py", *(f"dags/p{n}.{end}" for n in range(4) for end in ("json", "py"))])
    assert git(origin, "rev-list", "--count", "main") == "5"


def test_a_refused_push_is_said_in_the_words_of_the_repository(origin: Path) -> None:
    hook(origin, "pre-receive", "echo only reviewed changes here >&2; exit 1")
    with pytest.raises(StepProblem, match="only reviewed changes here") as refused:
        place(origin).write(FILES, "ours")
    assert "no direct push" in refused.value.diagnostics[0].hint
    assert git(origin, "rev-list", "--count", "main") == "1"


def test_a_branch_or_repository_that_is_not_there_is_said(origin: Path, tmp_path: Path) -> None:
    with pytest.raises(StepProblem, match="couldn't find remote ref") as refused:
        place(origin, branch="elsewhere").read(FILES)
    assert "branch" in refused.value.diagnostics[0].hint
    with pytest.raises(StepProblem, match="does not appear to be a git repository"):
        place(tmp_path / "nowhere").write(FILES, "ours")


def test_a_repository_that_nobody_serves_is_said(origin: Path) -> None:
    with pytest.raises(StepProblem, match=r"http://127\.0\.0\.1:9/dags\.git"):
        place("http://127.0.0.1:9/dags.git").write(FILES, "ours")


class Backend(BaseHTTPRequestHandler):
    """git's own http-backend behind a password, which can lose what it wants to say."""

    root: Path
    loses: int = 0
    refuses: int = 0
    asked: list[str]

    def do_GET(self) -> None:
        self._pass()

    def do_POST(self) -> None:
        self._pass()

    def _pass(self) -> None:
        self.asked.append(self.headers.get("Authorization", ""))
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else self._chunks()
        if self.asked[-1] != f"Basic {base64.b64encode(b'x-access-token:push-token').decode()}":
            return self._say(401, b"", {"WWW-Authenticate": 'Basic realm="git"'})
        if type(self).refuses > 0:
            type(self).refuses -= 1
            return self._say(503, b"later", {})
        path, _, query = self.path.partition("?")
        env = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.root), "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": "robot", "PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }  # fmt: skip
        done = subprocess.run(
            ["git", "http-backend"], env=env, input=body, capture_output=True, check=False, timeout=60
        )
        if type(self).loses > 0 and path.endswith("git-receive-pack") and self.command == "POST":
            type(self).loses -= 1
            self.close_connection = True
            return None
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        return self._say(int(headers.pop("Status", "200").split()[0]), content, headers)

    def _chunks(self) -> bytes:
        parts = []
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
        return b"".join(parts)

    def _say(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(origin: Path) -> Iterator[tuple[str, type[Backend]]]:
    git(origin, "config", "http.receivepack", "true")
    handler = type("Here", (Backend,), {"root": origin.parent, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/origin.git", handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_a_token_opens_the_repository(served: tuple[str, type[Backend]], monkeypatch: pytest.MonkeyPatch) -> None:
    url, _ = served
    with pytest.raises(StepProblem) as refused:
        place(url).write(FILES, "ours")
    assert "orchestrator.dags.token" in refused.value.diagnostics[0].hint
    monkeypatch.setenv("DAGS_TOKEN", "push-token")
    dags = place(url, token={"secret": "DAGS_TOKEN"})
    dags.write(FILES, "ours")
    assert dags.read(FILES) == FILES
    monkeypatch.setenv("DAGS_TOKEN", "wrong-token")
    with pytest.raises(StepProblem) as refused:
        place(url, token={"secret": "DAGS_TOKEN"}).write(FILES, "ours")
    assert "wrong-token" not in str(refused.value)


def test_a_lost_answer_and_a_busy_server_end_in_one_commit(
    served: tuple[str, type[Backend]], origin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, handler = served
    monkeypatch.setenv("DAGS_TOKEN", "push-token")
    handler.loses, handler.refuses = 1, 2
    place(url, token={"secret": "DAGS_TOKEN"}).write(FILES, "ours")
    assert git(origin, "log", "--format=%s", "main").splitlines() == ["ours", "theirs"]
