"""gRPC with TLS in front of a :class:`~tests.doubles.google.GoogleDouble`, for unmodified clients.

Nothing is written by hand: paths and message classes are recorded from the vendor's generated gRPC transport, and how
a message becomes a REST call is read from the vendor's generated REST transport. Every message then goes through the
discovery document like a REST request.

    front = GrpcFront(double)
    front.add("google.cloud.aiplatform_v1.services.endpoint_service", "EndpointService")
    with serving_grpc(front, tmp_path) as served:
        EndpointServiceClient(client_options={"api_endpoint": served.address}, credentials=AnonymousCredentials())

The certificate is trusted by processes that were started with ``served.environment``; in this process gRPC reads
``GRPC_DEFAULT_SSL_ROOTS_FILE_PATH`` once, when its first channel is made.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.api_core import path_template
from google.longrunning import operations_pb2
from google.protobuf import any_pb2, duration_pb2, empty_pb2, json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from tests.doubles.google import CutOff, GoogleDouble, GoogleError

_CODES = {
    400: code_pb2.INVALID_ARGUMENT,
    401: code_pb2.UNAUTHENTICATED,
    403: code_pb2.PERMISSION_DENIED,
    404: code_pb2.NOT_FOUND,
    409: code_pb2.ALREADY_EXISTS,
    412: code_pb2.FAILED_PRECONDITION,
    429: code_pb2.RESOURCE_EXHAUSTED,
    500: code_pb2.INTERNAL,
    501: code_pb2.UNIMPLEMENTED,
    503: code_pb2.UNAVAILABLE,
    504: code_pb2.DEADLINE_EXCEEDED,
}
_OPERATIONS = "/google.longrunning.Operations/"


@dataclass(frozen=True)
class Served:
    """Where a front listens, and the environment variables under which a process trusts it."""

    address: str
    environment: Mapping[str, str]


class GrpcFront(grpc.GenericRpcHandler):
    """Turns gRPC calls into calls of the double, and its answers into messages."""

    def __init__(self, double: GoogleDouble) -> None:
        self._double = double
        self._messages: dict[str, tuple[Any, Any]] = {}
        self._rest: dict[str, Any] = {}

    def add(self, package: str, service: str) -> GrpcFront:
        """Serve a service of a generated client, such as ``google.cloud.pubsub_v1.services.publisher``."""
        transports = importlib.import_module(f"{package}.transports.grpc")
        rest = importlib.import_module(f"{package}.transports.rest_base")
        base = getattr(rest, f"_Base{service}RestTransport")
        for path, messages in _recorded(getattr(transports, f"{service}GrpcTransport")).items():
            self._messages[path] = messages
            call = getattr(base, "_Base" + path.rpartition("/")[2], None)
            if hasattr(call, "_get_http_options"):
                self._rest[path] = call._get_http_options()
        return self

    def service(self, details: Any) -> grpc.RpcMethodHandler | None:
        """The handler of one call; ``None`` when no service that was added has it."""
        path = details.method
        if path == f"{_OPERATIONS}GetOperation":
            return grpc.unary_unary_rpc_method_handler(
                self._operation, operations_pb2.GetOperationRequest.FromString, lambda m: m.SerializeToString()
            )
        if path not in self._rest:
            return None
        request, response = self._messages[path]
        read = getattr(request, "deserialize", None) or request.FromString
        return grpc.unary_unary_rpc_method_handler(
            lambda message, context: self._call(path, message, response, context), read, lambda raw: raw
        )

    def _operation(self, request: Any, context: grpc.ServicerContext) -> Any:
        found = self._asked("GET", f"/v1/{request.name}", {}, None, context)
        return json_format.ParseDict(found, operations_pb2.Operation())

    def _call(self, path: str, message: Any, response: Any, context: grpc.ServicerContext) -> bytes:
        call = path_template.transcode(self._rest[path], _plain(message))
        body = None if call.get("body") is None else _json(_plain(call["body"]))
        query = {} if call.get("query_params") is None else _json(_plain(call["query_params"]))
        found = self._asked(call["method"].upper(), call["uri"], _flat(query), body, context)
        answer = response.pb(response()) if hasattr(response, "pb") else response()
        json_format.ParseDict(found, answer)
        return bytes(answer.SerializeToString())

    def _asked(
        self, verb: str, path: str, query: Mapping[str, str], body: Any, context: grpc.ServicerContext
    ) -> dict[str, Any]:
        try:
            return self._double.answer(verb, path, query, body, dict(context.invocation_metadata()))
        except CutOff:
            context.abort(grpc.StatusCode.UNAVAILABLE, "recvmsg:Connection reset by peer")
        except GoogleError as problem:
            context.abort_with_status(rpc_status.to_status(_status(problem)))
        raise AssertionError("abort raises")


def vertex_front(double: GoogleDouble) -> GrpcFront:
    """A front with the services of Vertex AI that serve, run and schedule."""
    front = GrpcFront(double)
    for service in ("Pipeline", "Schedule", "Model", "Endpoint", "Prediction"):
        front.add(f"google.cloud.aiplatform_v1.services.{service.lower()}_service", f"{service}Service")
    return front


@contextlib.contextmanager
def serving_grpc(front: GrpcFront, folder: Path) -> Iterator[Served]:
    """Serve a front with TLS as ``localhost``; key and certificate are made in ``folder``."""
    key, certificate = _certificate(folder)
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((front,))
    port = server.add_secure_port(
        "127.0.0.1:0", grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
    )
    server.start()
    try:
        yield Served(f"localhost:{port}", {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(certificate)})
    finally:
        server.stop(grace=0).wait()


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate of its own for ``localhost``, made once a folder."""
    key, certificate = folder / "tls.key", folder / "tls.crt"
    if not certificate.exists():
        asked = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=localhost"]
        asked += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(asked, check=True, capture_output=True)
    return key, certificate


