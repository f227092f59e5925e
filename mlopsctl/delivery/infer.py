"""Batch scoring: new rows, a model that is or was released, and the answers; recorded like any other step."""

from __future__ import annotations

import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.delivery.begin import new_run, recording
from mlopsctl.delivery.driver import Setting, StepDriver
from mlopsctl.delivery.environment import writing
from mlopsctl.delivery.history import StoredHistory
from mlopsctl.delivery.ready import require_step_libraries
from mlopsctl.delivery.release import bring_champion
from mlopsctl.delivery.stores import Stores, open_stores
from mlopsctl.ground.clock import now_ms
from mlopsctl.ground.errors import ExitCode, StepProblem, UsageProblem
from mlopsctl.lowering.placing import place
from mlopsctl.lowering.requirements import with_requirements
from mlopsctl.metadata.records import EnvironmentState, Release
from mlopsctl.orchestrators.local.run import Observer, Settings, run_pipeline
from mlopsctl.pipeline.ir import Pipeline
from mlopsctl.pipeline.names import model_name
from mlopsctl.sources import Csv, JsonFile, Parquet
from mlopsctl.step.key import Surroundings, package_versions
from mlopsctl.step.task import StepResult, StepState

STEP = "infer"


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows that were scored: by which release, in which run, where the answers are."""

    run: str
    release: Release
    result: StepResult
    file: Path


def infer(loaded: Loaded, rows: Path, out: Path, release: int | None, observer: Observer) -> Scored:
    """Score the rows of a file with the released model, or an earlier release of that number.

    Its run is recorded under ``<environment>:infer``, so that it stands beside the environment's own runs.

    Raises:
        UsageProblem: for a file of an unknown kind.
        StepProblem: when nothing is released, or the model cannot be had. A model that no gate let go is not used.
    """
    source, form = _source(rows), _form(out)
    if out.exists() and out.samefile(rows):
        raise UsageProblem.because("same-file", f"{out} holds the rows themselves", hint="give another file with --out")
    require_step_libraries()
    with open_stores(loaded) as stores, writing(loaded, stores, _place(loaded)):
        chosen = _chosen(stores.state.read(loaded.project.name, loaded.environment), release)
        bring_champion(stores, model_name(loaded.project.name), chosen.model)
        step = place(STEP, STEP, {}, {"source": source.model_dump(mode="json")}, sources={"source.uri": source.uri})
        pipeline = Pipeline(loaded.project.name, tuple(with_requirements(loaded, [step])))
        digest = source.fingerprint(loaded.folder, stores.home / "digests")
        around = Surroundings(sources={source.uri: digest}, packages=package_versions(pipeline))
        run, result = _execute(loaded, stores, pipeline, around, chosen, observer)
        if "predictions" in result.outputs:
            _deliver(stores, result.outputs["predictions"], out, form)
        return Scored(run, chosen, result, out)


def _source(rows: Path) -> Csv | Parquet | JsonFile:
    uri = str(rows.absolute())
    kind = rows.suffix.casefold()
    if rows.is_dir() or kind in (".parquet", ".pq"):
        return Parquet(uri=uri)
    if kind in (".json", ".jsonl", ".ndjson"):
        return JsonFile(uri=uri, lines=not _is_list(rows))
    if kind in (".csv", ".tsv"):
        return Csv(uri=uri, delimiter="\t") if kind == ".tsv" else Csv(uri=uri)
    raise UsageProblem.because(
        "unknown-file", f"{rows} has no known ending", hint="give a .csv, .tsv, .json, .jsonl or .parquet file"
    )


def _is_list(file: Path) -> bool:
    """Whether a JSON file is one list of objects, not one object a line."""
    with file.open("rb") as stream:
        return stream.read(1024).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def _form(out: Path) -> str:
    forms = {".csv": "FORMAT csv, HEADER", ".parquet": "FORMAT parquet", ".jsonl": "FORMAT json"}
    try:
        return forms[out.suffix.casefold()]
    except KeyError:
        raise UsageProblem.because(
            "unknown-file", f"{out} has no known ending", hint=f"end it with {', '.join(forms)}"
        ) from None


def _chosen(state: EnvironmentState, number: int | None) -> Release:
    """The release to score with; only what was released was blessed."""
    every = [*state.history, *([state.release] if state.release else [])]
    if number is None and state.release is not None:
        return state.release
    found = next((one for one in every if one.number == number), None)
    if found is not None:
        return found
    known = ", ".join(str(one.number) for one in every) or "none"
    raise StepProblem.because(
        "no-such-release",
        f"nothing is released in {state.environment}" if number is None else f"there is no release {number}",
        hint=f"releases of {state.environment}: {known}; only a model that its gates let go is used",
    )


def _place(loaded: Loaded) -> str:
    """Where its runs stand: beside those of the environment, so that they are not taken for one of them."""
    return f"{loaded.environment}:{STEP}"


def _execute(
    loaded: Loaded, stores: Stores, pipeline: Pipeline, around: Surroundings, release: Release, observer: Observer
) -> tuple[str, StepResult]:
    record = new_run(loaded, _place(loaded), pipeline.digest, "", {})
    history = StoredHistory(stores.metadata, stores.artifacts, loaded.project.name, _place(loaded))
    setting = Setting(
        run_id=record.id,
        environment=loaded.environment,
        project=loaded.folder,
        artifacts=stores.artifacts_url,
        tracking=stores.tracking,
        pinned={"champion": release.model},
    )
    driver = StepDriver(setting, around, history, stores.metadata, stores.artifacts, {})
    with recording(stores, record, driver):
        results = run_pipeline(
            pipeline,
            driver,
            observer,
            workspace=stores.home / "staging",
            logs=stores.home / "runs" / record.id,
            settings=Settings(jobs=1),
        )
    failed = results[STEP].state is StepState.FAILED
    state, code = ("failed", ExitCode.FAILED) if failed else ("success", ExitCode.DONE)
    stores.metadata.finish_run(record.id, state, int(code), now_ms())
    return record.id, results[STEP]


def _deliver(stores: Stores, digest: str, out: Path, form: str) -> None:
    """Write the answers where they were asked for, whole or not at all."""
    from mlopsctl.components.infer import PREDICTIONS_FILE
    from mlopsctl.tables.engine import file_literal, opened, parquet

    with tempfile.TemporaryDirectory(prefix="mlopsctl-") as folder:
        stores.artifacts.fetch(digest, Path(folder) / "predictions")
        file = Path(folder) / "predictions" / PREDICTIONS_FILE
        written = Path(folder) / out.name
        with opened(reads=[file], writes=[Path(folder)]) as connection:
            connection.execute(f"COPY (FROM {parquet(file)}) TO {file_literal(written)} ({form})")
        staged = out.with_name(f".{out.name}-{secrets.token_hex(4)}")
        try:
            staged.write_bytes(written.read_bytes())
            os.replace(staged, out)
        except OSError as error:
            raise StepProblem.because("not-written", f"{out} cannot be written: {error.strerror}") from error
        finally:
            staged.unlink(missing_ok=True)
