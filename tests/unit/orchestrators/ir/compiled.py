"""Projects compiled for an engine elsewhere, whatever their environments say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from mlopsctl.config.load import Loaded, load_project
from mlopsctl.config.sections.stores import Stores
from mlopsctl.lowering.lower import lower
from mlopsctl.orchestrators.kfp.compile import compile_kfp
from mlopsctl.orchestrators.portability.table import Row
from mlopsctl.orchestrators.portability.whole import portability
from mlopsctl.orchestrators.specs import Kubeflow, Vertex
from mlopsctl.orchestrators.vertex.compile import compile_vertex

IMAGE = f"registry.example.com/steps@sha256:{'0' * 64}"
STORES = {"artifacts": "gs://example/artifacts", "tracking": "https://mlflow.example.com"}
ENGINES: Mapping[str, Mapping[str, Any]] = {
    "kfp": {"kind": "kfp", "host": "https://kfp.example.com", "image": IMAGE},
    "vertex": {
        "kind": "vertex", "project": "example", "location": "europe-west4", "pipeline_root": "gs://example/root",
        "image": IMAGE,
    },
}  # fmt: skip


def elsewhere(loaded: Loaded, engine: str) -> Loaded:
    """A project that knows nothing of an engine, with an engine and stores that its containers reach."""
    settings = dict(ENGINES[engine])
    orchestrator = Kubeflow(**settings) if engine == "kfp" else Vertex(**settings)
    changed = {
        "orchestrator": orchestrator,
        "stores": Stores(metadata="postgresql+psycopg://db.example.com/records", **STORES),
    }
    return replace(loaded, project=loaded.project.model_copy(update=changed))


def project(folder: Path, engine: str = "kfp", settings: Mapping[str, Any] | None = None, **sections: Any) -> Loaded:
    """A project of these sections in a folder, for an engine with these settings."""
    document = {
        "version": 1,
        "name": "shop",
        "stores": STORES,
        "orchestrator": {**ENGINES[engine], **(settings or {})},
        **sections,
    }
    (folder / "mlops.yaml").write_text(json.dumps(document, indent=1), encoding="utf-8")
    return load_project(folder)


def command(**more: Any) -> dict[str, Any]:
    """A component of one command."""
    return {"run": {"kind": "command", "command": ["work"]}, "outputs": {"out": "File"}, **more}


def emitted(loaded: Loaded) -> bytes:
    """The file that the project compiles to."""
    compiler = compile_kfp if isinstance(loaded.project.orchestrator, Kubeflow) else compile_vertex
    bundle = compiler(loaded, lower(loaded))
    return bundle.files[bundle.main]


def documents(loaded: Loaded) -> list[dict[str, Any]]:
    """The same, read back."""
    return list(yaml.safe_load_all(emitted(loaded)))


def rows(loaded: Loaded) -> dict[str, Row]:
    """The portability table by the names of its rows."""
    return {row.name: row for row in portability(loaded, lower(loaded))}


def inner(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The tasks of the steps."""
    found: dict[str, Any] = spec["components"]["comp-mlopsctl-steps"]["dag"]["tasks"]
    return found


def arguments(spec: Mapping[str, Any], label: str) -> list[str]:
    """What the container of an executor is told."""
    found: list[str] = spec["deploymentSpec"]["executors"][label]["container"]["args"]
    return found
