"""Tells people what came out."""

from pathlib import Path


def run(model: Path, vectors: Path, page: Path, scores: Path, *, channel: str) -> None:
    """Write nothing: this project is compiled, and never run."""


def stop(page: Path, *, channel: str) -> None:
    """Write nothing: this project is compiled, and never run."""
