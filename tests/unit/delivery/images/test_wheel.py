"""The wheel of the mlopsctl that runs: it can be installed, and the same files make the same bytes."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from mlopsctl.delivery.images import wheel as module
from mlopsctl.delivery.images.wheel import own_wheel
from mlopsctl.ground.errors import StepProblem
from mlopsctl.ground.own_package import OwnPackage, own_package
from mlopsctl.lowering.image_context import wheel_name


def small(folder: Path) -> OwnPackage:
    (folder / "__init__.py").write_text('__version__ = "1.2.3"\n')
    return OwnPackage("1.2.3", False, {"mlopsctl/__init__.py": folder / "__init__.py"}, "sha256:0")


def test_it_holds_the_code_the_data_and_what_is_needed(tmp_path: Path) -> None:
    with zipfile.ZipFile(BytesIO(own_wheel(small(tmp_path)))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        record = archive.read("mlopsctl-1.2.3.dist-info/RECORD").decode().splitlines()
        metadata = archive.read("mlopsctl-1.2.3.dist-info/METADATA").decode()
        for line in record[:-1]:
            name, digest, size = line.split(",")
            content = archive.read(name)
            expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert (digest, int(size)) == (f"sha256={expected}", len(content))
    assert names == [*(line.partition(",")[0] for line in record)]
    assert "\nVersion: 1.2.3\n" in metadata
    assert "Provides-Extra: run" in metadata


def test_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    assert own_wheel(small(tmp_path / "one")) == own_wheel(small(tmp_path / "other"))


def test_without_an_installation_nobody_knows_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "own_metadata", lambda: None)
    with pytest.raises(StepProblem, match="without being installed"):
        own_wheel(small(tmp_path))


def test_a_checkout_is_no_released_version_and_its_files_count(checkout: Path) -> None:
    found = own_package()
    assert not found.released
    assert found.identity.startswith(f"{found.version} sha256:")
    assert found.files["mlopsctl/__init__.py"] == checkout / "mlopsctl" / "__init__.py"
    assert "mlopsctl/_data/templates/image/Dockerfile" in found.files
    assert not [name for name in found.files if "__pycache__" in name or name.endswith(".pyc")]
    assert wheel_name(found) == f"mlopsctl-{found.version}-py3-none-any.whl"
