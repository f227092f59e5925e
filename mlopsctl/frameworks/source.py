"""Which files of a project a module reaches; see :mod:`mlopsctl.ground.imports`."""

from mlopsctl.ground.imports import reachable_files

__all__ = ["reachable_files"]
