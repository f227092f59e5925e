"""Names that leave the project: the registered model and the alias of an environment's champion."""

from __future__ import annotations

DEFAULT_ENVIRONMENT = "default"


def model_name(project: str) -> str:
    """The registered model of a project; one name, whatever the environment."""
    return project


def alias_of(environment: str) -> str:
    """The alias of the champion: ``champion``, or ``champion-<environment>`` where the project declares some."""
    return "champion" if environment == DEFAULT_ENVIRONMENT else f"champion-{environment}"
