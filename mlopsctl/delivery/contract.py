"""The reviewed data contract of a dataset: drafted from its rows, and compared with them.

Rows of files are read here, by the same steps as in a run; no user code is executed. What only a step may reach (the
project's own functions, databases) is taken from the last run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlopsctl import evidence
from mlopsctl.checks.conformance import anomalies
from mlopsctl.checks.data_schema import DataSchema, reviewed
from mlopsctl.checks.draft import Draft, draft
from mlopsctl.checks.schema_file import SchemaFile
from mlopsctl.components.spec import Work, load
from mlopsctl.config.document import read_document
from mlopsctl.config.hints import did_you_mean
from mlopsctl.config.load import Loaded
from mlopsctl.delivery.ready import require_step_libraries
from mlopsctl.evidence import Anomaly
from mlopsctl.ground.digest import canonical_json
from mlopsctl.ground.errors import StepProblem, UsageProblem
from mlopsctl.lowering.data_steps import data_steps
from mlopsctl.sources import DuckDb
from mlopsctl.sources.files import FileSource
from mlopsctl.tables import examples as files
from mlopsctl.tables.statistics import STATISTICS_FILE, Statistics


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft, and where the rows outside train are not as it says."""

    draft: Draft
    rows: int
    anomalies: tuple[Anomaly, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """A reviewed contract beside the rows.

    Attributes:
        file: the contract, as the project names it.
        differences: where rows are not as it says.
        notes: what it allows and the rows never show; no difference.
    """

    dataset: str
    file: str
    rows: int
    differences: tuple[Anomaly, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rows:
    """An Examples artifact and its statistics."""

    folder: Path
    examples: files.Examples
    statistics: Statistics

    def against(self, schema: DataSchema) -> tuple[Anomaly, ...]:
        from mlopsctl.tables.engine import opened

        file, projected = self.folder / files.SOURCE_FILE, [column.name for column in self.examples.columns]
        with opened(reads=[self.folder]) as connection:
            return anomalies(connection, file, self.examples.source_columns, schema, projected)


def draft_contract(loaded: Loaded, dataset: str | None) -> Drafted:
    """The contract that the train split shows, compared with all rows.

    Raises:
        Problem: when there is no such dataset, or its rows cannot be read.
    """
    name = _named(loaded, dataset)
    training = loaded.project.training
    with _rows(loaded, name) as rows:
        made = draft(
            name,
            rows.statistics.tables["train"],
            rows.examples.label,
            classes=training is None or training.task == "classification",
        )
        return Drafted(made, rows.examples.rows, rows.against(reviewed(name, made.contract)))


def compare_contract(loaded: Loaded, dataset: str | None) -> Compared:
    """The dataset's reviewed contract against its rows as they are now.

    Raises:
        Problem: when there is no such dataset, it has no contract, or its rows cannot be read.
    """
    name = _named(loaded, dataset)
    file = loaded.project.data[name].contract
    if file is None:
        hint = f"draft one with `mlopsctl schema infer {name} --out {name}.schema.yaml`, then add `schema:` to it"
        raise UsageProblem.because("no-contract", f"the dataset {name} has no reviewed schema", hint=hint)
    contract = SchemaFile.model_validate_json(canonical_json(read_document(loaded.folder / file, file).data))
    with _rows(loaded, name) as rows:
        return Compared(
            dataset=name,
            file=file,
            rows=rows.examples.rows,
            differences=rows.against(reviewed(name, contract)),
            notes=tuple(_unused(contract, rows.statistics)),
        )


def _unused(contract: SchemaFile, statistics: Statistics) -> Iterator[str]:
    """Values that a domain allows and no row has."""
    for name, rule in contract.columns.items():
        column = statistics.tables["source"].column(name)
        if column is None or rule.domain is None or not column.complete:
            continue
        seen = {entry.value for entry in column.top}
        unseen = [str(value) for value in rule.domain if value not in seen]
        if unseen:
            shown = ", ".join(unseen[:5]) + ("" if len(unseen) <= 5 else f" and {len(unseen) - 5} more")
            yield f"{name}: no row has {shown}"


def _named(loaded: Loaded, dataset: str | None) -> str:
    """The dataset that is meant: the one named, the only one, or the one that models are trained on."""
    known = loaded.project.data
    if dataset is None:
        if len(known) == 1:
            return next(iter(known))
        if loaded.project.training is not None and known:
            return loaded.project.training_data
        raise UsageProblem.because("which-dataset", "no dataset was named", hint=f"name one of: {', '.join(known)}")
    if dataset not in known:
        near = did_you_mean(dataset, known)
        hint = f"did you mean {near}?" if near else f"there is: {', '.join(known) or 'none'}"
        raise UsageProblem.because("which-dataset", f"there is no dataset {dataset!r}", hint=hint)
    return dataset


@contextmanager
def _rows(loaded: Loaded, name: str) -> Iterator[_Rows]:
    """The rows of a dataset: read now where they stand in files, else those of the last run."""
    require_step_libraries()
    with tempfile.TemporaryDirectory(prefix="mlopsctl-") as temporary:
        folder = Path(temporary)
        if isinstance(loaded.project.data[name].source, FileSource | DuckDb):
            examples = _run(loaded, f"ingest-{name}", {}, folder / "examples")
            statistics = _run(loaded, f"statistics-{name}", {"examples": examples}, folder / "statistics")
        else:
            examples, statistics = _of_last_run(loaded, name, folder)
        yield _Rows(examples, files.read(examples), evidence.read(Statistics, statistics, STATISTICS_FILE))


def _run(loaded: Loaded, id: str, inputs: dict[str, Path], output: Path) -> Path:
    """A data step as it stands in the pipeline, here and now; the folder of its one output."""
    step = next(step for step in data_steps(loaded) if step.id == id)
    component = load(step.component)
    output.mkdir()
    (declared,) = step.outputs
    work = Work(project=loaded.folder, inputs=inputs, outputs={declared: output}, environment=loaded.environment)
    component.run(work, component.SPEC.parameters.model_validate_json(canonical_json(dict(step.parameters))))
    return output


def _of_last_run(loaded: Loaded, name: str, folder: Path) -> tuple[Path, Path]:
    from mlopsctl.delivery.history import StoredHistory
    from mlopsctl.delivery.stores import open_stores

    with open_stores(loaded) as stores:
        history = StoredHistory(stores.metadata, stores.artifacts, loaded.project.name, loaded.environment)
        latest = history.latest()
        for id, output in ((f"ingest-{name}", "examples"), (f"statistics-{name}", "statistics")):
            found = latest.get(id)
            if found is None or output not in found.outputs:
                message = f"the rows of {name} can be read by a run only, and there is none in {loaded.environment} yet"
                hint = "run it first: mlopsctl run"
                raise StepProblem.because("no-rows", message, hint=hint)
            stores.artifacts.fetch(found.outputs[output].digest, folder / output)
    return folder / "examples", folder / "statistics"
