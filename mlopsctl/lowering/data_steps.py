"""The steps of each dataset: ingest, statistics, schema, validate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlopsctl.checks import Drift, Freshness, Skew
from mlopsctl.checks.drift import PREVIOUS
from mlopsctl.checks.schema_file import SchemaFile
from mlopsctl.config.document import read_document
from mlopsctl.config.load import Loaded
from mlopsctl.config.sections.data import Dataset
from mlopsctl.frameworks.source import reachable_files
from mlopsctl.ground.digest import Json, canonical_json
from mlopsctl.lowering.placing import place
from mlopsctl.pipeline.ir import Ref, Step
from mlopsctl.sources import BigQuery, DuckDb, PythonSource, Source
from mlopsctl.splits import TimeSplit


def data_steps(loaded: Loaded) -> Iterator[Step]:
    """Four steps for each dataset, in declared order.

    Raises:
        InvalidProject: when a reviewed schema or a source's code cannot be read.
    """
    for name, dataset in loaded.project.data.items():
        yield _ingest(loaded, name, dataset)
        examples = Ref(f"ingest-{name}", "examples")
        statistics = Ref(f"statistics-{name}", "statistics")
        schema = Ref(f"schema-{name}", "schema")
        yield place("statistics", f"statistics-{name}", {"examples": examples}, {"dataset": name})
        reviewed: Mapping[str, Json] = {"reviewed": _contract(loaded, dataset.contract)} if dataset.contract else {}
        yield place("schema", f"schema-{name}", {"statistics": statistics}, {"dataset": name, **reviewed})
        yield place(
            "validate",
            f"validate-{name}",
            {"examples": examples, "statistics": statistics, "schema": schema, **_references(dataset)},
            {"dataset": name, "checks": [check.model_dump(mode="json") for check in dataset.checks]},
            state_inputs=tuple(_pinned(name, dataset)),
        )


def _references(dataset: Dataset) -> dict[str, Ref]:
    """The statistics of the datasets that a check compares with."""
    named = {check.dataset for check in dataset.checks if isinstance(check, Drift | Skew)}
    return {f"reference.{other}": Ref(f"statistics-{other}", "statistics") for other in sorted(filter(None, named))}


def _pinned(name: str, dataset: Dataset) -> Iterator[str]:
    """What the checks want to know beside their inputs: the time, and the data that passed before."""
    if any(isinstance(check, Freshness) for check in dataset.checks):
        yield "clock"
    if any(isinstance(check, Drift) and check.against == PREVIOUS for check in dataset.checks):
        yield f"previous-{name}"


def _ingest(loaded: Loaded, name: str, dataset: Dataset) -> Step:
    parameters: dict[str, Json] = {
        "dataset": name,
        "source": dataset.source.model_dump(mode="json"),
        "columns": list(dataset.columns or ()),
        "split": dataset.split.model_dump(mode="json"),
        "task": loaded.project.training.task if _is_trained_on(loaded, name) and loaded.project.training else "",
    }
    optional: Mapping[str, Json] = {"label": dataset.label, "positive": dataset.positive, "filter": dataset.filter}
    parameters |= {key: value for key, value in optional.items() if value is not None}
    if loaded.interval is not None and isinstance(dataset.split, TimeSplit):
        parameters["interval"] = [loaded.interval.start.isoformat(), loaded.interval.end.isoformat()]
    if isinstance(dataset.source, DuckDb):
        parameters["formats"] = dataset.source.formats()
    return place(
        "ingest",
        f"ingest-{name}",
        {},
        parameters,
        sources=_outside(dataset.source),
        code=_code(loaded, dataset.source),
    )


def _outside(source: Source) -> dict[str, str]:
    """The data a source reads, by the parameter that its digest stands for in the step's key.

    Of BigQuery that is the whole source: what may be spent, and where files lie meanwhile, change no row.
    """
    if isinstance(source, BigQuery):
        (name,) = source.outside().values()
        return {"source": name}
    return {f"source.{key}": name for key, name in source.outside().items()}


def _is_trained_on(loaded: Loaded, name: str) -> bool:
    return loaded.project.training is not None and loaded.project.training_data == name


def _contract(loaded: Loaded, file: str) -> Json:
    """The reviewed schema as data, so that its rules stand in the step's key and its layout does not."""
    document = read_document(loaded.folder / file, file)
    rules = SchemaFile.model_validate_json(canonical_json(document.data))
    return rules.model_dump(mode="json", exclude_none=True)


def _code(loaded: Loaded, source: Source) -> tuple[str, ...]:
    """The files of the project that a source's function reaches."""
    if not isinstance(source, PythonSource):
        return ()
    return reachable_files(loaded.folder, source.entrypoint.partition(":")[0])
