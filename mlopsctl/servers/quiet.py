"""MLflow as this tool wants it: it reports to nobody and looks at nothing around it."""

from __future__ import annotations

from collections.abc import Mapping

QUIET: Mapping[str, str] = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
"""Environment variables that must stand before MLflow is imported."""
