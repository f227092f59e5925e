"""Reports of other tools prove something only where they say it plainly."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl.delivery.publish.files import level_item
from mlopsctl.delivery.publish.files import tests_item as item_of_tests
from mlopsctl.forges.contract import Conclusion

GREEN, RED, OPEN = Conclusion.SUCCESS, Conclusion.FAILURE, Conclusion.ACTION_REQUIRED


@pytest.mark.parametrize(
    ("content", "conclusion"),
    [
        ('<testsuite><testcase name="a"/></testsuite>', GREEN),
        ('<testsuite><testcase name="a"/><testcase name="b"><skipped/></testcase></testsuite>', GREEN),
        ('<testsuite><testcase name="a"><failure message="no"/></testcase></testsuite>', RED),
        ('<testsuite><testcase name="a"><error>boom</error></testcase></testsuite>', RED),
        ('<testsuite tests="5"/>', OPEN),
        ('<testsuite><testcase name="a"><skipped/></testcase></testsuite>', OPEN),
        ("", OPEN),
        ("<testsuite>", OPEN),
        ('<!DOCTYPE a [<!ENTITY b "c">]><testsuite><testcase name="a"/></testsuite>', OPEN),
    ],
)
def test_only_tests_that_ran_and_passed_are_green(tmp_path: Path, content: str, conclusion: Conclusion) -> None:
    file = tmp_path / "tests.xml"
    file.write_text(content, encoding="utf-8")
    assert item_of_tests(file).conclusion is conclusion


@pytest.mark.parametrize(
    ("content", "conclusion"),
    [
        ('{"level": 1, "declared": 1}', GREEN),
        ('{"level": 2, "declared": 1}', GREEN),
        ('{"level": 0}', GREEN),
        ('{"level": 0, "declared": 1}', RED),
        ('{"level": true, "declared": 1}', OPEN),
        ('{"level": "2", "declared": 1}', OPEN),
        ('{"declared": 1}', OPEN),
        ("[]", OPEN),
        ("{", OPEN),
        ("[" * 100_000, OPEN),
    ],
)
def test_only_a_level_that_reaches_what_is_declared_is_green(
    tmp_path: Path, content: str, conclusion: Conclusion
) -> None:
    file = tmp_path / "level.json"
    file.write_text(content, encoding="utf-8")
    assert level_item(file).conclusion is conclusion


def test_a_file_that_is_not_there_proves_nothing(tmp_path: Path) -> None:
    assert item_of_tests(tmp_path / "none").conclusion is OPEN
    assert level_item(tmp_path / "none").conclusion is OPEN
