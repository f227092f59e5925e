"""The user's own functions, found from the source: each entrypoint is there and takes what it will be called with."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlopsctl.config.hints import did_you_mean
from mlopsctl.config.sections.components import OwnComponent, PythonRun
from mlopsctl.config.semantics.scene import Scene
from mlopsctl.config.words import article, join
from mlopsctl.features import PythonFeature
from mlopsctl.frameworks.target import FunctionTarget
from mlopsctl.ground.annotations import fits, is_path, literal
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, Severity, Span
from mlopsctl.ground.functions import Argument, Definition, Sort, Unreadable, modules_near, read_module
from mlopsctl.ground.source import DocPath
from mlopsctl.metrics.own import OwnMetric
from mlopsctl.sources import PythonSource


@dataclass(frozen=True, slots=True)
class Call:
    """How a function will be called.

    Attributes:
        positional: what is given by position, in words.
        always: names that are given whatever the project says (``seed``), with a place where there is one.
        paths: artifacts by name, and where each stands in the project.
        values: parameters by name, with their place and value.
        by_name: artifacts and values fit positional-only parameters of the same name as well.
        shape: how such a function is written, for hints.
    """

    shape: str
    positional: tuple[str, ...] = ()
    always: Mapping[str, DocPath | None] = field(default_factory=dict)
    paths: Mapping[str, DocPath] = field(default_factory=dict)
    values: Mapping[str, tuple[DocPath, Json]] = field(default_factory=dict)
    by_name: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that is given by name."""
        return (*self.always, *self.paths, *self.values)

    def place(self, name: str) -> DocPath | None:
        """Where a name stands in the project."""
        return self.always.get(name) or self.paths.get(name) or self.values.get(name, (None,))[0]


def functions(scene: Scene) -> Iterator[Diagnostic]:
    """Every entrypoint of the project: components, training targets, sources and features."""
    for name, component in scene.project.components.items():
        if isinstance(component.run, PythonRun):
            path: DocPath = ("components", name, "run", "entrypoint")
            yield from _twice(scene, name, component)
            yield from check_entrypoint(scene, path, component.run.entrypoint, _component_call(name, component))
    targets = scene.project.training.targets if scene.project.training is not None else {}
    for name, target in targets.items():
        if isinstance(target, FunctionTarget):
            path = ("training", "targets", name, "entrypoint")
            yield from check_entrypoint(scene, path, target.entrypoint, _target_call(name, target))
    for name, dataset in scene.project.data.items():
        if isinstance(dataset.source, PythonSource):
            path = ("data", name, "source")
            call = Call("def rows(*, …)", values=_values(dataset.source.params, (*path, "params")))
            yield from check_entrypoint(scene, (*path, "entrypoint"), dataset.source.entrypoint, call)
    judging = Call("def metric(truth, predicted, rows)", positional=("truth", "predicted", "rows"))
    for index, metric in enumerate(scene.project.evaluation.metrics):
        if isinstance(metric, OwnMetric):
            yield from check_entrypoint(
                scene, ("evaluation", "metrics", index, "entrypoint"), metric.entrypoint, judging
            )
    for index, feature in enumerate(scene.project.features):
        if isinstance(feature, PythonFeature):
            path = ("features", index)
            call = Call("def transformer(*, …)", values=_values(feature.params, (*path, "params")))
            yield from check_entrypoint(scene, (*path, "entrypoint"), feature.entrypoint, call)


