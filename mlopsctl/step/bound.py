"""A step with the values that run-time parameters have in this run, where an orchestrator passes them to its container.

A binding names a parameter (``rate``), or holds it inside other text (``day-${parameters.day}.csv``; ``$$`` is a
dollar there). Its key is the dotted path of the step's parameter that it feeds: ``target.params.alpha``,
``tune.space.alpha.0``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mlopsctl.ground.digest import Json, canonical_json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.pipeline.ir import WHEN, Step

SEED = "seed"
_TOKEN = re.compile(r"\$\$|\$\{parameters\.([^}]+)\}")


def wanted(step: Step) -> tuple[str, ...]:
    """The names of the run-time parameters that a step reads, each once, in order; not what decides whether it runs."""
    found = {name for path, binding in step.bindings.items() if path != WHEN for name in names_in(binding)}
    return tuple(sorted(found | ({SEED} if step.seed is not None else set())))


def names_in(binding: str) -> Iterable[str]:
    """The parameters that a binding names."""
    return [found for found in _TOKEN.findall(binding) if found] if "$" in binding else [binding]


def bound(step: Step, values: Mapping[str, Json]) -> Step:
    """The step with these values of run-time parameters.

    Args:
        values: by name, as the orchestrator handed them over; whole numbers may come as ``3.0``.

    Raises:
        StepProblem: when a value that the step needs is missing, or has another type than the one it was compiled with.
    """
    parameters: Json = dict(step.parameters)
    for path, binding in step.bindings.items():
        if path == WHEN:
            continue
        parameters = _with(parameters, path.split("."), binding, values, path)
    seed = step.seed if step.seed is None or SEED not in values else _typed(values[SEED], step.seed, SEED)
    if not isinstance(parameters, Mapping) or not (seed is None or isinstance(seed, int)):
        raise TypeError("a binding changed the shape of a step")
    sources = _sources(parameters) if any(path.startswith("source.") for path in step.bindings) else step.sources
    when = values.get(step.condition, step.when)
    if not isinstance(when, bool):
        when = bool(_typed(when, step.when, WHEN))
    return replace(step, parameters=parameters, sources=sources, seed=seed, when=when)


def _with(value: Json, path: Sequence[str], binding: str, values: Mapping[str, Json], whole: str) -> Json:
    """The value with what the binding says at a path below it."""
    if not path:
        return _typed(_filled(binding, values), value, whole)
    if isinstance(value, Mapping):
        return {**value, path[0]: _with(value[path[0]], path[1:], binding, values, whole)}
    if isinstance(value, list | tuple):
        at = int(path[0])
        return [*value[:at], _with(value[at], path[1:], binding, values, whole), *value[at + 1 :]]
    raise TypeError(f"there is no parameter {whole}")


def _sources(parameters: Mapping[str, Json]) -> dict[str, str]:
    """The data outside that a changed source reads, as the step's key names it."""
    from pydantic import TypeAdapter, ValidationError

    from mlopsctl.sources import Source

    kinds: TypeAdapter[Source] = TypeAdapter(Source)
    try:
        source = kinds.validate_json(canonical_json(parameters["source"]))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        message = f"the source cannot be read with this run's parameters: {where}: {first['msg']}"
        raise StepProblem.because("bad-parameter", message, hint="start the run with another value") from error
    return {f"source.{key}": name for key, name in source.outside().items()}


def _filled(binding: str, values: Mapping[str, Json]) -> Json:
    if "$" not in binding:
        return _value(binding, values)
    return _TOKEN.sub(lambda token: _text(_value(token[1], values)) if token[1] else "$", binding)


def _value(name: str, values: Mapping[str, Json]) -> Json:
    if name not in values:
        raise StepProblem.because(
            "no-parameter",
            f"the orchestrator did not pass the parameter {name}",
            hint="compile and deploy the pipeline again with this version of mlopsctl",
        )
    return values[name]


def _text(value: Json) -> str:
    """A value inside other text, written as in ``mlops.yaml``."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else json.dumps(value)


def _typed(value: Json, like: Json, name: str) -> Json:
    """The value in the type that it had when the pipeline was compiled."""
    if isinstance(like, bool) or isinstance(value, bool):
        fits = isinstance(like, bool) and isinstance(value, bool)
    elif isinstance(like, int) and isinstance(value, float) and value.is_integer():
        return int(value)
    elif isinstance(like, float) and isinstance(value, int):
        return float(value)
    else:
        fits = type(value) is type(like) or (isinstance(like, Mapping) and isinstance(value, Mapping))
    if not fits:
        raise StepProblem.because(
            "bad-parameter",
            f"the parameter for {name} is {json.dumps(value, default=str)}, which is another type than {_kind(like)}",
            hint="start the run with a value of the parameter's own type",
        )
    return value


def _kind(value: Json) -> str:
    for kind, word in ((bool, "true or false"), (int, "a whole number"), (float, "a number"), (str, "text")):
        if isinstance(value, kind):
            return word
    return "the one in mlops.yaml"
