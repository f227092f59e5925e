"""The step key: what is in it, and what is not."""

from dataclasses import replace
from pathlib import Path

import pytest

from mlopsctl.ground.errors import InvalidProject
from mlopsctl.pipeline.ir import ArtifactType, Pipeline, Resources, Retry, Step
from mlopsctl.step.key import ABSENT, PYTHON, Surroundings, code_digests, key_material, package_versions, step_key

STEP = Step(
    "train-a",
    "train",
    1,
    {},
    {"model": ArtifactType.MODEL},
    {"params": {"C": 1.0}},
    code=("fit.py",),
    packages=("numpy",),
)
AROUND = Surroundings(code={"fit.py": "sha256:1", "other.py": "sha256:2"}, packages={"numpy": "2", "scipy": "1"})


def key(step: Step = STEP, inputs: dict[str, str] | None = None, around: Surroundings = AROUND) -> str:
    return step_key(key_material(step, inputs or {"examples": "sha256:a"}, around))


@pytest.mark.parametrize(
    "change",
    [
        {"component_version": 2},
        {"component": "other"},
        {"parameters": {"params": {"C": 2.0}}},
        {"seed": 1},
        {"code": ("other.py",)},
        {"packages": ("scipy",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_decides_the_result_stands_in_the_key(change: dict[str, object]) -> None:
    assert key(replace(STEP, **change)) != key()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"id": "train-b"},
        {"retry": Retry(3, 1.0)},
        {"timeout": 5.0},
        {"resources": Resources(2.0)},
        {"state_inputs": ("x",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_how_it_runs_does_not_stand_in_the_key(change: dict[str, object]) -> None:
    assert key(replace(STEP, **change)) == key()  # type: ignore[arg-type]


def test_inputs_code_and_versions_stand_in_the_key() -> None:
    assert key(inputs={"examples": "sha256:b"}) != key()
    assert key(around=replace(AROUND, code={"fit.py": "sha256:9"})) != key()
    assert key(around=replace(AROUND, packages={"numpy": "3"})) != key()


def test_the_key_of_a_known_step_never_changes_by_itself() -> None:
    assert key() == "sha256:b77de6b7c25a2a763dc3a723962e82e807abc7a9d5ef3362444b61b8002e441e"


def test_line_ends_of_user_code_do_not_matter_and_its_text_does(tmp_path: Path) -> None:
    for name, text in [("unix.py", b"a = 1\nb = 2\n"), ("dos.py", b"a = 1\r\nb = 2\r\n"), ("other.py", b"a = 2\n")]:
        (tmp_path / name).write_bytes(text)
    found = code_digests(tmp_path, ["unix.py", "dos.py", "other.py"])
    assert found["unix.py"] == found["dos.py"] != found["other.py"]


def test_missing_code_is_named_all_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidProject) as caught:
        code_digests(tmp_path, ["a.py", "b.py"])
    assert [d.message for d in caught.value.diagnostics] == [
        "cannot read a.py: No such file or directory",
        "cannot read b.py: No such file or directory",
    ]


def test_a_package_that_is_not_installed_is_absent() -> None:
    found = package_versions(Pipeline("p", (replace(STEP, packages=("pydantic", "no-such-package-at-all")),)))
    assert found["no-such-package-at-all"] == ABSENT
    assert found["pydantic"][0].isdigit()


def test_every_pin_of_a_package_and_the_python_that_chooses_stand_in_the_key() -> None:
    old, new = "numpy==1.26.4 ; python_version < '3.13'", "numpy==2.1.0 ; python_version >= '3.13'"
    around = replace(AROUND, packages={"numpy": "2", PYTHON: "cpython-3.11.2"})
    both = replace(STEP, requirements=(old, new))
    material = key_material(both, {}, around)
    assert material["requirements"] == {"numpy": f"{old}, {new}"}
    assert material["packages"] == {PYTHON: "cpython-3.11.2"}
    assert key(both, around=around) != key(replace(STEP, requirements=(new,)), around=around)
    assert key(both, around=around) != key(
        both, around=replace(around, packages={PYTHON: "cpython-3.13.1", "numpy": "2"})
    )
    assert package_versions(Pipeline("p", (both,)))[PYTHON].startswith("cpython-3.")
    assert PYTHON not in package_versions(Pipeline("p", (STEP,)))


def test_a_pin_takes_the_place_of_a_package_that_is_named_by_its_module() -> None:
    step = replace(STEP, packages=("sklearn",), requirements=("scikit-learn==1.4.0",))
    around = replace(AROUND, packages=package_versions(Pipeline("p", (step,))))
    assert around.packages["sklearn"].startswith("scikit-learn ")
    assert key_material(step, {}, around)["packages"] == {PYTHON: around.packages[PYTHON]}
    shared = replace(around, packages={"sklearn": "other 1, scikit-learn 2", PYTHON: "cpython-3.11.2"})
    assert key_material(step, {}, shared)["packages"] == {"sklearn": "other 1", PYTHON: "cpython-3.11.2"}
