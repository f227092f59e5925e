"""Ask a server on the loopback address, over one connection, past every proxy setting."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from types import TracebackType

from mlopsctl.ground.digest import Json

HOST = "127.0.0.1"


class NoAnswer(Exception):
    """The server closed the connection, refused it, or did not answer in time; the text says which."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the HTTP status, the body, and the milliseconds it took."""

    status: int
    body: bytes
    milliseconds: float

    @property
    def refusal(self) -> str:
        """What the server says is wrong, on one line of at most 300 characters."""
        try:
            said = json.loads(self.body)
        except ValueError:
            said = self.body.decode("utf-8", "replace")
        text = str(said.get("message", said)) if isinstance(said, dict) else str(said)
        # MLflow wraps what is wrong in the whole data and schema, and says it last.
        return " ".join(text.rpartition("Error: ")[2].split())[:300]


class Loopback:
    """One kept connection to a port of this machine."""

    def __init__(self, port: int, *, timeout: float = 30.0) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=timeout)

    def __enter__(self) -> Loopback:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None
    ) -> None:
        self._connection.close()

    def get(self, path: str) -> Answer:
        """Ask with GET.

        Raises:
            NoAnswer: when there was none.
        """
        return self._ask("GET", path, None)

    def post(self, path: str, content: Json) -> Answer:
        """Send JSON with POST.

        Raises:
            NoAnswer: when there was none.
        """
        return self._ask("POST", path, json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8"))

    def _ask(self, method: str, path: str, body: bytes | None) -> Answer:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        begun = time.perf_counter()
        try:
            self._connection.request(method, path, body, headers)
            response = self._connection.getresponse()
            content = response.read()
        except TimeoutError:
            self._connection.close()
            raise NoAnswer(f"no answer within {self._connection.timeout:g} seconds") from None
        except (OSError, http.client.HTTPException) as problem:
            self._connection.close()
            raise NoAnswer(str(problem) or type(problem).__name__) from None
        return Answer(response.status, content, (time.perf_counter() - begun) * 1000)
