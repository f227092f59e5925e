"""How an image is written under an orchestrator, and what is refused."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from mlopsctl.ground.digest import Json
from mlopsctl.ground.image_name import image_name
from mlopsctl.orchestrators.specs import Airflow, Kubeflow, Vertex
from mlopsctl.orchestrators.specs.image import BASE, Image, as_image

PINNED = "a.example/team/model@sha256:" + "0" * 64


def image(value: Json) -> Image | None:
    wanted = {"kind": "kfp", "host": "https://kfp.example", "image": value}
    return as_image(Kubeflow.model_validate_json(json.dumps(wanted)).image)


def problem(value: Json) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        image(value)
    wanted = "function-after[_named(), str]" if isinstance(value, str) else "function-after[_fits(), Image]"
    found = next(one for one in caught.value.errors() if wanted in one["loc"])
    return found["type"], found["msg"]


def test_a_text_and_a_mapping_say_the_same() -> None:
    assert image(PINNED) == image({"name": PINNED}) == Image(name=PINNED)
    assert image(None) is None


def test_a_name_without_tag_and_digest_is_built() -> None:
    found = [image(text) for text in ("a/b", "a/b:1", PINNED)]
    assert [one.is_built for one in found if one is not None] == [True, False, False]


def test_every_orchestrator_elsewhere_knows_it() -> None:
    wanted = {"kind": "vertex", "project": "p-1234", "location": "europe-west4", "pipeline_root": "gs://b/x"}
    assert Vertex.model_validate_json(json.dumps({**wanted, "image": "a/b"})).image == "a/b"
    wanted = {"kind": "airflow", "dags": "dags"}
    assert Airflow.model_validate_json(json.dumps({**wanted, "image": {"name": "a/b"}})).image == Image(name="a/b")


@pytest.mark.parametrize(
    ("value", "id", "words"),
    [
        ("--privileged", "bad-image", "'--privileged' is not the name of an image"),
        ({"name": PINNED, "dockerfile": "Dockerfile"}, "image-not-built", "`dockerfile` has no meaning"),
        ({"name": "a/b:1", "base": BASE}, "image-not-built", "`base` has no meaning"),
        ({"name": "a/b", "dockerfile": "Dockerfile", "base": BASE}, "image-not-built", "`dockerfile` names another"),
        ({"name": "a/b", "machine": "E2_HIGHCPU_8"}, "image-not-built", "`machine` is a setting of Cloud Build"),
        ({"name": "a/b", "build": "cloud_build"}, "missing-key", "Cloud Build needs a `project`"),
    ],
)
def test_what_does_not_fit_is_refused(value: Json, id: str, words: str) -> None:
    found, message = problem(value)
    assert found == id
    assert words in message


@pytest.mark.parametrize(
    "value",
    [
        {"name": "a/b", "base": "python:3.12"},
        {"name": "a/b", "dockerfile": "../Dockerfile"},
        {"name": "a/b", "context": "/etc"},
        {"name": "a/b", "platform": "windows/amd64"},
        {"name": "a/b", "build": "cloud_build", "project": "p-1234", "staging": "gs://b c/x"},
        {"name": "a/b", "build": "cloud_build", "project": "p-1234", "service_account": "--x y"},
        {"name": "a/b", "build": "cloud_build", "project": "p-1234", "api_endpoint": "https://evil.example"},
        {"name": "a/b", "tag": "1"},
    ],
)
def test_what_is_no_value_is_refused(value: Json) -> None:
    with pytest.raises(ValidationError):
        image(value)


def test_the_base_is_named_by_its_digest() -> None:
    found = image_name(BASE)
    assert found is not None
    assert found.digest
    assert not found.tag
