"""Hostile text in every field, through the real imports of Airflow 3 and Airflow 2: it stays text, and nothing runs."""

from __future__ import annotations

import ast
import json
import keyword
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlopsctl.config.load import load_project
from mlopsctl.ground import resources
from mlopsctl.ground.errors import InvalidProject
from mlopsctl.lowering.lower import lower
from mlopsctl.orchestrators.airflow.compile import compile_airflow
from tests.integration.airflow_server import AIRFLOW2, AIRFLOW3, surroundings

HERE = Path(__file__).parent
CLOUD = HERE.parents[1] / ".venvs" / "cloud" / "bin" / "python"
# ``{canary}`` is a file that must not come to be.
PAYLOADS = (
    'x"); import os; os.system("touch {canary}")#', "');__import__('os').system('touch {canary}')#",
    "ok\n    import os;os.system('touch {canary}')", "a\rb", "'''\nimport os\n'''", '"""', "\\",
    "\\N{{DIGIT ONE}}", "%s %(x)s {{0}} {{x!r}}",
    "${{{{ secrets.PROD_KEY }}}}", "${{{{ github.token }}}}",
    "{{{{ conn.prod.password }}}}", "{{% for x in y %}}", "{{# x #}}", "{{{{ ''.__class__.__mro__ }}}}",
    "{{{{ var.value.key }}}}", "{{{{ macros.os.system('touch {canary}') }}}}", "{{{{", "{{%",
    "; touch {canary}", "$(touch {canary})", "`touch {canary}`", "a && touch {canary}", "*", "trailing \\", "| sh",
    "--config={canary}", "--upload-pack=touch {canary}", "-c", "-m os",
    "$PROJECT_ID", "${{_SECRET}}", "$$", "$(MLOPSCTL_CALL)", "$(AWS_SECRET_ACCESS_KEY)",
    "{{{{$.inputs.parameters['x']}}}}", "{{{{workflow.parameters.p}}}}", "{{{{inputs.artifacts.x}}}}",
    "Train_Model", "ﬁt", "рrod", "ｐrod", "prod\u200b", "🙂", "\u202egnp.exe", "null", "true", "~", "1e3",
    "class", "None", "__import__", "1step", "../../etc/passwd", "/etc/hostname.md", "README.md", "</script>",
    "<img src=x onerror=alert(1)>", "' OR 1=1 --", "__type", "__var", "a,b", "x" * 3000,
)  # fmt: skip
REFUSED = ("ok\u2028import os", "x\u0085y", "a\x00b", "\ud83d")
EXECUTIONS = ("venv", "kubernetes", "docker")
IMAGE = "registry.example.com/steps@sha256:" + "0" * 64
STORES = {"artifacts": "gs://example/artifacts", "tracking": "https://mlflow.example.com"}
MARKS = ("{{", "{%", "{#", "$")


def written(name: str, text: str, execution: str) -> dict[str, Any]:
    """A project with the text in every field that takes any text; a dollar is written twice."""
    text = text.replace("$", "$$")
    printable = "".join(letter for letter in text if letter >= " " and letter != "\x85")
    settings: dict[str, Any] = {"kind": execution}
    if execution == "venv":
        settings |= {"python": f"/opt/{printable}/python", "folder": f"/srv/{printable}"}
    elif execution == "kubernetes":
        settings |= {
            "namespace": "ml",
            "service_account": text,
            "node_selector": {"disk": text},
            "secrets": {"TOKEN": {"name": "tokens", "key": "token"}},
        }
    return {
        "version": 1,
        "name": name,
        "owner": text,
        "description": text,
        "parameters": {"seed": 3, "note": text},
        "vars": {"v": text},
        "data": {
            "rows": {
                "source": {"kind": "csv", "uri": f"gs://example/{printable[:200]}.csv"},
                "label": "gone",
                "positive": text,
            }
        },
        "components": {
            "one_by-one": {
                "run": {"kind": "command", "command": ["work"]},
                "description": text,
                "outputs": {"out": "File"},
                "parameters": {"p": text, "v": "${vars.v}", "n": "${parameters.note}", "more": [text, {"k": text}]},
            },
            "lambda": {"run": {"kind": "command", "command": ["work"]}, "inputs": {"i": "one_by-one.out"}},
        },
        "training": {
            "task": "classification",
            "targets": {"t": {"kind": "sklearn", "estimator": "sklearn.svm.SVC", "params": {"kernel": text}}},
        },
        "triggers": [{"kind": "data", "dataset": "rows"}],
        "notify": [{"kind": "webhook", "url": "https://hooks.example.com", "headers": {"X-Text": text}}],
        "stores": STORES,
        "orchestrator": {
            "kind": "airflow",
            "dags": "dags",
            "tags": [text[:100]],
            "queue": text[:250],
            "execution": settings,
            **({} if execution == "venv" else {"image": IMAGE}),
        },
    }


