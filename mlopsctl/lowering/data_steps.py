"""The steps of each dataset: ingest, statistics, schema, validate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlopsctl.checks.schema_file import SchemaFile
from mlopsctl.config.document import read_document
from mlopsctl.config.load import Loaded
from mlopsctl.config.sections.data import Dataset
from mlopsctl.frameworks.source import reachable_files
from mlopsctl.ground.digest import Json, canonical_json
from mlopsctl.lowering.placing import place
from mlopsctl.pipeline.ir import Ref, Step
from mlopsctl.sources import PythonSource, Source


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
            {"examples": examples, "statistics": statistics, "schema": schema},
            {"dataset": name, "checks": [check.model_dump(mode="json") for check in dataset.checks]},
        )


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
    uri = getattr(dataset.source, "uri", None)
    return place(
        "ingest",
        f"ingest-{name}",
        {},
        parameters,
        sources={"source.uri": uri} if isinstance(uri, str) else {},
        code=_code(loaded, dataset.source),
    )


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
