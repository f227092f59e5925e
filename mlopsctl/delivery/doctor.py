"""Is this machine ready? One line a subject: what was found, and what to do where it is not as it should be."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mlopsctl import __version__
from mlopsctl.artifacts.store import ArtifactStore
from mlopsctl.config.load import Loaded, load_project
from mlopsctl.delivery.serving import served, server_kind
from mlopsctl.delivery.stores import LOCAL, Stores, open_stores
from mlopsctl.ground.errors import Problem, UsageProblem
from mlopsctl.ground.text import printable

_GIB = 1 << 30
_SECONDS_TO_ANSWER = 10
# What steps need, by distribution; the same as the extra `run`.
_LIBRARIES = ("duckdb", "mlflow", "numpy", "pandas", "pyarrow", "scikit-learn")
_NETWORK_DISKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre"})


class Health(StrEnum):
    """How a subject is: a warning may be what the user wants, a failure stops commands."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's."""

    subject: str
    health: Health
    message: str
    hint: str = ""


def examine(path: Path, environment: str | None) -> Iterator[Finding]:
    """Everything that can be said here; the stores of a project where ``path`` holds one."""
    yield _python()
    yield _libraries()
    yield from _programs()
    loaded = None
    try:
        loaded = load_project(path, environment)
    except Problem as problem:
        yield _project_problem(problem)
    folder = loaded.folder if loaded is not None else (path if path.is_dir() else path.parent).resolve()
    yield _space(folder)
    yield _disk(folder)
    yield _clock(folder)
    if loaded is not None:
        yield Finding("project", Health.OK, f"{loaded.project.name}, environment {loaded.environment}")
        yield from _stores(loaded)


def _python() -> Finding:
    found = f"mlopsctl {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return Finding("python", Health.OK, found)


def _libraries() -> Finding:
    found, missing = [], []
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if not missing:
        return Finding("libraries", Health.OK, ", ".join(found))
    return Finding(
        "libraries",
        Health.WARN,
        f"steps cannot run here: {', '.join(missing)} missing",
        "pip install 'mlopsctl[run]'; without it this machine can validate and plan",
    )


def _programs() -> Iterator[Finding]:
    said = _ask("git", "--version")
    if said:
        yield Finding("git", Health.OK, said)
    else:
        yield Finding("git", Health.WARN, "git is not installed", "install it, so that runs record their commit")
    for name in ("docker", "podman"):
        if _ask(name, "version", "--format", "{{.Server.Version}}") or _ask(name, "info", "--format", "ok"):
            yield Finding("containers", Health.OK, f"{name} answers")
            return
    present = [name for name in ("docker", "podman") if shutil.which(name)]
    found = f"{' and '.join(present)} does not answer" if present else "neither docker nor podman is here"
    yield Finding("containers", Health.WARN, found, "needed only by components and trainers of kind container")


def _project_problem(problem: Problem) -> Finding:
    first = problem.diagnostics[0]
    health = Health.WARN if isinstance(problem, UsageProblem) else Health.FAIL
    return Finding("project", health, first.message, first.hint or "run `mlopsctl validate`")


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    found = f"{free / _GIB:.1f} GiB free under {folder}"
    if free < _GIB // 10:
        return Finding("disk", Health.FAIL, found, "free space: `mlopsctl gc` removes what old runs left")
    if free < _GIB:
        return Finding("disk", Health.WARN, found, "`mlopsctl gc` removes what old runs left")
    return Finding("disk", Health.OK, found)


def _disk(folder: Path) -> Finding:
    """Kernel locks and SQLite's WAL need a disk of this machine."""
    place = next(path for path in (folder / LOCAL, folder) if path.exists())
    kind = _file_system(place.resolve())
    if kind in _NETWORK_DISKS:
        hint = "keep stores.metadata on PostgreSQL or on a disk of this machine, and the project too"
        return Finding(
            "locks", Health.FAIL, f"{place} is on a network disk ({kind}), where locks cannot be relied on", hint
        )
    return Finding("locks", Health.OK, f"{place} is on a disk of this machine{f' ({kind})' if kind else ''}")


