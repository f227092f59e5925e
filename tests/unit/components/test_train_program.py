"""Training by a program of any language: what it finds, what it must leave, and how its model answers later."""

from __future__ import annotations

import csv
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError

from mlopsctl.artifacts.manifest import folder_digest
from mlopsctl.components.own_kinds import ContainerRun
from mlopsctl.components.spec import Notes
from mlopsctl.components.train import TrainParameters, run
from mlopsctl.components.tune import TuneParameters
from mlopsctl.components.tune import run as run_tune
from mlopsctl.frameworks import CommandTarget, Target
from mlopsctl.frameworks import program as programs
from mlopsctl.frameworks.container import ContainerTarget
from mlopsctl.frameworks.packed import load
from mlopsctl.ground.errors import InvalidProject, StepProblem
from tests.unit.frameworks.making import examples, fares, flowers, transform, work

ADAPTER: TypeAdapter[Any] = TypeAdapter(Target)

# The mean of every feature, per class; the nearest mean answers.
TRAIN = """
import csv, json, sys
from pathlib import Path
folder, model, shrink = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
told = json.loads((folder / "parameters.json").read_text())
means = [[0.0] * len(told["features"]) for _ in told["classes"]]
counts = [0] * len(means)
with open(folder / "train.csv", newline="") as stream:
    for row in csv.DictReader(stream):
        place = int(row[told["label"]])
        counts[place] += 1
        for at, name in enumerate(told["features"]):
            means[place][at] += float(row[name])
(model / "means.json").write_text(json.dumps([[v * shrink / n for v in m] for m, n in zip(means, counts)]))
"""
PREDICT = """
import csv, json, math, sys
from pathlib import Path
model, rows, answers, how = sys.argv[1:5]
means = json.loads((Path(model) / "means.json").read_text())
with open(rows, newline="") as source, open(answers, "w", newline="") as target:
    reader, writer = csv.reader(source), csv.writer(target)
    next(reader)
    writer.writerow([f"c{n}" for n in range(len(means))] if how != "label" else ["class"])
    for row in reader:
        scores = [-sum((float(v) - m) ** 2 for v, m in zip(row, mean)) for mean in means]
        if how == "label":
            writer.writerow([scores.index(max(scores))])
        else:
            writer.writerow(scores)
"""


def target(how: str = "logits", **more: Any) -> dict[str, Any]:
    return {
        "kind": "command",
        "command": ["python3", "train.py", "{inputs.examples}", "{outputs.model}", "{parameters.shrink}"],
        "predict": ["python3", "predict.py", "{inputs.model}", "{inputs.rows}", "{outputs.predictions}", how],
        "params": {"shrink": 1.0},
        "output": how,
        **more,
    }


def train(folder: Path, written: dict[str, Any], frame: pd.DataFrame | None = None, **files: str) -> tuple[Path, Notes]:
    """Train in a fresh folder; the model's folder and the notes."""
    frame = flowers() if frame is None else frame
    label = "fare" if "fare" in frame else "kind"
    project = folder / "project"
    project.mkdir(parents=True)
    for name, text in {"train.py": TRAIN, "predict.py": PREDICT, **files}.items():
        (project / name).write_text(text)
    rows = examples(folder / "examples", frame, label)
    inputs = {"examples": rows, "transform_graph": transform(folder / "transform", rows)}
    doing = work(folder, inputs, ("model",), project=project, seed=7)
    asked = {"target": written, "task": "regression" if label == "fare" else "classification", "label": label}
    return doing.outputs["model"], run(doing, TrainParameters.model_validate(asked))


def test_a_program_trains_and_its_model_answers_raw_rows(tmp_path: Path) -> None:
    model, notes = train(tmp_path, target())
    answered = load(model).predict(flowers().drop(columns="kind"))
    assert list(answered.columns) == ["prediction", "probability_blue", "probability_green", "probability_red"]
    assert (answered["prediction"] == flowers()["kind"]).mean() > 0.7
    assert np.allclose(answered.filter(like="probability").sum(axis=1), 1)
    assert notes.line == "python3 train.py on 240 rows, 3 classes"
    info = json.loads((model / "model.json").read_text())
    assert (info["framework"], info["output"], info["parameters"]) == ("command", "logits", {"shrink": 1.0})


