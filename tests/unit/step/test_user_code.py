from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

import pytest

from mlopsctl.step.user_code import advice, describe, user_code


def _error(project: Path, source: str) -> BaseException:
    (project / "users_own.py").write_text(source)
    with pytest.raises((Exception, SystemExit)) as caught, user_code(project):
        importlib.import_module("users_own").fit()
    return caught.value


def test_modules_of_two_projects_do_not_mix(tmp_path: Path) -> None:
    seen = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "users_own.py").write_text(f"name = {name!r}")
        with user_code(tmp_path / name):
            seen.append(importlib.import_module("users_own").name)
    assert seen == ["one", "two"]
    assert "users_own" not in sys.modules


def test_folder_and_path_are_restored(tmp_path: Path) -> None:
    before = (os.getcwd(), list(sys.path))

    def fail() -> None:
        assert (os.getcwd(), sys.path[0]) == (str(tmp_path), str(tmp_path))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), user_code(tmp_path):
        fail()
    assert (os.getcwd(), sys.path) == before


def test_an_error_names_the_last_line_of_the_projects_own_code(tmp_path: Path) -> None:
    error = _error(tmp_path, "import json\n\ndef fit():\n    json.loads('{')\n")
    assert describe(error, tmp_path).startswith("users_own.py:4: JSONDecodeError: Expecting property name")


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    assert describe(_error(tmp_path, "x = 1\ndef fit(:\n"), tmp_path).startswith("users_own.py:2: SyntaxError: ")


def test_an_error_without_a_message_is_its_type(tmp_path: Path) -> None:
    assert describe(AssertionError(), tmp_path) == "AssertionError"


def test_code_installed_inside_the_projects_folder_is_not_its_own(tmp_path: Path) -> None:
    installed = tmp_path / ".venv" / "lib" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "library_of_others.py").write_text("def fail():\n    raise ValueError('no')\n")
    source = (
        f"import sys\nsys.path.append({str(installed)!r})\nimport library_of_others\n"
        "def fit():\n    library_of_others.fail()\n"
    )
    assert describe(_error(tmp_path, source), tmp_path) == "users_own.py:5: ValueError: no"


def test_escapes_in_a_message_are_spelled_out_and_long_ones_cut(tmp_path: Path) -> None:
    said = describe(ValueError("\x1b[2J\n" + "x" * 10_000), tmp_path)
    assert said.startswith("ValueError: \\x1b[2J\\nxxx")
    assert len(said) < 2_100


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (MemoryError(), "more memory"),
        (ModuleNotFoundError("no", name="lightgbm.sklearn"), "install the package that has the module 'lightgbm'"),
        (SystemExit(0), "return instead"),
        (ValueError(), "traceback"),
    ],
)
def test_the_hint_says_what_to_do(error: BaseException, hint: str, tmp_path: Path) -> None:
    assert hint in advice(error, tmp_path)


def test_a_missing_module_of_the_project_is_not_a_package_to_install(tmp_path: Path) -> None:
    (tmp_path / "trainers").mkdir()
    assert "install" not in advice(ModuleNotFoundError("no", name="trainers.forest"), tmp_path)
