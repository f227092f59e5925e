"""An image, really: built by buildah or podman from the penguins example, pushed to a registry on this machine, pinned
by the digest that the registry has, and run by podman. scripts/containers.sh makes what is needed.

mlopsctl goes into the image as a wheel of a copy of this checkout, so that nobody's work changes it meanwhile; the
packages that it needs stand in the base image.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlopsctl.config.load import load_project
from mlopsctl.lowering.lower import lower
from mlopsctl.step import ledger
from tests.integration.cloud.containers import Containers, containers, missing
from tests.integration.examples import copied
from tests.unit.step.containers import RUN, Engine

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing() or "there are containers"),
    pytest.mark.timeout(900),
]

CHECKOUT = Path(__file__).resolve().parents[3]
REPOSITORY = "mlopsctl-tests/images"


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    with containers(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of mlopsctl that stays as it is."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("mlopsctl", "schemas", "templates"):
        shutil.copytree(CHECKOUT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", root)
    return root


@dataclass(frozen=True)
class Project:
    folder: Path
    tool: Path
    engines: Containers

    def call(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {**self.engines.environment, "PYTHONPATH": str(self.tool)}
        done = subprocess.run(
            [sys.executable, "-P", "-m", "mlopsctl", *words],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def push(self, *words: str) -> dict[str, object]:
        done = self.call("image", "push", "-e", "prod", "-o", "json", *words)
        read: dict[str, object] = json.loads(done.stdout)
        return read

    def problems(self) -> list[str]:
        """Why a plan would not take the image, as the copy of mlopsctl says."""
        code = (
            "from pathlib import Path; from mlopsctl.config.load import load_project; "
            "from mlopsctl.lowering.image import image_problems; "
            "print(*(one.id for one in image_problems(load_project(Path(), 'prod'))))"
        )
        environment = {**self.engines.environment, "PYTHONPATH": str(self.tool)}
        words = [sys.executable, "-P", "-c", code]
        return subprocess.check_output(words, cwd=self.folder, env=environment, text=True).split()

    def show(self) -> dict[str, object]:
        read: dict[str, object] = json.loads(self.call("image", "show", "-e", "prod", "-o", "json").stdout)
        return read


@pytest.fixture(scope="module")
def project(engines: Containers, tool: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("projects") / "penguins"
    copied(CHECKOUT / "examples" / "penguins", folder)
    name = f"{engines.registry}/{REPOSITORY}"
    with (folder / "mlops.yaml").open("a") as stream:
        stream.write(f"""
environments:
  dev: {{}}
  prod:
    orchestrator:
      kind: kfp
      host: http://127.0.0.1:9
      image: {{name: "{name}", base: "{engines.base}"}}
