"""What the registry holds, as values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit


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

    @property
    def folder(self) -> Path | None:
        """The folder of its files, where that is on this machine."""
        parts = urlsplit(self.source)
        if parts.scheme != "file" or parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
            return None
        folder = Path(unquote(parts.path))
        return folder if folder.is_dir() else None