def _status(problem: GoogleError) -> status_pb2.Status:
    details = []
    for one in problem.details:
        detail: Any = None
        if str(one.get("@type", "")).endswith("RetryInfo"):
            delay = duration_pb2.Duration(seconds=int(str(one["retryDelay"]).rstrip("s")))
            detail = error_details_pb2.RetryInfo(retry_delay=delay)
        elif str(one.get("@type", "")).endswith("ErrorInfo"):
            detail = error_details_pb2.ErrorInfo(
                reason=one["reason"], domain=one["domain"], metadata=dict(one["metadata"])
            )
        if detail is not None:
            packed = any_pb2.Any()
            packed.Pack(detail)
            details.append(packed)
    code = _CODES.get(problem.code, code_pb2.UNKNOWN)
    return status_pb2.Status(code=code, message=problem.message, details=details)


class _Recorder(grpc.Channel):
    """A channel that goes nowhere and remembers what was registered on it."""

    def __init__(self) -> None:
        self.seen: dict[str, tuple[Any, Any]] = {}

    def _record(self, path: str, request: Any = None, response: Any = None, *_: Any, **named: Any) -> Any:
        self.seen[path] = (named.get("request_serializer", request), named.get("response_deserializer", response))
        return lambda *_, **__: None

    unary_unary = unary_stream = stream_unary = stream_stream = _record

    def subscribe(self, callback: Any, try_to_connect: bool = False) -> None:
        pass

    def unsubscribe(self, callback: Any) -> None:
        pass

    def close(self) -> None:
        pass


def _recorded(transport: Any) -> dict[str, tuple[Any, Any]]:
    """The message classes of every call of a generated transport, by gRPC path."""
    channel = _Recorder()
    made = transport(channel=channel)
    # Behind its logging interceptor a channel registers lazily; on the bare one at once.
    made._logged_channel, made._stubs = channel, {}
    for name in dir(type(made)):
        if isinstance(getattr(type(made), name, None), property):
            with contextlib.suppress(Exception):
                getattr(made, name)
    return {path: (_message(request), _message(response)) for path, (request, response) in channel.seen.items()}


def _message(converter: Any) -> Any:
    """The message class behind a serializer or deserializer."""
    if converter is None:
        return empty_pb2.Empty
    return getattr(converter, "__self__", None) or converter.__objclass__


def _plain(message: Any) -> Any:
    return type(message).pb(message) if hasattr(type(message), "pb") else message


def _json(message: Any) -> dict[str, Any]:
    found: dict[str, Any] = json_format.MessageToDict(message, use_integers_for_enums=False)
    return found


def _flat(query: Mapping[str, Any]) -> dict[str, str]:
    return {name: one if isinstance(one, str) else json.dumps(one) for name, one in query.items()}
