"""What the rows of the table are made from, and how a row is written down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlopsctl.config.load import Loaded
from mlopsctl.ground.errors import Span
from mlopsctl.ground.source import DocPath
from mlopsctl.lowering.lower import Lowered
from mlopsctl.orchestrators.portability.table import NAMES, Row, Support
from mlopsctl.orchestrators.specs import Kubeflow, Vertex
from mlopsctl.triggers import ScheduleTrigger


@dataclass(frozen=True, slots=True)
class Scene:
    """A project that is looked at for one engine."""

    loaded: Loaded
    lowered: Lowered
    engine: Kubeflow | Vertex

    @property
    def name(self) -> str:
        """The engine as people call it."""
        return NAMES[self.engine.kind]

    @property
    def wanted(self) -> tuple[str, ...]:
        """The state inputs that some step wants, sorted."""
        return tuple(sorted({name for step in self.lowered.pipeline.steps for name in step.state_inputs}))

    @property
    def scheduled(self) -> bool:
        """Whether the engine starts runs by itself."""
        return any(isinstance(trigger, ScheduleTrigger) for trigger in self.loaded.project.starting)

    def native(self, path: DocPath, how: str) -> Row:
        """The engine itself honours what stands at a place."""
        return self._row(path, Support.NATIVE, how)

    def emulated(self, path: DocPath, how: str) -> Row:
        """Mlopsctl honours it in the engine's place."""
        return self._row(path, Support.EMULATED, how)

    def refused(self, path: DocPath, why: str, hint: str) -> Row:
        """Nobody honours it."""
        return self._row(path, Support.REFUSED, why, hint)

    def place(self, path: DocPath) -> Span:
        """Where a property stands; the orchestrator, which makes it matter, where it is a default."""
        is_default = path[0] not in self.loaded.document.data
        return self.loaded.span(("orchestrator",), True) if is_default else self.loaded.span(path)

    def secret_place(self, name: str) -> Span:
        """Where a secret is first named."""
        found = next(_secrets(self.loaded.document.data, name, ()), ())
        return self.loaded.span(found)

    def _row(self, path: DocPath, support: Support, how: str, hint: str = "") -> Row:
        return Row(".".join(map(str, path)), support, how, self.place(path), hint)


def _secrets(value: object, name: str, path: DocPath) -> Iterator[DocPath]:
    if isinstance(value, dict):
        if value == {"secret": name}:
            yield path
        for key, item in value.items():
            yield from _secrets(item, name, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _secrets(item, name, (*path, index))