def test_a_program_may_answer_with_the_numbers_of_classes(tmp_path: Path) -> None:
    labels = load(train(tmp_path / "a", target("label"))[0]).predict(flowers())
    logits = load(train(tmp_path / "b", target())[0]).predict(flowers())
    assert list(labels.columns) == ["prediction"]
    assert labels["prediction"].equals(logits["prediction"])


def test_the_same_training_leaves_the_same_bytes(tmp_path: Path) -> None:
    assert len({folder_digest(train(tmp_path / str(turn), target())[0]) for turn in range(2)}) == 1


def test_the_model_answers_where_the_tool_and_the_project_are_not(tmp_path: Path) -> None:
    model, _ = train(tmp_path / "here", target())
    moved = tmp_path / "there" / "model"
    # As a registry copies it: no modes, no empty folders, the loader beside it.
    shutil.copytree(model, moved, copy_function=shutil.copyfile)
    shutil.copyfile(Path(programs.__file__).with_name("packed.py"), tmp_path / "there" / "packed.py")
    rows = flowers(5).drop(columns="kind")
    rows.to_json(tmp_path / "rows.json", orient="records")
    script = (
        "import sys, pandas as pd; sys.path.insert(0, sys.argv[1]); import packed;"
        "print(packed.load(sys.argv[1] + '/model').predict(pd.read_json(sys.argv[2]))['prediction'].tolist());"
        "assert not [name for name in sys.modules if name.startswith('mlopsctl.')]"
    )
    told = subprocess.run(
        [sys.executable, "-P", "-c", script, str(tmp_path / "there"), str(tmp_path / "rows.json")],
        cwd=tmp_path / "there", env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.strip() == str(load(model).predict(rows)["prediction"].tolist())


REGRESSION = r"""#!/bin/sh
# The mean of the label, by awk; the model is a program itself.
mean=$(awk -F, 'NR > 1 { sum += $NF; n++ } END { printf "%.6f", sum / n }' "$MLOPSCTL_INPUTS_EXAMPLES/train.csv")
printf '#!/bin/sh\nawk '"'"'NR == 1 { print "fare" } NR > 1 { print %s }'"'"' "$1" > "$2"\n' "$mean" > "$1/predict"
"""


def test_without_predict_the_model_is_a_program_that_the_training_left(tmp_path: Path) -> None:
    written = {"kind": "command", "command": ["./mean.sh", "{outputs.model}"]}
    model, notes = train(tmp_path, written, fares(), **{"mean.sh": REGRESSION})
    answered = load(model).predict(fares(20))
    assert answered["prediction"].tolist() == pytest.approx([fares()["fare"][:240].mean()] * 20, abs=1e-3)
    assert notes.line == "./mean.sh on 240 rows"


LOOK = """
import json, os, sys
from pathlib import Path
import pandas as pd
folder, model, seed = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
told = json.loads((folder / "parameters.json").read_text())
found = {
    "told": told, "seed": seed, "files": sorted(os.listdir(folder)), "here": sorted(os.listdir(".")),
    "environment": {name: os.environ[name] for name in os.environ if name.startswith(("MLOPSCTL_IN", "MLOPSCTL_OUT"))},
    "arguments": sys.argv[1:3],
    "agree": all(
        pd.read_parquet(folder / f"{split}.parquet").equals(
            pd.read_csv(folder / f"{split}.csv")) for split in ("train", "validation")),
    "columns": list(pd.read_parquet(folder / "train.parquet").columns),
}
(model / "found.json").write_text(json.dumps(found))
(model / "predict").write_text(
    "#!/bin/sh\\necho 1,2,3 > $2; while read line; do echo 0,0,1 >> $2; done < $1; sed -i 2d $2")
"""


def test_the_program_finds_what_is_promised_and_no_other_file_of_the_project(tmp_path: Path) -> None:
    written = {
        "kind": "command",
        "command": [sys.executable, "look.py", "{inputs.examples}", "{outputs.model}", "{parameters.seed}"],
        "files": ["helpers"],
        "params": {"a": [1, "b"]},
        "output": "probability",
    }
    frame = flowers()
    project = tmp_path / "project"
    (project / "helpers" / "deep").mkdir(parents=True)
    (project / "helpers" / "deep" / "one.R").write_text("1")
    (project / "look.py").write_text(LOOK)
    (project / "secret.txt").write_text("not for you")
    rows = examples(tmp_path / "examples", frame, "kind")
    inputs = {"examples": rows, "transform_graph": transform(tmp_path / "transform", rows)}
    doing = work(tmp_path, inputs, ("model",), project=project, seed=7)
    run(doing, TrainParameters.model_validate({"target": written, "task": "classification", "label": "kind"}))
    model = doing.outputs["model"]
    found = json.loads((model / "program/model/found.json").read_text())
    assert found["files"] == ["parameters.json", "train.csv", "train.parquet", "validation.csv", "validation.parquet"]
    assert found["here"] == ["helpers", "look.py"]
    assert found["agree"]
    assert found["columns"] == ["length", "width", "place=north", "place=south", "kind"]
    assert found["seed"] == "7"
    assert found["told"] == {
        "seed": 7, "params": {"a": [1, "b"]}, "task": "classification", "label": "kind",
        "classes": ["blue", "green", "red"], "features": found["columns"][:-1],
    }  # fmt: skip
    assert list(found["environment"].values()) == found["arguments"]
    assert sorted(found["environment"]) == ["MLOPSCTL_INPUTS_EXAMPLES", "MLOPSCTL_OUTPUTS_MODEL"]
    assert sorted(path.name for path in (model / "program/code").rglob("*") if path.is_file()) == ["look.py", "one.R"]
    assert set(load(model).predict(frame)["prediction"]) == {"red"}


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("import sys; sys.exit('out of luck')", "python3 exited with code 1: out of luck"),
        ("import os; os.kill(os.getpid(), 9)", "was killed by signal 9"),
        ("pass", "left no file in"),
        ("import sys, os; os.symlink('/etc/passwd', sys.argv[2] + '/x')", "is no regular file"),
        ("import sys; open(sys.argv[2] + '/means.json', 'w').write('[]')", "does not answer"),
    ],
)
def test_a_program_that_fails_says_why(tmp_path: Path, script: str, words: str) -> None:
    with pytest.raises(StepProblem, match=words) as caught:
        train(tmp_path, target(), **{"train.py": script})
    assert caught.value.diagnostics[0].hint


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("pass", "left no predictions"),
        ("import sys; open(sys.argv[3], 'w').write('a\\nx\\n')", "no CSV of numbers"),
        ("import sys; open(sys.argv[3], 'w').write('a\\n1\\n')", "answers 1 times for 5 rows"),
        ("import sys; open(sys.argv[3], 'w').write('a\\n' + '0.5\\n' * 5)", "answers with fractions"),
        ("import sys; open(sys.argv[3], 'w').write('a\\n' + '7\\n' * 5)", "labels outside 0 to 2"),
        ("import sys; open(sys.argv[3], 'w').write('a\\n' + '\\n' * 5)", "answers"),
        ("import sys; sys.exit('no model of mine')", "no model of mine"),
    ],
)
def test_a_program_whose_predictions_cannot_be_read_does_not_leave_the_step(
    tmp_path: Path, script: str, words: str
) -> None:
    with pytest.raises(StepProblem, match=words):
        train(tmp_path, target("label"), **{"predict.py": script})


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StepProblem, match="there is no program 'Rscript-that-nobody-has' here"):
        train(tmp_path, target(command=["Rscript-that-nobody-has", "train.R"]))


