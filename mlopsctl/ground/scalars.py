"""The scalar types of ``mlops.yaml``: names, durations, sizes, schedules; each says what is wrong and what to write.

A refusal is a :class:`pydantic_core.PydanticCustomError` whose type is the diagnostic's id, whose message is ready to
show, and whose context holds a ``hint``. What a type parsed can be read again: durations are dumped as a float of
seconds, memory as an int of bytes, CPU as a float of cores, and each accepts that form.
"""

from __future__ import annotations

import keyword
import math
import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError

from mlopsctl.ground.cron import NICKNAMES, cron_problem
from mlopsctl.ground.model import Spec
from mlopsctl.ground.text import NAME_PATTERN, name_problem, printable

MAX_INT: Final = 2**63 - 1

_DURATION = r"^[0-9]+(\.[0-9]+)?(s|m|h|d)$"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = 36_500 * 86_400
_MEMORY = r"^[0-9]+(Ki|Mi|Gi|Ti)$"
_BYTES = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}
_CPU = r"^([0-9]+(\.[0-9]+)?|[0-9]+m)$"
_DOTTED = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+$"
_ENTRYPOINT = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$"
_CRON = r"^(@(hourly|daily|weekly|monthly|yearly)|[^ ]+( [^ ]+){4})$"
_SECRET = r"^[A-Za-z_][A-Za-z0-9_]{0,127}$"
# Control characters, surrogates and the separators that break lines; the rest of Unicode may name a column.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PASSWORD = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/@:]*:[^/@]+@")
_PASSWORD_SETTING = re.compile(r"[?&;](?:ssl)?(?:password|passwd|pwd)=[^&;]", re.IGNORECASE)


def refusal(id: str, message: str, hint: str = "", key: str = "") -> PydanticCustomError:
    """The error a type raises; braces in the user's text stay text. ``key`` is the one of a mapping it is about."""
    return PydanticCustomError(id, "{message}", {"message": message, "hint": hint, "key": key})


def _name(value: str) -> str:
    if problem := name_problem(value):
        raise refusal("bad-name", problem, "write a name like 'daily-sales': a-z, 0-9, '_' and '-', first a letter")
    return value


def _duration(value: object) -> float:
    if isinstance(value, float) and 0 <= value <= _LONGEST:
        return value
    if not isinstance(value, str) or not re.fullmatch(_DURATION, value) or len(value) > 30:
        raise refusal(
            "bad-duration", f"{_shown(value)} is not a duration", "write a number and a unit: 90s 15m 24h 90d"
        )
    seconds = float(value[:-1]) * _SECONDS[value[-1]]
    if seconds > _LONGEST:
        raise refusal("bad-duration", f"{value!r} is longer than 36500 days", "write a shorter duration")
    return seconds


def _memory(value: object) -> int:
    hint = "write a whole number and a unit: 512Mi 4Gi"
    if isinstance(value, str) and re.fullmatch(_MEMORY, value) and len(value) <= 30:
        size = int(value[:-2]) * _BYTES[value[-2:]]
    elif isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        raise refusal("bad-memory", f"{_shown(value)} is not an amount of memory", hint)
    if not _BYTES["Mi"] <= size <= MAX_INT:
        raise refusal("bad-memory", f"{_shown(value)} is outside 1Mi to 8388607Ti", hint)
    return size


def _cpu(value: object) -> float:
    hint = "write cores or thousandths of a core: 0.5 2 500m"
    if isinstance(value, str) and re.fullmatch(_CPU, value) and len(value) <= 30:
        cores = float(value[:-1]) / 1000 if value.endswith("m") else float(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        cores = float(value) if abs(value) <= MAX_INT else math.inf
    else:
        raise refusal("bad-cpu", f"{_shown(value)} is not a number of cores", hint)
    if not 0.001 <= cores <= 100_000:
        raise refusal("bad-cpu", f"{_shown(value)} is outside 1m to 100000 cores", hint)
    return cores


def _fraction(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        if 0 <= value <= 1:
            return float(value)
        if 1 < value <= 100:
            hint = f"fractions are never percent: write {value / 100:.12g} for {value:g} percent"
            raise refusal("bad-fraction", f"{value} is not a fraction between 0 and 1", hint)
    hint = "write a number between 0 and 1; fractions are never percent"
    if isinstance(value, str) and (percent := re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,9})?) ?%", value)):
        hint = f"fractions are never percent: write {float(percent[1]) / 100:.12g}"
    raise refusal("bad-fraction", f"{_shown(value)} is not a fraction between 0 and 1", hint)


def _cron(value: str) -> str:
    if problem := cron_problem(value):
        hint = f"write five fields like '0 3 * * 1' (Mondays at 3:00), or {', '.join(NICKNAMES)}"
        raise refusal("bad-cron", printable(problem), hint)
    return value


