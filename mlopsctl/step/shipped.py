"""The environments that an image brings along: built with the image, so that no step has to install anything.

``python3 -P -m mlopsctl.step.shipped PINS FOLDER`` builds one below FOLDER for each ``*.txt`` in the folder PINS, a pin
a line. Steps look for them there before they build their own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mlopsctl.ground.files import write_atomic
from mlopsctl.step.environments import environment_of
from mlopsctl.step.install import CannotInstall, build


def ship(pins: Path, folder: Path) -> int:
    """Build the environments, and return how many there are; none where there is no such folder of pins.

    Raises:
        CannotInstall: when one cannot be built.
    """
    files = sorted(pins.glob("*.txt"))
    for file in files:
        text = file.read_text(encoding="utf-8")
        environment = environment_of(folder, tuple(text.splitlines()))
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(environment.requirements, text.encode())
        build(environment)
    return len(files)


def main() -> None:
    """Build what the arguments name; exit 1, with the reason on stderr, when that cannot be."""
    if len(sys.argv) != 3:
        sys.exit("usage: python3 -P -m mlopsctl.step.shipped PINS FOLDER")
    try:
        count = ship(Path(sys.argv[1]), Path(sys.argv[2]))
    except CannotInstall as error:
        sys.exit(f"{error.problem}\nhint: {error.hint}")
    print(f"{count} environment{'' if count == 1 else 's'} of pinned packages")


if __name__ == "__main__":
    main()
