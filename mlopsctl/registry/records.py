"""What the registry holds, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """One version of a registered model.

    ``digest`` is the model artifact's, empty for a version that somebody else registered; ``run`` the MLflow run's id;
    ``source`` where MLflow keeps its files.
    """

    name: str
    version: str
    digest: str
    run: str
    source: str
