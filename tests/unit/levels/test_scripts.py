"""Which commands of a script prove something: those whose failure is the script's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.levels.commands import Command, commands
from mlopsctl.levels.script import Shell, called

HIDES = "|| hides its failure"
DEPENDS = "it depends on a condition of its script"


def found(text: str, project: str = ".", shell: Shell | None = None) -> list[Command]:
    return list(commands(called(text, shell or Shell()), project, "f.yml", 1))


@pytest.mark.parametrize(
    "text",
    [
        "mlopsctl validate",
        "  mlopsctl   validate  # all of it",
        "mlopsctl \\\n  validate",
        "'mlopsctl' \"validate\"",
        "python -m mlopsctl validate",
        "/workspace/.mlopsctl/bin/mlopsctl validate",
        "uv run --extra run mlopsctl validate",
        "poetry run python -m mlopsctl validate",
        "SEED=7 env A=b mlopsctl -C . validate",
        "timeout 60 mlopsctl --log-format json -v validate",
        "set -euo pipefail\nmlopsctl validate | tee log",
        "mlopsctl validate > log 2>&1",
        "mlopsctl validate || exit 1",
        "mlopsctl validate || { echo no; exit 2; }",
        "mlopsctl validate && echo fine",
        "(cd . && mlopsctl validate)",
        "{ mlopsctl validate; }",
        "for name in a b; do\n  mlopsctl validate\ndone",
        "if [ ! -f x ]; then\n  exit 0\nfi\nmlopsctl validate",
        "case $X in\n  a) exit 0;;\nesac\nmlopsctl validate",
        "names=(a b)\nmlopsctl validate",
        "cat <<'END'\nmlopsctl apply || true\nEND\nmlopsctl validate",
        'echo $(date) `id` ${{ github.sha }} "${X:-y}"\nmlopsctl validate',
        "bash -ec 'mlopsctl validate\nls'",
        "[[ -f x && -d y ]]\nmlopsctl validate",
        "function other { true; }\nmlopsctl validate",
    ],
)
def test_a_command_counts_however_it_is_written(text: str) -> None:
    counting = [one for one in found(text) if one.verb == "validate"]
    assert len(counting) == 1
    assert (counting[0].program, counting[0].why) == ("mlopsctl", "")


@pytest.mark.parametrize(
    "text",
    [
        "# mlopsctl validate",
        "ls # mlopsctl validate",
        "echo mlopsctl validate",
        "echo 'first\nmlopsctl validate'",
        "printf '%s' 'mlopsctl validate'",
        "cat <<END\nmlopsctl validate\nEND",
        "cat <<-END\n\tmlopsctl validate\n\tEND",
        "X='mlopsctl validate'",
        "X=$(mlopsctl validate)",
        "echo `mlopsctl validate`",
        ": mlopsctl validate",
        "mlopsctl-lookalike validate",
        "python mlopsctl validate",
        "python -c 'import mlopsctl' validate",
        "function later { mlopsctl validate; }",
        "later() {\n  mlopsctl validate\n}",
        "case x in\n  a) mlopsctl validate;;\nesac",
        "mlopsctl validate 'no end",
        "if true; then mlopsctl validate",
        ")",
        "",
    ],
)
def test_a_text_is_no_command(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("mlopsctl validate || true", HIDES),
        ("mlopsctl validate || :\n", HIDES),
        ("mlopsctl validate || echo no", HIDES),
        ("mlopsctl validate || exit 0", HIDES),
        ("mlopsctl validate && true || true", HIDES),
        ("(mlopsctl validate) || true", HIDES),
        ("true || mlopsctl validate", "it runs only when something before it failed"),
        ("mlopsctl validate &", "it runs in the background, and nobody waits for it"),
        ("! mlopsctl validate", "! turns its result around"),
        ("mlopsctl validate | tee log", "a pipe hides its failure"),
        ("mlopsctl validate && ls\nls", "its failure before && does not end the script"),
        ("if false; then\n  mlopsctl validate\nfi", DEPENDS),
        ("if mlopsctl validate; then\n  ls\nfi", DEPENDS),
        ("while mlopsctl validate; do ls; done", DEPENDS),
        ("set +e\nmlopsctl validate\nls", "its failure does not end the script: there is no `set -e`"),
        ("bash -c 'mlopsctl validate; true'", "its failure does not end the script: there is no `set -e`"),
        ("exit 0\nmlopsctl validate", "the script ends before it"),
        ("exec true\nmlopsctl validate", "the script ends before it"),
        ("mlopsctl() { true; }\nmlopsctl validate", "mlopsctl is something else in this script"),
        ("alias mlopsctl=true\nmlopsctl validate", "mlopsctl is something else in this script"),
        ("mlopsctl validate --help", "--help only tells something"),
        ("mlopsctl -C other validate", "it is about other, not ."),
        ("cd other\nmlopsctl validate", "it is about other, not ."),
    ],
)
def test_a_command_that_cannot_fail_its_script_says_why(text: str, why: str) -> None:
    assert [one.why for one in found(text) if one.verb == "validate"] == [why]


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("mlopsctl -C models/a validate", True),
        ("mlopsctl --directory=models/a/mlops.yaml validate", True),
        ("cd models\nmlopsctl -C a validate", True),
        ("cd models/b && cd ../a && mlopsctl validate", True),
        ('cd "$FOLDER"\nmlopsctl validate', True),
        ("(cd models/a)\nmlopsctl validate", False),
        ("mlopsctl validate", False),
        ("pytest models/a/tests", True),
        ("pytest models/a/tests/test_x.py::test_y", True),
        ("cd models/a && python -m pytest -q --junitxml .mlops/tests.xml tests", True),
        ("pytest", True),
        ("coverage run -m pytest -k quick", True),
        ("pytest models/b/tests", False),
        ("pytest -q models/b/tests", False),
        ("pytest --collect-only models/a/tests", False),
        ("cd models/b && pytest", False),
    ],
)
def test_a_command_is_about_the_project_whose_folder_it_works_in(text: str, counts: bool) -> None:
    assert [not one.why for one in found(text, "models/a")] == [counts]


def test_a_place_is_the_line_of_the_command() -> None:
    text = "ls\n\nmlopsctl validate &&\n  mlopsctl plan\n"
    assert [one.place for one in commands(called(text, Shell()), ".", "a/b.yml", 10)] == ["a/b.yml:12", "a/b.yml:13"]


@given(st.text(alphabet="m \n\t#'\"\\$(){}|&;<>!`=efi thndo", max_size=60))
def test_any_text_is_read_to_its_end(text: str) -> None:
    assert isinstance(called(text, Shell()), tuple)


def test_deep_nesting_is_given_up() -> None:
    for text in ("(" * 5000, "{ " * 5000, "if " * 5000, "f() " * 5000, "function f " * 5000, "$(" * 5000):
        assert called(text, Shell()) == ()