def test_a_model_that_nothing_can_ask_is_told(tmp_path: Path) -> None:
    with pytest.raises(StepProblem, match="nothing says how the model") as caught:
        train(tmp_path, {key: value for key, value in target().items() if key != "predict"})
    assert "declare `predict`" in caught.value.diagnostics[0].hint


def test_programs_can_be_tuned(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text(TRAIN)
    (project / "predict.py").write_text(PREDICT)
    rows = examples(tmp_path / "examples", flowers(), "kind")
    inputs = {"examples": rows, "transform_graph": transform(tmp_path / "transform", rows)}
    doing = work(tmp_path, inputs, ("hyperparameters",), project=project)
    asked = {
        "target": target(), "task": "classification", "label": "kind", "metric": "accuracy",
        "tune": {"space": {"shrink": [-1.0, 1.0]}, "parallel": 2, "early_stopping": True},
    }  # fmt: skip
    notes = run_tune(doing, TuneParameters.model_validate(asked))
    assert notes.values["params"] == {"shrink": 1.0}
    assert "training with kind: command is not done in stages" in notes.line


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("command", "{inputs.example}"),
        ("command", "{input.examples}"),
        ("command", "{parameters.shrunk}"),
        ("command", "--out={outputs.models}"),
        ("command", "{inputs.rows}"),
        ("predict", "{inputs.examples}"),
        ("predict", "{outputs.model}"),
    ],
)
def test_a_placeholder_that_stands_for_nothing_is_refused(key: str, word: str) -> None:
    with pytest.raises(ValidationError) as raised:
        ADAPTER.validate_python(target(**{key: ["x", word]}))
    error = raised.value.errors()[0]
    assert error["type"] == "unknown-placeholder"
    assert error["ctx"]["key"] == key


