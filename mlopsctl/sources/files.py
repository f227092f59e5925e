"""What the sources that read files share: finding the files a URI names, and the digest of their bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, field_validator

from mlopsctl.ground.digest import Json, digest_json
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import Uri, refusal
from mlopsctl.sources.fingerprint import file_digest

# Signatures and keys as they stand in the URLs of Google, Amazon, Azure and others; a user, who may be a token.
_TOKEN = re.compile(
    r"[?&](?:x-(?:goog|amz)-(?:signature|credential|security-token)|signature|sig|se|token|access_token|auth|api_?key|key"
    r"|awsaccesskeyid|googleaccessid)=",
    re.IGNORECASE,
)
_USER = re.compile(r"^https?://[^/?#]*@", re.IGNORECASE)
_GLOB = re.compile(r"[*?\[]")
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")


class FileSource(Spec):
    """The base of the sources whose rows stand in files."""

    uri: Uri = Field(
        title="Location",
        description="A file, relative to the project file, for example data/rows.csv, or a URL such as "
        "gs://bucket/rows.csv; parquet also takes a folder or a pattern such as data/*.parquet.",
    )

    _suffix: ClassVar[str] = ""

    @field_validator("uri")
    @classmethod
    def _without_secrets(cls, uri: str) -> str:
        if _SCHEME.match(uri) and (_TOKEN.search(uri) or _USER.match(uri)):
            hint = "take it out: credentials come from the machine's surroundings; a signed URL is one, too"
            raise refusal("literal-secret", "this URL holds a secret", hint)
        return uri

    @property
    def remote(self) -> bool:
        """Whether the rows lie behind a URL."""
        return _SCHEME.match(self.uri) is not None and not self.uri.startswith("file://")

    def resolved(self, project: Path) -> tuple[str, ...]:
        """What is read: a URL as written, or one absolute path (of the file, the folder or the pattern)."""
        return (self.uri,) if self.remote else (str(self._path(project)),)

    def files(self, project: Path) -> tuple[Path, ...]:
        """The files to read, in the order of their names; those behind a URL are brought here first, see :meth:`here`.

        Raises:
            StepProblem: when there is no such file, or it cannot be read.
        """
        if self.remote:
            raise StepProblem.because(
                "unsupported-location",
                f"{self.uri} cannot be read here",
                hint="copy the data beside the project and write its path",
            )
        path = self._path(project)
        found = self._expand(path)
        if not found:
            message, hint = self._missing(path)
            raise StepProblem.because("missing-data", message, hint=hint)
        for file in found:
            if not file.is_file():
                raise StepProblem.because("not-a-file", f"{file} is not a regular file", hint="name a data file")
        return found

    def here(self, folder: Path, urls: dict[Path, str]) -> Self:
        """This source with its files on this machine: brought into a new folder, where they lie behind a URL.

        ``urls`` learns which URL that folder stands for.

        Raises:
            StepProblem: when there are none, they change meanwhile, or they come damaged.
            ObjectsUnavailable: when the place cannot be reached, or refuses.
        """
        if not self.remote:
            return self
        from mlopsctl.sources.elsewhere import bring, located

        urls[folder] = located(self.uri).root
        return self.model_copy(update={"uri": str(bring(self.uri, folder, self._suffix))})

    def fingerprint(self, project: Path, memo: Path | None = None) -> str:
        """The digest of the bytes, for the step's key; ``memo`` remembers those of unchanged files.

        Of files behind a URL nothing is read: what the place says of them stands for the bytes.

        Raises:
            StepProblem: see :meth:`files`.
            ObjectsUnavailable: when the place cannot be reached, or refuses.
        """
        if self.remote:
            from mlopsctl.sources.elsewhere import found_at, identity

            return identity(self.uri, found_at(self.uri, self._suffix))
        found = self.files(project)
        entries: list[Json] = [[_name_in(file, self._path(project)), file_digest(file, memo)] for file in found]
        return digest_json("mlopsctl/source/v1", entries)

    def outside(self) -> dict[str, str]:
        """The data outside the project that is read: a name for it, by the dotted path of the key that asks for it."""
        return {"uri": self.uri}

    def fingerprints(self, project: Path, memo: Path | None = None) -> dict[str, str]:
        """The digest of each of these data, by its name.

        Raises:
            StepProblem: when it cannot be read.
        """
        return {self.uri: self.fingerprint(project, memo)}

    def _expand(self, path: Path) -> tuple[Path, ...]:
        return (path,) if path.is_file() else ()

    def _path(self, project: Path) -> Path:
        return (project / self.uri.removeprefix("file://")).resolve()

    def _missing(self, path: Path) -> tuple[str, str]:
        """Message and hint for data that is not there."""
        if path.is_dir():
            return f"{path} is a folder, not a file", "name the file in it"
        near = _neighbour(path)
        hint = f"did you mean {near}? " if near else ""
        return (
            f"there is no file {path}",
            f"{hint}`uri: {self.uri}` is relative to the folder of the project file; correct it or put the file there",
        )


def globbed(path: Path) -> tuple[Path, ...]:
    """The files a pattern such as ``data/*.parquet`` names, sorted."""
    parts = path.parts
    first = next((i for i, part in enumerate(parts) if _GLOB.search(part)), None)
    if first is None:
        return ()
    base = Path(*parts[:first])
    return tuple(sorted(found for found in base.glob(str(Path(*parts[first:]))) if found.is_file()))


def _name_in(file: Path, root: Path) -> str:
    """The file's name below what the user wrote; a single file has no name of its own, so that it may move."""
    if file == root:
        return ""
    parts = root.parts
    first = next((i for i, part in enumerate(parts) if _GLOB.search(part)), len(parts))
    return str(file.relative_to(Path(*parts[:first])))


def _neighbour(path: Path) -> str:
    """A file of that folder whose name is nearly the one written."""
    from difflib import get_close_matches

    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    return next(iter(get_close_matches(path.name, names, n=1)), "")
