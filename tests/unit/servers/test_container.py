"""The serving container's program: the model that is there must be whole, and the one that is to be served."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlopsctl.artifacts.manifest import folder_digest
from mlopsctl.ground.errors import Problem
from mlopsctl.servers.container import found_model, port, require
from mlopsctl.servers.publish import LIST, digest_of, publish, published

DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """An MLflow folder with a packed model inside."""
    folder = tmp_path / "mlflow"
    packed = folder / "data" / "packed"
    packed.mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}\n")
    (packed / "model.json").write_text("{}")
    return folder


def fetched(tmp_path: Path, url: str) -> Path:
    folder = tmp_path / "fetched"
    folder.mkdir()
    return found_model({"AIP_STORAGE_URI": url}, folder)


def test_a_published_model_is_fetched_as_it_was(model: Path, tmp_path: Path) -> None:
    url = publish(model, f"file://{tmp_path}/served/", DIGEST)
    assert url == f"file://{tmp_path}/served/{DIGEST[7:]}"
    there = fetched(tmp_path, url)
    require(there, folder_digest(model / "data/packed"))
    assert {file.relative_to(there).as_posix() for file in there.rglob("*") if file.is_file()} == {
        "MLmodel", "data/packed/model.json", LIST,
    }  # fmt: skip


def test_what_is_published_already_is_not_sent_again(model: Path, tmp_path: Path) -> None:
    publish(model, f"file://{tmp_path}/served", DIGEST)
    (model / "MLmodel").write_text("another\n")
    publish(model, f"file://{tmp_path}/served", DIGEST)
    assert (tmp_path / "served" / DIGEST[7:] / "MLmodel").read_text() == "flavors: {}\n"


def test_an_upload_that_was_cut_off_is_finished_by_the_next(model: Path, tmp_path: Path) -> None:
    url = publish(model, f"file://{tmp_path}/served", DIGEST)
    place = tmp_path / "served" / DIGEST[7:]
    (place / LIST).unlink()
    (place / "MLmodel").write_text("half")
    with pytest.raises(Problem, match=f"has no file {LIST}"):
        fetched(tmp_path, url)
    publish(model, f"file://{tmp_path}/served", DIGEST)
    assert (place / "MLmodel").read_text() == "flavors: {}\n"


def test_a_file_that_was_changed_is_refused(model: Path, tmp_path: Path) -> None:
    url = publish(model, f"file://{tmp_path}/served", DIGEST)
    (tmp_path / "served" / DIGEST[7:] / "data/packed/model.json").write_text('{"evil": 1}')
    with pytest.raises(Problem, match=r"data/packed/model\.json is not what was put there"):
        fetched(tmp_path, url)


def test_a_list_that_names_files_outside_is_refused(model: Path, tmp_path: Path) -> None:
    url = publish(model, f"file://{tmp_path}/served", DIGEST)
    (tmp_path / "served" / DIGEST[7:] / LIST).write_text(json.dumps({"../evil": "0"}))
    with pytest.raises(Problem, match="outside its folder"):
        fetched(tmp_path, url)
    assert not (tmp_path / "evil").exists()


def test_another_model_than_the_one_to_be_served_is_refused(model: Path) -> None:
    with pytest.raises(Problem, match=f"and {DIGEST} is to be served"):
        require(model, DIGEST)
    require(model, "")


def test_a_folder_without_a_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="there is no MLflow model in"):
        found_model({"MLOPSCTL_MODEL_FOLDER": str(tmp_path)}, tmp_path)


@pytest.mark.parametrize(
    ("variables", "number"),
    [({}, 8080), ({"AIP_HTTP_PORT": "9000"}, 9000), ({"PORT": "8012"}, 8012), ({"PORT": "x"}, 8080)],
)
def test_it_listens_where_the_platform_says(variables: dict[str, str], number: int) -> None:
    assert port(variables) == number


def test_only_the_folder_of_a_digest_names_one() -> None:
    assert digest_of(published("gs://models/served", DIGEST)) == DIGEST
    assert digest_of("gs://models/served/latest") == ""
    assert digest_of("") == ""
