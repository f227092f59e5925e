"""Features, tuning and programs of any language through the command line, MLflow's server and real containers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlopsctl.components.train import TrainParameters
from mlopsctl.components.train import run as train
from mlopsctl.frameworks.packed import load
from tests.integration.cli import call, processes_of, start
from tests.unit.frameworks.making import examples, flowers, transform, work

pytestmark = pytest.mark.timeout(400)
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and a subreaper")

PROJECT = """
version: 1
name: shop
parameters: {{seed: 3}}
data:
  sales:
    source: {{kind: csv, uri: sales.csv}}
    label: bought
features:
  - {{kind: ordinal, columns: [size], order: [small, medium, large]}}
  - {{kind: hash, columns: [customer], buckets: 8}}
  - {{kind: tfidf, columns: [comment], max_features: 20}}
  - {{kind: min_max, columns: [price]}}
  - {{kind: bucketize, columns: [age], buckets: 4}}
  - {{kind: python, columns: [east, north], entrypoint: "own.places:make", params: {{scale: 2.0}}}}
training:
  task: classification
  targets:
{targets}
evaluation:
  metrics: [accuracy]
  gates:
    - {{name: floor, kind: threshold, metric: accuracy, min: 0.6}}
deployment: {{server: {{kind: mlflow}}}}
"""
TUNED = """
    logistic:
      kind: sklearn
      estimator: sklearn.linear_model.LogisticRegression
      params: {max_iter: 500}
      tune: {method: tpe, metric: accuracy, trials: 4, parallel: 2, space: {C: {low: 0.01, high: 10, log: true}}}
"""
PROGRAM = """
    program:
      kind: command
      command: [awk, -v, "model={outputs.model}", -f, train.awk, "{inputs.examples}/train.csv"]
      predict: [sh, predict.sh, "{inputs.model}", "{inputs.rows}", "{outputs.predictions}"]
      files: [predict.awk]
"""
# Nearest mean, for two classes that stand in the last column; the model is a table of means.
TRAIN_AWK = """BEGIN { FS = "," }
NR > 1 { n[$NF]++; for (i = 1; i < NF; i++) sum[$NF, i] += $i; last = NF - 1 }
END { for (c = 0; c < 2; c++) for (i = 1; i <= last; i++)
    printf "%d,%d,%.9f\\n", c, i, sum[c, i] / n[c] > (model "/means.csv") }
"""
PREDICT_AWK = """BEGIN { FS = "," }
NR == FNR { mean[$1, $2] = $3; next }
FNR == 1 { print "class"; next }
{ for (c = 0; c < 2; c++) { far[c] = 0; for (i = 1; i <= NF; i++) { d = $i - mean[c, i]; far[c] += d * d } }
  print (far[1] < far[0]) }
"""
PREDICT_SH = 'awk -f predict.awk "$1/means.csv" "$2" > "$3"\n'
OWN = """import numpy as np
class Places:
    def __init__(self, scale):
        self.scale = scale
    def fit(self, frame, y=None):
        self.centre = frame.mean()
        return self
    def transform(self, frame):
        return np.sqrt(((frame - self.centre).fillna(0.0) ** 2).sum(axis=1)).to_numpy() * self.scale
def make(scale):
    return Places(scale)
"""


def project(folder: Path, targets: str) -> Path:
    """A shop whose customers buy what is cheap and near, and say so."""
    draw = np.random.default_rng(5)
    rows = 600
    bought = draw.random(rows) < 0.5
    frame = pd.DataFrame(
        {
            "size": draw.choice(["small", "medium", "large"], rows),
            "customer": [f"c{n}" for n in draw.integers(0, 300, rows)],
            "comment": np.where(bought, "very good thing", "too far away"),
            "price": draw.normal(10, 2, rows) - 2 * bought,
            "age": draw.integers(18, 80, rows),
            "east": draw.normal(0, 1 + 2 * ~bought, rows),
            "north": draw.normal(0, 1, rows),
            "bought": np.where(bought, "yes", "no"),
        }
    )
    frame.loc[draw.random(rows) < 0.05, ["comment", "price", "east"]] = None
    (folder / "own").mkdir(parents=True)
    frame.to_csv(folder / "sales.csv", index=False)
    (folder / "own" / "places.py").write_text(OWN)
    for name, text in (("train.awk", TRAIN_AWK), ("predict.awk", PREDICT_AWK), ("predict.sh", PREDICT_SH)):
        (folder / name).write_text(text)
    (folder / "mlops.yaml").write_text(PROJECT.format(targets=targets))
    return folder


def artifacts(folder: Path) -> set[str]:
    """The digests of everything in the artifact store."""
    return {path.name for path in (folder / ".mlops" / "artifacts").rglob("*") if path.is_file()}


def test_every_feature_is_packed_and_served_and_the_search_ends_alike_each_time(tmp_path: Path) -> None:
    folder = project(tmp_path, TUNED)
    applied = call(folder, "apply", "--yes")
    try:
        assert applied.code == 0, applied
        assert "best of 4 trials" in applied.out + applied.err
    finally:
        call(folder, "destroy", "--yes")
    first = artifacts(folder)
    shutil.rmtree(folder / ".mlops")
    assert call(folder, "run").code == 0
    second = artifacts(folder)
    assert second
    assert second <= first


def test_turning_a_search_off_changes_nothing_else(tmp_path: Path) -> None:
    folder = project(tmp_path, TUNED)
    on = call(folder, "graph").out
    text = (folder / "mlops.yaml").read_text()
    (folder / "mlops.yaml").write_text(text.replace("tune: {method", "tune: {enabled: false, method"))
    off = call(folder, "graph").out
    assert "tune-logistic.hyperparameters" in on
    assert "tune-logistic" not in off
    assert "train-logistic.model" in off


def test_a_program_is_trained_judged_registered_and_served(tmp_path: Path) -> None:
    folder = project(tmp_path, PROGRAM)
    applied = call(folder, "apply", "--yes")
    try:
        assert applied.code == 0, applied
        assert "answers agree with the model" in applied.out + applied.err
        (folder / "predict.awk").write_text("# said better\n" + PREDICT_AWK)
        planned = call(folder, "plan")
        assert "train-program" in planned.out
        assert "predict.awk" in planned.out, planned
    finally:
        call(folder, "destroy", "--yes")


SLEEPER = """import time
from pathlib import Path
def fit(train, validation, label, *, seed, wait):
    Path(__file__).with_name(f"trying-{wait}").touch()
    time.sleep(wait)
