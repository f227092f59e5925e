"""A model that a program of any language made, and a program answers for: started anew for each batch of rows.

This file stands alone: it is copied into the ``code/`` folder of such a model under the name ``mlopsctl_program``, so
that the model serves where ``mlopsctl`` is not installed. Beside ``code/`` stands ``program/``: ``model`` (what the
training program left) and ``code`` (the project's files that the programs are made of).

A program is an argument list, never a shell's line. ``{inputs.NAME}`` and ``{outputs.NAME}`` in its arguments stand
for paths; the environment says the same as ``MLOPSCTL_INPUTS_NAME`` and ``MLOPSCTL_OUTPUTS_NAME``. It runs in a
private copy of its files. In a container the paths are mounted below ``/mlopsctl``, and there is no network.
"""

from __future__ import annotations

import csv
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

SHIPPED_AS = "mlopsctl_program"
PROGRAM_FOLDER = "program"
ENGINES = ("docker", "podman")
NOTE = ".container"
PREDICT = ("{inputs.model}/predict", "{inputs.rows}", "{outputs.predictions}")

_PLACEHOLDER = re.compile(r"\{([a-z]+\.[A-Za-z0-9_-]+)\}")
_INSIDE = "/mlopsctl"
_LAST_WORDS = 2_000
_SECONDS_TO_ANSWER = 30.0

Start = Callable[[str, Sequence[str], Path, Mapping[str, str]], None]
"""What it is for people, its argument list, its folder, its environment; raises :class:`ProgramFailed`."""


class ProgramFailed(Exception):
    """A program could not be started, or said no; the text says which and what it said last."""


class Program:
    """What answers: rows of features as CSV in, a CSV of numbers out.

    Attributes:
        words: the argument list that predicts.
        image: the container image it runs in; empty: on this machine.
        labels: whether its answers are the numbers of classes.
        folder: the ``program/`` folder.
    """

    __module__ = SHIPPED_AS

    def __init__(self, words: Sequence[str], image: str, *, labels: bool, folder: Path) -> None:
        self.words = tuple(words)
        self.image = image
        self.labels = labels
        self.folder = folder

    def __getstate__(self) -> dict[str, object]:
        return {"words": self.words, "image": self.image, "labels": self.labels}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state)
        self.folder = Path(__file__).resolve().parents[1] / PROGRAM_FOLDER

    def predict(self, rows: pd.DataFrame) -> NDArray[np.float64]:
        """Rows × columns of numbers: logits, probabilities, classes' numbers or values.

        Raises:
            ProgramFailed: when the program fails or leaves no numbers.
        """
        with tempfile.TemporaryDirectory(prefix="mlopsctl-predict-") as name:
            room = Path(name)
            inputs = {"rows": room / "inputs" / "rows.csv", "model": self.folder / "model"}
            inputs["rows"].parent.mkdir()
            rows.to_csv(inputs["rows"], index=False, lineterminator="\n")
            if any("{inputs.rows_parquet}" in word for word in self.words):
                inputs["rows_parquet"] = inputs["rows"].with_suffix(".parquet")
                rows.to_parquet(inputs["rows_parquet"], index=False)
            answers = room / "outputs" / "predictions.csv"
            answers.parent.mkdir()
            with (room / "log").open("w+b") as log:
                run(
                    self.words, self.image, code=self.folder / "code", room=room, inputs=inputs,
                    outputs={"predictions": answers}, start=_logged(log),
                )  # fmt: skip
            return self._read(answers, len(rows))

    def _read(self, answers: Path, rows: int) -> NDArray[np.float64]:
        import numpy as np

        try:
            with answers.open(encoding="utf-8-sig", newline="") as stream:
                lines = [line for line in csv.reader(stream) if line][1:]
            numbers = np.array([[float(value) for value in line] for line in lines], dtype=np.float64)
        except FileNotFoundError:
            raise ProgramFailed(f"{self.words[0]} left no predictions") from None
        except ValueError as error:
            raise ProgramFailed(f"the predictions of {self.words[0]} are no CSV of numbers: {error}") from None
        if len(numbers) != rows:
            raise ProgramFailed(f"{self.words[0]} answers {len(numbers)} times for {rows} rows")
        if self.labels and not (numbers == np.floor(numbers)).all():
            raise ProgramFailed(f"{self.words[0]} answers with fractions, and is declared to answer with labels")
        return numbers


def placeholders(word: str) -> list[str]:
    """The names in braces in an argument, such as ``inputs.examples``."""
    return _PLACEHOLDER.findall(word)


def run(
    words: Sequence[str],
    image: str,
    *,
    code: Path,
    room: Path,
    inputs: Mapping[str, Path],
    outputs: Mapping[str, Path],
    start: Start,
    values: Mapping[str, str] | None = None,
    notes: Path | None = None,
) -> None:
    """Start a program and wait for its end.

    Args:
        words: its argument list; empty for a container image's own program.
        code: the folder of the files it is made of; it runs in a copy.
        room: an empty folder of its own for that copy.
        inputs, outputs: by name, the paths it gets; those of outputs are folders, or files in a folder that is there.
        start: starts an argument list and waits for its end.
        values: what other placeholders stand for.
        notes: a folder where a note with the container's name lies while it runs, for whoever ends this process.

    Raises:
        ProgramFailed: when it cannot be started, or ends with another code than 0.
    """
    copied = room / "code"
    copied.mkdir()
    # Artifacts keep no empty folders: a program without files of its own has none.
    if code.is_dir():
        shutil.copytree(code, copied, copy_function=_runnable, dirs_exist_ok=True)
    paths = {f"inputs.{name}": path for name, path in inputs.items()}
    paths |= {f"outputs.{name}": path for name, path in outputs.items()}
    if image:
        _run_in_container(words, image, copied, paths, values or {}, start, notes)
        return
    told = {name: str(path) for name, path in paths.items()}
    argv = [_filled(word, {**told, **(values or {})}) for word in words]
    if (copied / argv[0]).is_file():
        argv[0] = str(copied / argv[0])
    _make_runnable(Path(argv[0]))
    start(words[0], argv, copied, {**os.environ, **_variables(told)})


