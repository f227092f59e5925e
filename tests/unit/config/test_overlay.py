"""Environments: what merging does, and that what an overlay wrote is found in the overlay."""

from __future__ import annotations

import pytest

from mlopsctl.config.document import Document, parse_document
from mlopsctl.config.overlay import base, environment_names, overlay
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, InvalidProject
from mlopsctl.ground.source import DocPath

PROJECT = """\
name: demo
vars: {root: data, kind: plain, kept: 1}
orchestrator: {kind: local, jobs: 2}
stores: {artifacts: a, tracking: t}
features: [one, two]
environments:
  dev:
  prod:
    vars: {root: gs://b, kind: other, extra: 1}
    orchestrator:
      kind: kfp
      host: h
    stores: {tracking: null, metadata: m}
    features: [three]
    promotion: {from: dev}
"""


def document(text: str) -> Document:
    return parse_document(text.encode(), "mlops.yaml")


def problems(text: str, environment: str | None = None) -> list[Diagnostic]:
    read = document(text)
    with pytest.raises(InvalidProject) as caught:
        overlay(read, environment) if environment else environment_names(read)
    return list(caught.value.diagnostics)


def nodes(value: Json, path: DocPath = ()) -> set[DocPath]:
    found = {path}
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        found |= nodes(child, (*path, key))
    return found


def test_environments_come_in_declared_order() -> None:
    assert environment_names(document("environments: {prod: {}, dev: {}, a-b: null}")) == ("prod", "dev", "a-b")


@pytest.mark.parametrize("text", ["a: 1", "environments:", "environments: {}"])
def test_a_project_without_environments_has_the_default_one(text: str) -> None:
    read = document(text)
    assert environment_names(read) == ("default",)
    assert "environments" not in overlay(read, "default").data


def test_an_overlay_merges_replaces_and_removes() -> None:
    merged = overlay(document(PROJECT), "prod")
    assert merged.data == {
        "name": "demo",
        "vars": {"root": "gs://b", "kind": "other", "kept": 1, "extra": 1},
        "orchestrator": {"kind": "kfp", "host": "h"},
        "stores": {"artifacts": "a", "metadata": "m"},
        "features": ["three"],
        "promotion": {"from": "dev"},
    }
    assert list(merged.data)[:2] == ["name", "vars"]


def test_an_empty_overlay_is_the_project_itself() -> None:
    read = document(PROJECT)
    assert overlay(read, "dev").data == base(read).data == {k: v for k, v in read.data.items() if k != "environments"}


def test_positions_point_into_the_overlay() -> None:
    merged = overlay(document(PROJECT), "prod")
    lines = {path: mark.value.line for path, mark in merged.marks.items()}
    assert lines[("name",)] == 1
    assert lines[("vars", "root")] == 9
    assert lines[("orchestrator",)] == 11
    assert lines[("orchestrator", "host")] == 12
    assert lines[("stores", "artifacts")] == 4
    assert lines[("stores", "metadata")] == 13
    assert lines[("features", 0)] == 14
    assert lines[("promotion", "from")] == 15


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_marks_cover_exactly_the_merged_nodes(environment: str) -> None:
    merged = overlay(document(PROJECT), environment)
    assert set(merged.marks) == nodes(merged.data)


def test_the_project_is_left_as_it_was() -> None:
    read = document(PROJECT)
    overlay(read, "prod")
    assert read == document(PROJECT)


def test_a_mapping_of_the_same_kind_merges() -> None:
    text = "s: {kind: csv, a: 1, b: 2}\nenvironments: {e: {s: {kind: csv, b: 3}}, f: {s: {b: 4}}}"
    assert overlay(document(text), "e").data["s"] == {"kind": "csv", "a": 1, "b": 3}
    assert overlay(document(text), "f").data["s"] == {"kind": "csv", "a": 1, "b": 4}


def test_removing_what_is_not_there_is_an_error_with_a_hint() -> None:
    (found,) = problems("stores: {tracking: t}\nenvironments: {e: {stores: {trackin: null}}}", "e")
    assert (found.id, found.hint) == ("unknown-path", "did you mean 'tracking'?")
    assert found.span is not None
    assert (found.span.line, found.span.column) == (2, 29)


def test_removing_inside_what_the_overlay_brings_is_an_error() -> None:
    text = "o: {kind: a, x: 1}\nenvironments: {e: {o: {kind: b, x: null}, new: {y: null}}}"
    assert [found.message for found in problems(text, "e")] == [
        "there is nothing to remove at o.x",
        "there is nothing to remove at new.y",
    ]


def test_null_inside_a_list_is_a_value() -> None:
    assert overlay(document("environments: {e: {l: [null, {a: null}]}}"), "e").data == {"l": [None, {"a": None}]}


def test_an_unknown_environment_says_which_there_are() -> None:
    (found,) = problems("environments: {dev: {}, prod: {}}", "prd")
    assert found.id == "unknown-environment"
    assert found.hint == "did you mean 'prod'? there are: dev, prod"
    (found,) = problems("a: 1", "dev")
    assert found.hint == "there are: default"


@pytest.mark.parametrize("value", ["[dev, prod]", "dev", "1", "true"])
def test_environments_that_are_no_mapping_are_an_error(value: str) -> None:
    (found,) = problems(f"a: 1\nenvironments: {value}")
    assert found.id == "not-a-mapping"
    assert found.span is not None
    assert found.span.line == 2


def test_every_malformed_environment_is_reported_at_once() -> None:
    found = problems("environments:\n  Dev: {}\n  a-b: {}\n  a_b: {}\n  x: [1]\n  рrod: {}\n")
    assert [item.id for item in found] == ["bad-name", "name-collision", "not-a-mapping", "bad-name"]
    assert "U+0440 CYRILLIC SMALL LETTER ER" in found[3].message


def test_promotion_belongs_to_an_environment() -> None:
    (found,) = problems("promotion: {from: dev}\nenvironments: {dev: {}}", "dev")
    assert found.id == "unknown-key"
    assert "environments.<name>.promotion" in found.hint


def test_environments_do_not_nest() -> None:
    (found,) = problems("environments: {e: {environments: {f: {}}}}", "e")
    assert found.id == "unknown-key"


def test_a_wide_overlay_is_merged_in_linear_time() -> None:
    keys = ", ".join(f"k{number}: {number}" for number in range(5_000))
    read = document(f"vars: {{{keys}}}\nenvironments: {{e: {{vars: {{{keys}}}}}}}")
    assert len(overlay(read, "e").marks) == 5_002
