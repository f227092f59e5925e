"""``compile``: an environment's pipeline as the files that its orchestrator is given, and how it is honoured there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlopsctl.config.load import Loaded
from mlopsctl.ground.errors import Diagnostic, InvalidProject, StepProblem, UsageProblem
from mlopsctl.ground.files import write_atomic
from mlopsctl.lowering.lower import executable, lower
from mlopsctl.orchestrators.contract import Bundle
from mlopsctl.orchestrators.portability.table import Row, diagnostics
from mlopsctl.orchestrators.portability.whole import portability
from mlopsctl.orchestrators.specs import Airflow, Kubeflow, Local, Vertex

ENGINES = ("kfp", "vertex", "airflow")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A project on one orchestrator.

    Attributes:
        engine: its ``kind``.
        rows: the portability table.
        bundle: the files; ``None`` where something is refused.
    """

    project: str
    environment: str
    engine: str
    rows: tuple[Row, ...]
    bundle: Bundle | None


def engines_of(loaded: Loaded, to: str | None) -> tuple[str, ...]:
    """The orchestrators that are asked for; that of the environment by default.

    Raises:
        UsageProblem: when the environment runs on this machine and nothing else is named.
    """
    if to == "all":
        return ENGINES
    kind = to or loaded.project.orchestrator.kind
    if kind not in ENGINES:
        raise UsageProblem.because(
            "nothing-to-compile",
            f"the environment {loaded.environment} runs on {kind}, for which nothing is compiled",
            hint="--to kfp, vertex, airflow or all shows what it would take there",
        )
    return (kind,)


def compile_for(loaded: Loaded, engine: str) -> Compiled:
    """The project on an orchestrator, whichever the environment has.

    Raises:
        InvalidProject: when the project asks for something that this version executes nowhere, or a step says more
            than a container can be told.
    """
    there = _on(loaded, engine)
    lowered = executable(lower(there))
    rows = portability(there, lowered)
    bundle = None
    if not any(row.stops for row in rows):
        if engine == "kfp":
            from mlopsctl.orchestrators.kfp.compile import compile_kfp

            bundle = compile_kfp(there, lowered, rows)
        elif engine == "airflow":
            from mlopsctl.orchestrators.airflow.compile import compile_airflow

            bundle = compile_airflow(there, lowered)
        else:
            from mlopsctl.orchestrators.vertex.compile import compile_vertex

            bundle = compile_vertex(there, lowered, rows)
    return Compiled(loaded.project.name, loaded.environment, engine, rows, bundle)


def write_bundles(found: Sequence[Compiled], loaded: Loaded, out: Path | None) -> tuple[Path, ...]:
    """Write the files of every orchestrator, or of none; the paths, in order.

    Args:
        out: the folder; by default ``build/<environment>/<orchestrator>`` in the project's folder. Several
            orchestrators have a folder each in it.

    Raises:
        StepProblem: when a file cannot be written.
    """
    written: list[Path] = []
    for one in found:
        folder = loaded.folder / "build" / loaded.environment / one.engine
        if out is not None:
            folder = out / one.engine if len(found) > 1 else out
        for name, content in sorted(one.bundle.files.items()) if one.bundle is not None else ():
            written.append(_write(folder / name, content))
    return tuple(written)


def refused(found: Iterable[Compiled]) -> tuple[Diagnostic, ...]:
    """What keeps them from being compiled."""
    return tuple(problem for one in found for problem in diagnostics(one.rows))


def _on(loaded: Loaded, engine: str) -> Loaded:
    """The project as if its environment had another orchestrator, whose address nobody needs to know."""
    ours = loaded.project.orchestrator
    if ours.kind == engine:
        return loaded
    image = None if isinstance(ours, Local) else ours.image
    tags = not isinstance(ours, Local) and ours.allow_tags
    if engine == "airflow":
        dags = Airflow(kind="airflow", dags="build/dags", image=image, allow_tags=tags)
        return replace(loaded, project=loaded.project.model_copy(update={"orchestrator": dags}))
    there: Kubeflow | Vertex = (
        Kubeflow(kind="kfp", host="https://kfp.invalid", image=image, allow_tags=tags)
        if engine == "kfp"
        else Vertex(
            kind="vertex", project="nobody", location="no-where", pipeline_root="gs://nobody", image=image,
            allow_tags=tags,
        )
    )  # fmt: skip
    project = loaded.project.model_copy(update={"orchestrator": there})
    return replace(loaded, project=project)


def _write(path: Path, content: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content)
    except OSError as error:
        raise StepProblem.because(
            "unwritable",
            f"{path} cannot be written: {error.strerror}",
            hint="name another folder with --out",
        ) from error
    return path


def check_all(found: Iterable[Compiled]) -> None:
    """Do nothing where everything was compiled.

    Raises:
        InvalidProject: with what was refused.
    """
    problems = refused(found)
    if problems:
        raise InvalidProject(problems)
