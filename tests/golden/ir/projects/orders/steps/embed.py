"""Turns orders into vectors."""

from pathlib import Path


def run(cleaned: Path, vectors: Path, *, depth: int) -> None:
    """Write nothing: this project is compiled, and never run."""
