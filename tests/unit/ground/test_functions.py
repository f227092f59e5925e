from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.functions import Definition, Module, Sort, Unreadable, modules_near, read_module


def module(folder: Path, text: str, name: str = "steps") -> Module:
    file = folder.joinpath(*name.split(".")).with_suffix(".py")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    found = read_module(folder, name)
    assert found is not None
    return found


def definition(folder: Path, text: str, name: str = "run") -> Definition:
    found = module(folder, text).find(name)
    assert found is not None
    return found


def test_a_function_is_found_with_its_parameters_and_its_place(tmp_path: Path) -> None:
    found = definition(tmp_path, "import os\n\n\ndef run(a, /, b: int, c=1, *, d, e=2, **rest):\n    pass\n")
    assert found.sort is Sort.FUNCTION
    assert (found.place.line, found.place.column) == (4, 1)
    assert found.arguments is not None
    told = [(one.name, one.positional, one.keyword, one.default is not None) for one in found.arguments]
    assert told == [
        ("a", True, False, False),
        ("b", True, True, False),
        ("c", True, True, True),
        ("d", False, True, False),
        ("e", False, True, True),
    ]
    assert found.more_keywords
    assert not found.more_positional


@pytest.mark.parametrize(
    "text",
    [
        "if True:\n    def run(a): ...\n",
        "try:\n    import numpy\nexcept ImportError:\n    pass\nelse:\n    def run(a): ...\n",
        "def run(): ...\ndef run(a): ...\n",
        "import functools\n@functools.lru_cache(maxsize=1)\ndef run(a): ...\n",
    ],
)
def test_a_definition_counts_wherever_importing_the_module_makes_it(text: str, tmp_path: Path) -> None:
    found = definition(tmp_path, text)
    assert found.arguments is not None
    assert [one.name for one in found.arguments] == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "run = print\n",
        "run: object = print\n",
        "from somewhere import run\n",
        "from somewhere import other as run\n",
        "from somewhere import *\n",
        "import run\n",
        "@app.task\ndef run(a): ...\n",
        "class run: ...\n",
        "def __getattr__(name): ...\n",
    ],
)
def test_what_only_running_it_would_tell_is_not_judged(text: str, tmp_path: Path) -> None:
    assert definition(tmp_path, text).arguments is None


@pytest.mark.parametrize("text", ["", "def other(): ...\n", "class Steps:\n    def run(self): ...\n", "run.a = 1\n"])
def test_what_is_not_there_is_not_found(text: str, tmp_path: Path) -> None:
    assert module(tmp_path, text).find("run") is None


def test_an_import_is_followed_inside_the_project(tmp_path: Path) -> None:
    module(tmp_path, "def work(a, b): ...\n", "package.inner")
    (tmp_path / "package" / "__init__.py").write_text("from .inner import work as run\n")
    found = read_module(tmp_path, "package")
    assert found is not None
    told = found.find("run")
    assert told is not None
    assert told.arguments is not None
    assert [one.name for one in told.arguments] == ["a", "b"]
    assert told.place.file.name == "inner.py"


def test_modules_that_import_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("from b import run\n")
    (tmp_path / "b.py").write_text("from a import run\n")
    found = read_module(tmp_path, "a")
    assert found is not None
    told = found.find("run")
    assert told is not None
    assert told.sort is Sort.UNKNOWN


@pytest.mark.parametrize("content", [b"def run(:\n", b"x = \0\n", b"\xff\xfe\xfa", b"(" * 5_000, b"-" * 200_000 + b"1"])
def test_what_is_not_python_says_so(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_bytes(content)
    with pytest.raises(Unreadable):
        read_module(tmp_path, "steps")


def test_a_module_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text("x = 1\n" * 200_000)
    with pytest.raises(Unreadable, match="mebibyte"):
        read_module(tmp_path, "steps")


def test_there_is_no_module_where_no_file_is(tmp_path: Path) -> None:
    (tmp_path / "steps.py").mkdir()
    assert read_module(tmp_path, "steps") is None
    assert read_module(tmp_path, "steps.clean") is None


def test_near_modules_are_those_where_it_was_looked_for(tmp_path: Path) -> None:
    for name in ("steps/clean.py", "steps/__init__.py", "steps/more/__init__.py", "other.py", "steps/a-b.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert modules_near(tmp_path, "steps.claen") == ("steps.clean", "steps.more")
    assert modules_near(tmp_path, "stepz") == ("other", "steps")


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "steps.py").write_bytes(text.encode("utf-8", errors="surrogatepass"))
        try:
            found = read_module(Path(folder), "steps")
        except Unreadable:
            return
        assert found is not None
        found.find("run")
