"""Train with a program of any language: write what it reads, run it, and take what it left."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlopsctl.frameworks import program
from mlopsctl.frameworks.container import ProgramTarget
from mlopsctl.frameworks.fitted import Fitted, Job, labelled
from mlopsctl.frameworks.packed import CODE_FOLDER
from mlopsctl.ground.commands import failure, run_command
from mlopsctl.ground.errors import StepProblem

if TYPE_CHECKING:
    import pandas as pd


def fit_program(target: ProgramTarget, job: Job) -> Fitted:
    """The model that the program left, with the program that answers for it.

    Raises:
        StepProblem: when the program cannot be started, says no, or leaves no model.
    """
    room = Path(tempfile.mkdtemp(prefix="program-", dir=job.scratch))
    examples, files = room / "examples", room / "files"
    model = files / program.PROGRAM_FOLDER / "model"
    for folder in (examples, model, files / CODE_FOLDER):
        folder.mkdir(parents=True)
    _write_examples(examples, target, job)
    code = files / program.PROGRAM_FOLDER / "code"
    _copy_code(target, job.project, code)
    try:
        program.run(
            target.training,
            target.inside,
            code=code,
            room=room,
            inputs={"examples": examples},
            outputs={"model": model},
            start=_started,
            values=target.values(job.seed),
            notes=Path(tempfile.gettempdir()),
        )
    except program.ProgramFailed as failed:
        hint = "the step's log has its output; it sees only the files that are arguments or stand under `files`"
        raise StepProblem.because("program-failed", f"training failed: {failed}", hint=hint) from None
    _require_model(target, model)
    shutil.copyfile(program.__file__, files / CODE_FOLDER / f"{program.SHIPPED_AS}.py")
    labels = job.task == "classification" and target.output in (None, "label")
    return Fitted(
        estimator=program.Program(target.predicting, target.inside, labels=labels, folder=model.parent),
        framework=target.kind,  # type: ignore[attr-defined]
        name=target.title,
        parameters=dict(target.params),
        output=target.output or "label",
        files=files,
    )


def _started(what: str, argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Start a program; what it prints goes to the step's log as it comes."""
    ended = run_command(argv, folder, environment)
    if ended.code:
        raise program.ProgramFailed(failure(what, ended))


def _write_examples(folder: Path, target: ProgramTarget, job: Job) -> None:
    """See :mod:`mlopsctl.frameworks.container` for what stands in each file."""
    for name, split in (("train", job.train), ("validation", job.validation)):
        frame: pd.DataFrame = labelled(split, job.label)
        frame.to_parquet(folder / f"{name}.parquet", index=False)
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    told = {
        "seed": job.seed,
        "params": target.params,
        "task": job.task,
        "label": job.label,
        "classes": list(job.classes),
        "features": list(map(str, job.train.features.columns)),
    }
    text = json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / "parameters.json").write_text(text + "\n", encoding="utf-8")


def _copy_code(target: ProgramTarget, project: Path, folder: Path) -> None:
    folder.mkdir()
    for file in target.code(project):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project / file, folder / file)


def _require_model(target: ProgramTarget, folder: Path) -> None:
    found = sorted(folder.rglob("*"))
    strange = [one for one in found if one.is_symlink() or not (one.is_file() or one.is_dir())]
    if strange:
        message = f"{target.title} left {strange[0].relative_to(folder)}, which is no regular file"
        raise StepProblem.because("bad-model", message, hint="leave plain files")
    if not any(one.is_file() for one in found):
        message = f"{target.title} ended well and left no file in {{outputs.model}}"
        raise StepProblem.because("no-model", message, hint="write the model into that folder")
    if target.predict is None and not (folder / "predict").is_file():
        message = f"nothing says how the model of {target.title} predicts"
        hint = "declare `predict`, or leave an executable file `predict` in {outputs.model}"
        raise StepProblem.because("no-predict", message, hint=hint)
