"""Words in templates: whatever a word is, it is refused or stays one word."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.delivery.ci.render import Filling, fill
from mlopsctl.ground.errors import InvalidProject

TEMPLATE = """# <part head>
on:
  push: {branches: ["%branch%"]}
# <if kept>
kept: "%branch%"
# <end>
# <unless kept>
left: out
# <end>
jobs:
  # <each stages>
  apply-%stage%:
    # <if last>
    last: yes
    # <end>
    run: mlopsctl apply -e "%stage%" on "%branch%"
  # <end>
"""
HOSTILE = (
    "${{ secrets.KEY }}", "$HOME", "$(id)", "`id`", "a; id", "a\nb: c", 'a" b', "a' b", "a # b", "a: b", "{{ x }}",
    "a|b",
    "a&b", "a>b", "%branch%", "a\\b", "é", "\u202ea", "\x00", "a*", "!cancelled()",
)  # fmt: skip


def template(folder: Path) -> Path:
    (folder / "head.part").write_text('name: "of %branch%"\n')
    (folder / "some.yml").write_text(TEMPLATE)
    return folder / "some.yml"


def filling(branch: str, *flags: str) -> Filling:
    stages = [Filling({"stage": "dev"}), Filling({"stage": "prod"}, frozenset({"last"}))]
    return Filling({"branch": branch}, frozenset(flags), {"stages": stages})


def test_conditions_rounds_and_parts(tmp_path: Path) -> None:
    read = yaml.load(fill(template(tmp_path), filling("main", "kept")), yaml.BaseLoader)
    assert read == {
        "name": "of main",
        "on": {"push": {"branches": ["main"]}},
        "kept": "main",
        "jobs": {
            "apply-dev": {"run": 'mlopsctl apply -e "dev" on "main"'},
            "apply-prod": {"last": "yes", "run": 'mlopsctl apply -e "prod" on "main"'},
        },
    }
    assert "left: out" in fill(template(tmp_path), filling("main"))


@pytest.mark.parametrize("word", HOSTILE)
def test_what_means_something_elsewhere_is_refused(tmp_path: Path, word: str) -> None:
    with pytest.raises(InvalidProject, match="cannot stand in a file for a CI"):
        fill(template(tmp_path), filling(word))


@given(st.text(max_size=30))
def test_any_word_is_refused_or_stays_one(tmp_path_factory: pytest.TempPathFactory, word: str) -> None:
    folder = tmp_path_factory.mktemp("template", numbered=True)
    try:
        text = fill(template(folder), filling(word))
    except InvalidProject:
        return
    read = yaml.load(text, yaml.BaseLoader)
    assert read["on"]["push"]["branches"] == [word]
    assert list(read["jobs"]) == ["apply-dev", "apply-prod"]
    assert "$" not in text
    assert "{{" not in text
