"""A step that works after a while: it counts its attempts in a file beside the project."""

from pathlib import Path


def run(done: Path, *, fail: int) -> None:
    """Fail so many times, and leave half a result each time."""
    (done / "half.txt").write_text("half")
    counter = Path("attempts.txt")
    tried = len(counter.read_text()) if counter.exists() else 0
    counter.write_text("x" * (tried + 1))
    print("attempt", tried + 1)
    if tried < fail:
        raise ConnectionError("the service is away")
    (done / "half.txt").rename(done / "whole.txt")
