"""A step with packages of its own: they are really installed, once, and win over those beside mlopsctl."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.cli import call

PIN = "humanize==4.9.0"

STEP = """
from importlib.metadata import version
from pathlib import Path

def run(out: Path) -> None:
    import humanize, pandas
    print("humanize", version("humanize"), "of its own:", "environments" in humanize.__file__)
    print("pandas of mlopsctl:", "environments" not in pandas.__file__)
    (out / "size.txt").write_text(humanize.naturalsize(1_000_000))
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one package, downloaded once: shows that an index can be reached."""
    folder = tmp_path_factory.mktemp("wheels")
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PIN]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        pytest.skip(f"no package index can be reached: {done.stderr.strip()[-200:]}")
    return folder


def project(folder: Path, requirements: str) -> Path:
    (folder / "step.py").write_text(STEP)
    (folder / "mlops.yaml").write_text(
        "version: 1\nname: pinned\ncomponents:\n"
        '  sizes: {run: {kind: python, entrypoint: "step:run"}, outputs: {out: File}, requirements: REQUIREMENTS}\n'
        "  tool:\n    run: {kind: command, command: [python, -c, 'import humanize, sys; print(sys.prefix)']}\n"
        "    requirements: REQUIREMENTS\n".replace("REQUIREMENTS", requirements)
    )
    return folder


@pytest.mark.timeout(600)
def test_pinned_packages_are_installed_once_and_used(tmp_path: Path, wheels: Path) -> None:
    folder = project(tmp_path, f"[{PIN}]")
    done = call(folder, "run", timeout=400)
    logs = next((folder / ".mlops" / "runs").iterdir())
    said = (logs / "sizes.1.log").read_text()
    assert "humanize 4.9.0 of its own: True" in said, done
    assert "pandas of mlopsctl: True" in said
    (environment,) = [path for path in (folder / ".mlops" / "environments").iterdir() if path.is_dir()]
    assert str(environment) in (logs / "tool.1.log").read_text()
    before = (environment / "mlopsctl.json").stat().st_mtime_ns

    (folder / "step.py").write_text(STEP + "# changed\n")
    again = call(folder, "run", timeout=400)
    assert (environment / "mlopsctl.json").stat().st_mtime_ns == before, again
    assert "No changes" in call(folder, "plan").out
    project(folder, "[humanize==4.8.0]")
    assert "requirement humanize: humanize==4.9.0 → humanize==4.8.0" in call(folder, "plan").out


@pytest.mark.timeout(600)
def test_a_hashed_file_is_installed_and_a_wrong_hash_is_refused(tmp_path: Path, wheels: Path) -> None:
    import hashlib

    (wheel,) = wheels.glob("*.whl")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    folder = project(tmp_path, "requirements.txt")
    (folder / "requirements.txt").write_text(f"{PIN} \\\n    --hash=sha256:{digest}\n")
    call(folder, "run", timeout=400)
    logs = next((folder / ".mlops" / "runs").iterdir())
    assert "humanize 4.9.0 of its own: True" in (logs / "sizes.1.log").read_text()
    (folder / "requirements.txt").write_text(f"{PIN} --hash=sha256:{'0' * 64}\n")
    refused = call(folder, "run", timeout=400)
    assert refused.code == 1
    assert "sizes failed: the step's packages cannot be installed" in refused.out


@pytest.mark.timeout(600)
def test_a_version_that_does_not_exist_shows_what_the_installer_said(tmp_path: Path, wheels: Path) -> None:
    folder = project(tmp_path, "[humanize==0.0.99]")
    done = call(folder, "run", timeout=400)
    assert done.code == 1
    assert "the step's packages cannot be installed" in done.out
    assert "0.0.99" in done.out
    assert "environment-" in done.out, "the installer's log is named"
    assert os.listdir(folder / ".mlops" / "staging") == [] if (folder / ".mlops" / "staging").exists() else True
