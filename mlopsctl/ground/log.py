"""Logs: structured lines on stderr, for a person or as JSON, with secrets masked and control characters spelled out.

``log = log_for("registry")`` costs nothing; structlog is loaded with the first line that is really written. What a
command prints as its result goes to stdout and is no log.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mlopsctl.ground.digest import Json
from mlopsctl.ground.redact import forget_secrets, redact, register_secret
from mlopsctl.ground.text import printable

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger, Processor, WrappedLogger

__all__ = ["Log", "configure", "forget_secrets", "log_for", "redact", "register_secret"]

Format = Literal["console", "json"]

_LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO, 2: logging.DEBUG}


@dataclass(slots=True)
class _Settings:
    format: Format = "console"
    level: int = logging.WARNING
    loaded: bool = False


_settings = _Settings()


def configure(format: Format = "console", verbosity: int = 0) -> None:
    """Choose how logs look and how much of them is written.

    Args:
        format: ``console`` for a person, ``json`` for one object a line.
        verbosity: -1 errors only, 0 also warnings, 1 also information, 2 everything.
    """
    _settings.format = format
    _settings.level = _LEVELS[max(-1, min(2, verbosity))]
    _settings.loaded = False


@dataclass(frozen=True, slots=True)
class Log:
    """A named logger with bound fields; ``bind`` gives one with more of them."""

    name: str
    fields: Mapping[str, Json]

    def bind(self, **fields: Json) -> Log:
        """The same logger, which adds these fields to each line."""
        return Log(self.name, {**self.fields, **fields})

    def debug(self, event: str, **fields: Json) -> None:
        """What only whoever debugs the tool wants."""
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: Json) -> None:
        """What happens, for whoever watches."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: Json) -> None:
        """Something a person should look at, though the command goes on."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: Json) -> None:
        """Something failed."""
        self._write(logging.ERROR, event, fields)

    def _write(self, level: int, event: str, fields: Mapping[str, Json]) -> None:
        if level >= _settings.level:
            _structlog().log(level, event, logger=self.name, **{**self.fields, **fields})


def log_for(name: str) -> Log:
    """The logger of a part of the tool."""
    return Log(name, {})


def _structlog() -> FilteringBoundLogger:
    """structlog, set up as :func:`configure` said; loaded when the first line is written."""
    import structlog

    if not _settings.loaded:
        structlog.configure(
            processors=_processors(_settings.format),
            wrapper_class=structlog.make_filtering_bound_logger(_settings.level),
            # Read at each line, so that a redirected stderr is respected.
            logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
            cache_logger_on_first_use=False,
        )
        _settings.loaded = True
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def _processors(format: Format) -> list[Processor]:
    import structlog

    common: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _safe,
    ]
    if format == "json":
        return [*common, structlog.processors.JSONRenderer(sort_keys=True)]
    return [*common, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)]


def _safe(_: WrappedLogger, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask secrets, then spell out what could move a cursor or forge a line."""
    return {printable(redact(str(key))): _safe_value(value) for key, value in line.items()}


def _safe_value(value: object) -> Json:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {printable(redact(str(key))): _safe_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe_value(item) for item in value]
    return printable(redact(str(value)))
