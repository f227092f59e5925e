"""A bucket that Airflow reads DAGs from, as Cloud Composer does: each object is replaced only as it was seen."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Mapping

from mlopsctl.ground.errors import StepProblem
from mlopsctl.objects.content import Content
from mlopsctl.objects.contract import Objects, Stored
from mlopsctl.objects.opening import open_objects
from mlopsctl.orchestrators.airflow.folder import in_order

_TRIES = 3


class BucketOfDags:
    """See :class:`~mlopsctl.orchestrators.airflow.files.DagFiles`. Credentials are the ambient ones."""

    def __init__(self, url: str, opening: Callable[[str], Objects] = open_objects) -> None:
        self._url = url
        self._opening = opening
        self._opened: Objects | None = None

    @property
    def where(self) -> str:
        return self._url

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        found = {name: self._content(name, self._objects.about(name)) for name in in_order(names)}
        return {name: content for name, content in found.items() if content is not None}

    def write(self, files: Mapping[str, bytes], why: str) -> None:
        for name in in_order(files):
            self._replace(name, files[name])

    def remove(self, names: Collection[str], why: str) -> tuple[str, ...]:
        removed = []
        for name in reversed(in_order(names)):
            seen = self._objects.about(name)
            if seen is not None:
                self._objects.remove(name, seen.version)
                removed.append(name)
        return tuple(removed)

    def _replace(self, name: str, content: bytes) -> None:
        """Write an object unless it is so already.

        Raises:
            StepProblem: when others write it again and again.
        """
        for _ in range(_TRIES):
            seen = self._objects.about(name)
            if self._content(name, seen) == content:
                return
            try:
                if seen is None:
                    self._objects.create(name, Content.of(content))
                else:
                    self._objects.replace(name, Content.of(content), seen)
            except FileExistsError:
                continue
            return
        raise StepProblem.because(
            "dags-not-written",
            f"the DAG cannot be written: somebody else writes {self._objects.uri(name)} at the same time",
            hint="let only one environment, and nobody by hand, write this DAG; then apply again",
        )

    def _content(self, name: str, seen: Stored | None) -> bytes | None:
        if seen is None:
            return None
        target = io.BytesIO()
        try:
            self._objects.download(name, target, seen.version)
        except FileNotFoundError:
            return None
        return target.getvalue()

    @property
    def _objects(self) -> Objects:
        if self._opened is None:
            self._opened = self._opening(self._url)
        return self._opened