def _file_system(place: Path) -> str:
    """The kind of file system, where the system tells it."""
    try:
        mounts = [
            line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
        ]
    except OSError:
        return ""
    # Blanks in a mount point are written as \040.
    points = [(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), mount[1]), mount[2]) for mount in mounts]
    inside = [(point, kind) for point, kind in points if place.is_relative_to(point)]
    return max(inside, key=lambda one: len(one[0]))[1] if inside else ""


def _clock(folder: Path) -> Finding:
    """The clock of this machine against the one that stamps its files: another machine's, on a network disk."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            apart = abs(os.fstat(file.fileno()).st_mtime - time.time())
    except OSError as error:
        return Finding("folder", Health.FAIL, f"{folder} cannot be written: {error.strerror}", "check its permissions")
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if apart > 5:
        return Finding("clock", Health.WARN, f"{now}, {apart:.0f} s apart from the disk's clock", "let NTP set both")
    return Finding("clock", Health.OK, now)


def _stores(loaded: Loaded) -> Iterator[Finding]:
    try:
        with open_stores(loaded) as stores:
            checks: tuple[tuple[str, Callable[[Stores], Finding]], ...] = (
                ("metadata", _metadata), ("artifacts", _artifacts), ("registry", _registry),
                ("server", lambda opened: _server(loaded, opened)),
            )  # fmt: skip
            for subject, check in checks:
                try:
                    yield check(stores)
                except Problem as problem:
                    yield _failed(subject, problem)
    except Problem as problem:
        yield _failed("metadata", problem)


def _metadata(stores: Stores) -> Finding:
    database = stores.metadata.database
    with database.writing():
        pass
    found = f"{database.url} can be written"
    apart = _apart(stores)
    if apart > 30:
        return Finding("metadata", Health.WARN, f"{found}; its clock is {apart:.0f} s apart", "let NTP set both clocks")
    return Finding("metadata", Health.OK, found)


def _apart(stores: Stores) -> float:
    """Seconds between the clock of this machine and that of a database server."""
    database = stores.metadata.database
    if not database.backend.shared:
        return 0.0
    with database.reading() as connection:
        server = connection.exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())").scalar_one()
    return abs(float(server) - time.time())


def _artifacts(stores: Stores) -> Finding:
    """Put a folder with one file there, read it back, and remove it again."""
    store: ArtifactStore = stores.artifacts
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mlopsctl-doctor"
        file.write_bytes(os.urandom(32))
        digest = store.put(file.parent)
        same = store.read(digest, file.name) == file.read_bytes()
    store.discard(digest)
    if not same:
        return Finding("artifacts", Health.FAIL, f"{store.url} gives back other bytes", "use another store")
    return Finding("artifacts", Health.OK, f"{store.url} can be written and read")


def _registry(stores: Stores) -> Finding:
    stores.registry.versions("mlopsctl-health")
    return Finding("registry", Health.OK, f"{_without_user(stores.tracking)} answers")


def _server(loaded: Loaded, stores: Stores) -> Finding:
    status = served(loaded, stores)
    if not status.running:
        return Finding("server", Health.OK, "nothing is served here")
    who = f"process {status.pid}" if status.pid else f"the {server_kind(loaded)} server"
    if not status.observed:
        return Finding("server", Health.WARN, status.note, "choose a context of kubectl to have it looked at")
    if not status.healthy:
        hint = f"look at {status.log}; `mlopsctl apply` starts it anew" if status.log else "`mlopsctl status` says more"
        return Finding("server", Health.FAIL, f"{who} does not answer at {status.url}", hint)
    return Finding("server", Health.OK, f"{who} answers at {status.url}")


def _failed(subject: str, problem: Problem) -> Finding:
    first = problem.diagnostics[0]
    return Finding(subject, Health.FAIL, first.message, first.hint)


def _ask(*words: str) -> str:
    """The first line that a program prints; empty when it is not here, fails or hangs."""
    if shutil.which(words[0]) is None:
        return ""
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, errors="replace", timeout=_SECONDS_TO_ANSWER, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.strip().splitlines()
    return printable(lines[0]) if done.returncode == 0 and lines else ""


def _without_user(address: str) -> str:
    return re.sub(r"://[^/@\s]*@", "://", address)