def engine() -> str:
    """The container engine of this machine: docker or podman; of both the first that answers; empty: none."""
    found = [name for name in ENGINES if shutil.which(name)]
    answer = [name for name in found if len(found) == 1 or _quietly([name, "info"]) == 0]
    return next(iter([*answer, *found]), "")


def container_argv(
    tool: str, name: str, words: Sequence[str], image: str, code: Path, paths: Mapping[str, Path],
    values: Mapping[str, str],
) -> list[str]:  # fmt: skip
    """The engine's argument list: inputs and code read-only, outputs writable, no network, this process's user."""
    user = f"{os.getuid()}:{os.getgid()}"
    rootless = tool == "podman" and os.getuid() != 0
    argv = [tool, "run", "--rm", "--name", name, "--network", "none", "--user", user]
    argv += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--security-opt", "label=disable"]
    argv += ["--userns", "keep-id"] if rootless else []
    argv += [*_mounted(code, f"{_INSIDE}/code", writable=False), "--workdir", f"{_INSIDE}/code"]
    told = {}
    for key, path in paths.items():
        kind, _, what = key.partition(".")
        # A file's folder is mounted for outputs: the file is not there yet.
        folder = path if path.is_dir() else path.parent
        inside = f"{_INSIDE}/{kind}/{what}"
        argv += _mounted(folder, inside, writable=kind == "outputs")
        told[key] = inside if path.is_dir() else f"{inside}/{path.name}"
    for variable, value in _variables(told).items():
        argv += ["--env", f"{variable}={value}"]
    return [*argv, image, *(_filled(word, {**told, **values}) for word in words)]


def _run_in_container(
    words: Sequence[str], image: str, code: Path, paths: Mapping[str, Path], values: Mapping[str, str], start: Start,
    notes: Path | None,
) -> None:  # fmt: skip
    tool = engine()
    if not tool:
        raise ProgramFailed(f"the image {image} needs docker or podman, and neither is installed here")
    for word in words[:1]:
        for name in placeholders(word):
            if name in paths:
                _make_runnable(paths[name] / word.partition("}")[2].lstrip("/"))
    name = f"mlopsctl-{secrets.token_hex(8)}"
    if notes is not None:
        (notes / NOTE).write_text(f"{tool} {name}", encoding="ascii")
    try:
        start(image, container_argv(tool, name, words, image, code, paths, values), code, os.environ)
    except BaseException:
        # The engine runs the container, so that it must be told when nobody waits for it any more.
        _quietly([tool, "rm", "--force", name])
        raise
    finally:
        if notes is not None:
            (notes / NOTE).unlink(missing_ok=True)


def _logged(log: IO[bytes]) -> Start:
    """Start a program whose output goes to a file, and is quoted when it fails."""

    def start(what: str, argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        try:
            code = subprocess.run(
                argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False
            ).returncode
        except OSError as error:
            raise ProgramFailed(f"{what} cannot be started: {error.strerror}") from None
        if code:
            how = f"was killed by signal {-code}" if code < 0 else f"exited with code {code}"
            said = _last_words(log)
            raise ProgramFailed(f"{what} {how}: {said}" if said else f"{what} {how}, and said nothing")

    return start


def _quietly(argv: Sequence[str]) -> int:
    try:
        return subprocess.run(
            argv, capture_output=True, stdin=subprocess.DEVNULL, check=False, timeout=_SECONDS_TO_ANSWER
        ).returncode
    except (OSError, subprocess.TimeoutExpired):
        return 1


def _last_words(log: IO[bytes]) -> str:
    log.seek(0, os.SEEK_END)
    log.seek(max(0, log.tell() - _LAST_WORDS))
    return log.read().decode("utf-8", "replace").strip()


def _filled(word: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values[found[1]], word)


def _variables(told: Mapping[str, str]) -> dict[str, str]:
    return {f"MLOPSCTL_{name.replace('.', '_').replace('-', '_').upper()}": value for name, value in told.items()}


def _mounted(source: Path, inside: str, *, writable: bool) -> list[str]:
    path = str(source.resolve())
    if "," in path or '"' in path:
        raise ProgramFailed(
            f"a container cannot be given the folder {path!r}: a comma or a quotation mark stands in its path"
        )
    return ["--mount", f"type=bind,src={path},dst={inside}" + ("" if writable else ",readonly")]


def _runnable(source: str, target: str) -> None:
    """Copy a file; artifacts keep no mode, so that every file of a program may be run."""
    shutil.copyfile(source, target)
    os.chmod(target, 0o755)


def _make_runnable(path: Path) -> None:
    """A program that the training left may be run, although artifacts keep no mode."""
    if path.is_absolute() and path.is_file() and not os.access(path, os.X_OK):
        os.chmod(path, 0o755)


# In a process of mlopsctl itself, pickles find the class here; a model that is loaded brings its own copy.
sys.modules.setdefault(SHIPPED_AS, sys.modules[__name__])
