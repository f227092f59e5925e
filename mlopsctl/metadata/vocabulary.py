"""Our words in ML Metadata: which types there are, which properties they have, which of its own types they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, insert, select

from mlopsctl.metadata.mlmd import PARENT_TYPE, TYPE, TYPE_PROPERTY, ExecutionState, PropertyKind, TypeKind
from mlopsctl.step.task import StepState

PROJECT, ENVIRONMENT, PIPELINE, RUN = "Project", "Environment", "Pipeline", "Run"

# A step that never ran has no state of its own in ML Metadata; the property ``state`` tells them apart.
STATES: Mapping[StepState, ExecutionState] = {
    StepState.SUCCESS: ExecutionState.COMPLETE,
    StepState.CACHED: ExecutionState.CACHED,
    StepState.FAILED: ExecutionState.FAILED,
    StepState.SKIPPED: ExecutionState.CANCELED,
    StepState.UPSTREAM_FAILED: ExecutionState.CANCELED,
    StepState.CANCELED: ExecutionState.CANCELED,
}

_STRING, _INT = PropertyKind.STRING, PropertyKind.INT
_PROPERTIES: Mapping[TypeKind, Mapping[str, PropertyKind]] = {
    TypeKind.ARTIFACT: {},
    TypeKind.EXECUTION: {
        **dict.fromkeys(
            ("run", "step", "state", "key", "material", "state_inputs", "notes", "line", "problem", "hint", "log"),
            _STRING,
        ),
        "attempt": _INT,
    },
}
_CONTEXT_PROPERTIES: Mapping[str, Mapping[str, PropertyKind]] = {
    ENVIRONMENT: dict.fromkeys(("project", "environment"), _STRING),
    PIPELINE: dict.fromkeys(("project", "pipeline_digest"), _STRING),
    RUN: {
        **dict.fromkeys(
            ("project", "environment", "pipeline_digest", "plan_digest", "git_commit", "git_branch"), _STRING
        ),
        **dict.fromkeys(("tool_version", "parameters", "state"), _STRING),
        **dict.fromkeys(("git_dirty", "finished", "exit_code"), _INT),
    },
}

# What ML Metadata itself expects in every database, with these ids.
_SIMPLE: tuple[tuple[str, TypeKind], ...] = (
    ("mlmd.Dataset", TypeKind.ARTIFACT),
    ("mlmd.Model", TypeKind.ARTIFACT),
    ("mlmd.Metrics", TypeKind.ARTIFACT),
    ("mlmd.Statistics", TypeKind.ARTIFACT),
    ("mlmd.Train", TypeKind.EXECUTION),
    ("mlmd.Transform", TypeKind.EXECUTION),
    ("mlmd.Process", TypeKind.EXECUTION),
    ("mlmd.Evaluate", TypeKind.EXECUTION),
    ("mlmd.Deploy", TypeKind.EXECUTION),
)
_BASES: Mapping[tuple[TypeKind, str], str] = {
    (TypeKind.ARTIFACT, "Examples"): "mlmd.Dataset",
    (TypeKind.ARTIFACT, "Predictions"): "mlmd.Dataset",
    (TypeKind.ARTIFACT, "Model"): "mlmd.Model",
    (TypeKind.ARTIFACT, "PushedModel"): "mlmd.Model",
    (TypeKind.ARTIFACT, "Metrics"): "mlmd.Metrics",
    (TypeKind.ARTIFACT, "Evaluation"): "mlmd.Metrics",
    (TypeKind.ARTIFACT, "Statistics"): "mlmd.Statistics",
    (TypeKind.EXECUTION, "train"): "mlmd.Train",
    (TypeKind.EXECUTION, "transform"): "mlmd.Transform",
    (TypeKind.EXECUTION, "evaluate"): "mlmd.Evaluate",
    (TypeKind.EXECUTION, "push"): "mlmd.Deploy",
}


def simple_types() -> list[dict[str, str | int]]:
    """The rows of the predefined types."""
    return [{"name": name, "type_kind": kind.value} for name, kind in _SIMPLE]


def type_ids(connection: Connection, kind: TypeKind, names: Iterable[str]) -> dict[str, int]:
    """The id of each type, made now where it is new."""
    wanted = sorted(set(names))
    found = _known(connection, kind, wanted)
    for name in wanted:
        if name not in found:
            found[name] = _make(connection, kind, name)
    return found


def _known(connection: Connection, kind: TypeKind, names: list[str]) -> dict[str, int]:
    rows = connection.execute(
        select(TYPE.c.name, TYPE.c.id).where(
            TYPE.c.type_kind == kind.value, TYPE.c.version.is_(None), TYPE.c.name.in_(names)
        )
    )
    return {row.name: row.id for row in rows}


def _make(connection: Connection, kind: TypeKind, name: str) -> int:
    made = connection.execute(insert(TYPE).values(name=name, type_kind=kind.value).returning(TYPE.c.id)).scalar_one()
    properties = _CONTEXT_PROPERTIES.get(name, {}) if kind is TypeKind.CONTEXT else _PROPERTIES[kind]
    if properties:
        connection.execute(
            insert(TYPE_PROPERTY),
            [{"type_id": made, "name": key, "data_type": value.value} for key, value in properties.items()],
        )
    base = _BASES.get((kind, name), "")
    for parent in _known(connection, kind, [base]).values():
        connection.execute(insert(PARENT_TYPE).values(type_id=made, parent_type_id=parent))
    return int(made)
