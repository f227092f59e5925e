"""The scalar types: what they accept, what they refuse with which hint, and that they read what they dump."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from mlopsctl.ground import scalars
from mlopsctl.ground.cron import cron_problem
from mlopsctl.ground.model import Spec
from mlopsctl.ground.text import name_problem, printable

GI = 1 << 30


class Everything(Spec):
    """One field of every type."""

    name: scalars.Name = "a"
    duration: scalars.Duration = 1.0
    memory: scalars.Memory = GI
    cpu: scalars.Cpu = 1.0
    fraction: scalars.Fraction = 0.5
    cron: scalars.Cron = "@daily"
    zone: scalars.TimeZone = "UTC"
    column: scalars.ColumnName = "c"
    dotted: scalars.DottedName = "a.b"
    entrypoint: scalars.Entrypoint = "a:b"
    uri: scalars.Uri = "x"
    path: scalars.RelativePath = "x"
    number: scalars.BoundedInt = 0
    count: scalars.Count = 0
    positive: scalars.PositiveCount = 1
    secret: scalars.SecretRef | None = None


def read(field: str, value: object) -> object:
    return getattr(Everything.model_validate({field: value}), field)


@pytest.mark.parametrize(
    ("field", "written", "meant"),
    [
        ("name", "a", "a"), ("name", "a" * 63, "a" * 63), ("name", "daily-sales_2", "daily-sales_2"),
        ("duration", "90s", 90.0), ("duration", "15m", 900.0), ("duration", "24h", 86400.0),
        ("duration", "90d", 7776000.0),
        ("duration", "1.5h", 5400.0), ("duration", "0s", 0.0), ("duration", 90.0, 90.0),
        ("memory", "512Mi", 512 << 20), ("memory", "4Gi", 4 * GI), ("memory", "2048Ki", 2 << 20),
        ("memory", 4 * GI, 4 * GI),
        ("cpu", "0.5", 0.5), ("cpu", "2", 2.0), ("cpu", "500m", 0.5), ("cpu", 2, 2.0), ("cpu", 0.5, 0.5),
        ("fraction", 0.8, 0.8), ("fraction", 0, 0.0), ("fraction", 1, 1.0),
        ("cron", "0 3 * * 1", "0 3 * * 1"), ("cron", "@weekly", "@weekly"),
        ("cron", "*/5 0-6,22 1,15 JAN-mar sun", None),
        ("cron", "0 0 29 2 *", None), ("cron", "0 0 31 2 1", None), ("cron", "0 17 * * 0", None),
        ("cron", "5/10 * * * 7", None),
        ("zone", "Europe/Berlin", "Europe/Berlin"), ("zone", "UTC", "UTC"),
        ("zone", "America/Argentina/Buenos_Aires", None),
        ("column", "Cover_Type", "Cover_Type"), ("column", "größe in m²", None), ("column", " >50K", " >50K"),
        ("column", "a b", None),
        ("dotted", "sklearn.linear_model.Ridge", None), ("entrypoint", "trainers.torch_mlp:fit", None),
        ("entrypoint", "m:f", None),
        ("uri", "../../data/x.csv", None), ("uri", "gs://bucket/data", None),
        ("uri", "postgresql+psycopg://mlops@db.example.com/mlops", None),
        ("uri", "sqlite:////var/x.db", None), ("uri", "a file.csv", None),
        ("path", "build/dags", "build/dags"), ("path", "./a//b/", "a/b"), ("path", "covertype.schema.yaml", None),
        ("path", "..a/b..", None),
        ("number", 2**63 - 1, 2**63 - 1), ("number", -(2**63), -(2**63)), ("count", 0, 0), ("positive", 1, 1),
    ],
)  # fmt: skip
def test_what_is_accepted(field: str, written: object, meant: object) -> None:
    value = read(field, written)
    meant = written if meant is None else meant
    assert (type(value), value) == (type(meant), meant)


@pytest.mark.parametrize(
    ("field", "written", "words"),
    [
        ("name", "", "empty"), ("name", "1step", "start with a small letter"), ("name", "Prod", "small letter"),
        ("name", "a" * 64, "63"), ("name", "a b", "' '"), ("name", "a.b", "'.'"), ("name", "-a", "start"),
        ("name", "a\n", "\\n"),
        ("name", "рrod", "U+0440 CYRILLIC SMALL LETTER ER"), ("name", "ﬁt", "U+FB01 LATIN SMALL LIGATURE FI"),
        ("name", "ｐrod", "U+FF50 FULLWIDTH LATIN SMALL LETTER P"), ("name", "prod\u200b", "U+200B ZERO WIDTH SPACE"),
        ("name", "é", "U+00E9"), ("name", 5, "string"), ("name", True, "string"),
        ("duration", 90, "unit"), ("duration", "90", "unit"), ("duration", "90 s", "unit"), ("duration", "-5s", "unit"),
        ("duration", "1w", "unit"), ("duration", "٣s", "unit"), ("duration", "90s\n", "unit"),
        ("duration", True, "unit"),
        ("duration", None, "null"), ("duration", "9" * 5000 + "s", "unit"), ("duration", "40000d", "36500"),
        ("duration", -1.0, "unit"),
        ("duration", 1e300, "unit"), ("duration", [1], "a list"), ("duration", {}, "a mapping"),
        ("memory", "4GB", "512Mi"), ("memory", "4", "unit"), ("memory", 4, "outside"), ("memory", "0Mi", "outside"),
        ("memory", 4.0, "unit"),
        ("memory", True, "true"), ("memory", "9999999999999Ti", "outside"), ("memory", "1.5Gi", "whole number"),
        ("cpu", "two", "0.5 2 500m"), ("cpu", 0, "outside"), ("cpu", -1, "outside"), ("cpu", True, "true"),
        ("cpu", "0m", "outside"),
        ("cpu", 10**400, "outside"), ("cpu", "0.5m", "0.5 2 500m"),
        ("fraction", 80, "write 0.8"), ("fraction", "80%", "write 0.8"), ("fraction", "0.8", "number"),
        ("fraction", -0.1, "between"),
        ("fraction", 1.5, "write 0.015"), ("fraction", True, "between"), ("fraction", 10**400, "between"),
        ("fraction", None, "between"),
        ("fraction", float("nan"), "between"), ("fraction", float("inf"), "between"),
        ("cron", "0 3 * *", "five fields"), ("cron", "60 * * * *", "minute '60'"), ("cron", "* 24 * * *", "hour '24'"),
        ("cron", "* * 0 * *", "day of the month"), ("cron", "* * * 13 *", "month '13'"),
        ("cron", "* * * * 8", "day of the week"),
        ("cron", "* * * * MO", "day of the week"), ("cron", "5-1 * * * *", "backwards"),
        ("cron", "*/0 * * * *", "step"), ("cron", "", "five"),
        ("cron", "@reboot", "@hourly"), ("cron", "0  3 * * 1", "one space"), ("cron", "0 0 30 2 *", "does not come"),
        ("cron", "0 0 31 4,6 *", "does not come"), ("cron", "1,, * * * *", "minute"),
        ("cron", "٣ * * * *", "fields"), ("cron", "1-2-3 * * * *", "minute"),
        ("cron", "0 3 * * 1\n", "week"), ("cron", "*/x * * * *", "step"), ("cron", "9" * 5000 + " * * * *", "five"),
        ("zone", "Europe/Berln", "did you mean 'Europe/Berlin'?"), ("zone", "../../etc/passwd", "not a time zone"),
        ("zone", "/etc/localtime", "not"),
        ("zone", "America", "not a time zone"), ("zone", "", "not a time zone"),
        ("zone", "a" * 5000, "not a time zone"), ("zone", "UTC\0", "not"),
        ("column", "", "column"), ("column", "a\nb", "column"), ("column", "a\x00", "column"), ("column", 5, "string"),
        ("dotted", "Ridge", "dotted"), ("dotted", "a..b", "dotted"), ("dotted", "a.b()", "dotted"),
        ("dotted", "a.class", "'class'"),
        ("dotted", "a.b\n", "dotted"), ("dotted", "а.b", "dotted"),
        ("entrypoint", "a.b", "module.path:function"), ("entrypoint", "a/b.py:f", "module.path:function"),
        ("entrypoint", "a:b:c", "module"),
        ("entrypoint", "a:lambda", "'lambda'"), ("entrypoint", "a:f\n", "module"),
        ("uri", "", "path or URI"), ("uri", "a\nb", "path or URI"),
        ("uri", "postgresql://u:s3cret@host/db", "password"),
        ("path", "/etc/x", "leaves"), ("path", "../x", "leaves"), ("path", "a/../../x", "leaves"),
        ("path", "C:\\x", "relative"), ("path", "", "relative"),
        ("path", "~/x", "relative"), ("path", "a\\b", "relative"), ("path", "a\x00", "relative"),
        ("number", 2**63, "less than"), ("number", True, "integer"), ("number", 1.0, "integer"),
        ("number", "1", "integer"),
        ("count", -1, "greater"), ("positive", 0, "greater"),
        ("secret", {"secret": "a b"}, "environment variable"), ("secret", {"secret": ""}, "environment variable"),
        ("secret", "TOKEN", "SecretRef"), ("secret", {"secret": "A", "x": 1}, "Extra"),
    ],
)  # fmt: skip
def test_what_is_refused_says_what_to_write(field: str, written: object, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(field, written)
    (error,) = caught.value.errors()
    said = f"{error['msg']} {error.get('ctx', {}).get('hint', '')}"
    assert words in said
    assert len(said) < 400


@pytest.mark.parametrize("literal", ["s3cr3t value!", "-----BEGIN KEY-----"])
def test_what_may_be_a_secret_is_not_repeated(literal: str) -> None:
    for value in ({"secret": {"secret": literal}}, {"uri": "https://user:hunter2@host/x"}):
        with pytest.raises(ValidationError) as caught:
            Everything.model_validate(value)
        assert literal not in caught.value.errors()[0]["msg"]
        assert "hunter2" not in caught.value.errors()[0]["msg"]


def test_a_secret_is_a_reference() -> None:
    assert read("secret", {"secret": "MLFLOW_TOKEN"}) == scalars.SecretRef(secret="MLFLOW_TOKEN")


def test_what_was_parsed_is_dumped_as_numbers_and_read_again() -> None:
    written = {
        "duration": "90s",
        "memory": "4Gi",
        "cpu": "500m",
        "fraction": 1,
        "path": "./a",
        "secret": {"secret": "A"},
    }
    first = Everything.model_validate(written)
    dumped = json.loads(json.dumps(first.model_dump(mode="json")))
    assert (dumped["duration"], dumped["memory"], dumped["cpu"], dumped["fraction"]) == (90.0, 4 * GI, 0.5, 1.0)
    assert Everything.model_validate(dumped) == first


def test_the_json_schema_describes_and_exemplifies_every_type() -> None:
    properties = Everything.model_json_schema()["properties"]
    for field in (
        "name",
        "duration",
        "memory",
        "cpu",
        "fraction",
        "cron",
        "zone",
        "column",
        "dotted",
        "entrypoint",
        "uri",
        "path",
    ):
        assert properties[field]["description"]
        assert properties[field]["examples"]
        for example in properties[field]["examples"]:
            read(field, example)
            if "pattern" in properties[field]:
                assert re.search(properties[field]["pattern"], example)


def test_the_patterns_of_the_schema_accept_no_more_than_the_types() -> None:
    properties = Everything.model_json_schema()["properties"]
    assert not re.search(properties["name"]["pattern"], "Prod")
    assert not re.search(properties["duration"]["pattern"], "90")
    assert not re.search(properties["memory"]["pattern"], "4GB")


def test_names_as_keys_are_checked_too() -> None:
    adapter: TypeAdapter[dict[str, int]] = TypeAdapter(dict[scalars.Name, int])
    with pytest.raises(ValidationError, match="small letter"):
        adapter.validate_python({"Bad": 1})


@given(st.text(max_size=70))
def test_a_name_is_what_the_pattern_says(text: str) -> None:
    assert (name_problem(text) == "") == bool(re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", text))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


@given(st.sampled_from(sorted(Everything.model_fields)), json_values)
def test_any_value_is_accepted_or_refused_and_nothing_else(field: str, value: Any) -> None:
    with suppress(ValidationError):
        assert read(field, value) is not None or (field, value) == ("secret", None)


@given(st.lists(st.text("*/,-0123456789JANSUFE", max_size=6), min_size=5, max_size=5))
def test_any_five_fields_are_a_schedule_or_a_problem(fields: list[str]) -> None:
    assert isinstance(cron_problem(" ".join(fields)), str)


@given(st.text())
def test_printable_text_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    shown = printable(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]", shown)
    shown.encode("utf-8")


def test_printable_keeps_what_people_write() -> None:
    assert printable("größe 日本 😀 ✓") == "größe 日本 😀 ✓"
    assert printable("a\x1b[2J\r\n\u202e") == "a\\x1b[2J\\r\\n\\u202e"
