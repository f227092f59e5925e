"""``own``: a component of the user's: a Python function, a command or a container between its inputs and outputs.

Each input is a read-only folder, each output an empty folder that exists. A function gets them as ``pathlib.Path`` by
their names, a command by its placeholders. An input that is missing, as some trigger rules allow, is ``None`` for a
function and empty text for a command. What replaces an output's folder by one file is kept as a folder with it.
"""

from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from mlopsctl.components.own_kinds import CommandRun, ContainerRun, PythonRun, Run
from mlopsctl.components.own_outputs import checked, complete
from mlopsctl.components.spec import ComponentSpec, Notes, Parameters, Work
from mlopsctl.ground.commands import Ended, as_argument, failure, fill, run_command
from mlopsctl.ground.containers import Container, Mount, run_container
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.secrets import secrets_named, with_secrets
from mlopsctl.pipeline.ir import ArtifactType

_INSIDE = "/mlops"
_A_FOLDER = "Is a directory"


class OwnParameters(Parameters):
    """What is executed, the values it gets, and the types of what it reads and leaves."""

    run: Run
    parameters: dict[str, JsonValue]
    inputs: dict[str, ArtifactType]
    outputs: dict[str, ArtifactType]


# Every component of the user's has inputs and outputs of its own: the step says which.
SPEC = ComponentSpec(name="own", version=1, inputs={}, outputs={}, parameters=OwnParameters)


def run(work: Work, parameters: OwnParameters) -> Notes:
    """Execute it, and see that what it left is what it says."""
    values = parameters.parameters
    try:
        match parameters.run:
            case PythonRun():
                _call(work, parameters.run, values, _missing(work, parameters))
            case CommandRun():
                _command(work, parameters.run, values, _missing(work, parameters))
            case ContainerRun():
                _container(work, parameters.run, values)
    except IsADirectoryError as error:
        raise _is_a_folder(work, error) or error from error
    for folder in work.outputs.values():
        _as_folder(folder)
    read = {kind: work.inputs[name] for name, kind in reversed(parameters.inputs.items()) if name in work.inputs}
    for name, kind in parameters.outputs.items():
        complete(kind, work.outputs[name], read)
    told = [checked(name, kind, work.outputs[name]) for name, kind in parameters.outputs.items()]
    return Notes(line=", ".join(told))


def _missing(work: Work, parameters: OwnParameters) -> tuple[str, ...]:
    """The inputs whose step left nothing, where the step's trigger rule lets it run all the same."""
    return tuple(name for name in parameters.inputs if name not in work.inputs)


# A Python function


def _call(work: Work, run: PythonRun, values: Mapping[str, Json], missing: Sequence[str]) -> None:
    function = _function(run.entrypoint)
    secret = {name: with_secrets(value) for name, value in values.items()}
    given: dict[str, object] = {**dict.fromkeys(missing), **work.inputs, **work.outputs, **secret}
    named = {name.replace("-", "_"): value for name, value in given.items()}
    first = [
        name
        for name, one in inspect.signature(function).parameters.items()
        if one.kind is inspect.Parameter.POSITIONAL_ONLY and name in named
    ]
    positional = [named.pop(name) for name in first]
    returned = function(*positional, **named)
    if inspect.iscoroutine(returned):
        returned.close()
        raise StepProblem.because(
            "async-function", f"{run.entrypoint} is an async function", hint="write a plain `def`"
        )


def _function(entrypoint: str) -> Callable[..., object]:
    module_name, _, name = entrypoint.partition(":")
    module = import_module(module_name)
    found = getattr(module, name, None)
    if not callable(found):
        raise StepProblem.because(
            "missing-function",
            f"the module {module_name} has no function {name}",
            hint=f"define `def {name}(…)` in it, or correct the entrypoint",
        )
    return cast("Callable[..., object]", found)


# A command


def _command(work: Work, run: CommandRun, values: Mapping[str, Json], missing: Sequence[str]) -> None:
    inputs = {**dict.fromkeys(missing, ""), **_texts(work.inputs)}
    paths = {"inputs": inputs, "outputs": _texts(work.outputs), "parameters": _arguments(values)}
    words = fill(run.command, paths)
    _require_success(f"the command {Path(words[0]).name}", run_command(words, work.project))


def _container(work: Work, run: ContainerRun, values: Mapping[str, Json]) -> None:
    inside = {
        "inputs": {name: f"{_INSIDE}/inputs/{name}" for name in work.inputs},
        "outputs": {name: f"{_INSIDE}/outputs/{name}" for name in work.outputs},
    }
    mounts = [Mount(path, inside["inputs"][name]) for name, path in work.inputs.items()]
    mounts += [Mount(path, inside["outputs"][name], writable=True) for name, path in work.outputs.items()]
    container = Container(
        image=run.image,
        command=tuple(fill(run.command, {**inside, "parameters": _arguments(values)})),
        mounts=tuple(mounts),
        network=run.network,
        cpu=work.resources.cpu,
        memory=work.resources.memory,
        environment={"TZ": "UTC", "HOME": "/tmp", "PYTHONHASHSEED": "0"},
        passed=secrets_named(values),
    )
    ended = run_container(container, work.project, Path(os.environ.get("TMPDIR", tempfile.gettempdir())))
    _require_success("the container", ended)


def _require_success(what: str, ended: Ended) -> None:
    if ended.code == 0:
        return
    hint = "the step's log has everything it printed"
    if _A_FOLDER in ended.last_words:
        hint = "an output is a folder: name a file in it, such as {outputs.page}/page.html"
    raise StepProblem.because("command-failed", failure(what, ended), hint=hint)


def _texts(paths: Mapping[str, Path]) -> dict[str, str]:
    return {name: str(path) for name, path in paths.items()}


def _arguments(values: Mapping[str, Json]) -> dict[str, str]:
    return {name: as_argument(value) for name, value in values.items()}


# Outputs


def _is_a_folder(work: Work, error: IsADirectoryError) -> StepProblem | None:
    """The problem of a function that wrote a file where an output's folder is."""
    for name, folder in work.outputs.items():
        if error.filename is not None and str(error.filename) == str(folder):
            variable = name.replace("-", "_")
            return StepProblem.because(
                "output-is-folder",
                f"the output {name!r} is a folder, and the function opened it as a file",
                hint=f'write a file in it: {variable} / "data.csv"',
            )
    return None


def _as_folder(output: Path) -> None:
    """A single file that took the place of an output's folder becomes the one file of such a folder."""
    if output.is_symlink() or not output.is_file():
        return
    aside = output.with_name(f".{output.name}.file")
    output.rename(aside)
    output.mkdir()
    aside.rename(output / output.name)
