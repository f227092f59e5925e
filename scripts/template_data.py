"""Writes the made-up customers of the `tabular` template: the same 400 rows on every machine.

A test runs it and compares, so the data in the repository can be explained and made again.
"""

from __future__ import annotations

import csv
import math
import random
import sys
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "templates" / "tabular" / "data" / "customers.csv"
COLUMNS = ("tenure_months", "monthly_charge", "support_calls", "contract", "paperless", "churned")
ROWS = 400


def customers(seed: int = 7) -> list[tuple[str, ...]]:
    """Rows as text. Short tenure, many calls and a monthly contract make leaving likely; a few cells are empty."""
    dice = random.Random(seed)
    rows: list[tuple[str, ...]] = []
    for _ in range(ROWS):
        tenure = dice.randint(0, 72)
        charge = round(dice.uniform(15, 120), 2)
        calls = min(9, int(dice.expovariate(0.7)))
        contract = dice.choice(("monthly", "monthly", "yearly", "two_years"))
        pull = 2.2 - 0.09 * tenure + 0.02 * (charge - 60) + 0.9 * calls - (0 if contract == "monthly" else 2.5)
        leaves = dice.random() < 1 / (1 + math.exp(-1.6 * pull))
        shown = "" if dice.random() < 0.02 else f"{charge:.2f}"
        rows.append((str(tenure), shown, str(calls), contract, dice.choice(("yes", "no")), "yes" if leaves else "no"))
    return rows


def write(path: Path) -> None:
    """Write the CSV with line feeds on every platform."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(customers())


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
