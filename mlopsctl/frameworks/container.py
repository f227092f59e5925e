"""``command`` and ``container``: training in any language, by a program that reads and writes folders.

The program finds in ``{inputs.examples}``: ``train.parquet`` and ``validation.parquet`` (the transformed features as
float64, then the label: a number, for a classification a class's position from 0), the same rows as ``train.csv`` and
``validation.csv`` (a header, a missing number is empty), and ``parameters.json``. It leaves the model in the folder
``{outputs.model}``. Later ``predict`` reads rows of features from ``{inputs.rows}`` (CSV) or ``{inputs.rows_parquet}``
and the model from ``{inputs.model}``, and writes ``{outputs.predictions}``: CSV, a header, then one line for each row.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from mlopsctl.frameworks.program import PREDICT, placeholders
from mlopsctl.frameworks.target import Output, TargetBase, Words
from mlopsctl.ground.containers import by_digest
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, InvalidProject
from mlopsctl.ground.scalars import RelativePath, refusal

_TRAINING = ("inputs.examples", "outputs.model", "parameters.seed")
_PREDICTING = ("inputs.model", "inputs.rows", "inputs.rows_parquet", "outputs.predictions")


class ProgramTarget(TargetBase):
    """What ``command`` and ``container`` share."""

    command: Words | None = None
    predict: Words | None = Field(
        default=None,
        title="Predict",
        description='The program that answers, for example [Rscript, predict.R, "{inputs.model}", "{inputs.rows}", '
        '"{outputs.predictions}"]; default: the training leaves an executable file `predict` in its model\'s folder.',
    )
    files: Annotated[tuple[RelativePath, ...], Field(strict=False)] = Field(
        default=(),
        title="Files",
        description="Files and folders of the project that the programs need, beside those that are arguments "
        "themselves; the programs run in a copy of them, and see no other file of the project.",
    )
    output: Output | None = Field(
        default=None,
        title="Output",
        description="What each line of the predictions holds: a class's number (label, the default), a probability or "
        "logit for each class, or for the positive one alone. A regression has one number.",
    )

    @model_validator(mode="after")
    def _known_placeholders(self) -> Self:
        training = (*_TRAINING, *(f"parameters.{name}" for name in self.params))
        for key, words, known in (("command", self.command, training), ("predict", self.predict, _PREDICTING)):
            for name in (name for word in words or () for name in placeholders(word)):
                if name not in known:
                    listed = ", ".join(f"{{{one}}}" for one in known)
                    raise refusal("unknown-placeholder", f"{{{name}}} stands for nothing here", f"write {listed}", key)
        return self

    @property
    def training(self) -> tuple[str, ...]:
        """The argument list that trains; empty for an image's own."""
        return self.command or ()

    @property
    def predicting(self) -> tuple[str, ...]:
        """The argument list that predicts."""
        return self.predict or PREDICT

    @property
    def inside(self) -> str:
        """The image the programs run in; empty: this machine."""
        return ""

    @property
    def title(self) -> str:
        """What trains, for people."""
        return " ".join(word for word in self.training[:2] if not placeholders(word))

    def values(self, seed: int) -> Mapping[str, str]:
        """What the placeholders of parameters stand for."""
        known: dict[str, Json] = {"seed": seed, **self.params}
        return {
            f"parameters.{name}": value if isinstance(value, str) else json.dumps(value)
            for name, value in known.items()
        }

    def code(self, project: Path) -> tuple[str, ...]:
        """See :meth:`TargetBase.code`: arguments that are files of the project, and what ``files`` names.

        Raises:
            InvalidProject: when a file that ``files`` names is not there, or is a link.
        """
        words = [word for word in (*self.training, *self.predicting) if not placeholders(word)]
        return tuple(sorted({*_arguments(project, words), *listed_files(project, self.files)}))

    def packages(self) -> tuple[str, ...]:
        """See :meth:`TargetBase.packages`."""
        return ("numpy", "pandas", "pyarrow")


class CommandTarget(ProgramTarget):
    """A program on this machine, without a shell; ``{inputs.examples}`` and ``{outputs.model}`` stand for folders."""

    kind: Literal["command"] = Field(default="command", title="Kind", description="A program in any language.")
    command: Words = Field(
        title="Command",
        description='The program and its arguments, for example [Rscript, train.R, --in, "{inputs.examples}", --out, '
        '"{outputs.model}"]; {parameters.NAME} stands for a parameter.',
    )


class ContainerTarget(ProgramTarget):
    """A program in a container image, run by docker or podman without a network."""

    kind: Literal["container"] = Field(default="container", title="Kind", description="A program in an image.")
    image: Annotated[str, AfterValidator(by_digest)] = Field(
        min_length=1, title="Image", description="The container image, by digest (`name@sha256:…`)."
    )
    command: Words | None = Field(
        default=None,
        title="Command",
        description="The program and its arguments, with the same placeholders as `kind: command`; default: the "
        "image's own, which finds the paths in MLOPSCTL_INPUTS_EXAMPLES and MLOPSCTL_OUTPUTS_MODEL.",
    )

    @property
    def inside(self) -> str:
        """See :class:`ProgramTarget`."""
        return self.image

    @property
    def title(self) -> str:
        """See :class:`ProgramTarget`."""
        return self.image


def _arguments(project: Path, words: Sequence[str]) -> Iterator[str]:
    """The arguments that are files of the project."""
    root = project.resolve()
    for word in words:
        path = Path(word)
        if not word or path.is_absolute() or ".." in path.parts or "\0" in word:
            continue
        found = (root / path).resolve()
        if found.is_relative_to(root) and _is_file(found):
            yield path.as_posix()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        # An argument may be longer than any file's name.
        return False


def listed_files(project: Path, files: Sequence[str]) -> Iterator[str]:
    """The files that are named, and those in folders that are; none by a link, so that none is from elsewhere."""
    root = project.resolve()
    for file in files:
        path = root / file
        inside = [path, *sorted(path.rglob("*"))] if not path.is_symlink() and path.is_dir() else [path]
        for one in inside:
            _refuse_link(root, one)
        found = [one for one in inside if one.is_file()]
        if not found:
            message = f"there is no file {file} in the project"
            raise InvalidProject(Diagnostic(id="missing-file", message=message, hint="correct `files`"))
        yield from (one.relative_to(root).as_posix() for one in found)


def _refuse_link(root: Path, path: Path) -> None:
    target = Path(os.path.realpath(path))
    if target == path:
        return
    where = "a link" if target.is_relative_to(root) else "a link out of the project"
    message = f"{path.relative_to(root).as_posix()} is {where}, and `files` takes no links"
    hint = "copy what it points to into the project, or name the file itself"
    raise InvalidProject(Diagnostic(id="linked-file", message=message, hint=hint))
