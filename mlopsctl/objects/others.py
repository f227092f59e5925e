"""Any place that fsspec knows: ``s3://``, ``abfs://``, ``https://``, ``memory://`` and more.

What two writers may do at once depends on the place: where it has no create-only write, the last of two equal writes
stays. Its client tries again by itself, as it is set up.
"""

from __future__ import annotations

import base64
import datetime
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from mlopsctl.objects.content import Content, ContentChanged
from mlopsctl.objects.contract import Stored
from mlopsctl.objects.problems import ObjectsUnavailable, half_done, reason, refused, unreachable

_AT_ONCE = 8 << 20
_PIECE = 1 << 20
_WRITTEN = ("LastModified", "last_modified", "mtime", "modified", "updated", "created", "Last-Modified")
_VERSIONS = ("generation", "VersionId", "ETag", "etag", "e_tag")

_HINTS = {
    401: "set the credentials where the place's own programs look for them, such as ~/.aws or the environment",
    403: "let the credentials of this machine read and write there, or use others",
}


class OtherObjects:
    """See :class:`~mlopsctl.objects.contract.Objects`."""

    def __init__(self, url: str) -> None:
        import fsspec

        self._scheme = urlsplit(url).scheme
        try:
            # What was listed a minute ago is not what is there.
            filesystem, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except (ValueError, ImportError) as error:
            raise ObjectsUnavailable.because(
                "unknown-place",
                f"{url!r} cannot be used: {error}",
                hint=f"use gs://, a folder, or a URL that fsspec knows: pip install 'fsspec[{self._scheme}]'",
            ) from error
        self.url = url.rstrip("/")
        self._fs: Any = filesystem
        self._root = str(root).rstrip("/")

    def about(self, name: str) -> Stored | None:
        try:
            with self._calling("look at", name):
                found = self._fs.info(self._path(name))
        except FileNotFoundError:
            return None
        return None if found.get("type") == "directory" else self._stored(name, found)

    def list(self, prefix: str) -> Iterator[Stored]:
        folder = prefix.rpartition("/")[0]
        inside = self._path(folder) if folder else self._root
        try:
            with self._calling("list", prefix):
                self._fs.invalidate_cache()
                found: dict[str, dict[str, Any]] = self._fs.find(inside, detail=True)
        except FileNotFoundError:
            return
        for path in sorted(found):
            name = path.removeprefix(self._root).lstrip("/")
            if name.startswith(prefix) and found[path].get("type") != "directory":
                yield self._stored(name, found[path])

    def download(self, name: str, target: BinaryIO, version: str = "") -> None:
        before = self._wanted(name, version)
        with self._calling("read", name):
            if 0 <= before.size <= _AT_ONCE:
                target.write(self._fs.cat_file(self._path(name)))
            else:
                # Not every web server gives a part of a file.
                whole = {"block_size": 0} if self._scheme in ("http", "https") else {}
                with self._fs.open(self._path(name), "rb", **whole) as stream:
                    while chunk := stream.read(_PIECE):
                        target.write(chunk)

    def create(self, name: str, content: Content) -> None:
        if content.size > _AT_ONCE:
            if self.about(name) is not None:
                raise FileExistsError(name)
            self._stream(name, content)
            return
        content.rewind()
        held = content.read(_AT_ONCE)
        with self._calling("write", name):
            self._make_folder(name)
            self._fs.pipe_file(self._path(name), held, mode="create")
        self._verify(name, content)

    def replace(self, name: str, content: Content, seen: Stored | None = None) -> None:
        if content.size > _AT_ONCE:
            self._stream(name, content)
            return
        content.rewind()
        held = content.read(_AT_ONCE)
        with self._calling("write", name):
            self._make_folder(name)
            self._fs.pipe_file(self._path(name), held)
        self._verify(name, content)

    def touch(self, seen: Stored, content: Content) -> None:
        self.replace(seen.name, content, seen)

    def remove(self, name: str, version: str = "") -> None:
        with suppress(FileNotFoundError):
            if version:
                self._wanted(name, version)
            with self._calling("remove", name):
                self._fs.rm_file(self._path(name))

    def move(self, name: str, to: str) -> None:
        with suppress(FileNotFoundError), self._calling("move", name):
            self._make_folder(to)
            self._fs.mv(self._path(name), self._path(to))

    def uri(self, name: str) -> str:
        return f"{self.url}/{name}"

    def _stream(self, name: str, content: Content) -> None:
        """Write a large object; it is there when the place is told that it is whole."""
        content.rewind()
        with self._calling("write", name):
            self._make_folder(name)
            stream = self._fs.open(self._path(name), "wb", autocommit=False)
        try:
            with self._calling("write", name):
                while chunk := content.read(_PIECE):
                    stream.write(chunk)
                stream.close()
                stream.commit()
        except BaseException:
            with suppress(Exception):  # what went wrong first is told
                stream.discard()
            raise
        self._verify(name, content)

    def _verify(self, name: str, content: Content) -> None:
        found = self.about(name)
        if found is None or found.size == -1:
            return
        if found.size != content.size or (found.md5 and found.md5 != content.md5()):
            self.remove(name)
            raise half_done(f"write {self.uri(name)}", self._host())

    def _wanted(self, name: str, version: str) -> Stored:
        """The object, when it is still that version."""
        found = self.about(name)
        if found is None or (version and found.version != version):
            raise FileNotFoundError(name)
        return found

    def _make_folder(self, name: str) -> None:
        """Some places have folders; the others do nothing."""
        self._fs.makedirs(self._path(name).rpartition("/")[0], exist_ok=True)

    def _stored(self, name: str, info: Mapping[str, Any]) -> Stored:
        written = next((info[key] for key in _WRITTEN if info.get(key)), None)
        version = next((str(info[key]) for key in _VERSIONS if info.get(key)), "")
        md5 = _md5(info)
        size = info.get("size")
        version = version or (f"{size} bytes, {_seconds(written):.6f}" if written is not None else "")
        return Stored(
            name=name,
            size=-1 if size is None else int(size),
            written=_seconds(written),
            md5=md5,
            version=version,
            identity=f"md5:{md5}" if md5 else version,
        )

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _host(self) -> str:
        parts = urlsplit(self.url)
        return parts.netloc if parts.scheme in ("http", "https") else f"{parts.scheme}://{parts.netloc}"

    @contextmanager
    def _calling(self, action: str, name: str) -> Iterator[None]:
        """Turn whatever a foreign client raises into a problem; what is missing or there already stays what it is."""
        doing = f"{action} {self.uri(name)}"
        try:
            yield
        except FileNotFoundError as error:
            if action == "write":
                raise refused(doing, self._host(), 404, "there is no such place", hints=_HINTS) from error
            # The client for http says so of every failure; its cause tells them apart.
            cause = error.__cause__ if self._scheme in ("http", "https") else None
            status = int(getattr(cause, "status", 0))
            if cause is None or status in (404, 410):
                raise
            if status:
                raise refused(doing, self._host(), status, _words(cause), hints=_HINTS) from error
            raise unreachable(doing, self._host(), reason(cause)) from error
        except (FileExistsError, ContentChanged):
            raise
        except PermissionError as error:
            raise refused(doing, self._host(), 403, str(error), hints=_HINTS) from error
        # Every client has exceptions of its own, with no common base.
        except Exception as error:
            code = getattr(error, "status", None) or getattr(error, "code", None)
            if isinstance(code, int) and code >= 400:
                raise refused(doing, self._host(), code, _words(error), hints=_HINTS) from error
            if "credentials" in type(error).__name__.lower():
                raise refused(doing, self._host(), 401, str(error), hints=_HINTS) from error
            raise unreachable(doing, self._host(), reason(error)) from error


def _md5(info: Mapping[str, Any]) -> str:
    """The md5 of the content in hexadecimal, where the place says it."""
    found = info.get("md5Hash") or info.get("content_md5") or info.get("Content-MD5")
    if isinstance(found, bytes | bytearray):
        return bytes(found).hex()
    if not isinstance(found, str):
        return ""
    try:
        decoded = base64.b64decode(found, validate=True)
    except ValueError:
        return ""
    return decoded.hex() if len(decoded) == 16 else ""


def _seconds(written: object) -> float:
    """A moment as seconds since the epoch; now, where there is none."""
    if isinstance(written, datetime.datetime):
        return written.timestamp()
    if isinstance(written, int | float):
        return float(written)
    if isinstance(written, str):
        with suppress(ValueError):
            return datetime.datetime.fromisoformat(written).timestamp()
    return time.time()


def _words(error: object) -> str:
    return str(getattr(error, "message", "") or "")