def check_entrypoint(scene: Scene, path: DocPath, entrypoint: str, call: Call) -> Iterator[Diagnostic]:
    """What is wrong with one entrypoint, ``module:function``, that stands at ``path`` and will be called so."""
    module_name, _, name = entrypoint.partition(":")
    try:
        module = read_module(scene.folder, module_name)
        found = module.find(name) if module is not None else None
    except Unreadable as problem:
        yield _unreadable(scene, path, problem)
        return
    if module is None:
        near = did_you_mean(module_name, modules_near(scene.folder, module_name))
        hint = f"expected the file {module_name.replace('.', '/')}.py beside {scene.document.name.rpartition('/')[2]}"
        message = f"there is no module {module_name} in the project"
        yield scene.error("missing-module", message, path, f"did you mean {near}:{name}?" if near else hint)
    elif found is None:
        near = did_you_mean(name, module.names)
        hint = f"did you mean {module_name}:{near}?" if near else f"define it: {call.shape}"
        message = f"{_inside(scene, module.file)} has no function {name}"
        yield scene.error("missing-function", message, path, hint)
    elif found.sort is Sort.ASYNC:
        message = f"{name} is an async function"
        yield _at_definition(scene, found, "wrong-argument", message, path, "write a plain `def`")
    elif found.arguments is not None:
        yield from _Check(scene, path, name, found, call, found.arguments).problems()


@dataclass(frozen=True, slots=True)
class _Check:
    """One call compared with the function's definition."""

    scene: Scene
    path: DocPath
    name: str
    definition: Definition
    call: Call
    arguments: tuple[Argument, ...]

    def problems(self) -> Iterator[Diagnostic]:
        by_position = [one for one in self.arguments if one.positional][: len(self.call.positional)]
        if len(by_position) < len(self.call.positional) and not self.definition.more_positional:
            message = f"{self.name}() is called with {join(self.call.positional, 'and')}, and takes fewer"
            yield self._error("missing-argument", message, self.path, f"write {self.call.shape}")
            return
        named = {one.name: one for one in self.arguments if one not in by_position}
        takes = {name for name, one in named.items() if one.keyword or self.call.by_name}
        missing = [one for one in named.values() if one.default is None and one.name not in self.call.names]
        for name in self.call.names:
            if name not in takes and not self.definition.more_keywords:
                near = did_you_mean(name, [one.name for one in missing]) or did_you_mean(name, takes)
                missing = [one for one in missing if one.name != near]
                yield self._unknown(name, near)
        for one in missing:
            yield self._error(
                "missing-argument",
                f"{self.name}() needs {one.name!r}, and nothing gives it",
                self.path,
                self._how_to_give(one),
            )
        yield from self._types(named)

    def _unknown(self, name: str, near: str) -> Diagnostic:
        place = self.call.place(name)
        if place is None:
            return self._error(
                "unknown-argument", f"{self.name}() does not take {name!r}", self.path, f"write {self.call.shape}"
            )
        hint = f"did you mean {near!r}?" if near else f"add it to the function: {self.name}(…, {name})"
        if keyword.iskeyword(name):
            hint = f"{name!r} is a word of Python, and no parameter can be called so: rename it"
        return self._error("unknown-argument", f"{self.name}() has no parameter {name!r}", place, hint, key=True)

    def _how_to_give(self, one: Argument) -> str:
        if not self.call.paths and not self.call.by_name:
            return f"add it to `params`, or give it a default: {one.name}=…"
        if is_path(one.annotation):
            return f"add {one.name!r} to `inputs` or `outputs`"
        return f"add {one.name!r} to `inputs`, `outputs` or `parameters`, or give it a default: {one.name}=…"

    def _types(self, named: Mapping[str, Argument]) -> Iterator[Diagnostic]:
        for name, one in named.items():
            annotation = self._text(one)
            place, value = self.call.values.get(name, (None, None))
            if place is not None and not fits(one.annotation, value):
                message = f"{name!r} is {article(value)}, and {self.name}() takes {annotation}"
                yield self._error("wrong-argument", message, place, "correct one of them")
            elif name in self.call.paths and is_path(one.annotation) is False:
                message = f"{name!r} is given as a pathlib.Path, and {self.name}() takes {annotation}"
                severity = Severity.WARNING if annotation == "str" else Severity.ERROR
                hint = f"write {name}: Path"
                yield self._error("wrong-argument", message, self.call.paths[name], hint, severity, key=True)
            elif name not in self.call.names:
                known, default = literal(one.default)
                if known and default is not None and not fits(one.annotation, default):
                    message = f"the default of {name!r} is {article(default)}, and {self.name}() says {annotation}"
                    yield self._error("wrong-argument", message, self.path, "correct the function")

    def _text(self, one: Argument) -> str:
        import ast

        return ast.unparse(one.annotation) if one.annotation is not None else ""

    def _error(
        self, id: str, message: str, path: DocPath, hint: str, severity: Severity = Severity.ERROR, key: bool = False
    ) -> Diagnostic:
        return _at_definition(self.scene, self.definition, id, message, path, hint, severity, key)


