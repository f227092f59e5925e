"""The rows about stores and data: what the containers of an engine can reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from mlopsctl.ground.source import DocPath
from mlopsctl.orchestrators.ir.settings import is_beside_project
from mlopsctl.orchestrators.portability.scene import Scene
from mlopsctl.orchestrators.portability.table import Row
from mlopsctl.sources import BigQuery, DuckDb, PythonSource, Source, Sql
from mlopsctl.sources.files import FileSource

_MOUNTED = "every container must have {} mounted, and so must the machine that applies"
_IN_IMAGE = "the image must hold {}"
_OUTSIDE = "it lies outside the project's folder: the image must hold {}, or it must be mounted there"


def stores(scene: Scene) -> Iterator[Row]:
    """Artifacts, tracking, metadata."""
    yield _artifacts(scene)
    if any(step.component == "push" for step in scene.lowered.pipeline.steps):
        yield _tracking(scene)
    yield _metadata(scene)


def data(scene: Scene) -> Iterator[Row]:
    """Where each dataset is read from."""
    for name, dataset in scene.loaded.project.data.items():
        yield from _source(scene, ("data", name, "source"), dataset.source)


def _artifacts(scene: Scene) -> Row:
    path, url = ("stores", "artifacts"), scene.loaded.project.stores.artifacts
    if is_beside_project(url):
        return scene.refused(
            path,
            f"the containers of {scene.name} do not reach {url} on this machine",
            "give the environment a store that they reach: stores: {artifacts: gs://…}",
        )
    if url.startswith(("/", "file://")):
        return scene.emulated(path, _MOUNTED.format(url))
    return scene.native(path, f"steps read and write {url} with the credentials of their containers")


def _tracking(scene: Scene) -> Row:
    path, url = ("stores", "tracking"), scene.loaded.project.stores.tracking
    if is_beside_project(url):
        return scene.refused(
            path,
            f"push registers the model from a container, which does not reach {url} on this machine",
            "give the environment a tracking server: stores: {tracking: https://…}",
        )
    if url.startswith(("/", "file://", "sqlite")):
        return scene.emulated(path, _MOUNTED.format(url))
    return scene.native(path, f"push registers the model at {url}")


def _metadata(scene: Scene) -> Row:
    """The records are written by whoever applies; containers read them only in a run that a schedule started."""
    path, address = ("stores", "metadata"), scene.loaded.project.stores.metadata
    by_ledger = "whoever applies records what the steps left in the artifact store"
    if not (scene.scheduled and scene.wanted):
        return scene.emulated(path, by_ledger)
    wanted = ", ".join(scene.wanted)
    if not isinstance(address, str):
        return scene.emulated(path, f"{by_ledger}; in scheduled runs the first task reads {wanted} from there")
    if is_beside_project(address):
        return scene.refused(
            path,
            f"a scheduled run looks up {wanted} in the records, and its containers do not reach {address}",
            "give the environment a database: stores: {metadata: postgresql+psycopg://…}, or take its schedule out",
        )
    if address.startswith(("/", "sqlite")):
        return scene.emulated(path, _MOUNTED.format(address))
    return scene.emulated(path, f"{by_ledger}; in scheduled runs the first task reads {wanted} from there")


def _source(scene: Scene, path: DocPath, source: Source) -> Iterator[Row]:
    match source:
        case DuckDb():
            for name, uri in source.files.items():
                yield _located(scene, (*path, "files", name), uri)
        case FileSource():
            yield _located(scene, (*path, "uri"), source.uri)
        case Sql():
            url = source.url
            if isinstance(url, str) and url.startswith("sqlite"):
                yield _located(scene, (*path, "url"), url.partition(":///")[2] or url)
            else:
                yield scene.native(path, "the container asks the database")
        case BigQuery():
            yield scene.native(path, "the container asks BigQuery with its own credentials")
        case PythonSource():
            yield scene.native(path, "the container calls the function, whose code the image holds")


def _located(scene: Scene, path: DocPath, uri: str) -> Row:
    """A row about a file by its URI or path."""
    if "://" in uri and not uri.startswith("file://"):
        return scene.native(path, f"the container reads {uri}")
    inside = PurePosixPath(uri.removeprefix("file://"))
    if inside.is_absolute() or ".." in inside.parts:
        return scene.emulated(path, _OUTSIDE.format(uri))
    return scene.emulated(path, _IN_IMAGE.format(uri))
