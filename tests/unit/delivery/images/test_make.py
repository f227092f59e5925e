"""Building, pushing and pinning: the lock file, repeated calls, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.delivery.images import make
from mlopsctl.delivery.images.engines import Say
from mlopsctl.delivery.images.lock import lock_text, record
from mlopsctl.delivery.images.make import build_image, eject_dockerfile, local_tag, push_image
from mlopsctl.ground.errors import InvalidProject, Problem, StepProblem, UsageProblem
from mlopsctl.ground.own_package import OwnPackage
from mlopsctl.lowering import image_context as context_module
from mlopsctl.lowering.image import image_problems
from mlopsctl.lowering.image_context import ImageContext
from mlopsctl.lowering.image_lock import ImageLock, LockedImage, read_lock

DIGESTS = [f"sha256:{number:064x}" for number in range(3)]
PROJECT = """version: 1
name: things
data:
  numbers: {{source: {{kind: python, entrypoint: "rows:load"}}}}
orchestrator:
  kind: kfp
  host: https://kfp.example
  {image}
"""
IMAGE = "image: {name: a.example/things}"


class Engine:
    """An engine that remembers what it was asked, and numbers what it pushes."""

    name = "buildah"

    def __init__(self) -> None:
        self.built: list[tuple[str, list[str]]] = []
        self.pushed: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def build(self, folder: Path, tag: str, context: ImageContext, say: Say) -> None:
        names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        self.built.append((tag, sorted(names)))
        self.meanwhile()

    def push(self, tag: str, say: Say) -> str:
        self.pushed.append(tag)
        return DIGESTS[len(self.pushed)]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    found = Engine()
    monkeypatch.setattr(make, "find_image_engine", lambda wanted=None: found)
    monkeypatch.setattr(context_module, "own_package", lambda: OwnPackage("1.2.3", released=True))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rows.py").write_text("def load(): ...\n")
    return tmp_path


def loaded(folder: Path, image: str = IMAGE) -> Loaded:
    (folder / "mlops.yaml").write_text(PROJECT.format(image=image))
    return load_project(folder)


def silent(line: str) -> None:
    del line


def test_a_push_builds_pushes_and_pins(folder: Path, engine: Engine) -> None:
    project = loaded(folder)
    assert [problem.id for problem in image_problems(project)] == ["image-not-pushed"]
    pushed = push_image(project, silent)
    assert (pushed.fresh, pushed.written, pushed.digest) == (True, True, DIGESTS[1])
    tag = local_tag("a.example/things", pushed.context)
    assert engine.pushed == [tag]
    assert engine.built == [(tag, [".mlopsctl/Dockerfile", ".mlopsctl/mlopsctl.txt", "rows.py"])]
    assert list(image_problems(project)) == []


def test_a_second_push_of_the_same_does_nothing(folder: Path, engine: Engine) -> None:
    push_image(loaded(folder), silent)
    again = push_image(loaded(folder), silent)
    assert (again.fresh, again.written, again.digest) == (False, False, DIGESTS[1])
    assert len(engine.pushed) == 1
    assert push_image(loaded(folder), silent, again=True).digest == DIGESTS[2]
    assert read_lock(folder).images["a.example/things"].digest == DIGESTS[2]


def test_a_changed_file_makes_it_stale_and_a_push_mends_it(folder: Path, engine: Engine) -> None:
    push_image(loaded(folder), silent)
    (folder / "rows.py").write_text("def load(): return 1\n")
    assert [problem.id for problem in image_problems(loaded(folder))] == ["image-stale"]
    push_image(loaded(folder), silent)
    assert list(image_problems(loaded(folder))) == []
    assert len({tag for tag, _ in engine.built}) == 2


def test_files_that_change_while_it_is_built_pin_nothing(folder: Path, engine: Engine) -> None:
    engine.meanwhile = lambda: (folder / "rows.py").write_text("def load(): return 2\n")
    with pytest.raises(StepProblem, match="changed while the image was built"):
        push_image(loaded(folder), silent)
    assert not (folder / "images.lock.yaml").exists()


def test_a_push_whose_end_nobody_saw_is_repeated_under_the_same_tag(
    folder: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(tag: str, say: Say) -> str:
        engine.pushed.append(tag)
        raise StepProblem.because("image-push", "the line broke")

    with monkeypatch.context() as patched:
        patched.setattr(engine, "push", lost)
        with pytest.raises(StepProblem, match="the line broke"):
            push_image(loaded(folder), silent)
    assert push_image(loaded(folder), silent).written
    assert len(set(engine.pushed)) == 1


def test_code_that_is_left_out_of_the_image_is_said(folder: Path, engine: Engine) -> None:
    (folder / ".dockerignore").write_text("*.py\n")
    with pytest.raises(InvalidProject, match=r"ingest-numbers runs rows\.py, which is left out") as caught:
        build_image(loaded(folder), silent)
    assert "`!rows.py`" in caught.value.diagnostics[0].hint
    assert engine.built == []


@pytest.mark.parametrize(
    ("image", "kind", "words"),
    [
        ("experiment: x", UsageProblem, "run in no image"),
        (f"image: a.example/things@{DIGESTS[0]}", UsageProblem, "names an image that is there"),
        ("image: {name: a.example/x, build: cloud_build, project: p-1234}", UsageProblem, "is built by Cloud Build"),
    ],
)
def test_where_there_is_nothing_to_build_it_says_so(
    folder: Path, engine: Engine, image: str, kind: type[Problem], words: str
) -> None:
    with pytest.raises(kind, match=words):
        build_image(loaded(folder, image), silent)


# The lock file


def test_the_lock_file_has_one_order_and_keeps_other_images(folder: Path) -> None:
    for name in ("b.example:5000/x", "a.example/x", "c/d"):
        assert record(folder, name, DIGESTS[0], DIGESTS[1])
    text = (folder / "images.lock.yaml").read_text()
    assert text == (
        "# Which images the steps run in, by digest. Written by `mlopsctl image push`; review and commit it.\n"
        "version: 1\nimages:\n"
        f'  "a.example/x":\n    digest: {DIGESTS[0]}\n    context: {DIGESTS[1]}\n'
        f'  "b.example:5000/x":\n    digest: {DIGESTS[0]}\n    context: {DIGESTS[1]}\n'
        f'  "c/d":\n    digest: {DIGESTS[0]}\n    context: {DIGESTS[1]}\n'
    )
    assert not record(folder, "c/d", DIGESTS[0], DIGESTS[1])
    assert lock_text(read_lock(folder)) == text


def test_an_empty_lock_file_can_be_read_again(folder: Path) -> None:
    (folder / "images.lock.yaml").write_text(lock_text(ImageLock(version=1)))
    assert read_lock(folder) == ImageLock(version=1)


def test_a_lock_file_that_cannot_be_written_says_what_was_pushed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mlopsctl.delivery.images.lock.write_atomic", full)
    with pytest.raises(StepProblem, match=f"No space left on device; the image was pushed as a/b@{DIGESTS[0]}"):
        record(folder, "a/b", DIGESTS[0], DIGESTS[1])


def test_a_lock_entry_needs_whole_digests() -> None:
    with pytest.raises(ValueError, match="pattern"):
        LockedImage(digest="sha256:12", context=DIGESTS[0])


# The Dockerfile


def test_the_dockerfile_is_written_out_once_and_is_then_the_projects(folder: Path, engine: Engine) -> None:
    base = f"b.example/python@{DIGESTS[2]}"
    project = loaded(folder, f"image: {{name: a.example/things, base: '{base}'}}")
    path = eject_dockerfile(project)
    assert f"ARG BASE={base}\nFROM ${{BASE}}\n" in path.read_text()
    with pytest.raises(UsageProblem, match="it is yours"):
        eject_dockerfile(project)
    build_image(loaded(folder, "image: {name: a.example/things, dockerfile: Dockerfile}"), silent)
    assert "Dockerfile" in engine.built[0][1]


def test_the_tag_follows_from_what_the_image_is_built_from() -> None:
    assert local_tag("a.example/x", "sha256:" + "0" * 64) == "a.example/x:mlopsctl-0000000000000000"