def test_other_braces_mean_themselves() -> None:
    ADAPTER.validate_python(target(command=["awk", "{print $1}", '{"a": 1}', "{}", "{x}"]))


@pytest.mark.parametrize("image", ["r-base", "r-base:4.4", "-v", "r@sha256:xyz", "a b@sha256:00"])
def test_an_image_is_named_by_its_digest(image: str) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python({"kind": "container", "image": image})


@pytest.mark.parametrize(
    "image",
    ["r@sha256:0", "--label=x@sha256:" + "0" * 64, "a\u00a0b@sha256:" + "0" * 64, "r@sha256:" + "0" * 65],
)
def test_both_kinds_of_container_have_the_same_rule_for_images(image: str) -> None:
    for kind in (ContainerTarget, ContainerRun):
        with pytest.raises(ValidationError, match="is not named by its digest"):
            kind(kind="container", image=image)
        for good in ("sha256:" + "0" * 64, "example.com:5000/a/b:1@sha256:" + "0" * 64):
            assert kind(kind="container", image=good).image == good


@pytest.mark.parametrize("named", ["lib/link", "lib", "linked", "linked/passwd"])
def test_files_of_a_target_are_not_taken_by_links(named: str, tmp_path: Path) -> None:
    outside, project = tmp_path / "outside", tmp_path / "project"
    (project / "lib").mkdir(parents=True)
    outside.mkdir()
    (outside / "passwd").write_text("secret")
    (project / "lib" / "link").symlink_to(outside / "passwd")
    (project / "linked").symlink_to(outside)
    with pytest.raises(InvalidProject, match="is a link out of the project, and `files` takes no links"):
        CommandTarget(command=("x",), files=(named,)).code(project)


def test_a_comma_in_a_path_is_told_and_not_given_to_the_engine(tmp_path: Path) -> None:
    (tmp_path / "a,b").mkdir()
    with pytest.raises(programs.ProgramFailed, match="a comma or a quotation mark stands in its path"):
        programs.container_argv("docker", "n", ["x"], IMAGE, tmp_path / "a,b", {}, {})


