"""Environment variables that say who a process is towards Google Cloud and where it asks: names and paths, no secrets.

A process that reads a bucket or BigQuery gets them besides what every process gets, and so finds the credentials of
its surroundings: those of ``gcloud``, of a file, or of the machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

_PATHS = frozenset({"GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG"})
_NAMES = frozenset(
    {
        "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_QUOTA_PROJECT", "GOOGLE_CLOUD_UNIVERSE_DOMAIN", "GCE_METADATA_HOST",
        "GCE_METADATA_IP", "NO_GCE_CHECK",
        # Where an emulator stands in.
        "BIGQUERY_EMULATOR_HOST", "STORAGE_EMULATOR_HOST",
    }
)  # fmt: skip


def google(ambient: Mapping[str, str]) -> dict[str, str]:
    """Those of the variables that are set, with paths made absolute: who gets them may run in another folder."""
    found = {name: value for name, value in ambient.items() if name in _NAMES}
    return found | {name: os.path.abspath(value) for name, value in ambient.items() if name in _PATHS and value}
