"""Google's ``ml-metadata`` client reads and writes the databases that we write, and we its."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.metadata.records import ArtifactRecord, ExecutionRecord, GitInfo, RunRecord
from mlopsctl.metadata.store import MetadataStore, open_store
from mlopsctl.metadata.vocabulary import STATES
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step.task import StepState

PYTHON = Path(__file__).parents[2] / ".venvs" / "mlmd" / "bin" / "python"
CLIENT = Path(__file__).parent / "mlmd_client.py"

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="ml-metadata is not installed in .venvs/mlmd: run `make mlmd` (Linux, Python < 3.13)"
)

# What each step reads and leaves: the standard steps of a project.
STEPS: dict[str, tuple[list[str], dict[str, ArtifactType]]] = {
    "ingest": ([], {"examples": ArtifactType.EXAMPLES}),
    "statistics": (["examples"], {"statistics": ArtifactType.STATISTICS}),
    "schema": (["statistics"], {"schema": ArtifactType.SCHEMA}),
    "validate": (["examples", "statistics", "schema"], {"anomalies": ArtifactType.ANOMALIES}),
    "transform": (["examples", "schema", "anomalies"], {"transform_graph": ArtifactType.TRANSFORM_GRAPH}),
    "train": (["examples", "transform_graph", "anomalies"], {"model": ArtifactType.MODEL}),
    "evaluate": (
        ["examples", "model"],
        {"evaluation": ArtifactType.EVALUATION, "predictions": ArtifactType.PREDICTIONS},
    ),
    "gate": (["evaluation"], {"blessing": ArtifactType.BLESSING}),
    "preflight": (["model", "examples", "blessing"], {"infra_blessing": ArtifactType.INFRA_BLESSING}),
    "push": (["model", "evaluation", "blessing", "infra_blessing"], {"pushed_model": ArtifactType.PUSHED_MODEL}),
}


def client(database: Path | str, *arguments: str) -> Any:
    done = subprocess.run(
        [str(PYTHON), str(CLIENT), str(database), *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def digest(of: str) -> str:
    return f"sha256:{sha256(of.encode()).hexdigest()}"


def a_run(id: str = "run-1") -> RunRecord:
    return RunRecord(
        id, "penguins", "prod", digest("pipeline"), digest("plan"), 1_700_000_000_000, GitInfo("0123abc", "main", True)
    )


def a_pipeline(run: str, state: StepState = StepState.SUCCESS) -> list[ExecutionRecord]:
    made: dict[str, ArtifactRecord] = {}
    records = []
    for number, (component, (reads, leaves)) in enumerate(STEPS.items()):
        outputs = {name: ArtifactRecord(digest(name), type, f"file:///store/{name}") for name, type in leaves.items()}
        made |= outputs
        record = ExecutionRecord(
            run=run,
            step=f"{component}-penguins",
            component=component,
            state=state,
            key=digest(f"key {component}"),
            material={"n": number},
            started=1_700_000_000_000 + number,
            finished=1_700_000_000_500 + number,
            inputs={name: made[name] for name in reads},
            outputs=outputs,
            notes={"rows": 333, "naïve": "✓"},
            line="'quoted' \"twice\" -- %s ✓",
        )
        records.append(record)
    return records


def recorded(path: Path, *runs: tuple[str, list[ExecutionRecord]]) -> MetadataStore:
    store = open_store(str(path))
    for run, records in runs:
        store.begin_run(a_run(run))
        store.record(records)
    return store


def compare(said: Any, records: list[ExecutionRecord]) -> None:
    """What the client says of a run against what we recorded."""
    assert set(said["executions"]) == {f"{r.run}/{r.step}/{r.attempt}" for r in records}
    for record in records:
        theirs = said["executions"][f"{record.run}/{record.step}/{record.attempt}"]
        assert theirs["type"] == record.component
        assert theirs["state"] == STATES[record.state].name
        assert theirs["times"] == [record.started, record.finished]
        own = theirs["properties"]
        assert (own["step"], own["state"], own["key"]) == (record.step, record.state.value, record.key)
        assert (own["attempt"], own.get("line", "")) == (record.attempt, record.line)
        assert json.loads(own.get("notes", "{}")) == record.notes
    assert said["events"] == sorted(
        [f"{r.run}/{r.step}/{r.attempt}", kind, name, artifact.type.value, artifact.digest, artifact.uri]
        for r in records
        for kind, wires in (("INPUT", r.inputs), ("OUTPUT", r.outputs))
        for name, artifact in wires.items()
    )
    left = {(artifact.type.value, artifact.digest) for r in records for artifact in r.outputs.values()}
    assert said["attributed"] == sorted(map(list, left))


def test_their_client_reads_a_run_of_ours(tmp_path: Path) -> None:
    records = a_pipeline("run-1")
    store = recorded(tmp_path / "metadata.db", ("run-1", records))
    store.finish_run("run-1", "success", 0, 1_700_000_009_000)
    said = client(tmp_path / "metadata.db", "read", "run-1")
    compare(said, records)
    assert said["run"]["git_commit"] == "0123abc"
    assert (said["run"]["git_dirty"], said["run"]["state"], said["run"]["exit_code"]) == (1, "success", 0)
    assert said["parents"] == [["Environment", "penguins/prod"], ["Pipeline", f"penguins/{digest('pipeline')}"]]
    assert said["types"]["execution"] == sorted(STEPS)
    assert said["types"]["context"] == ["Environment", "Pipeline", "Project", "Run"]
    bases = said["types"]["artifact"]  # DATASET = 1, MODEL = 2, METRICS = 3, STATISTICS = 4
    assert (bases["Examples"], bases["Model"], bases["Evaluation"], bases["Statistics"]) == (1, 2, 3, 4)
    store.close()


def test_their_client_follows_the_lineage_of_a_model(tmp_path: Path) -> None:
    records = a_pipeline("run-1")
    recorded(tmp_path / "metadata.db", ("run-1", records)).close()
    said = client(tmp_path / "metadata.db", "read", "run-1")["lineage"]
    unrelated = {digest("predictions")}
    assert set(said["artifacts"]) == {a.digest for r in records for a in r.outputs.values()} - unrelated
    assert set(said["executions"]) == {f"run-1/{r.step}/1" for r in records}


def test_their_client_reads_a_run_that_reused_everything(tmp_path: Path) -> None:
    reused = a_pipeline("run-2", StepState.CACHED)
    recorded(tmp_path / "metadata.db", ("run-1", a_pipeline("run-1")), ("run-2", reused)).close()
    said = client(tmp_path / "metadata.db", "read", "run-2")
    compare(said, reused)
    assert said["cached"] == sorted(f"run-2/{record.step}/1" for record in reused)


def test_their_client_agrees_on_random_histories(tmp_path: Path) -> None:
    chance = random.Random(4)
    pool = [ArtifactRecord(digest(str(n)), chance.choice(list(ArtifactType)), f"file:///{n}") for n in range(30)]
    names = ["a", "b", "models.x", "models.y", "ünï"]

    def some() -> dict[str, ArtifactRecord]:
        return {name: chance.choice(pool) for name in chance.sample(names, chance.randrange(len(names)))}

    records = [
        ExecutionRecord(
            run="run-1",
            step=f"step-{number // 3}",
            component=chance.choice(list(STEPS)),
            state=chance.choice(list(StepState)),
            key=digest(str(chance.randrange(40))),
            material=None,
            started=number,
            finished=number + 1,
            attempt=number % 3 + 1,
            inputs=some(),
            outputs=some(),
        )
        for number in range(300)
    ]
    store = recorded(tmp_path / "metadata.db", ("run-1", records))
    assert store.executions("run-1") == records
    compare(client(tmp_path / "metadata.db", "read", "run-1"), records)
    store.close()


def test_our_tables_are_theirs(tmp_path: Path) -> None:
    client(tmp_path / "theirs.db", "make")
    open_store(str(tmp_path / "ours.db")).close()
    theirs, ours = _layout(tmp_path / "theirs.db"), _layout(tmp_path / "ours.db")
    assert {table: ours[table] for table in theirs} == theirs
    assert all(name.startswith("mlopsctl_") for name in set(ours) - set(theirs))
    assert _rows(tmp_path / "ours.db", "Type") == _rows(tmp_path / "theirs.db", "Type")
    assert _rows(tmp_path / "ours.db", "MLMDEnv") == _rows(tmp_path / "theirs.db", "MLMDEnv")


def test_we_continue_a_database_that_their_client_made(tmp_path: Path) -> None:
    client(tmp_path / "metadata.db", "make")
    records = a_pipeline("run-1")
    with recorded(tmp_path / "metadata.db", ("run-1", records)) as store:
        assert store.executions("run-1") == records
    compare(client(tmp_path / "metadata.db", "read", "run-1"), records)


def test_their_client_writes_into_our_database_and_we_go_on(tmp_path: Path) -> None:
    database = tmp_path / "metadata.db"
    with recorded(database, ("run-1", a_pipeline("run-1"))) as store:
        client(database, "write")
        reused = a_pipeline("run-2", StepState.CACHED)
        store.begin_run(a_run("run-2"))
        store.record(reused)
        assert store.executions("run-1") == a_pipeline("run-1")
        assert store.executions("run-2") == reused
    compare(client(database, "read", "run-2"), reused)


def _layout(database: Path) -> dict[str, Any]:
    """Columns (name, affinity, not null, default, place in the key) and indexes of every table."""
    connection = sqlite3.connect(database)
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {}
    for table in tables:
        columns = {
            (name, _affinity(kind), bool(required) or bool(place), str(default).strip("'"), place)
            for _, name, kind, required, default, place in connection.execute(f'PRAGMA table_info("{table}")')
        }
        indexes = {
            (unique, partial, *(row[2] for row in connection.execute(f'PRAGMA index_info("{index}")')))
            for _, index, unique, _, partial in connection.execute(f'PRAGMA index_list("{table}")')
        }
        found[table] = (columns, indexes)
    connection.close()
    return found


def _affinity(kind: str) -> str:
    """SQLite's rules for a declared type (https://www.sqlite.org/datatype3.html, 3.1)."""
    for affinity, words in (
        ("integer", ("INT",)),
        ("text", ("CHAR", "CLOB", "TEXT")),
        ("blob", ("BLOB",)),
        ("real", ("REAL", "FLOA", "DOUB")),
    ):
        if any(word in kind for word in words):
            return affinity
    return "numeric"


def _rows(database: Path, table: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(database)
    rows = connection.execute(f'SELECT * FROM "{table}"').fetchall()
    connection.close()
    return rows