def compiled(folder: Path, document: Mapping[str, Any]) -> dict[str, bytes]:
    folder.mkdir(parents=True)
    (folder / "mlops.yaml").write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
    loaded = load_project(folder)
    return dict(compile_airflow(loaded, lower(loaded)).files)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The payloads by the name of the project that holds them; the first is harmless."""
    canary = tmp_path_factory.mktemp("canary") / "PWN"
    found = [text if text.startswith("xxx") else text.format(canary=canary) for text in PAYLOADS]
    return {f"p{number:03d}": text for number, text in enumerate(["harmless", *found])} | {"canary": str(canary)}


@pytest.fixture(scope="module")
def dags(texts: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DAG folder with each text in each execution."""
    root = tmp_path_factory.mktemp("hostile")
    folder = root / "dags"
    folder.mkdir()
    shipped = (resources.template("airflow") / "dag.py").read_bytes()
    for name, text in texts.items():
        for execution in EXECUTIONS if name != "canary" else ():
            files = compiled(root / name / execution, written(f"{name}-{execution}", text, execution))
            assert files[f"{name}-{execution}.py"] == shipped
            for file, content in files.items():
                (folder / file).write_bytes(content)
    ast.parse(shipped)
    return folder


def loaded(program: Path, dags: Path, home: Path) -> dict[str, Any]:
    """What an Airflow makes of the folder."""
    python = program.with_name("python")
    env = {**surroundings(home, dags), "PYTHONDONTWRITEBYTECODE": "1", "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300"}
    done = subprocess.run(
        [python, "-P", HERE / "airflow_loads.py", dags],
        env=env,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.index('{"errors"') :])
    return found


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("program", [AIRFLOW3, AIRFLOW2], ids=["airflow3", "airflow2"])
def test_hostile_text_stays_text(texts: dict[str, str], dags: Path, program: Path, tmp_path: Path) -> None:
    if not program.is_file():
        pytest.skip(f"there is no {program.parents[1].name}: make {program.parents[1].name}")
    there = sorted(path.name for path in dags.iterdir())
    found = loaded(program, dags, tmp_path / "home")
    assert found["errors"] == {}
    assert set(found["dags"]) == {f"{name}-{kind}" for name in texts if name != "canary" for kind in EXECUTIONS}
    for name, text in texts.items():
        for execution in EXECUTIONS if name != "canary" else ():
            dag, harmless = found["dags"][f"{name}-{execution}"], found["dags"][f"p000-{execution}"]
            assert shape(dag) == shape(harmless), text
            assert dag["description"] == text
            assert dag["params"] == {"seed": 3, "note": text, "mlopsctl_run": "", "mlopsctl_pinned": ""}
            assert text in dag["doc"]
            for id, task in dag["tasks"].items():
                assert task["template_fields"] == [], id
                assert task["unchanged"], id
                told = border(task, execution, harmless["tasks"][id], text)
                assert "$" not in told, id
                call = json.loads(told)
                assert call["parameters"]["note"] == text
                assert not any(mark in call["task"] for mark in MARKS)
    assert not Path(texts["canary"]).exists()
    assert sorted(path.name for path in dags.iterdir()) == there


