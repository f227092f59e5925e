"""What an image is built from: which files, and that the same ones have the same digest anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlopsctl.config.load import load_project
from mlopsctl.ground.errors import InvalidProject
from mlopsctl.ground.own_package import OwnPackage
from mlopsctl.lowering import image_context as module
from mlopsctl.lowering.image import image_of
from mlopsctl.lowering.image_context import ImageContext, image_context

PROJECT = """version: 1
name: things
data:
  numbers: {{source: {{kind: csv, uri: {uri}}}}}
orchestrator: {{kind: kfp, host: "https://kfp.example", image: {image}}}
{more}
"""
IMAGE = "{name: a.example/things}"


@pytest.fixture(autouse=True)
def released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "own_package", lambda: OwnPackage("1.2.3", released=True))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.py").write_text("x = 1\n")
    return tmp_path


def context(folder: Path, image: str = IMAGE, more: str = "", uri: str = "numbers.csv") -> ImageContext:
    (folder / "mlops.yaml").write_text(PROJECT.format(image=image, more=more, uri=uri))
    loaded = load_project(folder)
    found = image_of(loaded)
    assert found is not None
    return image_context(loaded, found)


def names(found: ImageContext) -> list[str]:
    return [file.name for file in found.files]


def write(folder: Path, *files: str) -> None:
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def in_git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


# Which files


def test_what_no_step_reads_is_left_out(folder: Path) -> None:
    write(folder, ".mlops/metadata.db", ".git/config", "README.md", "images.lock.yaml", "code/__pycache__/x.pyc")
    write(folder, ".env", "deep/.venv/x", ".mlopsctl/wheel", "code/key.pem", "data/raw.csv")
    write(folder, "environments/prod.lock.yaml")
    assert names(context(folder)) == ["code/train.py"]


def test_data_in_the_folder_that_the_project_reads_come_along(folder: Path) -> None:
    write(folder, "data/raw.csv")
    assert names(context(folder, uri="data/raw.csv")) == ["code/train.py", "data/raw.csv"]
    assert names(context(folder, uri="./data/raw.csv")) == ["code/train.py", "data/raw.csv"]


def test_a_dockerignore_leaves_out_and_lets_in_again(folder: Path) -> None:
    write(folder, "README.md", "notes.txt", "data/a.csv")
    (folder / ".dockerignore").write_text("*.txt\n!README.md\n!data\n")
    assert names(context(folder)) == ["README.md", "code/train.py", "data/a.csv"]


def test_in_a_checkout_what_git_ignores_is_left_out_and_new_files_come_along(folder: Path) -> None:
    in_git(folder, "init", "-q")
    (folder / ".gitignore").write_text("junk/\n")
    write(folder, "junk/big.bin", "code/new.py", "data/raw.csv")
    in_git(folder, "add", "code/train.py")
    before = context(folder)
    assert names(before) == ["code/new.py", "code/train.py", "data/raw.csv"]
    in_git(folder, "add", ".")
    assert context(folder).digest == before.digest
    (folder / "code" / "train.py").unlink()
    assert names(context(folder)) == ["code/new.py", "data/raw.csv"]


def test_a_folder_that_git_ignores_is_read_as_it_is(folder: Path) -> None:
    in_git(folder, "init", "-q")
    (folder / ".gitignore").write_text("project/\n")
    shutil.copytree(folder / "code", folder / "project" / "code")
    assert names(context(folder / "project")) == ["code/train.py"]


def test_a_smaller_folder_can_be_named(folder: Path) -> None:
    write(folder, "other.txt")
    assert names(context(folder, image="{name: a.example/things, context: code}")) == ["train.py"]


@pytest.mark.parametrize("name", ["link", "code/link"])
def test_a_link_is_refused(folder: Path, name: str) -> None:
    (folder / name).symlink_to("/etc/hostname")
    with pytest.raises(InvalidProject, match=f"{name} is a link") as caught:
        context(folder)
    assert caught.value.diagnostics[0].span is not None
    (folder / ".dockerignore").write_text(name)
    assert names(context(folder)) == ["code/train.py"]


def test_a_linked_folder_is_refused(folder: Path) -> None:
    (folder / "more").symlink_to(folder / "code")
    with pytest.raises(InvalidProject, match="more is a link"):
        context(folder)


def test_a_pipe_is_refused_and_not_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(InvalidProject, match="pipe is no regular file"):
        context(folder)


def test_a_name_that_moves_the_cursor_is_refused(folder: Path) -> None:
    (folder / "a\x1b[2Jb").write_text("")
    with pytest.raises(InvalidProject, match=r"'a\\x1b\[2Jb' cannot be part of an image"):
        context(folder)


def test_too_much_is_refused_and_the_largest_files_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LARGEST", 3 << 20)
    with (folder / "big.bin").open("wb") as stream:
        stream.truncate(4 << 20)
    with pytest.raises(InvalidProject, match=r"4 MiB of files, and 3 MiB are allowed: big.bin \(4 MiB\)"):
        context(folder)


# What is installed, and by which Dockerfile


def test_each_set_of_pins_is_brought_along_once(folder: Path) -> None:
    (folder / "requirements.txt").write_text(f"Foo==1.0 --hash=sha256:{'0' * 64}  # why\n")
    more = """requirements: requirements.txt
components:
  one: {run: {kind: command, command: [a]}, inputs: {x: numbers}, outputs: {y: File}, requirements: ["bar==2"]}
  two: {run: {kind: command, command: [a]}, inputs: {x: numbers}, outputs: {y: File}, requirements: ["Bar == 2"]}
