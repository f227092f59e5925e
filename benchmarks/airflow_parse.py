"""How long Airflow takes to read the DAG of 200 steps, beside a DAG file with an empty DAG, in the same Airflow.

Twice: in a new interpreter, as Airflow's DAG processor and a task of a worker read a file, where importing Airflow is
most of it; and again and again in one interpreter that has read DAGs before. There nothing is left but making 200
operators, so what 200 operators of Airflow's own that do nothing take is measured beside it: no file with 200 tasks is
read faster than that. What counts is the processor time, and the smallest of several.
Limit: 1.5 times the empty file in a new interpreter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlopsctl.config.load import load_project
from mlopsctl.lowering.lower import lower
from mlopsctl.orchestrators.airflow.compile import compile_airflow

STEPS, ROUNDS, LIMIT = 200, 5, 1.5
ENVIRONMENTS = Path(__file__).resolve().parents[1] / ".venvs"
EMPTY = """\
from airflow import DAG

dag = DAG(dag_id="empty", schedule=None)
"""
BARE = f"""\
from airflow import DAG
try:
    from airflow.providers.standard.operators.empty import EmptyOperator
except ImportError:
    from airflow.operators.empty import EmptyOperator

with DAG(dag_id="bare", schedule=None):
    for number in range({STEPS}):
        EmptyOperator(task_id=f"step-{{number:04d}}")
"""
# Run by Airflow's own Python: processor seconds of reading one file `rounds` times, the first one left out if there
# are more; with one round the seconds of the whole interpreter.
READ = """\
import gc, json, logging, os, sys, time
logging.disable(logging.CRITICAL)
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag
file, rounds = sys.argv[1], int(sys.argv[2])
taken = []
for _ in range(rounds):
    bag = DagBag(os.devnull, collect_dags=False)
    gc.collect()
    started = time.process_time()
    bag.process_file(file)
    taken.append(time.process_time() - started)
    assert not bag.import_errors and len(bag.dags) == 1, bag.import_errors
print(json.dumps(min(taken[1:]) if rounds > 1 else time.process_time()), file=sys.__stdout__)
"""


def main() -> int:
    """Measure each Airflow that is there, print, and fail where the limit is missed."""
    kept = True
    with tempfile.TemporaryDirectory() as name:
        files = written(Path(name))
        for environment in ("airflow3", "airflow2"):
            python = ENVIRONMENTS / environment / "bin" / "python"
            if python.exists():
                kept &= measured(environment, python, Path(name), files)
            else:
                print(f"{environment}: not measured, .venvs/{environment} is missing (requirements/{environment}.txt)")
    return 0 if kept else 1


def measured(environment: str, python: Path, folder: Path, files: Mapping[str, Path]) -> bool:
    """Print what one Airflow takes; whether the limit is kept."""
    cold = {kind: min(seconds(python, folder, file, 1) for _ in range(ROUNDS)) for kind, file in files.items()}
    warm = {kind: seconds(python, folder, file, 2 * ROUNDS) for kind, file in files.items()}
    for where, taken in (("a new interpreter", cold), ("a warm interpreter", warm)):
        ratios = f"{taken['ours'] / taken['empty']:.2f} times the empty file, {taken['ours'] / taken['bare']:.2f} times"
        print(
            f"{environment}, {where}: {STEPS} steps {taken['ours'] * 1000:.1f} ms, an empty DAG "
            f"{taken['empty'] * 1000:.1f} ms, {STEPS} empty operators {taken['bare'] * 1000:.1f} ms: {ratios} those"
        )
    return cold["ours"] <= LIMIT * cold["empty"]


def written(folder: Path) -> dict[str, Path]:
    """The files that are read."""
    dags, project = folder / "dags", folder / "project"
    dags.mkdir()
    project.mkdir()
    write_project(project)
    loaded = load_project(project)
    for name, content in compile_airflow(loaded, lower(loaded)).files.items():
        (dags / name).write_bytes(content)
    (dags / "empty.py").write_text(EMPTY)
    (dags / "bare.py").write_text(BARE)
    return {"ours": dags / "big.py", "empty": dags / "empty.py", "bare": dags / "bare.py"}


def write_project(folder: Path) -> None:
    """Steps that each read two earlier ones, a run-time parameter, and are repeated when they fail."""
    components = {
        f"step-{number:04d}": {
            "run": {"kind": "command", "command": ["work"]},
            "inputs": {f"in{at}": f"step-{other:04d}.out" for at, other in enumerate(sorted({number - 1, number // 2}))}
            if number > 1
            else {},
            "outputs": {"out": "File"},
            "parameters": {"depth": "${parameters.depth}"},
            "retry": {"attempts": 2},
        }
        for number in range(STEPS)
    }
    document = {
        "version": 1,
        "name": "big",
        "parameters": {"depth": 3},
        "components": components,
        "orchestrator": {"kind": "airflow", "dags": "dags"},
    }
    (folder / "mlops.yaml").write_text(json.dumps(document, indent=1))


def seconds(python: Path, folder: Path, file: Path, rounds: int) -> float:
    """The smallest processor time of reading a file, or that of the whole interpreter for one round."""
    env = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    words = [str(python), "-W", "ignore", "-c", READ, str(file), str(rounds)]
    ended = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"Airflow could not read {file.name}: {ended.stderr[-2000:]}")
    return float(ended.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
