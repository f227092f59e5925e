"""Models across processes: the same bytes from every one, and answers where mlopsctl is not installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from mlopsctl.frameworks import packed
from tests.unit.components.test_train import ESTIMATORS, PYTHON, train, user_project
from tests.unit.frameworks.making import flowers

CHECKOUT = Path(__file__).resolve().parents[2]

TRAINED = """
import sys, warnings; warnings.simplefilter("ignore")
from pathlib import Path
from mlopsctl.artifacts.manifest import folder_digest
from tests.unit.components.test_train import ESTIMATORS, flowers, train
for name, (estimator, params) in ESTIMATORS.items():
    target = {"kind": estimator.partition(".")[0], "estimator": estimator, "params": params}
    print(name, folder_digest(train(Path(sys.argv[1]) / name, flowers(), target, seed=5)[0]))
"""

SERVED = """
import sys; sys.path.insert(0, ".")
import json, pandas as pd, packed
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "mlopsctl":
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
model = packed._load_pyfunc(sys.argv[1])
print(json.dumps(model.predict(pd.read_json("rows.json", orient="split")).prediction.tolist()))
"""


def test_fresh_processes_with_other_hash_seeds_leave_the_same_bytes(tmp_path: Path) -> None:
    seen = set()
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(CHECKOUT)}
        command = [sys.executable, "-c", TRAINED, str(tmp_path / hash_seed)]
        seen.add(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert len(seen) == 1
    assert len(seen.pop().splitlines()) == len(ESTIMATORS)


def test_a_model_with_user_code_answers_without_mlopsctl(tmp_path: Path) -> None:
    folder, _ = train(tmp_path, flowers(), PYTHON, project=user_project(tmp_path))
    served = tmp_path / "served"
    served.mkdir()
    shutil.copyfile(packed.__file__, served / "packed.py")
    flowers(3).drop(columns="kind").to_json(served / "rows.json", orient="split")
    command = [sys.executable, "-I", "-c", SERVED, str(folder)]
    done = subprocess.run(command, cwd=served, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == packed.load(folder).predict(flowers(3))["prediction"].tolist()