def _time_zone(value: str) -> str:
    # Imported here: a project without a schedule needs no time zones.
    import difflib
    import zoneinfo

    try:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*", value):
            raise ValueError(value)
        zoneinfo.ZoneInfo(value)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        near = difflib.get_close_matches(value, sorted(zoneinfo.available_timezones()), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "write an IANA name: UTC, Europe/Berlin, America/Chicago"
        raise refusal("bad-time-zone", f"{_shown(value)} is not a time zone", hint) from None
    return value


def _column(value: str) -> str:
    if not value or _UNPRINTABLE.search(value):
        raise refusal("bad-column", f"{_shown(value)} cannot be a column's name", "write any printable text")
    return value


def _dotted(value: str) -> str:
    return _identifiers(value, _DOTTED, "bad-dotted-name", "a dotted Python name", "write it like sklearn.svm.SVC")


def _entrypoint(value: str) -> str:
    hint = "write module.path:function, like trainers.torch_mlp:fit"
    return _identifiers(value, _ENTRYPOINT, "bad-entrypoint", "an entrypoint", hint)


def _identifiers(value: str, pattern: str, id: str, what: str, hint: str) -> str:
    if not re.fullmatch(pattern, value):
        raise refusal(id, f"{_shown(value)} is not {what}", hint)
    if reserved := next((part for part in re.split(r"[.:]", value) if keyword.iskeyword(part)), ""):
        raise refusal(id, f"{_shown(value)} is not {what}: {reserved!r} is a word of Python itself", hint)
    return value


def _secret_name(value: str) -> str:
    if not re.fullmatch(_SECRET, value):
        hint = "write the name of an environment variable, like MLFLOW_TOKEN; never the secret itself"
        # What stands here may be the secret itself: it is not shown.
        raise refusal("bad-secret-name", "this is not the name of a secret", hint)
    return value


def _uri(value: str) -> str:
    if not value.strip() or _UNPRINTABLE.search(value):
        raise refusal(
            "bad-uri", f"{_shown(value)} is not a path or URI", "write a path or a URI such as gs://bucket/data"
        )
    if _PASSWORD.match(value) or _PASSWORD_SETTING.search(value):
        hint = "take the password out; credentials come from the environment or from {secret: NAME}"
        raise refusal("literal-secret", "this URI holds a password", hint)
    return value


def _relative(value: str) -> str:
    hint = "write a path below the project's folder with '/', like build/dags"
    parts = value.split("/")
    if not value or _UNPRINTABLE.search(value) or "\\" in value or re.match(r"^([A-Za-z]:|~)", value):
        raise refusal("bad-path", f"{_shown(value)} is not a relative path", hint)
    if value.startswith("/") or ".." in parts:
        raise refusal("bad-path", f"{_shown(value)} leaves the project's folder", hint)
    return "/".join(part for part in parts if part not in {"", "."}) or "."


def _shown(value: object) -> str:
    """A refused value as the user wrote it, or its sort where it is no scalar."""
    if isinstance(value, str):
        return repr(printable(value if len(value) <= 80 else value[:77] + "..."))
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, int | float):
        return str(value) if abs(value) <= MAX_INT else "this number"
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else type(value).__name__


def _schema(pattern: str, description: str, *examples: str) -> WithJsonSchema:
    """The JSON Schema of a text; without a pattern any text with at least one character."""
    rule: JsonSchemaValue = {"pattern": pattern} if pattern else {"minLength": 1}
    return WithJsonSchema({"type": "string", **rule, "description": description, "examples": list(examples)})


Name = Annotated[
    str, AfterValidator(_name), _schema(NAME_PATTERN, "A name: a-z, 0-9, '_' and '-', first a letter.", "daily-sales")
]
Duration = Annotated[
    float,
    BeforeValidator(_duration),
    _schema(_DURATION, "A duration: 90s, 15m, 24h or 90d.", "90s", "15m", "24h", "90d"),
]
Memory = Annotated[
    int, BeforeValidator(_memory), _schema(_MEMORY, "An amount of memory: 512Mi or 4Gi.", "512Mi", "4Gi")
]
Cpu = Annotated[
    float,
    BeforeValidator(_cpu),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number", "minimum": 0.001}, {"type": "string", "pattern": _CPU}],
            "description": "Processor cores, or thousandths of one with an m: 0.5, 2, 500m.",
            "examples": [0.5, 2, "500m"],
        }
    ),
]
Fraction = Annotated[
    float,
    BeforeValidator(_fraction),
    WithJsonSchema(
        {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "description": "A fraction between 0 and 1, never percent.",
            "examples": [0.8],
        }
    ),
]
Cron = Annotated[
    str,
    AfterValidator(_cron),
    _schema(_CRON, "A schedule: minute hour day month weekday, or a nickname.", "0 3 * * 1", *NICKNAMES),
]
TimeZone = Annotated[
    str, AfterValidator(_time_zone), _schema("", "An IANA time zone.", "UTC", "Europe/Berlin", "America/Chicago")
]
ColumnName = Annotated[str, AfterValidator(_column), _schema("", "The name of a column, as in the data.", "Cover_Type")]
DottedName = Annotated[
    str, AfterValidator(_dotted), _schema(_DOTTED, "A dotted Python name.", "sklearn.linear_model.LogisticRegression")
]
Entrypoint = Annotated[
    str,
    AfterValidator(_entrypoint),
    _schema(_ENTRYPOINT, "A Python function of the project: module.path:function.", "trainers.torch_mlp:fit"),
]
Uri = Annotated[
    str,
    AfterValidator(_uri),
    _schema("", "A path relative to the project file, or a URI.", "../data/penguins.csv", "gs://bucket/data"),
]
RelativePath = Annotated[
    str, AfterValidator(_relative), _schema("", "A path below the project's folder, with '/'.", "build/dags")
]
BoundedInt = Annotated[int, Field(ge=-MAX_INT - 1, le=MAX_INT)]
Count = Annotated[int, Field(ge=0, le=MAX_INT)]
PositiveCount = Annotated[int, Field(ge=1, le=MAX_INT)]


class SecretRef(Spec):
    """A secret by its name: ``{secret: NAME}``; the process that needs it reads the environment variable NAME."""

    secret: Annotated[
        str, AfterValidator(_secret_name), _schema(_SECRET, "The name of an environment variable.", "MLFLOW_TOKEN")
    ]
