"""Push and the registry against real MLflow, on a SQLite file."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mlopsctl.components import push
from mlopsctl.components.push import PushParameters
from mlopsctl.evidence import PUSHED_MODEL_FILE, PushedModel, Verdict, read
from mlopsctl.ground.errors import StepProblem
from mlopsctl.registry.client import Registry
from mlopsctl.registry.connect import asking
from mlopsctl.registry.package import packed_folder
from tests.integration.packed_models import FEATURES, Made, make_examples, make_model, make_work

NAME = "penguins"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made")
    return make_model(folder / "model", make_examples(folder / "examples"))


@pytest.fixture(scope="module")
def other(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_model(tmp_path_factory.mktemp("other") / "model", made.examples, strength=0.01)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that MLflow has laid out, which takes it seconds."""
    file = tmp_path_factory.mktemp("empty") / "mlflow.db"
    with asking(f"sqlite:///{file}"):
        return file


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A registry that does not exist yet, in a folder whose name needs care."""
    monkeypatch.chdir(tmp_path)
    return f"sqlite:///{tmp_path}/it's a folder é/mlflow.db"


@pytest.fixture
def tracking(nowhere: str, tmp_path: Path, empty: Path) -> str:
    """The same, with nothing in it yet."""
    (tmp_path / "it's a folder é").mkdir()
    shutil.copyfile(empty, tmp_path / "it's a folder é" / "mlflow.db")
    return nowhere


def pushed(made: Made, folder: Path, tracking: str, **evidence: object) -> PushedModel:
    work = make_work(made, folder, "pushed_model", tracking=tracking, **evidence)  # type: ignore[arg-type]
    notes = push.run(work, PushParameters(name=NAME))
    found = read(PushedModel, work.outputs["pushed_model"], PUSHED_MODEL_FILE)
    assert notes.values["pushed"] is found.pushed
    return found


def tracked_runs(tracking: str) -> list[SimpleNamespace]:
    with asking(tracking) as client:
        experiment = client.get_experiment_by_name(NAME)
        return [
            SimpleNamespace(
                id=run.info.run_id,
                status=run.info.status,
                params=run.data.params,
                metrics=run.data.metrics,
                tags=run.data.tags,
            )
            for run in client.search_runs([experiment.experiment_id])
        ]


def test_a_blessed_model_becomes_one_version_however_often_it_is_pushed(
    made: Made, other: Made, nowhere: str, tmp_path: Path
) -> None:
    tracking = nowhere
    first = pushed(made, tmp_path / "1", tracking)
    assert first == PushedModel(made.digest, True, "penguins version 1", NAME, "1", first.tracking_run)
    again = pushed(made, tmp_path / "2", tracking, run_id="another-run")
    assert (again.version, again.reason) == ("1", "penguins version 1 was there already")
    assert again.tracking_run != first.tracking_run
    assert pushed(other, tmp_path / "3", tracking).version == "2"

    registry = Registry(tracking)
    assert [(one.version, one.digest) for one in registry.versions(NAME)] == [("2", other.digest), ("1", made.digest)]
    assert registry.versions(NAME) == registry._asked_versions(NAME)
    found = registry.find(NAME, made.digest)
    assert found is not None
    assert found.run == first.tracking_run
    assert registry.champion(NAME, "champion") is None
    assert [entry.name for entry in tmp_path.iterdir() if entry.name not in "123"] == ["it's a folder é"]


def test_the_run_tells_what_was_judged(made: Made, tracking: str, tmp_path: Path) -> None:
    pushed(made, tmp_path / "1", tracking)
    (run,) = tracked_runs(tracking)
    assert run.status == "FINISHED"
    assert run.metrics == {"accuracy": 0.9, "accuracy/island:Tor_gersen": 1.0, "latency_p95_ms": 3.0}
    assert run.params["params.C"] == "1.0"
    assert run.params["estimator"] == "sklearn.linear_model.LogisticRegression"
    assert run.tags["mlopsctl.digest"] == made.digest
    assert run.tags["mlopsctl.run"] == "20261121-1"
    assert run.tags["mlopsctl.environment"] == "default"
    assert run.tags["mlopsctl.gate.floor"] == "pass: 0.9 against 0.6"
    assert run.tags["mlopsctl.version"] == "1"


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        ({"blessed": Verdict.FAIL}, "floor: 0.9 against 0.6"),
        ({"blessed": Verdict.ERROR}, "floor: 0.9 against 0.6"),
        ({"infra": Verdict.FAIL}, "as told"),
        ({"infra": Verdict.ERROR}, "as told"),
        ({"infra": None}, "has not passed a preflight"),
        ({"judged": "sha256:" + "0" * 64}, "the evaluation and the blessing and the preflight judged another model"),
    ],
)
def test_a_model_without_both_blessings_is_recorded_and_never_registered(
    made: Made, tracking: str, tmp_path: Path, evidence: dict[str, object], reason: str
) -> None:
    found = pushed(made, tmp_path / "1", tracking, **evidence)
    assert not found.pushed
    assert reason in found.reason
    assert found.version == ""
    assert Registry(tracking).versions(NAME) == ()
    (run,) = tracked_runs(tracking)
    assert run.id == found.tracking_run
    assert reason in run.tags["mlopsctl.not_pushed"]


def test_a_second_attempt_continues_the_run_that_the_first_began(
    made: Made, tracking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise StepProblem.because("killed", "between the upload and the version")

    with monkeypatch.context() as patched:
        patched.setattr("mlflow.MlflowClient.create_model_version", killed)
        with pytest.raises(StepProblem):
            pushed(made, tmp_path / "1", tracking)
    (failed,) = tracked_runs(tracking)
    assert failed.status == "FAILED"
    assert Registry(tracking).versions(NAME) == ()
    found = pushed(made, tmp_path / "2", tracking)
    (run,) = tracked_runs(tracking)
    assert (run.id, run.status, found.version) == (failed.id, "FINISHED", "1")


def test_the_alias_moves_and_is_removed(made: Made, other: Made, tracking: str, tmp_path: Path) -> None:
    for number, model in enumerate((made, other)):
        pushed(model, tmp_path / str(number), tracking)
    registry = Registry(tracking)
    for version in ("1", "2", "2", "1"):
        registry.set_champion(NAME, "champion-dev", version)
        champion = registry.champion(NAME, "champion-dev")
        assert champion is not None
        assert champion.version == version
        assert champion == registry._asked_champion(NAME, "champion-dev")
    with pytest.raises(StepProblem, match="no version 9 of penguins"):
        registry.set_champion(NAME, "champion-dev", "9")
    with asking(tracking) as client:
        client.set_registered_model_alias(NAME, "champion-dev", "2")
        registry.set_champion(NAME, "champion", "1")
        assert client.get_registered_model(NAME).aliases == {"champion-dev": 2, "champion": 1}
        registry.set_champion(NAME, "champion-dev", "1")
        assert client.get_registered_model(NAME).aliases == {"champion-dev": 1, "champion": 1}
    registry.delete_alias(NAME, "champion-dev")
    registry.delete_alias(NAME, "champion-dev")
    assert registry.champion(NAME, "champion-dev") is None
    assert registry._asked_champion(NAME, "champion-dev") is None
    assert len(registry.versions(NAME)) == 2


def test_a_download_is_the_model_or_nothing(made: Made, tracking: str, tmp_path: Path) -> None:
    pushed(made, tmp_path / "1", tracking)
    registry = Registry(tracking)
    folder = registry.download(NAME, "1", tmp_path / "serve" / "model")
    packed = packed_folder(folder)
    assert packed is not None
    assert {file.name: file.read_bytes() for file in packed.iterdir()} == {
        file.name: file.read_bytes() for file in made.model.iterdir()
    }
    assert [entry.name for entry in (tmp_path / "serve").iterdir()] == ["model"]

    (stored,) = (tmp_path / "it's a folder é").rglob("artifacts/data/*/estimator.pkl")
    stored.write_bytes(b"changed")
    with pytest.raises(StepProblem, match="are not the model sha256:"):
        registry.download(NAME, "1", tmp_path / "serve" / "again")
    for file in sorted(stored.parents[2].rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    with pytest.raises(StepProblem, match=r"model files|cannot be had"):
        registry.download(NAME, "1", tmp_path / "serve" / "again")
    with pytest.raises(StepProblem, match="no version 7"):
        registry.download(NAME, "7", tmp_path / "serve" / "again")
    assert [entry.name for entry in (tmp_path / "serve").iterdir()] == ["model"]


def test_the_registered_model_predicts_where_this_tool_is_not_installed(
    made: Made, tracking: str, tmp_path: Path
) -> None:
    pushed(made, tmp_path / "1", tracking)
    folder = Registry(tracking).download(NAME, "1", tmp_path / "model")
    script = (
        "import sys, json\n"
        "sys.modules['mlopsctl'] = None\n"
        "import mlflow.pyfunc, pandas\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "rows = pandas.DataFrame({'age': [3.0], 'weight': [None], 'wild': [1.0], 'island': ['new']})\n"
        "rows['weight'] = rows['weight'].astype(float)\n"
        "print('ANSWER', json.dumps(list(model.predict(rows).columns)), model.metadata.metadata)\n"
    )
    command = [sys.executable, "-P", "-c", script, str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    answer = ran.stdout.partition("ANSWER ")[2]
    assert json.loads(answer.partition("]")[0] + "]") == ["prediction", "probability_Adelie", "probability_Gentoo"]
    assert made.digest in answer
    signature = (folder / "MLmodel").read_text()
    assert all(name in signature for name in FEATURES)


def test_a_deleted_experiment_is_said(made: Made, tracking: str, tmp_path: Path) -> None:
    pushed(made, tmp_path / "1", tracking)
    with asking(tracking) as client:
        client.delete_experiment(client.get_experiment_by_name(NAME).experiment_id)
    with pytest.raises(StepProblem, match="experiment penguins is deleted"):
        pushed(made, tmp_path / "2", tracking)


def test_a_file_that_is_no_registry_is_said(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("not a database")
    registry = Registry(f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(StepProblem, match="MLflow registry at sqlite:///") as raised:
        registry.versions(NAME)
    assert raised.value.diagnostics[0].hint
    assert not registry.healthy()


def test_a_push_needs_an_address(made: Made, tmp_path: Path) -> None:
    with pytest.raises(StepProblem, match="no MLflow address"):
        pushed(made, tmp_path / "1", "")
