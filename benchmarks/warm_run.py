"""How long a run of 1,000 unchanged steps takes: the real commands on a project of 250 datasets, four steps each.

The first run, which is not measured, fills the stores (a minute or two). Then `mlopsctl run` and `mlopsctl plan` are
timed from process start to end; the smallest of three counts, as a busy machine only ever adds. Limit: 2 seconds.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DATASETS, ROUNDS, LIMIT = 250, 3, 2.0
STEPS_EACH = 4  # ingest, statistics, schema, validate
# A project that trains nothing proves nothing, so its run ends undecided.
EXPECTED = (0, 4)


def main() -> int:
    """Fill, measure, print, and fail above the limit."""
    with tempfile.TemporaryDirectory() as folder:
        write_project(Path(folder))
        seconds, states = run(Path(folder), "run", "--output", "json")
        print(f"cold run: {len(states)} steps in {seconds:.1f} s")
        assert len(states) == DATASETS * STEPS_EACH
        assert set(states) == {"success"}, set(states)
        warm = min(timed_warm(Path(folder)) for _ in range(ROUNDS))
        plan = min(run(Path(folder), "plan", "--output", "json")[0] for _ in range(ROUNDS))
    for name, taken in (("warm run", warm), ("plan", plan)):
        print(f"{name}: {DATASETS * STEPS_EACH} unchanged steps in {taken:.2f} s (limit {LIMIT:.0f} s)")
    return 0 if max(warm, plan) <= LIMIT else 1


def write_project(folder: Path) -> None:
    """Datasets of 40 rows, each a little different from the others, so that no two share a result."""
    data = []
    for number in range(DATASETS):
        rows = "".join(f"{row},{(row * 7 + number) % 13},{'ab'[row % 2]}\n" for row in range(40))
        (folder / f"rows{number}.csv").write_text("x,y,label\n" + rows)
        data.append(f"  d{number}:\n    source: {{kind: csv, uri: rows{number}.csv}}\n    label: label\n")
    (folder / "mlops.yaml").write_text("version: 1\nname: warm\ndata:\n" + "".join(data))


def timed_warm(folder: Path) -> float:
    """One run in which nothing is new."""
    seconds, states = run(folder, "run", "--output", "json")
    assert set(states) == {"cached"}, set(states)
    return seconds


def run(folder: Path, *arguments: str) -> tuple[float, list[str]]:
    """Wall seconds of a command, and the states of the steps it tells."""
    command = [sys.executable, "-c", "from mlopsctl.cli.main import main; main()", "-C", str(folder), *arguments]
    started = time.perf_counter()
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if ended.returncode not in EXPECTED:
        raise SystemExit(f"{arguments} ended with {ended.returncode}: {ended.stderr[-2000:]}")
    steps = json.loads(ended.stdout).get("steps")
    return seconds, [step["state"] for step in steps.values()] if isinstance(steps, dict) else []


if __name__ == "__main__":
    sys.exit(main())
