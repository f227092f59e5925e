"""What a tag names may change between two runs of the same commit."""

from __future__ import annotations

from collections.abc import Iterator

from mlopsctl.ground.errors import Severity
from mlopsctl.lints.lint import Finding, Lint, Scene


def look(scene: Scene) -> Iterator[Finding]:
    """Images without a digest."""
    for path, text in scene.texts():
        named = path[-1] in ("image", "base") and "/" in text
        if named and path[0] in ("orchestrator", "components", "training", "deployment") and "@sha256:" not in text:
            yield Finding(path, f"{text} may be another image tomorrow", "name it by digest: NAME@sha256:…")


LINT = Lint("image-by-tag", Severity.WARNING, "An image by its tag", ("D22",), look)