"""
SLEEPING = """
    sleeper:
      kind: python
      entrypoint: "sleeper:fit"
      tune: {metric: accuracy, parallel: 2, space: {wait: [600, 601, 602]}}
"""


@linux
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_trial_outlives_the_command(tmp_path: Path, how: signal.Signals) -> None:
    folder = project(tmp_path, SLEEPING)
    (folder / "sleeper.py").write_text(SLEEPER)
    command = start(folder, "run")
    try:
        deadline = time.monotonic() + 90
        while len(list(folder.glob("trying-*"))) < 2:
            assert command.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert sorted(path.name for path in folder.glob("trying-*")) == ["trying-600", "trying-601"]
        command.send_signal(how)
        command.wait(30)
    finally:
        command.kill()
        command.wait()
    deadline = time.monotonic() + 20
    while (left := processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """The id of an image of BusyBox alone, made here by podman, as the configuration of this machine has it."""
    busybox = shutil.which("busybox")
    if shutil.which("podman") is None or busybox is None:
        pytest.skip("needs podman and busybox")
    if (
        b"not a dynamic"
        not in (told := subprocess.run(["ldd", busybox], capture_output=True, check=False)).stderr + told.stdout
    ):
        pytest.skip("needs a busybox without shared libraries")
    if (
        shutil.which("docker") is not None
        and not subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    ):
        pytest.skip("docker answers here, and would be asked for podman's image")
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"mlopsctl-image-{os.getpid()}"
    (folder / "bin").mkdir(parents=True)
    try:
        shutil.copy(busybox, folder / "bin" / "busybox")
        for name in ("sh", "awk"):
            (folder / "bin" / name).symlink_to("busybox")
        with tarfile.open(folder / "root.tar", "w") as tar:
            tar.add(folder / "bin", "bin")
        made = subprocess.run(
            ["podman", "import", "--quiet", str(folder / "root.tar")], capture_output=True, text=True, check=False
        )
    finally:
        shutil.rmtree(folder)
    if made.returncode:
        pytest.skip(f"podman cannot import an image here: {made.stderr[-200:]}")
    found = made.stdout.split()[-1]
    tried = subprocess.run(
        ["podman", "run", "--rm", "--network", "none", found, "sh", "-c", "echo well"], capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if tried.stdout != "well\n":
        pytest.skip(f"podman cannot run a container here: {tried.stderr[-200:]}")
    yield found if found.startswith("sha256:") else f"sha256:{found}"
    subprocess.run(["podman", "rmi", "--force", found], capture_output=True, check=False)


def test_a_container_trains_and_answers(tmp_path: Path, image: str) -> None:
    for name, text in (("train.awk", TRAIN_AWK), ("predict.awk", PREDICT_AWK), ("predict.sh", PREDICT_SH)):
        (tmp_path / name).write_text(text)
    frame = flowers(classes=("red", "green"))
    rows = examples(tmp_path / "examples", frame, "kind")
    inputs = {"examples": rows, "transform_graph": transform(tmp_path / "transform", rows)}
    doing = work(tmp_path, inputs, ("model",))
    written = {
        "kind": "container",
        "image": image,
        "command": ["awk", "-v", "model={outputs.model}", "-f", "train.awk", "{inputs.examples}/train.csv"],
        "predict": ["sh", "predict.sh", "{inputs.model}", "{inputs.rows}", "{outputs.predictions}"],
        "files": ["predict.awk"],
    }
    train(doing, TrainParameters.model_validate({"target": written, "task": "classification", "label": "kind"}))
    answered = load(doing.outputs["model"]).predict(frame)
    assert (answered["prediction"] == frame["kind"]).mean() > 0.7
