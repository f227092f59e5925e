"""From what a run's model came, what became of it, and how to make it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence

from mlopsctl.delivery.outcome import Findings
from mlopsctl.delivery.report.value import Lineage, Product
from mlopsctl.ground.digest import PREFIX, Json
from mlopsctl.metadata.records import ExecutionRecord, RunRecord
from mlopsctl.pipeline.ir import ArtifactType
from mlopsctl.step.key import ABSENT


def lineage(executions: Sequence[ExecutionRecord], findings: Findings) -> Lineage:
    """Digests of data, code and packages over all steps, as their keys hold them, and every artifact."""
    code: dict[str, str] = {}
    packages: dict[str, str] = {}
    data: dict[str, str] = {}
    for one in executions:
        code.update(_texts(one.material, "code"))
        packages.update(_versions(one.material))
        data.update(_data(one))
    pushed = findings.pushed
    return Lineage(
        data=data,
        code=dict(sorted(code.items())),
        packages=dict(sorted(packages.items())),
        model=_model(executions, findings),
        version=(pushed.name, pushed.version) if pushed is not None and pushed.version else ("", ""),
        products=tuple(
            Product(f"{one.step}.{name}", artifact.type.value, artifact.digest)
            for one in executions
            for name, artifact in one.outputs.items()
        ),
    )


def reproduce(run: RunRecord, found: Lineage) -> tuple[str, ...]:
    """The commands that make the same run again, ready for a shell."""
    return tuple(_commands(run, found))


def _commands(run: RunRecord, found: Lineage) -> Iterator[str]:
    if run.git.commit:
        yield shlex.join(["git", "checkout", run.git.commit])
    pins = [f"{name}=={version}" for name, version in found.packages.items() if version and version != ABSENT]
    yield shlex.join(["pip", "install", f"mlopsctl[run]=={run.tool_version}", *pins])
    yield shlex.join(["mlopsctl", "reproduce", run.id, "-e", run.environment])


def _model(executions: Sequence[ExecutionRecord], findings: Findings) -> str:
    if findings.blessing is not None:
        return findings.blessing.model
    models = [a for one in executions for a in one.outputs.values() if a.type is ArtifactType.MODEL]
    return models[-1].digest if models else ""


def _data(one: ExecutionRecord) -> dict[str, str]:
    """The digests of what a step read from outside: they stand in its key in the place of addresses."""
    if not isinstance(one.material, Mapping) or one.inputs:
        return {}
    found = list(_digests(one.material.get("parameters"), ()))
    return {f"{one.step} {'.'.join(path)}": value for path, value in found}


def _digests(value: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        if value.startswith(PREFIX):
            yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _digests(inner, (*path, str(key)))


def _versions(material: Json) -> Iterator[tuple[str, str]]:
    """Package versions by distribution. A package that was named by its module stands as ``distribution version``."""
    for name, version in {**_texts(material, "packages"), **_texts(material, "requirements")}.items():
        for part in version.split(", "):
            owner, pinned, exact = part.partition("==") if "==" in part else part.rpartition(" ")
            yield (owner, exact) if pinned and owner else (name, part)


def _texts(material: Json, key: str) -> dict[str, str]:
    if not isinstance(material, Mapping):
        return {}
    found = material.get(key)
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, Mapping) else {}
