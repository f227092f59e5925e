"""Why a step runs, in words."""

from __future__ import annotations

from mlopsctl.delivery.reasons import changes
from mlopsctl.ground.digest import Json


def test_entries_with_names_are_told_apart_by_them() -> None:
    old: dict[str, list[Json]] = {"checks": [{"name": "rows", "min": 3}, {"name": "fresh", "max": 1}]}
    new: dict[str, list[Json]] = {"checks": [{"name": "rows", "min": 2}, {"name": "fresh", "max": 1}]}
    assert list(changes(old, new)) == [("checks.rows.min", 3, 2)]
    assert [path for path, _, _ in changes(old, {"checks": old["checks"][:1]})] == ["checks.fresh"]
    assert list(changes(old, {"checks": old["checks"][::-1]})) == [("checks", ["rows", "fresh"], ["fresh", "rows"])]
    assert list(changes(old, old)) == []
    assert list(changes([{"name": "a"}, {"name": "a"}], [{"name": "a"}])) == [
        ("", [{"name": "a"}, {"name": "a"}], [{"name": "a"}])
    ]
