"""Objects behind any URL of fsspec, here in memory, and what is told when a place fails."""

from __future__ import annotations

import io
import itertools
import sys
from collections.abc import Callable
from typing import Any

import pytest

from mlopsctl.objects.content import Content
from mlopsctl.objects.contract import Objects
from mlopsctl.objects.opening import open_objects
from mlopsctl.objects.problems import ObjectsUnavailable, reason

_numbers = itertools.count()


@pytest.fixture
def objects() -> Objects:
    return open_objects(f"memory://objects-{next(_numbers)}/below/")


def read(objects: Objects, name: str, version: str = "") -> bytes:
    target = io.BytesIO()
    objects.download(name, target, version)
    return target.getvalue()


def test_an_object_is_written_read_listed_moved_and_removed(objects: Objects) -> None:
    assert objects.about("a/b") is None
    objects.create("a/b", Content.of(b"one"))
    about = objects.about("a/b")
    assert about is not None
    assert (about.name, about.size) == ("a/b", 3)
    assert read(objects, "a/b", about.version) == b"one"
    objects.create("a/c/d", Content.of(b""))
    assert [one.name for one in objects.list("a/")] == ["a/b", "a/c/d"]
    assert [one.name for one in objects.list("a/c")] == ["a/c/d"]
    assert list(objects.list("nothing/")) == []
    objects.move("a/b", "aside/b")
    assert [one.name for one in objects.list("")] == ["a/c/d", "aside/b"]
    objects.remove("aside/b")
    objects.remove("aside/b")
    objects.move("gone", "elsewhere")
    assert [one.name for one in objects.list("")] == ["a/c/d"]
    assert objects.uri("x").endswith("/below/x")


def test_what_is_there_is_not_created_again_but_replaced(objects: Objects) -> None:
    objects.create("a", Content.of(b"one"))
    with pytest.raises(FileExistsError):
        objects.create("a", Content.of(b"two"))
    objects.replace("a", Content.of(b"three"))
    assert read(objects, "a") == b"three"


def test_another_version_is_neither_read_nor_removed(objects: Objects) -> None:
    objects.create("a", Content.of(b"one"))
    old = objects.about("a")
    assert old is not None
    objects.replace("a", Content.of(b"three"))
    with pytest.raises(FileNotFoundError):
        read(objects, "a", old.version)
    objects.remove("a", old.version)
    assert read(objects, "a") == b"three"


def test_large_objects_are_streamed(objects: Objects) -> None:
    content = bytes(range(256)) * (40 << 10)
    objects.create("large", Content.of(content))
    assert read(objects, "large") == content
    with pytest.raises(FileExistsError):
        objects.create("large", Content.of(content))


class Foreign(Exception):
    """An exception of a client that has no base in common with others."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class NoCredentialsError(Exception):
    """As Amazon's client names it."""


def missing(cause: Exception) -> Exception:
    """What fsspec's client for http raises for every failure."""
    error = FileNotFoundError("https://x/y")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "id", "words"),
    [
        (PermissionError("Forbidden"), "permission-denied", "answers 403: Forbidden"),
        (NoCredentialsError("Unable to locate credentials"), "no-credentials", "Unable to locate credentials"),
        (Foreign("slow down", 503), "place-busy", "answers 503: slow down"),
        (Foreign("no such", 404), "no-such-place", "answers 404"),
        (Foreign("odd", 400), "call-refused", "answers 400: odd"),
        (ConnectionRefusedError(111, "Connection refused"), "unreachable", "cannot be reached: Connection refused"),
        (TimeoutError("timed out"), "unreachable", "timed out"),
        (missing(Foreign("forbidden", 403)), "permission-denied", "answers 403: forbidden"),
        (missing(ConnectionRefusedError(111, "Connection refused")), "unreachable", "Connection refused"),
    ],
)
def test_a_failing_place_says_which_call_where_and_what_to_do(
    error: Exception, id: str, words: str, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects.create("a", Content.of(b"one"))
    filesystem: Any = objects._fs  # type: ignore[attr-defined]
    if isinstance(error, FileNotFoundError):
        monkeypatch.setattr(objects, "_scheme", "https")

    def failing(*_: object, **__: object) -> None:
        raise error

    calls: dict[str, Callable[[], object]] = {
        "info": lambda: objects.about("a"),
        "find": lambda: list(objects.list("a")),
        "rm_file": lambda: objects.remove("a"),
    }
    if not isinstance(error, FileNotFoundError):
        calls["pipe_file"] = lambda: objects.replace("a", Content.of(b"two"))
    for method, ask in calls.items():
        with monkeypatch.context() as patched:
            patched.setattr(filesystem, method, failing)
            with pytest.raises(ObjectsUnavailable, match=words) as caught:
                ask()
        diagnostic = caught.value.diagnostics[0]
        assert diagnostic.id == id
        assert "memory://objects-" in diagnostic.message
        assert diagnostic.hint


def test_what_is_missing_is_missing_and_no_failure(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise missing(Foreign("not found", 404))

    monkeypatch.setattr(objects, "_scheme", "https")
    monkeypatch.setattr(objects._fs, "info", failing)  # type: ignore[attr-defined]
    assert objects.about("a") is None


def test_a_place_that_is_missing_is_told_when_something_is_written(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise FileNotFoundError("The specified bucket does not exist")

    monkeypatch.setattr(objects._fs, "pipe_file", failing)  # type: ignore[attr-defined]
    with pytest.raises(ObjectsUnavailable, match="no such place"):
        objects.create("a", Content.of(b"one"))


def test_a_place_that_keeps_other_bytes_is_found_out(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    filesystem: Any = objects._fs  # type: ignore[attr-defined]
    honest = filesystem.pipe_file
    monkeypatch.setattr(filesystem, "pipe_file", lambda path, value, **kwargs: honest(path, value[:-1], **kwargs))
    with pytest.raises(ObjectsUnavailable, match="kept other bytes"):
        objects.create("a", Content.of(b"one"))
    assert objects.about("a") is None


@pytest.mark.parametrize(
    ("url", "words"), [("nonsense://x/y", "cannot be used: Protocol not known"), ("gs:///x", "names no bucket")]
)
def test_a_url_that_nobody_can_read_says_so(url: str, words: str) -> None:
    with pytest.raises(ObjectsUnavailable, match=words):
        open_objects(url)


def test_a_machine_without_googles_client_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.storage", None)
    with pytest.raises(ObjectsUnavailable, match="cannot look at gs://bucket/rows/a") as caught:
        open_objects("gs://bucket/rows").about("a")
    assert "mlopsctl[gcp]" in caught.value.diagnostics[0].hint


def test_the_reason_is_the_innermost_one_in_the_words_of_the_system() -> None:
    try:
        try:
            raise ConnectionRefusedError(111, "Connection refused")
        except OSError as inner:
            raise ValueError("HTTPConnectionPool: /upload?upload_id=secret") from inner
    except ValueError as error:
        assert reason(error) == "Connection refused"
    assert reason(ValueError("plain")) == "plain"
    assert reason(ValueError()) == "ValueError"
