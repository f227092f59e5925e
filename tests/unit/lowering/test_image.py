"""Which image the steps run in, and when it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.ground.errors import InvalidProject
from mlopsctl.ground.own_package import OwnPackage
from mlopsctl.lowering import image_context as module
from mlopsctl.lowering.image import image_problems, pinned
from mlopsctl.lowering.lower import lower

DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32
PROJECT = """version: 1
name: things
data:
  numbers: {{source: {{kind: csv, uri: numbers.csv}}}}
{more}
environments:
  here: {{}}
  prod:
    orchestrator:
      kind: {kind}
      {settings}
"""


@pytest.fixture(autouse=True)
def released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "own_package", lambda: OwnPackage("1.2.3", released=True))


def loaded(folder: Path, *settings: str, environment: str = "prod", more: str = "") -> Loaded:
    lines = "\n      ".join(("host: https://kfp.example", *settings))
    (folder / "mlops.yaml").write_text(PROJECT.format(kind="kfp", settings=lines, more=more))
    return load_project(folder, environment)


def lock(folder: Path, context: str, name: str = "a.example/things") -> None:
    (folder / "images.lock.yaml").write_text(
        f'version: 1\nimages:\n  "{name}":\n    digest: {DIGEST}\n    context: {context}\n'
    )


def ids(found: Loaded) -> list[str]:
    return [problem.id for problem in image_problems(found)]


def test_an_image_by_digest_is_what_every_step_runs_in(tmp_path: Path) -> None:
    found = loaded(tmp_path, f"image: a.example/things@{DIGEST}")
    assert ids(found) == []
    assert {step.image for step in lower(found).pipeline.steps} == {f"a.example/things@{DIGEST}"}


def test_steps_on_this_machine_run_in_none(tmp_path: Path) -> None:
    found = loaded(tmp_path, f"image: a.example/things@{DIGEST}", environment="here")
    assert ids(found) == []
    assert {step.image for step in lower(found).pipeline.steps} == {""}
    assert pinned(found).reference == ""


def test_a_tag_beside_a_digest_is_left_to_people(tmp_path: Path) -> None:
    assert pinned(loaded(tmp_path, f"image: a.example/things:1.0@{DIGEST}")).reference == f"a.example/things@{DIGEST}"


def test_a_tag_alone_is_refused_at_its_line_and_says_why(tmp_path: Path) -> None:
    found = loaded(tmp_path, "image: a.example/things:1.0")
    (problem,) = image_problems(found)
    assert (problem.id, problem.span and problem.span.line) == ("image-tag", 12)
    assert "a tag may name other bytes tomorrow" in problem.message
    assert "kubeflow/pipelines#13862" in problem.message
    assert "allow_tags: true" in problem.hint
    assert {step.image for step in lower(found).pipeline.steps} == {""}


def test_a_tag_that_is_allowed_is_taken_with_a_note(tmp_path: Path) -> None:
    found = loaded(tmp_path, "image: {name: a.example/things:1.0}", "allow_tags: true")
    assert ids(found) == []
    assert pinned(found).reference == "a.example/things:1.0"
    (note,) = lower(found).notes
    assert "may hold other bytes tomorrow" in note
    assert {step.image for step in lower(found).pipeline.steps} == {"a.example/things:1.0"}
    assert lower(loaded(tmp_path, f"image: a.example/things@{DIGEST}", "allow_tags: true")).notes == ()


def test_no_image_is_refused_where_steps_need_one(tmp_path: Path) -> None:
    (problem,) = image_problems(loaded(tmp_path))
    assert problem.id == "missing-image"
    assert "no image is named that the steps can run in on kfp" in problem.message


def test_an_image_that_was_never_pushed_compiles_and_is_refused_by_a_plan(tmp_path: Path) -> None:
    found = loaded(tmp_path, "image: {name: a.example/things}")
    assert {step.image for step in lower(found).pipeline.steps} == {""}
    (problem,) = image_problems(found)
    assert problem.id == "image-not-pushed"
    assert "mlopsctl image push -e prod" in problem.hint


def test_an_image_of_these_files_is_taken_and_one_of_others_is_stale(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("x = 1\n")
    found = loaded(tmp_path, "image: {name: a.example/things}")
    lock(tmp_path, pinned(found).context)
    assert ids(found) == []
    assert pinned(found).reference == f"a.example/things@{DIGEST}"
    (tmp_path / "train.py").write_text("x = 2\n")
    pin = pinned(found)
    assert pin.stale
    assert pin.reference == f"a.example/things@{DIGEST}"
    (problem,) = image_problems(found)
    assert problem.id == "image-stale"
    assert "was built from other files" in problem.message


def test_a_lock_of_another_name_does_not_count(tmp_path: Path) -> None:
    found = loaded(tmp_path, "image: {name: a.example/things}")
    lock(tmp_path, pinned(found).context, name="a.example/other")
    assert ids(found) == ["image-not-pushed"]


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("version: 2\n", "version", 1),
        ("version: 1\nimages:\n  a/b: {digest: latest, context: x}\n", "", 3),
        ('version: 1\nimages:\n  "a/b:1": {}\n', "", 3),
        ("version: 1\nimages:\n  a/b: {digest: 1, context: 2, more: 3}\n", "", 3),
    ],
)
def test_a_lock_file_that_is_none_is_refused_at_its_line(tmp_path: Path, text: str, words: str, line: int) -> None:
    found = loaded(tmp_path, "image: {name: a.example/things}")
    (tmp_path / "images.lock.yaml").write_text(text)
    with pytest.raises(InvalidProject) as caught:
        list(image_problems(found))
    first = caught.value.diagnostics[0]
    assert words in first.message
    assert first.span is not None
    assert first.span.file.endswith("images.lock.yaml")
    assert first.span.line == line


def test_an_image_of_this_machine_is_refused_for_a_component_that_runs_elsewhere(tmp_path: Path) -> None:
    more = f"""components:
  scan:
    run: {{kind: container, image: "{OTHER}"}}
    inputs: {{rows: numbers}}
    outputs: {{out: File}}
"""
    found = loaded(tmp_path, f"image: a.example/things@{DIGEST}", more=more)
    (problem,) = image_problems(found)
    assert problem.id == "image-of-this-machine"
    assert problem.span is not None
    assert problem.span.line == 7
    assert ids(loaded(tmp_path, environment="here", more=more)) == []
