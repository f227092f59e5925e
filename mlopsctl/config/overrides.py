"""Run-time parameters from the command line: ``-p name=value``, typed by the default in ``parameters``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import NoReturn

from mlopsctl.config.decode import describe_character, refused_character
from mlopsctl.config.hints import did_you_mean
from mlopsctl.config.plain import Refusal, plain_value
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic, UsageProblem

_MAX_INT = 2**63 - 1


def parse_override(text: str, default: Json) -> Json:
    """The value of a text from the command line, of the type of the parameter's default.

    Lists and mappings are written as JSON. A default of ``null`` has no type: the text is read like a plain value.

    Raises:
        UsageProblem: when the text is no such value.
    """
    if char := refused_character(text):
        _refuse(f"the value holds {describe_character(char)}", "write printable text")
    if isinstance(default, str):
        return text
    value = _json(text) if isinstance(default, Mapping | list | tuple) else _plain(text)
    return _typed(value, default, f"{text!r}")


def typed_overrides(parameters: Mapping[str, Json], overrides: Mapping[str, Json]) -> dict[str, Json]:
    """The overrides, checked against the declared parameters and brought to the types of their defaults.

    Raises:
        UsageProblem: when an override names no parameter or has another type; with every problem.
    """
    typed: dict[str, Json] = {}
    found: list[Diagnostic] = []
    for name, value in overrides.items():
        if name not in parameters:
            found.append(_unknown(name, parameters))
            continue
        try:
            typed[name] = _typed(value, parameters[name], f"parameter {name!r}: {_shown(value)}")
        except UsageProblem as problem:
            found.extend(problem.diagnostics)
    if found:
        raise UsageProblem(found)
    return typed


def _typed(value: Json, default: Json, shown: str) -> Json:
    if isinstance(value, float) and not math.isfinite(value):
        _refuse(f"{shown} is not a finite number", "write a number")
    if isinstance(value, int) and not -_MAX_INT - 1 <= value <= _MAX_INT:
        _refuse(f"{shown} does not fit in 64 bits", "write a smaller number")
    whole = isinstance(value, int) and not isinstance(value, bool)
    match default:
        case bool():
            fits, wanted = isinstance(value, bool), "true or false"
        case int():
            fits, wanted = whole, "a whole number"
        case float():
            fits, wanted = whole or isinstance(value, float), "a number"
        case str():
            fits, wanted = isinstance(value, str), "text"
        case None:
            fits, wanted = True, "a value"
        case Mapping():
            fits, wanted = isinstance(value, Mapping), 'a mapping in JSON, like {"a": 1}'
        case _:
            fits, wanted = isinstance(value, list | tuple), "a list in JSON, like [1, 2]"
    if not fits:
        _refuse(f"{shown} is not {wanted}", f"its default is {_shown(default)}: write {wanted}")
    return float(value) if isinstance(default, float) and isinstance(value, int) else value


def _plain(text: str) -> Json:
    try:
        return plain_value(text)
    except Refusal as refusal:
        _refuse(refusal.message, refusal.hint)


def _json(text: str) -> Json:
    try:
        value: Json = json.loads(text, parse_constant=_not_a_number)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError):
        _refuse(f"{text[:80]!r} is not JSON", "write it as JSON, in quotes for the shell: '[1, 2]'")
    return value


def _not_a_number(name: str) -> NoReturn:
    raise ValueError(name)


def _unknown(name: str, parameters: Mapping[str, Json]) -> Diagnostic:
    near = did_you_mean(name, parameters)
    hint = f"did you mean {near!r}?" if near else f"the parameters are: {', '.join(parameters)}"
    return Diagnostic("unknown-parameter", f"there is no parameter {name!r}", None, hint)


def _shown(value: Json) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _refuse(message: str, hint: str) -> NoReturn:
    raise UsageProblem(Diagnostic("parameter-type", message, None, hint))
