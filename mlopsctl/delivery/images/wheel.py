"""A wheel of the mlopsctl that is running, for an image that cannot get this version from an index.

The same files make the same bytes: names are sorted, times fixed.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator

from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.own_package import OwnPackage, own_metadata

_TIME = (1980, 1, 1, 0, 0, 0)
_REGULAR = 0o100644 << 16
_WHEEL = "Wheel-Version: 1.0\nGenerator: mlopsctl\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_ENTRY_POINTS = "[console_scripts]\nmlopsctl = mlopsctl.cli.main:main\n"


def own_wheel(package: OwnPackage) -> bytes:
    """The wheel's bytes.

    Raises:
        StepProblem: when mlopsctl is not installed here, so that nobody knows what it needs.
    """
    information = f"mlopsctl-{package.version}.dist-info"
    rows: list[str] = []
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _contents(package, information):
            archive.writestr(_entry(name), content, zipfile.ZIP_DEFLATED)
            found = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode("ascii")
            rows.append(f"{name},sha256={found},{len(content)}\n")
        record = f"{information}/RECORD"
        archive.writestr(_entry(record), "".join([*rows, f"{record},,\n"]), zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _contents(package: OwnPackage, information: str) -> Iterator[tuple[str, bytes]]:
    for name, path in package.files.items():
        yield name, path.read_bytes()
    yield f"{information}/METADATA", _metadata(package).encode()
    yield f"{information}/WHEEL", _WHEEL.encode()
    yield f"{information}/entry_points.txt", _ENTRY_POINTS.encode()


def _metadata(package: OwnPackage) -> str:
    found = own_metadata()
    if found is None:
        raise StepProblem.because(
            "not-installed",
            "mlopsctl runs here without being installed, so nobody knows which packages an image of it needs",
            hint="install it (`pip install -e .` in its checkout)",
        )
    # An editable installation keeps the version that it was made with.
    return re.sub(r"(?m)^Version: .*$", f"Version: {package.version}", found, count=1)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.external_attr = _REGULAR
    entry.create_system = 3
    return entry