"""
    found = context(folder, more=more).generated
    assert {name: text for name, text in found.items() if "environments" in name} == {
        ".mlopsctl/environments/1.txt": b"bar==2\n",
        ".mlopsctl/environments/2.txt": f"foo==1.0 --hash=sha256:{'0' * 64}\n".encode(),
    }
    assert found[".mlopsctl/mlopsctl.txt"] == b"mlopsctl[run]==1.2.3\n"


def test_the_clients_of_the_stores_come_along(folder: Path) -> None:
    more = 'stores: {artifacts: "gs://bucket/x", metadata: {secret: DATABASE}}'
    assert context(folder, more=more).generated[".mlopsctl/mlopsctl.txt"] == b"mlopsctl[gcp,postgres,run]==1.2.3\n"


def test_an_mlopsctl_of_a_checkout_comes_as_a_wheel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(digest: str) -> ImageContext:
        monkeypatch.setattr(module, "own_package", lambda: OwnPackage("1.2.3", False, {}, digest))
        return context(folder)

    assert made("one").generated[".mlopsctl/mlopsctl.txt"] == b"./mlopsctl-1.2.3-py3-none-any.whl[run]\n"
    assert made("one").digest != made("other").digest


def test_the_projects_own_dockerfile_is_taken(folder: Path) -> None:
    image = "{name: a.example/things, dockerfile: docker/Dockerfile}"
    with pytest.raises(InvalidProject, match="there is no Dockerfile docker/Dockerfile"):
        context(folder, image=image)
    write(folder, "docker/Dockerfile")
    found = context(folder, image=image)
    assert found.generated[".mlopsctl/Dockerfile"] == b"docker/Dockerfile"
    assert "BASE" not in found.arguments


def test_a_dockerfile_outside_the_project_is_refused(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "Dockerfile"
    outside.write_text("FROM scratch\n")
    (folder / "Dockerfile").symlink_to(outside)
    with pytest.raises(InvalidProject, match="there is no Dockerfile"):
        context(folder, image="{name: a.example/things, dockerfile: Dockerfile}")


def test_the_shipped_dockerfile_is_pinned_and_for_nobody_in_particular(folder: Path) -> None:
    text = context(folder).generated[".mlopsctl/Dockerfile"].decode()
    lines = text.splitlines()
    base = context(folder).arguments["BASE"]
    assert f"ARG BASE={base}" in lines
    assert [line for line in lines if line.startswith("FROM")] == ["FROM ${BASE}"]
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001:0"]
    assert not [word for word in ("curl", "http://", "https://", ":latest", "sudo", "chmod 777") if word in text]


# The digest


def tree() -> st.SearchStrategy[dict[str, tuple[bytes, bool]]]:
    name = st.from_regex(r"[a-z]{1,4}(/[a-z]{1,4})?\.py", fullmatch=True)
    return st.dictionaries(name, st.tuples(st.binary(max_size=64), st.booleans()), max_size=5)


def laid_out(files: Mapping[str, tuple[bytes, bool]], umask: int, time: int, order: int) -> Iterator[str]:
    """The digest of these files in a new folder, written in that order under that umask, with these times."""
    before = os.umask(umask)
    root = Path(tempfile.mkdtemp())
    try:
        for name, (content, executable) in sorted(files.items(), reverse=bool(order)):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            if executable:
                path.chmod(path.stat().st_mode | 0o100)
            os.utime(path, (time, time))
        yield context(root).digest
    finally:
        os.umask(before)
        shutil.rmtree(root)


@settings(max_examples=30)
@given(tree(), st.sampled_from([0o000, 0o022, 0o077]), st.integers(1, 2**31), st.integers(0, 1))
def test_the_same_files_have_the_same_digest_in_any_folder(
    files: dict[str, tuple[bytes, bool]], umask: int, time: int, order: int
) -> None:
    assert [*laid_out(files, 0o022, 1, 0)] == [*laid_out(files, umask, time, order)]


@settings(max_examples=30)
@given(tree(), st.data())
def test_any_change_changes_the_digest(files: dict[str, tuple[bytes, bool]], data: st.DataObject) -> None:
    (before,) = laid_out(files, 0o022, 1, 0)
    changes = ["new", *(["content", "executable", "gone"] if files else [])]
    change = data.draw(st.sampled_from(changes))
    changed = dict(files)
    name = data.draw(st.sampled_from(sorted(files))) if change != "new" else ""
    if change == "new":
        changed["zzzzz.py"] = (b"", False)
    elif change == "gone":
        del changed[name]
    elif change == "content":
        changed[name] = (changed[name][0] + b"x", changed[name][1])
    else:
        changed[name] = (changed[name][0], not changed[name][1])
    assert [*laid_out(changed, 0o022, 1, 0)] != [before]


def test_the_digest_knows_base_platform_requirements_and_dockerfile(folder: Path) -> None:
    base = "b.example/python@sha256:" + "1" * 64
    write(folder, "Dockerfile")
    found = [
        context(folder),
        context(folder, image=f"{{name: a.example/things, base: '{base}'}}"),
        context(folder, image="{name: a.example/things, platform: linux/arm64}"),
        context(folder, more="requirements: ['foo==1']"),
        context(folder, image="{name: a.example/things, dockerfile: Dockerfile}"),
    ]
    assert len({one.digest for one in found}) == len(found)


def test_what_mlops_yaml_says_of_other_things_is_no_part_of_the_image(folder: Path) -> None:
    assert context(folder).digest == context(folder, more="owner: somebody").digest
