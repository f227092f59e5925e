"""Drops what cannot be an order."""

from pathlib import Path


def run(examples: Path, seed: Path, cleaned: Path, report: Path, *, rate: float, title: str, words: list) -> None:
    """Write nothing: this project is compiled, and never run."""
