"""`init --from-csv`, then `apply`, as a user types them: the drafted project trains and passes its own gates."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.integration.cli import call


def _customers(file: Path) -> None:
    """A yes or no that two columns tell apart, with an id, holes and a date beside them."""
    draw = random.Random(3)
    lines = ["customer_id,joined,plan,usage,age,churned"]
    for at in range(600):
        churned = at % 3 == 0
        usage = f"{draw.gauss(2 if churned else 6, 1.5):.3f}" if at % 20 else ""
        plan = draw.choice("abc") if churned else draw.choice("cde")
        lines.append(
            f"c{at},2024-{at // 60 + 1:02d}-01,{plan},{usage},{draw.randrange(18, 80)},{'yes' if churned else 'no'}"
        )
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _houses(file: Path) -> None:
    """A price that follows from size and town."""
    draw = random.Random(4)
    lines = ["size;town;rooms;price"]
    for _ in range(600):
        size, town = draw.uniform(30, 200), draw.choice(["north", "south", "NA"])
        price = 1000 * size + (50_000 if town == "north" else 0) + draw.gauss(0, 5_000)
        lines.append(f"{size:.1f};{town};{draw.randrange(1, 7)};{price:.2f}")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("write", "label", "task"), [(_customers, "churned", "classification"), (_houses, "price", "regression")]
)
def test_a_drafted_project_is_valid_and_its_model_passes(tmp_path: Path, write: object, label: str, task: str) -> None:
    folder = tmp_path / "drafted"
    folder.mkdir()
    assert callable(write)
    write(folder / "rows.csv")
    made = call(folder, "init", "--from-csv", str(folder / "rows.csv"), "--label", label, "--name", "drafted")
    assert made.code == 0, made
    assert f"task: {task}" in (folder / "mlops.yaml").read_text()
    assert call(folder, "validate").code == 0
    applied = call(folder, "apply", "--yes")
    assert applied.code == 0, applied
    assert "Released drafted v1" in applied.out + applied.err
    assert call(folder, "plan", "--detailed-exitcode").code == 0


def test_options_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    for arguments in (["--from-csv", "x.csv"], ["--label", "y"], ["--from-csv", "x", "--label", "y", "-t", "blank"]):
        done = call(tmp_path, "init", *arguments)
        assert done.code == 64, done
        assert "--from-csv" in done.err
    missing = call(tmp_path, "init", "--from-csv", str(tmp_path / "nope.csv"), "--label", "y")
    assert missing.code == 1, missing
    assert "nope.csv is not there" in missing.err
    assert list(tmp_path.iterdir()) == []
