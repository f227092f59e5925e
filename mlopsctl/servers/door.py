"""The door of a server: a Unix socket in a private folder through which a successor gets the listening socket.

Old and new server then take connections from one queue of the kernel. Whichever leaves, no waiting connection is
reset, which two sockets on one port (``SO_REUSEPORT``) cannot promise.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

_LONGEST = 100
"""Bytes of a Unix socket's path; the systems' limits are 104 (macOS) and 108 (Linux)."""


def open_door(path: Path) -> socket.socket:
    """A listening Unix socket at ``path``, for this user only.

    Raises:
        OSError: when the folder's file system has no sockets, or is not writable.
    """
    path.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(path) as name:
            door.bind(name)
        path.chmod(0o600)
        door.listen(8)
        door.setblocking(False)
    except OSError:
        door.close()
        raise
    return door


def knock(path: Path, *, timeout: float = 3.0) -> socket.socket | None:
    """The listening socket of the server behind the door; ``None`` when nobody opens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
        knocking.settimeout(timeout)
        try:
            with _short(path) as name:
                knocking.connect(name)
            _, descriptors, _, _ = socket.recv_fds(knocking, 64, 1)
        except OSError:
            return None
    return socket.socket(fileno=descriptors[0]) if descriptors else None


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name of the path that the system takes, however deep the project lies: through a short link when needed."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    with tempfile.TemporaryDirectory(prefix="mlopsctl-") as folder:
        link = Path(folder) / "d"
        link.symlink_to(path.parent, target_is_directory=True)
        yield str(link / path.name)
