"""Where every value of a resolved project comes from: a place in the text, and the layer that put it there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlopsctl.config.document import Document, read_document
from mlopsctl.config.keys import value_at
from mlopsctl.config.load import Loaded
from mlopsctl.config.overlay import DEFAULT, base, overlay
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Span
from mlopsctl.ground.source import DocPath

_REFERENCE = re.compile(r"(?<!\$)\$\{(vars|parameters)\.([a-z][a-z0-9_-]*)\}")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from; ``layer`` is base, overlay, default, var or parameter, ``through`` the references."""

    layer: str
    span: Span | None = None
    through: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = "" if self.span is None else f"{self.span.file}:{self.span.line} "
        return f"{place}{self.layer}{' ' if self.through else ''}{', '.join(self.through)}"


class Origins:
    """The origins of one loaded project's values."""

    def __init__(self, loaded: Loaded, overridden: Sequence[str] = ()) -> None:
        self._whole = read_document(loaded.file, loaded.document.name)
        declared = "environments" in self._whole.data
        self._raw: Document = overlay(self._whole, loaded.environment) if declared else base(self._whole)
        self._environment = loaded.environment
        self._overridden = frozenset(overridden)

    def of(self, path: DocPath) -> Origin:
        """Where the value at this path comes from; what nobody wrote is a default."""
        if path[:1] == ("parameters",) and len(path) > 1 and path[1] in self._overridden:
            return Origin("-p")
        mark = self._raw.marks.get(path)
        if mark is None:
            return Origin("default")
        text = value_at(self._raw.data, path)
        found = _REFERENCE.findall(text) if isinstance(text, str) else []
        if found:
            layer = "parameter" if any(section == "parameters" for section, _ in found) else "var"
            return Origin(layer, mark.value, tuple(self._through(section, name) for section, name in found))
        return Origin("overlay" if self._overlaid(mark.value) else "base", mark.value)

    def _through(self, section: str, name: str) -> str:
        mark = self._raw.marks.get((section, name))
        place = f" ({mark.value.file}:{mark.value.line})" if mark is not None else ""
        return f"{section}.{name}{place}"

    def _overlaid(self, span: Span) -> bool:
        mark = self._whole.marks.get(("environments", self._environment))
        if mark is None:
            return False
        start = mark.key or mark.value
        return (start.line, start.column) <= (span.line, span.column) <= (mark.value.end_line, mark.value.end_column)


def resolved(loaded: Loaded) -> dict[str, Json]:
    """The project with every default filled in, as data in the language of ``mlops.yaml``.

    What the user wrote stays as written (``15m``, not 900.0). An environment's own section stands under
    ``environments``, so that the result is itself a project file.
    """
    defaults = loaded.project.model_dump(mode="json", by_alias=True, exclude_none=True)
    found = _filled(loaded.document.data, defaults)
    assert isinstance(found, dict)
    if loaded.project.training is None:
        found.pop("evaluation", None)
    promotion = found.pop("promotion", None)
    if loaded.environment != DEFAULT or promotion is not None:
        before: dict[str, Json] = {} if loaded.project.promotion is None else {str(loaded.project.promotion.source): {}}
        found["environments"] = {**before, loaded.environment: {} if promotion is None else {"promotion": promotion}}
    return found


def _filled(written: Json, defaults: Json) -> Json:
    """What is written, and after it what the models filled in."""
    if isinstance(written, Mapping) and isinstance(defaults, Mapping):
        order = [*written, *(key for key in defaults if key not in written and not _is_nothing(defaults[key]))]
        return {key: _filled(written[key], defaults.get(key)) if key in written else defaults[key] for key in order}
    if isinstance(written, list | tuple) and isinstance(defaults, list | tuple) and len(written) == len(defaults):
        return [_filled(one, other) for one, other in zip(written, defaults, strict=True)]
    return written


def _is_nothing(value: Json) -> bool:
    """Empty defaults say nothing to a reader."""
    return value is None or value == "" or (isinstance(value, Mapping | list | tuple) and not value)
