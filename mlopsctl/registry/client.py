"""The registry as the rest of the tool sees it: versions by digest, and the alias of the champion.

A registry in a SQLite file is read directly, its aliases are moved directly, and files of it that lie on this machine
are copied: a plan and a release need not import MLflow. What registers goes through MLflow, and so does all that is
asked of a registry behind a URL.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mlopsctl.ground.errors import StepProblem
from mlopsctl.registry.connect import asking, or_none
from mlopsctl.registry.package import DIGEST_KEY, packed_folder
from mlopsctl.registry.records import RegisteredVersion
from mlopsctl.registry.sqlite import Unreadable, delete_alias, path_of, read_versions, write_alias

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

__all__ = ["RegisteredVersion", "Registry"]

T = TypeVar("T")


class Registry:
    """The model registry at an MLflow tracking address.

    Every method raises a :class:`~mlopsctl.ground.errors.Problem` that names the address when it cannot be reached.
    """

    def __init__(self, tracking_uri: str) -> None:
        """``tracking_uri``: ``sqlite:///…`` with an absolute path, or ``http(s)://…``."""
        self._tracking = tracking_uri
        self._file = path_of(tracking_uri)

    def healthy(self) -> bool:
        """Whether it can be asked."""
        try:
            self.versions("mlopsctl-health")
        except StepProblem:
            return False
        return True

    def versions(self, name: str) -> tuple[RegisteredVersion, ...]:
        """The model's ready versions, the newest first; none when the model is not registered."""
        if self._absent():
            return ()
        return self._either(lambda file: read_versions(file, name, DIGEST_KEY), lambda: self._asked_versions(name))

    def find(self, name: str, digest: str) -> RegisteredVersion | None:
        """The newest ready version of that model digest."""
        return next((found for found in self.versions(name) if found.digest == digest), None)

    def champion(self, name: str, alias: str) -> RegisteredVersion | None:
        """The ready version the alias points to."""
        if self._absent():
            return None
        return self._either(
            lambda file: next(iter(read_versions(file, name, DIGEST_KEY, alias)), None),
            lambda: self._asked_champion(name, alias),
        )

    def set_champion(self, name: str, alias: str, version: str) -> None:
        """Point the alias at the version, and read it back; nothing is written when it points there already.

        Raises:
            Problem: when there is no such version, or somebody else moved the alias at the same time.
        """
        standing = self.champion(name, alias)
        if standing is not None and standing.version == version:
            return
        self._either(
            lambda file: write_alias(file, name, alias, version), lambda: self._ask_alias(name, alias, version)
        )
        now = self.champion(name, alias)
        if now is None or now.version != version:
            found = f"version {now.version}" if now is not None else "nothing"
            raise StepProblem.because(
                "alias-moved",
                f"{alias} of {name} was pointed at version {version}, and points at {found}",
                hint="somebody else moves this alias in the registry; run the command again",
            )

    def delete_alias(self, name: str, alias: str) -> None:
        """Remove the alias where it exists; versions stay."""
        if self.champion(name, alias) is None:
            return
        self._either(lambda file: delete_alias(file, name, alias), lambda: self._ask_no_alias(name, alias))

    def download(self, name: str, version: str, destination: Path, digest: str = "") -> Path:
        """Fetch the version's MLflow model folder to ``destination``, which then holds all of it or does not exist.

        Args:
            digest: of the model that it must be; by default what the version's tag says.

        Raises:
            Problem: when there is no such version, its files are gone, or they are not the model its digest names.
        """
        found = self._version(name, version)
        destination.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{destination.name}-", dir=destination.parent))
        try:
            fetched = self._fetched(found, staging)
            _verify(fetched, digest or found.digest, f"{name} version {version}")
            if destination.exists():
                shutil.rmtree(destination)
            os.rename(fetched, destination)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return destination

    def _absent(self) -> bool:
        """Whether it is a file that nobody has made yet."""
        return self._file is not None and not self._file.exists()

    def _either(self, directly: Callable[[Path], T], asked: Callable[[], T]) -> T:
        """What is done with the file itself; where there is none, or one of another kind, MLflow is asked."""
        if self._file is not None:
            with suppress(Unreadable):
                return directly(self._file)
        return asked()

    def _ask_no_alias(self, name: str, alias: str) -> None:
        with asking(self._tracking) as client:
            client.delete_registered_model_alias(name, alias)

    def _ask_alias(self, name: str, alias: str, version: str) -> None:
        with asking(self._tracking) as client:
            if or_none(lambda: client.get_model_version(name, version)) is None:
                raise self._no_version(name, version)
            client.set_registered_model_alias(name, alias, version)

    def _version(self, name: str, version: str) -> RegisteredVersion:
        """A version with the place that its files are fetched from."""
        if self._file is not None:
            standing = next((one for one in self.versions(name) if one.version == version), None)
            if standing is not None and standing.folder is not None:
                return standing
        with asking(self._tracking) as client:
            found = or_none(lambda: client.get_model_version(name, version))
            if found is None:
                raise self._no_version(name, version)
            return replace(_registered(found), source=client.get_model_version_download_uri(name, version))

    def _fetched(self, version: RegisteredVersion, staging: Path) -> Path:
        what = f"{version.name} version {version.version} at {version.source}"
        folder = version.folder
        if folder is not None:
            _copy(folder, staging / "model", what)
        else:
            self._download(version.source, staging / "model", what)
        found = next(iter(sorted(staging.rglob("MLmodel"))), None)
        if found is None:
            raise StepProblem.because(
                "model-files-gone",
                f"the registry has no model files for {what}",
                hint="restore them, or register the model again with `mlopsctl apply`",
            )
        return found.parent

    def _download(self, source: str, target: Path, what: str) -> None:
        from mlflow.artifacts import download_artifacts

        with asking(self._tracking, f"the files of {what}"):
            download_artifacts(artifact_uri=source, dst_path=str(target), tracking_uri=self._tracking)

    def _asked_versions(self, name: str) -> tuple[RegisteredVersion, ...]:
        quoted = name.replace("'", "''")
        found: list[ModelVersion] = []
        token = None
        with asking(self._tracking) as client:
            while True:
                page = client.search_model_versions(f"name='{quoted}'", max_results=1_000, page_token=token)
                found += page
                token = page.token
                if not token:
                    break
        ready = [one for one in found if one.status == "READY"]
        return tuple(_registered(one) for one in sorted(ready, key=lambda one: int(one.version), reverse=True))

    def _asked_champion(self, name: str, alias: str) -> RegisteredVersion | None:
        with asking(self._tracking) as client:
            found = or_none(lambda: client.get_model_version_by_alias(name, alias))
        return _registered(found) if found is not None and found.status == "READY" else None

    def _no_version(self, name: str, version: str) -> StepProblem:
        return StepProblem.because(
            "no-such-version",
            f"the registry has no version {version} of {name}",
            hint="`mlopsctl plan` says what is registered; `mlopsctl apply` registers what is released and missing",
        )


def _registered(found: ModelVersion) -> RegisteredVersion:
    digest = (found.tags or {}).get(DIGEST_KEY, "")
    return RegisteredVersion(found.name, str(found.version), digest, found.run_id or "", found.source or "")


def _copy(folder: Path, target: Path, what: str) -> None:
    try:
        shutil.copytree(folder, target)
    except OSError as problem:
        raise StepProblem.because(
            "registry-failed", f"the files of {what} cannot be had: {problem}", hint="see that this user may read them"
        ) from problem


def holds_model(model_dir: Path, digest: str) -> bool:
    """Whether an MLflow model folder holds the very model of that digest."""
    from mlopsctl.artifacts.manifest import folder_digest

    packed = packed_folder(model_dir)
    return packed is not None and folder_digest(packed) == digest


def _verify(fetched: Path, digest: str, what: str) -> None:
    """A registry can be written by others, so the model's bytes are checked against the digest that was released."""
    if digest and not holds_model(fetched, digest):
        raise StepProblem.because(
            "model-changed",
            f"the files of {what} are not the model {digest} that was registered",
            hint="somebody changed the registry's files; register the model again under another name, or restore them",
        )