def border(task: Mapping[str, Any], execution: str, harmless: Mapping[str, Any], text: str) -> str:
    """The one text that a step is told; all else that goes over the border is as with harmless text."""
    done, other = task["done"], harmless["done"]
    if execution == "venv":
        printable = "".join(letter for letter in text if letter >= " " and letter != "\x85")
        assert done["cwd"] == f"/srv/{printable}"
        assert done["words"][0] == f"/opt/{printable}/python"
        assert done["words"][1:-1] == other["words"][1:-1]
        return str(done["told"])
    if execution == "docker":
        assert {**done, "environment": {}} == {**other, "environment": {}}
        assert set(done["environment"]) == {"MLOPSCTL_CALL"}
        return str(done["environment"]["MLOPSCTL_CALL"])
    (container,), (expected,) = done["spec"]["containers"], other["spec"]["containers"]
    assert {**container, "env": []} == {**expected, "env": []}
    assert done["spec"]["serviceAccountName"] == text
    assert done["spec"]["nodeSelector"] == {"disk": text}
    secret, told = container["env"]
    assert secret == expected["env"][0]
    assert set(told) == {"name", "value"}
    return str(told["value"])


def shape(dag: Mapping[str, Any]) -> object:
    """Tasks and edges, without their texts."""
    tasks = {
        id: (task["class"], tuple(task["upstream"]), task["trigger_rule"], sorted(task["done"]))
        for id, task in dag["tasks"].items()
    }
    return tasks, len(dag["tags"]), sorted(dag["params"])


@pytest.mark.timeout(120)
def test_names_are_refused_where_they_are_no_names(tmp_path: Path) -> None:
    for number, text in enumerate((*PAYLOADS, "a.b", "A", "", " ", "a b", "é")):
        if text in ("null", "true", "class"):
            continue
        document = written("shop", "plain", "venv")
        document["components"] = {text: {"run": {"kind": "command", "command": ["work"]}, "outputs": {"out": "File"}}}
        with pytest.raises(InvalidProject):
            compiled(tmp_path / str(number), document)


@pytest.mark.parametrize("text", REFUSED)
def test_characters_that_no_text_should_hold_are_refused(tmp_path: Path, text: str) -> None:
    document = written("shop", "plain", "venv")
    document["description"] = "PLACE"
    compiled(tmp_path / "plain", document)
    for number, spelled in enumerate((text, json.dumps(text)[1:-1])):
        folder = tmp_path / str(number)
        folder.mkdir()
        content = json.dumps(document, indent=1).replace("PLACE", spelled)
        (folder / "mlops.yaml").write_text(content, encoding="utf-8", errors="surrogatepass")
        with pytest.raises(InvalidProject):
            load_project(folder)


@pytest.mark.timeout(120)
def test_words_of_python_are_task_ids_like_any_other(tmp_path: Path) -> None:
    names = [word for word in (*keyword.kwlist, "print", "exec", "import", "self") if word.islower()]
    document = written("shop", "plain", "venv")
    document["components"] = {
        name: {"run": {"kind": "command", "command": ["work"]}, "outputs": {"out": "File"}} for name in names
    }
    files = compiled(tmp_path / "words", document)
    tasks = [task["id"] for task in json.loads(files["shop.json"])["tasks"]]
    assert set(names) <= set(tasks)
    assert len(tasks) == len(set(tasks))


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("key", "value"),
    [("tags", ["x" * 101]), ("tags", [""]), ("pool", "{{ x }}"), ("pool", "a b"), ("queue", "x" * 251)],
)
def test_what_airflow_would_refuse_is_refused_at_its_line(tmp_path: Path, key: str, value: object) -> None:
    document = written("shop", "plain", "venv")
    document["orchestrator"][key] = value
    with pytest.raises(InvalidProject) as refused:
        compiled(tmp_path / "one", document)
    assert refused.value.diagnostics[0].span is not None


@pytest.mark.timeout(120)
def test_data_that_airflow_takes_for_no_asset_becomes_none(tmp_path: Path) -> None:
    for number, uri in enumerate(("gs://example/" + "x" * 1500, "postgresql://host:5432/db", "gs:///x", "gs://[x")):
        document = written("shop", "plain", "venv")
        document["data"]["rows"]["source"]["uri"] = uri
        try:
            files = compiled(tmp_path / str(number), document)
        except InvalidProject:
            continue
        assert json.loads(files["shop.json"])["assets"] == []
