"""Refresh: read the data's digests, the user code, the packages and the live systems. The only reader of a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.config.sections.data import Dataset
from mlopsctl.delivery.live import Live
from mlopsctl.delivery.serving import left_behind, served, server_kind
from mlopsctl.delivery.stores import Stores
from mlopsctl.ground.errors import Diagnostic, InvalidProject, Problem
from mlopsctl.pipeline.ir import Pipeline, Step
from mlopsctl.pipeline.names import alias_of, model_name
from mlopsctl.servers.example import example_request
from mlopsctl.sources import BigQuery
from mlopsctl.splits import FarmFingerprint
from mlopsctl.step.key import Surroundings, code_digests, package_versions


def read_surroundings(loaded: Loaded, pipeline: Pipeline, stores: Stores) -> Surroundings:
    """The digests of outside data and user code, and the versions of packages.

    Raises:
        InvalidProject: when a file is missing; all of them are named.
    """
    files = {file for step in pipeline.steps for file in step.code}
    sources, costs = _fingerprints(loaded, stores.home / "digests")
    return Surroundings(
        sources=sources,
        costs=costs,
        code=code_digests(loaded.folder, files),
        packages=package_versions(pipeline),
    )


def moved_since(loaded: Loaded, stores: Stores, around: Surroundings) -> Callable[[Step], bool]:
    """Whether the data or the code of a step is no longer what it was when the plan was made."""
    sources = [dataset.source for dataset in loaded.project.data.values()]

    def moved(step: Step) -> bool:
        read = set(step.sources.values())
        try:
            asked = [source for source in sources if read & set(source.outside().values())]
            now = [source.fingerprints(loaded.folder, stores.home / "digests") for source in asked]
            data = {name: digest for one in now for name, digest in one.items() if name in read}
            code = code_digests(loaded.folder, step.code)
        except Problem:
            return True
        before = {uri: around.sources[uri] for uri in read}, {file: around.code[file] for file in code}
        return (data, code) != before

    return moved


def _fingerprints(loaded: Loaded, memo: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The digests of outside data by their names, and what reading some of them would cost.

    What cannot be read is told at the line that asks for it.
    """
    found: dict[str, str] = {}
    costs: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for name, dataset in loaded.project.data.items():
        source = dataset.source
        try:
            digests, cost = source_digests(loaded, dataset, memo)
            found |= digests
            costs |= cost
        except Problem as problem:
            key = next(iter(source.outside()), "kind").partition(".")[0]
            for diagnostic in problem.diagnostics:
                line = source.line_of(diagnostic.id) if isinstance(source, BigQuery) else key
                problems.append(replace(diagnostic, span=loaded.span(("data", name, "source", line))))
    if problems:
        raise InvalidProject(problems)
    return found, costs


def source_digests(loaded: Loaded, dataset: Dataset, memo: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The digests of the outside data that a dataset reads, by its names, and what reading it would cost.

    Raises:
        Problem: when it cannot be read.
    """
    source = dataset.source
    if not isinstance(source, BigQuery):
        return source.fingerprints(loaded.folder, memo), {}
    asked = source.asked(dataset.split.used() if isinstance(dataset.split, FarmFingerprint) else None)
    names = source.outside().values()
    return dict.fromkeys(names, asked.digest), dict.fromkeys(names, asked.cost)


def read_live(loaded: Loaded, stores: Stores) -> tuple[Live, tuple[str, ...]]:
    """What is registered and served, and notes on what could not be asked."""
    server = served(loaded, stores)
    if find_spec("mlflow") is None:
        note = "the registry was not asked: MLflow is not installed here (pip install 'mlopsctl[run]')"
        kind = server_kind(loaded)
        return Live(serving=server.running, healthy=server.healthy, served_digest=server.digest, kind=kind), (note,)
    name, alias = model_name(loaded.project.name), alias_of(loaded.environment)
    champion = stores.registry.champion(name, alias)
    return (
        Live(
            refreshed=True,
            alias_version=champion.version if champion else "",
            alias_digest=champion.digest if champion else "",
            registered=tuple((found.version, found.digest) for found in stores.registry.versions(name)),
            serving=server.running,
            healthy=server.healthy,
            served_digest=server.digest,
            served_url=server.url,
            example=example_request(Path(server.model), server.url) if server.healthy and server.model else "",
            kind=server_kind(loaded),
            left=left_behind(loaded, stores),
            observed=server.observed,
            otherwise=server.otherwise,
            note=server.note,
            to_beat=_to_beat(loaded, stores),
        ),
        (),
    )


def _to_beat(loaded: Loaded, stores: Stores) -> str:
    """Of a preview: the digest of the champion of the environment that it is made like."""
    if not loaded.preview_of:
        return ""
    state = stores.state.read(loaded.project.name, loaded.preview_of)
    if state.release is not None:
        return state.release.model
    champion = stores.registry.champion(model_name(loaded.project.name), alias_of(loaded.preview_of))
    return champion.digest if champion else ""