def _component_call(name: str, component: OwnComponent) -> Call:
    root: DocPath = ("components", name)
    inputs = {_folded(one): (*root, "inputs", one) for one in component.inputs}
    outputs = {_folded(one): (*root, "outputs", one) for one in component.outputs}
    words = ", ".join([*inputs, *outputs])
    values = _values(component.parameters, (*root, "parameters"))
    shape = f"def run({words}{', ' * bool(words)}*, {', '.join(values)})" if values else f"def run({words})"
    return Call(shape, paths=inputs | outputs, values=values, by_name=True)


def _target_call(name: str, target: FunctionTarget) -> Call:
    root: DocPath = ("training", "targets", name)
    values = _values(target.params, (*root, "params"))
    tune = target.tune
    space = tune.space if tune is not None and tune.enabled else {}
    # What is searched is given as well; its values are known when they are tried.
    searched: dict[str, DocPath | None] = {one: (*root, "tune", "space", one) for one in space if one not in values}
    return Call(
        "def fit(train, validation, label, *, seed, …)",
        positional=("train", "validation", "label"),
        always={"seed": None, **searched},
        values=values,
    )


def _values(params: Mapping[str, Json], path: DocPath) -> dict[str, tuple[DocPath, Json]]:
    return {_folded(name): ((*path, name), _plain(value)) for name, value in params.items()}


def _plain(value: Json) -> Json:
    """The value as the function gets it: a secret is text, whatever it says."""
    return "" if isinstance(value, Mapping) and tuple(value) == ("secret",) else value


def _folded(name: str) -> str:
    """The name as Python can have it."""
    return name.replace("-", "_")


def _twice(scene: Scene, name: str, component: OwnComponent) -> Iterator[Diagnostic]:
    """Names that stand for two things: a function can have each only once."""
    seen: dict[str, str] = {}
    sections: tuple[tuple[str, Mapping[str, object]], ...] = (
        ("inputs", component.inputs),
        ("outputs", component.outputs),
        ("parameters", component.parameters),
    )
    for section, names in sections:
        for one in names:
            other = seen.setdefault(_folded(one), section)
            if other != section:
                message = f"the name {one!r} stands under `{other}` and `{section}`, and the function takes it once"
                yield scene.error(
                    "name-collision", message, ("components", name, section, one), "rename one of them", key=True
                )


def _unreadable(scene: Scene, path: DocPath, problem: Unreadable) -> Diagnostic:
    line = problem.line
    related = ((Span(shown_file(scene, problem.file), line, 1, line, 1), "here"),) if line else ()
    return Diagnostic(
        "unreadable-module",
        f"{_inside(scene, problem.file)} is not Python: {problem.reason}",
        scene.document.span_of(path),
        "correct the file",
        related=related,
    )


def _at_definition(
    scene: Scene,
    definition: Definition,
    id: str,
    message: str,
    path: DocPath,
    hint: str,
    severity: Severity = Severity.ERROR,
    key: bool = False,
) -> Diagnostic:
    place = definition.place
    span = Span(shown_file(scene, place.file), place.line, place.column, place.line, place.end_column)
    related = ((span, "it is defined here"),)
    return Diagnostic(id, message, scene.document.span_of(path, key), hint, severity, related)


def shown_file(scene: Scene, file: Path) -> str:
    """A file of the project as messages name it: beside the project file, as that one was named."""
    beside = scene.document.name.rpartition("/")[0]
    return f"{beside}/{_inside(scene, file)}" if beside else _inside(scene, file)


def _inside(scene: Scene, file: Path) -> str:
    return file.relative_to(scene.folder).as_posix()