def test_arguments_that_are_files_of_the_project_are_its_code(tmp_path: Path) -> None:
    for name in ("train.R", "predict.R", "lib/a.R", "lib/b.R", "other.R"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    written = CommandTarget(
        command=("Rscript", "train.R", "{inputs.examples}", "../x", "/etc/passwd", "a" * 5000, "lib"),
        predict=("Rscript", "./predict.R"), files=("lib",),
    )  # fmt: skip
    assert written.code(tmp_path) == ("lib/a.R", "lib/b.R", "predict.R", "train.R")
    with pytest.raises(InvalidProject, match="there is no file gone"):
        CommandTarget(command=("x",), files=("gone",)).code(tmp_path)


# A `docker` that writes down its arguments and does what the container would, with the mounts as they are here.
FAKE = """#!/usr/bin/env python3
import json, os, subprocess, sys
with open(os.environ["FAKE_LOG"], "a") as stream:
    stream.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] != "run":
    sys.exit(0)
words, mounts, environment = sys.argv[2:], {}, {}
while words[0].startswith("--"):
    option = words.pop(0)
    if option == "--rm":
        continue
    value = words.pop(0)
    if option == "--mount":
        parts = dict(part.partition("=")[::2] for part in value.split(","))
        mounts[parts["dst"]] = parts["src"]
    if option == "--env":
        name, _, text = value.partition("=")
        environment[name] = text
    if option == "--workdir":
        folder = value
def here(text):
    for inside in sorted(mounts, key=len, reverse=True):
        text = text.replace(inside, mounts[inside])
    return text
image, *command = words
sys.exit(subprocess.run([here(word) for word in command], cwd=here(folder)).returncode)
"""


@pytest.fixture
def fake_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "docker").write_text(FAKE)
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


IMAGE = "r-base@sha256:" + "0" * 64


def test_a_container_gets_its_folders_and_nothing_else(tmp_path: Path, fake_docker: Path) -> None:
    model, notes = train(tmp_path / "here", target(kind="container", image=IMAGE))
    assert notes.line == f"{IMAGE} on 240 rows, 3 classes"
    assert (load(model).predict(flowers())["prediction"] == flowers()["kind"]).mean() > 0.7
    runs = [argv for line in fake_docker.read_text().splitlines() if (argv := json.loads(line))[0] == "run"]
    training, asking = runs[0], runs[-1]
    assert training[1:8] == [
        "--rm",
        "--name",
        training[3],
        "--network",
        "none",
        "--user",
        f"{os.getuid()}:{os.getgid()}",
    ]
    mounts = [
        dict(part.partition("=")[::2] for part in word.split(",")) for word in training if word.startswith("type=")
    ]
    assert {one["dst"]: "readonly" in one for one in mounts} == {
        "/mlopsctl/code": True, "/mlopsctl/inputs/examples": True, "/mlopsctl/outputs/model": False,
    }  # fmt: skip
    command = ["python3", "train.py", "/mlopsctl/inputs/examples", "/mlopsctl/outputs/model", "1.0"]
    assert training[-6:] == [IMAGE, *command]
    assert asking[-6:] == [
        "python3", "predict.py", "/mlopsctl/inputs/model", "/mlopsctl/inputs/rows/rows.csv",
        "/mlopsctl/outputs/predictions/predictions.csv", "logits",
    ]  # fmt: skip
    assert "MLOPSCTL_INPUTS_ROWS=/mlopsctl/inputs/rows/rows.csv" in asking


def test_a_container_that_fails_is_removed(tmp_path: Path, fake_docker: Path) -> None:
    with pytest.raises(StepProblem, match="exited with code 1: out of luck"):
        train(
            tmp_path / "here",
            target(kind="container", image=IMAGE),
            **{"train.py": "import sys; sys.exit('out of luck')"},
        )
    asked = [json.loads(line) for line in fake_docker.read_text().splitlines()]
    started = next(argv for argv in asked if argv[0] == "run")
    assert asked[-1] == ["rm", "--force", started[3]]


def test_a_machine_without_an_engine_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "ENGINES", ())
    with pytest.raises(StepProblem, match="needs docker or podman, and neither is installed here"):
        train(tmp_path, target(kind="container", image=IMAGE))


def test_csv_floats_are_read_back_as_they_were(tmp_path: Path) -> None:
    """What a program reads is what was transformed, to the last bit."""
    values = np.random.default_rng(0).normal(size=50)
    pd.DataFrame({"x": values}).to_csv(tmp_path / "x.csv", index=False)
    with (tmp_path / "x.csv").open(newline="") as stream:
        assert [float(row["x"]) for row in csv.DictReader(stream)] == values.tolist()
    assert not stat.S_IXUSR & (tmp_path / "x.csv").stat().st_mode
