from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlopsctl.ground.pins import Written, canonical, lines, name_of, pins, written_in


def listed(*texts: str) -> tuple[Written, ...]:
    return tuple(Written(text, at) for at, text in enumerate(texts))


def test_pins_have_one_spelling_and_one_order() -> None:
    found, slips = pins(listed("Scikit_Learn == 1.5.0", "numpy==2.0.0", "Uvicorn[Standard,b]==0.30"))
    assert found == ("numpy==2.0.0", "scikit-learn==1.5.0", "uvicorn[b,standard]==0.30")
    assert slips == ()


def test_markers_and_hashes_are_kept() -> None:
    found, slips = pins(listed('tomli==2.0.1 ; python_version < "3.11" --hash=sha256:bb --hash=sha256:aa'))
    assert found == ('tomli==2.0.1 ; python_version < "3.11" --hash=sha256:aa --hash=sha256:bb',)
    assert slips == ()


@pytest.mark.parametrize(
    "text",
    [
        "numpy", "numpy>=2", "numpy~=2.0", "numpy==2.*", "numpy===2.0", "numpy==2,<3", "numpy==", "==2", "",
        "numpy @ https://x/numpy.whl", "git+https://user:word@example.com/x.git", "./numpy.whl", "-r more.txt",
        "-e .", "--index-url https://user:word@example.com/simple", "numpy==2 numpy==3", "numpy==2\nother",
    ],
)  # fmt: skip
def test_everything_else_is_refused_with_what_to_do_and_without_a_password(text: str) -> None:
    found, (slip,) = pins(listed(text))
    assert found == ()
    assert slip.id == "unpinned-package"
    assert slip.hint
    assert "word" not in slip.message + slip.hint


def test_a_package_that_stands_twice_is_refused() -> None:
    assert pins(listed("numpy==2.0", "NumPy==2.1"))[1][0].id == "package-twice"


def test_hashes_stand_on_all_or_on_none() -> None:
    found, (slip,) = pins(listed("numpy==2.0 --hash=sha256:aa", "pandas==2.2"))
    assert found == ()
    assert slip.message.startswith("pandas has no hash")


def test_a_file_has_comments_and_joined_lines() -> None:
    text = "# all\n\nnumpy==2.0 \\\n    --hash=sha256:aa  # via pandas\npandas==2.2 --hash=sha256:bb\n"
    assert [(one.text.split()[0], one.at) for one in lines(text)] == [("numpy==2.0", 3), ("pandas==2.2", 5)]
    assert len(pins(lines(text))[0]) == 2


def test_requirements_are_a_list_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy==2.0\n")
    assert written_in(tmp_path, "requirements.txt") == (Written("numpy==2.0", 1),)
    assert written_in(tmp_path, ("numpy==2.0",)) == (Written("numpy==2.0", 0),)
    with pytest.raises(FileNotFoundError):
        written_in(tmp_path, "other.txt")


def test_names_are_what_every_tool_understands() -> None:
    assert canonical("Scikit__Learn.X") == "scikit-learn-x"
    assert name_of("uvicorn[standard]==1") == "uvicorn"


@given(st.lists(st.text(max_size=40), max_size=4))
def test_any_text_gives_pins_or_slips(texts: list[str]) -> None:
    found, slips = pins(listed(*texts))
    assert all("==" in pin for pin in found)
    assert len(found) + len(slips) >= len({text.strip() for text in texts if text.strip()}) or not texts or slips
    assert list(found) == sorted(found)
