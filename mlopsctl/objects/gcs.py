"""``gs://``: Google Cloud Storage through Google's own client, with preconditions wherever two writers could meet.

gcsfs would do for reading; it retries a create without knowing whether the lost reply said yes. Here every object
carries a mark of its writer, so a refusal after a lost reply is told from another writer's object.
"""

from __future__ import annotations

import base64
import os
import secrets
import threading
import time
import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from mlopsctl.ground.errors import Problem
from mlopsctl.objects.content import Content
from mlopsctl.objects.contract import Stored
from mlopsctl.objects.patience import Patience
from mlopsctl.objects.problems import ObjectsUnavailable, half_done, reason, refused, unreachable

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.cloud.storage import Blob, Bucket, Client

AT_ONCE = 8 << 20
TIMEOUT = (10.0, 120.0)
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_WRITER, _TOUCHED = "mlopsctl-writer", "mlopsctl-touched"
_FIELDS = "items(name,size,updated,md5Hash,generation,metageneration),nextPageToken"
_LOGIN = "run `gcloud auth application-default login`, or let GOOGLE_APPLICATION_CREDENTIALS name a key file"
_FORGOT = "forgot the upload three times before it was whole"
_EMULATOR = "STORAGE_EMULATOR_HOST"


class GoogleObjects:
    """See :class:`~mlopsctl.objects.contract.Objects`. Credentials are the ambient ones; without any, nobody's."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url.replace("gcs://", "gs://", 1))
        if not parts.netloc:
            raise ObjectsUnavailable.because(
                "bad-url", f"{url!r} names no bucket", hint="write it like gs://bucket/folder"
            )
        self.url = f"gs://{parts.netloc}{parts.path}"
        self._bucket_name = parts.netloc
        self._below = f"{parts.path.strip('/')}/" if parts.path.strip("/") else ""
        self._lock = threading.Lock()
        self._client: Client | None = None

    def about(self, name: str) -> Stored | None:
        with self._calling("look at", name) as patience:
            blob = self._bucket().get_blob(self._below + name, retry=patience.retry(), timeout=TIMEOUT)
        return None if blob is None else self._stored(blob)

    def list(self, prefix: str) -> Iterator[Stored]:
        try:
            with self._calling("list", prefix) as patience:
                asked = self._opened().list_blobs(
                    self._bucket(), prefix=self._below + prefix, fields=_FIELDS, retry=patience.retry(), timeout=TIMEOUT
                )
                for blob in asked:
                    if not blob.name.endswith("/"):  # a folder, as the console makes them
                        yield self._stored(blob)
        except FileNotFoundError as error:
            raise self._no_bucket("list", prefix) from error

    def download(self, name: str, target: BinaryIO, version: str = "") -> None:
        generation = int(version.partition(".")[0]) if version else None
        with self._calling("read", name) as patience:
            blob = self._bucket().blob(self._below + name, generation=generation)
            blob.download_to_file(target, raw_download=True, checksum=None, retry=patience.retry(), timeout=TIMEOUT)

    def create(self, name: str, content: Content) -> None:
        self._write(name, content, 0)

    def replace(self, name: str, content: Content, seen: Stored | None = None) -> None:
        self._write(name, content, None if seen is None else int(seen.version.partition(".")[0]))

    def touch(self, seen: Stored, content: Content) -> None:
        generation = int(seen.version.partition(".")[0])
        try:
            with self._calling("touch", seen.name) as patience:
                blob = self._bucket().blob(self._below + seen.name, generation=generation)
                blob.metadata = {_TOUCHED: str(int(time.time()))}
                blob.patch(if_generation_match=generation, retry=patience.retry(), timeout=TIMEOUT)
        except FileNotFoundError as error:
            raise FileExistsError(seen.name) from error

    def remove(self, name: str, version: str = "") -> None:
        generation, _, touched = version.partition(".")
        with suppress(FileNotFoundError, FileExistsError), self._calling("remove", name) as patience:
            self._bucket().blob(self._below + name).delete(
                if_generation_match=int(generation) if generation else None,
                if_metageneration_match=int(touched) if touched else None,
                retry=patience.retry(),
                timeout=TIMEOUT,
            )

    def move(self, name: str, to: str) -> None:
        with suppress(FileNotFoundError), self._calling("move", name) as patience:
            bucket = self._bucket()
            source = bucket.get_blob(self._below + name, retry=patience.retry(), timeout=TIMEOUT)
            if source is None:
                return
            token = None
            while True:
                token, _, _ = bucket.blob(self._below + to).rewrite(
                    source, token=token, retry=patience.retry(), timeout=TIMEOUT
                )
                if token is None:
                    break
            self.remove(name, str(source.generation))

    def uri(self, name: str) -> str:
        return f"{self.url}/{name}"

    def _write(self, name: str, content: Content, generation: int | None) -> None:
        """Write an object whose generation is that one; 0: that is not there, ``None``: whatever is there."""
        mark = secrets.token_hex(8)
        try:
            with self._calling("write", name) as patience:
                found = self._sent(name, content, generation, mark, patience)
        except FileNotFoundError as error:
            raise self._no_bucket("write", name) from error
        except FileExistsError:
            # The reply to an earlier try may have been lost.
            with self._calling("look at", name) as patience:
                there = self._bucket().get_blob(self._below + name, retry=patience.retry(), timeout=TIMEOUT)
            if there is None or (there.metadata or {}).get(_WRITER) != mark:
                raise
            found = self._stored(there)
        if found.size != content.size or (found.md5 and found.md5 != content.md5()):
            self.remove(name, found.version)
            raise half_done(f"write {self.uri(name)}", self._host())

    def _sent(self, name: str, content: Content, generation: int | None, mark: str, patience: Patience) -> Stored:
        blob = self._bucket().blob(self._below + name)
        blob.metadata = {_WRITER: mark}
        if content.size > AT_ONCE:
            return self._sent_in_pieces(name, blob, content, generation)
        content.rewind()
        blob.upload_from_string(
            content.read(AT_ONCE),
            content_type="application/octet-stream",
            checksum="md5",
            if_generation_match=generation,
            retry=patience.retry(),
            timeout=TIMEOUT,
        )
        return self._stored(blob)

    def _sent_in_pieces(self, name: str, blob: Blob, content: Content, generation: int | None) -> Stored:
        import requests

        from mlopsctl.objects.resumable import SessionLost, send

        for last in (False, False, True):
            content.rewind()
            url = blob.create_resumable_upload_session(
                content_type="application/octet-stream",
                size=content.size,
                checksum=None,
                if_generation_match=generation,
                retry=Patience().retry(),
                timeout=TIMEOUT,
            )
            try:
                with requests.Session() as line:
                    described = send(line, url, content)
            except SessionLost:
                if last:
                    raise half_done(f"write {self.uri(name)}", self._host(), _FORGOT) from None
                continue
            made = self._bucket().get_blob(
                self._below + name,
                generation=int(str(described["generation"])),
                retry=Patience().retry(),
                timeout=TIMEOUT,
            )
            if made is not None:
                return self._stored(made)
            raise FileExistsError(name)  # replaced at once by another writer
        raise AssertionError("the last try returns or raises")

    def _stored(self, blob: Blob) -> Stored:
        md5 = base64.b64decode(blob.md5_hash).hex() if blob.md5_hash else ""
        return Stored(
            name=blob.name[len(self._below) :],
            size=int(blob.size or 0),
            written=blob.updated.timestamp() if blob.updated else time.time(),
            md5=md5,
            version=f"{blob.generation}.{blob.metageneration or ''}",
            identity=f"md5:{md5}" if md5 else f"generation:{blob.generation}",
        )

    def _bucket(self) -> Bucket:
        return self._opened().bucket(self._bucket_name)

    def _opened(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = _client()
                weakref.finalize(self, self._client.close)
            return self._client

    def _host(self) -> str:
        return urlsplit(os.environ.get(_EMULATOR, "")).netloc or "storage.googleapis.com"

    @contextmanager
    def _calling(self, action: str, name: str) -> Iterator[Patience]:
        """Turn what goes wrong into a problem; 404 and 412 into what they mean for a file."""
        patience, doing = Patience(), f"{action} {self.uri(name)}"
        try:
            import google.cloud.storage  # noqa: F401
            import requests
            from google.api_core import exceptions
            from google.auth.exceptions import GoogleAuthError, InvalidOperation, TransportError
        except ImportError as error:
            raise ObjectsUnavailable.because(
                "no-client",
                f"cannot {doing}: Google's client for Cloud Storage is not installed here",
                hint="pip install 'mlopsctl[gcp]'",
            ) from error
        try:
            yield patience
        except exceptions.NotFound as error:
            raise FileNotFoundError(self.uri(name)) from error
        except exceptions.PreconditionFailed as error:
            raise FileExistsError(self.uri(name)) from error
        except exceptions.GoogleAPICallError as error:
            status = int(error.code or 0)
            raise refused(
                doing, self._host(), status, _said(error), hints=self._hints(), tries=patience.tries
            ) from error
        except (requests.RequestException, TransportError) as error:
            hint = f"is the emulator that {_EMULATOR} names running?" if os.environ.get(_EMULATOR) else ""
            raise unreachable(doing, self._host(), reason(error), hint=hint, tries=patience.tries) from error
        except InvalidOperation as error:  # nobody's credentials cannot be renewed
            why = "no credentials were found on this machine, and it is not for everybody"
            raise refused(doing, self._host(), 401, why, hints=self._hints()) from error
        except GoogleAuthError as error:
            why = f"cannot {doing}: the credentials of this machine do not work: {reason(error)}"
            raise ObjectsUnavailable.because("no-credentials", why, hint=_LOGIN) from error

    def _no_bucket(self, action: str, name: str) -> Problem:
        return refused(f"{action} {self.uri(name)}", self._host(), 404, "no such bucket", hints=self._hints())

    def _hints(self) -> dict[int, str]:
        bucket = f"gs://{self._bucket_name}"
        return {
            401: _LOGIN,
            403: f"give these credentials the role roles/storage.objectUser on {bucket} (objectViewer, to read only)",
            404: f"make the bucket: gcloud storage buckets create {bucket}; or correct the URL",
        }


def _client() -> Client:
    from google.cloud.storage import Client

    # No call that is made here needs a project.
    return Client(project="-", credentials=_credentials())


def _credentials() -> Credentials:
    """The ambient credentials; nobody's at an emulator, and where there are none: public objects can be read."""
    import google.auth
    from google.auth.credentials import AnonymousCredentials

    if os.environ.get(_EMULATOR):
        return AnonymousCredentials()  # type: ignore[no-untyped-call]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that end users' credentials count to a quota of their own
            found, _ = google.auth.default(scopes=[_SCOPE])
    except google.auth.exceptions.DefaultCredentialsError:
        return AnonymousCredentials()  # type: ignore[no-untyped-call]
    return found


def _said(error: Exception) -> str:
    """The server's own words in a refusal."""
    response = getattr(error, "response", None)
    try:
        told = response.json()["error"]["message"] if response is not None else ""
    except (ValueError, KeyError, TypeError):
        told = ""
    return str(told or getattr(response, "text", "") or getattr(error, "message", ""))