""")
    return Project(folder, tool, engines)


@pytest.fixture(scope="module")
def pushed(project: Project) -> dict[str, object]:
    return project.push("--engine", "buildah")


def test_the_lock_has_the_digest_that_the_registry_has(project: Project, pushed: dict[str, object]) -> None:
    context = str(pushed["context"]).partition(":")[2]
    assert pushed["digest"] == project.engines.digest(REPOSITORY, f"mlopsctl-{context[:16]}")
    assert str(pushed["digest"]) in (project.folder / "images.lock.yaml").read_text()
    assert project.show()["reference"] == pushed["reference"]
    assert project.show()["stale"] is False


def test_a_second_push_does_nothing(project: Project, pushed: dict[str, object]) -> None:
    assert project.push()["fresh"] is False


def test_a_step_in_the_image_is_nobody_and_finds_the_project_and_mlopsctl(
    project: Project, pushed: dict[str, object]
) -> None:
    code = (
        "import json, os, sys; sys.path.insert(0, os.getcwd()); import mlopsctl, penguins_data, mlopsctl.step.execute; "
        "print(json.dumps([os.getuid(), os.getcwd(), sorted(os.listdir()), mlopsctl.__version__, sys.executable, "
        "len(penguins_data.load())]))"
    )
    words = ("podman", "run", "--rm", "--network", "none", "--read-only", str(pushed["reference"]))
    done = project.engines.run(*words, "python3", "-P", "-c", code)
    user, folder, files, version, python, rows = json.loads(done)
    assert (user, folder, python) == (10001, "/project", "/opt/mlopsctl/bin/python3")
    assert files == ["expected", "penguins_data.py"]
    assert version in (project.tool / "mlopsctl" / "__init__.py").read_text()
    assert rows == 342


def test_the_image_says_what_it_was_built_from(project: Project, pushed: dict[str, object]) -> None:
    form = '{{index .Config.Labels "dev.mlopsctl.context"}} {{.Created.Year}}'
    done = project.engines.run("podman", "image", "inspect", "--format", form, str(pushed["reference"]))
    assert done.split() == [pushed["context"], "1980"]


def test_a_changed_file_makes_it_stale_until_it_is_as_before(project: Project, pushed: dict[str, object]) -> None:
    file = project.folder / "penguins_data.py"
    before = file.read_text()
    file.write_text(before + "# changed\n")
    try:
        shown = project.show()
        assert shown["stale"] is True
        assert shown["reference"] == pushed["reference"]
        assert project.problems() == ["image-stale"]
    finally:
        file.write_text(before)
    assert project.show()["stale"] is False
    assert project.problems() == []


def test_podman_builds_the_same_files_of_the_project(project: Project, pushed: dict[str, object]) -> None:
    again = project.push("--engine", "podman", "--again")
    assert again["context"] == pushed["context"]
    code = "import hashlib; print(hashlib.sha256(open('penguins_data.py', 'rb').read()).hexdigest())"
    words = ("podman", "run", "--rm", "--network", "none")
    found = [project.engines.run(*words, str(one["reference"]), "python3", "-c", code) for one in (pushed, again)]
    assert found[0] == found[1]


def test_a_registry_that_is_not_there_is_said(project: Project) -> None:
    text = (project.folder / "mlops.yaml").read_text()
    other = text.replace(f'"{project.engines.registry}/{REPOSITORY}"', '"127.0.0.1:9/nowhere"')
    assert other != text
    (project.folder / "mlops.yaml").write_text(other)
    try:
        said = project.call("image", "push", "-e", "prod", "--engine", "buildah", code=1).stderr
    finally:
        (project.folder / "mlops.yaml").write_text(text)
    assert "buildah cannot push 127.0.0.1:9/nowhere:mlopsctl-" in said
    assert "127.0.0.1:9 can be reached from here" in said


def test_a_dockerfile_of_the_project_that_fails_says_its_last_words(project: Project) -> None:
    text = (project.folder / "mlops.yaml").read_text()
    base = project.engines.base
    (project.folder / "Dockerfile").write_text(f"FROM {base}\nRUN echo about to fail && exit 7\n")
    (project.folder / "mlops.yaml").write_text(text.replace(f'base: "{base}"', "dockerfile: Dockerfile"))
    try:
        said = project.call("image", "build", "-e", "prod", "--engine", "buildah", code=1).stderr
    finally:
        (project.folder / "mlops.yaml").write_text(text)
        (project.folder / "Dockerfile").unlink()
    assert "about to fail" in said
    assert "exit status 7" in said
    assert "error[image-build]" in said


# Packages that a step pins

WHEEL = {
    "tinypin.py": "VERSION = '1.0'\n",
    "tinypin-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tinypin\nVersion: 1.0\n",
    "tinypin-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "tinypin-1.0.dist-info/RECORD": "",
}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """A package index with one package, on the loopback address."""
    folder = tmp_path / "index" / "tinypin"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "tinypin-1.0-py3-none-any.whl", "w") as archive:
        for name, text in WHEEL.items():
            archive.writestr(name, text)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder.parent))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_pinned_packages_are_in_the_image_and_a_step_that_pins_them_answers_without_a_network(
    engines: Containers, tool: Path, index: str, tmp_path: Path
) -> None:
    # An index that is not the usual one is a setting of the base image.
    base = engines.run("buildah", "from", engines.base).strip()
    engines.run("buildah", "config", "--env", f"PIP_INDEX_URL={index}", base)
    name = f"{engines.registry}/{REPOSITORY}"
    engines.run("buildah", "commit", "--quiet", "--rm", base, f"{name}:with-an-index")
    engines.run("buildah", "push", "--quiet", "--digestfile", str(tmp_path / "digest"), f"{name}:with-an-index")
    root = tmp_path / "shared"
    folder = root / "project"
    folder.mkdir(parents=True)
    (folder / "pinned.py").write_text(
        "import tinypin\ndef run(out):\n    (out / 'version.txt').write_text(tinypin.VERSION)\n"
    )
    (folder / "mlops.yaml").write_text(f"""version: 1
name: pinned
components:
  pinned:
    run: {{kind: python, entrypoint: "pinned:run"}}
    outputs: {{out: File}}
    requirements: [tinypin==1.0]
environments:
  prod:
    orchestrator:
      kind: kfp
      host: http://127.0.0.1:9
      image: {{name: "{name}", base: "{name}@{(tmp_path / "digest").read_text().strip()}"}}
""")
    pushed = Project(folder, tool, engines).push("--engine", "buildah")
    (root / "store").mkdir()
    (root / "engine").mkdir()
    # The image's user is nobody here.
    for path in (root, root / "store", root / "engine"):
        path.chmod(0o777)
    step = lower(load_project(folder, "prod")).pipeline.step("pinned")
    assert (step.image, step.requirements) == (pushed["reference"], ("tinypin==1.0",))
    engine = Engine(folder)
    podman = ("podman", "run", "--rm", "--network", "none", "--volume", f"{root}:{root}", step.image)
    said = engines.run(*podman, "python3", *engine.words(step)[1:])
    (record,) = ledger.records(engine.store, RUN)
    assert record.state.value == "success", said
    assert engine.store.read(record.outputs["out"].digest, "version.txt") == b"1.0"
