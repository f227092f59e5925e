"""A small project whose data is split by time: ninety days, eight rows a day."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

PROJECT = """\
version: 1
name: days
data:
  days:
    source: {kind: csv, uri: days.csv}
    label: kind
    split: {kind: time, column: day, validation: -10d, test: -5d}
training:
  task: classification
  targets:
    logistic: {kind: sklearn, estimator: sklearn.linear_model.LogisticRegression}
evaluation:
  metrics: [accuracy]
  gates:
    - {name: floor, kind: threshold, metric: accuracy, min: 0.6}
triggers: [{kind: schedule, cron: "0 0 1 * *"}]
"""


def write_days(folder: Path) -> Path:
    """The project in that folder, which has no other file."""
    rows = []
    for number in range(90):
        day = date(2021, 1, 1) + timedelta(days=number)
        for kind in ("low", "high"):
            for value in range(4):
                rows.append(f"{day},{value + (10 if kind == 'high' else 0)},{kind}")
    (folder / "mlops.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / "days.csv").write_text("day,value,kind\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return folder
