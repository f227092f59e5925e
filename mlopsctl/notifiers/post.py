"""One HTTPS POST to the host that a URL names, and to no other: no redirect, no proxy, one look-up of the name."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from mlopsctl.ground.errors import StepProblem

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TRIES = 3
_LONGEST_PAUSE = 10.0
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_MAX_ANSWER = 64 << 10

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class _Refused(Exception):
    """Why a try failed; ``pause`` seconds until the next makes sense, ``None``: none does."""

    def __init__(self, why: str, pause: float | None) -> None:
        super().__init__(why)
        self.why = why
        self.pause = pause


def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout: float = 10.0, pause: float = 1.0) -> None:
    """Post a JSON document, again where that can help; nothing of the answer but its status is read.

    Plain ``http`` is only for this machine, under a name that says so. A name that leads to this machine or to
    an address of its link (such as a cloud's metadata service) is refused: somebody else chose that address.

    Args:
        timeout: seconds for each try; ``pause`` seconds before the second, twice that before the third.

    Raises:
        StepProblem: naming the host, never the whole URL, for a secret may stand in it.
    """
    target = _target(url)
    for number in range(1, _TRIES + 1):
        try:
            _once(target, body, headers, timeout)
            return
        except _Refused as refused:
            if refused.pause is None or number == _TRIES:
                raise _problem(target.hostname or "", f"{refused.why} ({number} of {_TRIES} tries)") from refused
            time.sleep(min(_LONGEST_PAUSE, max(refused.pause, pause * 2 ** (number - 1))))


def _target(url: str) -> SplitResult:
    try:
        target = urlsplit(url)
        port = target.port
    except ValueError as error:
        raise _problem("", "the URL cannot be read") from error
    host = target.hostname or ""
    if not host or target.scheme not in ("http", "https") or port == 0:
        raise _problem(host, "the URL is no http(s) URL with a host")
    if target.username is not None or target.password is not None:
        raise _problem(host, "the URL holds a user or a password; use `headers` with a secret")
    if target.scheme == "http" and host not in _LOOPBACK:
        raise _problem(host, "plain http is only for this machine; use https")
    return target


def _once(target: SplitResult, body: bytes, headers: Mapping[str, str], timeout: float) -> None:
    host = target.hostname or ""
    connection = _connection(target, _address(host, target.port or _port(target)), timeout)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    try:
        connection.request("POST", path, body, {**headers, "Content-Type": "application/json", "Host": target.netloc})
        answer = connection.getresponse()
        answer.read(_MAX_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        raise _Refused(f"{type(error).__name__}: {error}", 0.0) from error
    finally:
        connection.close()
    if 200 <= answer.status < 300:
        return
    if 300 <= answer.status < 400:
        raise _Refused(f"it answered {answer.status}, a redirect, which is not followed", None)
    again = answer.status in _AGAIN
    raise _Refused(f"it answered {answer.status} {answer.reason}", _retry_after(answer) if again else None)


def _connection(target: SplitResult, address: Address, timeout: float) -> http.client.HTTPConnection:
    """A connection to the address that was looked at; the certificate must be the host's."""
    host, port = target.hostname or "", target.port or _port(target)
    try:
        line = socket.create_connection((str(address), port), timeout)
        if target.scheme == "https":
            line = ssl.create_default_context().wrap_socket(line, server_hostname=host)
    except OSError as error:
        raise _Refused(f"it cannot be reached: {error}", 0.0) from error
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    connection.sock = line
    return connection


def _address(host: str, port: int) -> Address:
    """The address of the host, looked up once and allowed."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _Refused(f"its name cannot be resolved: {error}", 0.0) from error
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    wanted = [address for address in addresses if _allowed(address, host)]
    if not wanted:
        raise _Refused(f"its name leads to {addresses[0]}, which is not a host outside", None)
    return wanted[0]


def _allowed(address: Address, host: str) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    real = mapped or address
    if real.is_loopback:
        return host in _LOOPBACK
    return not (real.is_link_local or real.is_multicast or real.is_unspecified or real.is_reserved)


def _port(target: SplitResult) -> int:
    return 443 if target.scheme == "https" else 80


def _retry_after(answer: http.client.HTTPResponse) -> float:
    said = answer.headers.get("Retry-After", "")
    return float(said) if said.isascii() and said.isdigit() else 0.0


def _problem(host: str, why: str) -> StepProblem:
    return StepProblem.because(
        "not-notified",
        f"the POST to {host or 'the webhook'} failed: {why}",
        hint="check the URL under `notify`, and that this machine may reach its host",
    )
