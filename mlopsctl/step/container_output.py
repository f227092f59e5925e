"""What a container gives its engine: pointers to our artifacts, as KFP's executor output and as small files.

An engine's artifact holds nothing but where ours is: the metadata ``digest``, ``type`` and ``store``. A skipped step
gives out pointers with an empty digest, so that what reads them is skipped too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.ground.digest import Json, canonical_json
from mlopsctl.ground.errors import Problem, StepProblem
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step.container_input import ExecutorInput, Pointer
from mlopsctl.step.container_views import view_of


@dataclass(frozen=True, slots=True)
class Left:
    """What a step left: its outputs' types, the digests of those that are there, and why it was skipped, if so."""

    types: Mapping[str, ArtifactType]
    digests: Mapping[str, str]
    skipped: str = ""


def give_outputs(given: ExecutorInput, left: Left, store: ArtifactStore) -> None:
    """Write every pointer the engine asks for. Outputs beside the step's own are views of its evaluation.

    Raises:
        StepProblem: when a file cannot be written.
    """
    metadata = {name: _metadata(name, pointer, left, store) for name, pointer in given.outputs.items()}
    for name, pointer in given.outputs.items():
        _write(pointer.path, _told(metadata[name]))
    give(given, artifacts=metadata)


def give(
    given: ExecutorInput,
    *,
    artifacts: Mapping[str, Mapping[str, Json]] | None = None,
    parameters: Mapping[str, str] | None = None,
) -> None:
    """Write the executor output: the metadata of artifacts, and text parameters, by name.

    Raises:
        StepProblem: when a file cannot be written.
    """
    for name, value in (parameters or {}).items():
        if name in given.files:
            _write(given.files[name], value.encode())
    content: dict[str, Json] = {
        "artifacts": {
            name: {"artifacts": [{"name": pointer.name, "uri": pointer.uri, "metadata": (artifacts or {})[name]}]}
            for name, pointer in given.outputs.items()
            if name in (artifacts or {})
        },
        "parameterValues": dict(parameters or {}),
    }
    _write(given.output_file, canonical_json(content))


def _metadata(name: str, pointer: Pointer, left: Left, store: ArtifactStore) -> Mapping[str, Json]:
    kind = left.types.get(name)
    evaluation = next(
        (left.digests.get(own, "") for own, type in left.types.items() if type is ArtifactType.EVALUATION), ""
    )
    if kind is None:
        # The engine's own picture of a result, which nothing of ours reads.
        return _view(pointer.schema, evaluation, store)
    digest = left.digests.get(name, "")
    own: dict[str, Json] = {"digest": digest, "type": kind.value, "store": store.url}
    if not digest and left.skipped:
        own["skipped"] = left.skipped
    return {**(_view(pointer.schema, digest, store) if kind is ArtifactType.EVALUATION else {}), **own}


def _view(schema: str, evaluation: str, store: ArtifactStore) -> Mapping[str, Json]:
    if not evaluation:
        return {}
    try:
        return view_of(schema, evaluation, store)
    except Problem:
        # A picture in the engine's pages is no reason to lose a result.
        return {}


def _told(metadata: Mapping[str, Json]) -> bytes:
    """The pointer for a person who opens its file."""
    lines = ["# A pointer of mlopsctl: the artifact itself lies in the store, under its digest."]
    lines += [f"{name}: {value}" for name, value in metadata.items() if isinstance(value, str | int | float)]
    return ("\n".join(lines) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise StepProblem.because(
            "no-output-file",
            f"the engine's output file {path} cannot be written: {error.strerror}",
            hint="check the pipeline's root, and that the image's user may write there",
        ) from error
