"""Which files a module reaches is read from their text; nothing of them runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl.frameworks.source import reachable_files
from mlopsctl.ground.errors import InvalidProject


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_imports_are_followed_wherever_they_stand(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            "trainers/__init__.py": "",
            "trainers/forest.py": "import pandas\nfrom trainers import shared\ndef fit():\n    import late.deep as d\n",
            "trainers/shared.py": "from . import sizes\nfrom .sub.more import thing\n",
            "trainers/sizes.py": "",
            "trainers/sub/more.py": "from ...elsewhere import nothing\nfrom .. import sizes\nthing = 1\n",
            "trainers/unused.py": "",
            "late/__init__.py": "from os import path\n",
            "late/deep.py": "if True:\n    from helper import *\n",
            "helper.py": "import trainers.forest\n",
            "other.py": "",
        },
    )
    assert reachable_files(root, "trainers.forest") == (
        "helper.py", "late/__init__.py", "late/deep.py", "trainers/__init__.py", "trainers/forest.py",
        "trainers/shared.py", "trainers/sizes.py", "trainers/sub/more.py",
    )  # fmt: skip


def test_nothing_is_run(tmp_path: Path) -> None:
    root = write(tmp_path, {"bad.py": "raise SystemExit(open('ran', 'w').write('x'))\n"})
    assert reachable_files(root, "bad") == ("bad.py",)
    assert not (tmp_path / "ran").exists()


def test_what_is_installed_is_left_out_and_the_project_comes_first(tmp_path: Path) -> None:
    root = write(tmp_path, {"own.py": "import json, numpy, yaml\n", "yaml.py": ""})
    assert reachable_files(root, "own") == ("own.py", "yaml.py")


@pytest.mark.parametrize(
    ("files", "module", "said"),
    [
        ({"a.py": ""}, "b", "there is no module b in the project"),
        ({"a.py": ""}, "a.b", "there is no module a.b"),
        ({"a.py": "def fit(:\n"}, "a", "a.py line 1 is not Python"),
        ({"a.py": "import b\n", "b.py": "x = (\n"}, "a", "b.py line 1 is not Python"),
        ({"a.py": "x = '\0'\n"}, "a", "a.py"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, files: dict[str, str], module: str, said: str) -> None:
    with pytest.raises(InvalidProject, match=said):
        reachable_files(write(tmp_path, files), module)
