from pathlib import Path


def run(examples: Path, cleaned: Path, *, min_rows: int) -> None:
    """Take impossible rows out."""
