"""A mark that was written is read again, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.orchestrators.contract import Bundle, Wanted
from mlopsctl.orchestrators.kfp.marks import Mark, mark, read_mark

pytestmark = pytest.mark.unit

values = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
keys = st.sampled_from(["bundle", "at", "settings", "run"])


@given(values, values, st.dictionaries(keys, values))
def test_a_mark_is_read_as_it_was_written(project: str, environment: str, more: dict[str, str]) -> None:
    written = Mark(project, environment, more)
    assert read_mark(str(written)) == written
    assert str(written).isascii()
    assert "\n" not in str(written)


@given(st.text())
def test_any_other_text_is_no_mark_or_reads_as_one_whole(text: str) -> None:
    found = read_mark(text)
    assert found is None or text.startswith("mlopsctl ")


@pytest.mark.parametrize(
    "text",
    [
        "", "mlopsctl", "mlopsctl project=churn", "made by mlopsctl project=churn environment=prod",
        "mlopsctl project=churn environment=prod and more", "MLOPSCTL project=churn environment=prod",
    ],
)  # fmt: skip
def test_what_people_write_is_not_taken_for_a_mark(text: str) -> None:
    assert read_mark(text) is None


def test_a_mark_is_of_one_project_and_environment() -> None:
    wanted = Wanted("churn-prod", "churn", "prod", Bundle({}, ""))
    assert mark(wanted, run="run-1").is_of(wanted)
    assert not Mark("churn", "production").is_of(wanted)
    assert not Mark("churn2", "prod").is_of(wanted)
