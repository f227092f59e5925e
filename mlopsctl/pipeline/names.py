"""Names that leave the project: the registered model and the alias of an environment's champion."""

from __future__ import annotations

DEFAULT_ENVIRONMENT = "default"


def model_name(project: str) -> str:
    """The registered model of a project; one name, whatever the environment."""
    return project


def pipeline_name(project: str, environment: str) -> str:
    """What an orchestrator calls the pipeline: the project's name, with the environment where it declares some."""
    return project if environment == DEFAULT_ENVIRONMENT else f"{project}-{environment}"


def alias_of(environment: str) -> str:
    """The alias of the champion: ``champion``, or ``champion-<environment>`` where the project declares some."""
    return "champion" if environment == DEFAULT_ENVIRONMENT else f"champion-{environment}"
