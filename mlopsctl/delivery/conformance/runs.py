"""One run on one orchestrator in throw-away stores: here, by ``kfp.local``, by Airflow's ``dag.test()``."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.config.load import Loaded
from mlopsctl.delivery.conformance.observed import Observed, observe
from mlopsctl.delivery.conformance.throwaway import stores_of
from mlopsctl.delivery.execute import Options, execute
from mlopsctl.delivery.prepare import prepare
from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.digest import Json
from mlopsctl.ground.files import write_atomic
from mlopsctl.ground.log import log_for
from mlopsctl.lowering.bindings import defaults
from mlopsctl.orchestrators.contract import Bundle
from mlopsctl.orchestrators.local.contract import Observer
from mlopsctl.pipeline.ir import Pipeline
from mlopsctl.pipeline.names import pipeline_name
from mlopsctl.step import ledger
from mlopsctl.step.portable import harmless
from mlopsctl.step.ports import PINNED_PARAMETER, RUN_PARAMETER

RUN = "conformance"
"""The id of the run on orchestrators that are told one."""

_HOST = Path(__file__).with_name("kfp_host.py")
_LINES, _LONGEST = 8, 300
_ERROR = re.compile(r"\b(error|hint|[A-Z]\w*(Error|Exception)):", re.ASCII)
# Of the caller's variables none may turn a throw-away Airflow into the real one.
_REAL_AIRFLOW = ("AIRFLOW_", "AIRFLOW__")

_log = log_for("conformance")


@dataclass(frozen=True, slots=True)
class Asked:
    """What every orchestrator is given alike.

    Attributes:
        loaded: the project with this orchestrator and throw-away stores below ``root``.
        pipeline: its steps.
        pinned: the state inputs.
        seconds: how long the orchestrator's processes may take.
    """

    loaded: Loaded
    pipeline: Pipeline
    pinned: Mapping[str, str]
    root: Path
    seconds: float


def run_here(asked: Asked, options: Options, observer: Observer) -> Observed:
    """The steps as processes of this machine."""
    loaded = asked.loaded
    with stores_of(loaded) as stores:
        prepared = prepare(loaded, stores, refresh=False, here=True)
        prepared = replace(prepared, plan=replace(prepared.plan, pinned=asked.pinned))
        run, results = execute(loaded, stores, prepared, options, observer)
        failed = any(result.state.value == "failed" for result in results.values())
        stores.metadata.finish_run(run, "failed" if failed else "success", None, now_ms())
        last = {record.step: record for record in stores.metadata.executions(run)}
    return observe("local", asked.pipeline, last, ArtifactStore(stores.artifacts_url), _records(loaded), run)


def run_on_kfp(asked: Asked, bundle: Bundle, python: str, steps_python: str) -> Observed:
    """The compiled pipeline by ``kfp.local``.

    Args:
        python: an interpreter that has kfp; ``steps_python`` one that has mlopsctl.
    """
    pipeline = asked.root / bundle.main
    write_atomic(pipeline, bundle.files[bundle.main])
    words = [python, "-I", str(_HOST), str(pipeline), str(asked.loaded.folder), str(asked.root / "engine")]
    done = _call([*words, steps_python, json.dumps(_parameters(asked))], asked, dict(os.environ))
    said = _last_line(done.output)
    trouble = said.get("message", "") or ("" if said.get("state") == "success" else done.tail)
    return _from_ledger("kfp", asked, trouble)


def run_on_airflow(asked: Asked, bundle: Bundle, python: str) -> Observed:
    """The compiled DAG by Airflow's ``dag.test()``, with a database of its own.

    Args:
        python: an interpreter that has Airflow.
    """
    dags, home = asked.root / "dags", asked.root / "airflow"
    dags.mkdir(parents=True, exist_ok=True)
    home.mkdir(parents=True, exist_ok=True)
    for name, content in bundle.files.items():
        write_atomic(dags / name, content, mode=0o644)
    around = {
        **{name: value for name, value in os.environ.items() if not name.startswith(_REAL_AIRFLOW)},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    airflow = [python, "-m", "airflow"]
    made = _call([*airflow, "db", "migrate"], asked, around)
    if made.code != 0:
        return _from_ledger("airflow", asked, f"its database cannot be made: {made.tail}")
    name = pipeline_name(asked.loaded.project.name, asked.loaded.environment)
    words = [*airflow, "dags", "test", name, "--conf", json.dumps(_parameters(asked))]
    done = _call(words, asked, around)
    return _from_ledger("airflow", asked, "" if done.code == 0 else done.tail)


@dataclass(frozen=True, slots=True)
class _Done:
    code: int
    output: str

    @property
    def tail(self) -> str:
        """The errors in what was printed, else its end: some lines."""
        lines = [line[:_LONGEST] for line in self.output.splitlines() if line.strip()]
        errors = [line for line in lines if _ERROR.search(line)]
        return "\n".join((errors or lines)[-_LINES:]) or f"it ended with code {self.code} and said nothing"


def _call(words: Sequence[str], asked: Asked, environment: Mapping[str, str]) -> _Done:
    """Run to the end; what a process says goes to a file, for one that is killed may leave children with its pipe."""
    said = asked.root / f"said-{Path(words[2]).stem}-{len(words)}.log"
    _log.info("begins", folder=str(asked.root), command=words[2])
    with said.open("wb") as stream:
        try:
            done = subprocess.run(
                words,
                cwd=asked.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                timeout=asked.seconds,
                check=False,
            )
            code = done.returncode
        except subprocess.TimeoutExpired:
            stream.write(f"\nit was ended after {asked.seconds:.0f} s\n".encode())
            code = -1
    return _Done(code, said.read_text(encoding="utf-8", errors="replace"))


def _from_ledger(engine: str, asked: Asked, trouble: str) -> Observed:
    """What the steps wrote of themselves, read once the orchestrator's processes have ended."""
    store = ArtifactStore(asked.loaded.project.stores.artifacts)
    last = ledger.newest(store, RUN, {step.id for step in asked.pipeline.steps})
    return observe(engine, asked.pipeline, last, store, _records(asked.loaded), RUN, trouble)


def _records(loaded: Loaded) -> str:
    address = loaded.project.stores.metadata
    return address if isinstance(address, str) else ""


def _parameters(asked: Asked) -> dict[str, Json]:
    return {**defaults(asked.loaded), RUN_PARAMETER: RUN, PINNED_PARAMETER: harmless(dict(asked.pinned))}


def _last_line(output: str) -> dict[str, str]:
    try:
        found = json.loads((output.strip().splitlines() or [""])[-1])
    except ValueError:
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
