"""What stands under `deployment.rollout`, and where it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlopsctl.config.load import load_project
from mlopsctl.config.sections.deployment import Rollout
from mlopsctl.ground.errors import InvalidProject

PROJECT = """version: 1
name: birds
data: {{birds: {{source: {{kind: csv, uri: birds.csv}}, label: kind}}}}
training: {{task: classification, targets: {{a: {{kind: sklearn, estimator: sklearn.svm.SVC}}}}}}
evaluation: {{gates: [{{name: floor, kind: threshold, metric: accuracy, min: 0.5}}]}}
deployment:
  server: {server}
  rollout: {rollout}
"""
VERTEX = "{kind: vertex, project: acme, location: europe-west4}"


def refused(folder: Path, rollout: str, server: str = VERTEX) -> tuple[str, int]:
    """The message of a project with that rollout, and its line."""
    file = folder / "mlops.yaml"
    file.write_text(PROJECT.format(server=server, rollout=rollout))
    with pytest.raises(InvalidProject) as told:
        load_project(file)
    (found,) = told.value.diagnostics
    assert found.span is not None
    return found.message, found.span.line


def test_a_canary_on_this_machine_is_refused_at_its_line(tmp_path: Path) -> None:
    message, line = refused(tmp_path, "{strategy: canary, steps: [0.5]}", "{kind: mlflow}")
    assert (message, line) == ("the server on this machine serves one model at a time, so it cannot do a canary", 8)


@pytest.mark.parametrize(
    ("rollout", "told"),
    [
        ("{strategy: canary}", "a canary needs `steps`"),
        ("{strategy: blue_green, steps: [0.5]}", "`steps` is for `strategy: canary`, and this is blue_green"),
        ("{pause: 10m}", "`pause` is for `strategy: canary`, and this is replace"),
        ("{strategy: canary, steps: [0.5, 0.1]}", "the steps of a rollout must grow"),
        ("{strategy: canary, steps: [0.005]}", "a step of a rollout is a whole percent above 0"),
        ("{strategy: canary, steps: [0]}", "a step of a rollout is a whole percent above 0"),
    ],
)
def test_a_rollout_that_cannot_be_is_refused(tmp_path: Path, rollout: str, told: str) -> None:
    message, line = refused(tmp_path, rollout)
    assert told in message
    assert line == 8


@pytest.mark.parametrize("server", ["{kind: mlflow}", VERTEX])
@pytest.mark.parametrize("strategy", ["replace", "blue_green"])
def test_a_swap_goes_everywhere(tmp_path: Path, server: str, strategy: str) -> None:
    file = tmp_path / "mlops.yaml"
    file.write_text(PROJECT.format(server=server, rollout=f"{{strategy: {strategy}}}"))
    load_project(file)


@pytest.mark.parametrize(
    ("steps", "percents"),
    [((0.1, 0.5), (10, 50, 100)), ((0.29, 1.0), (29, 100)), ((), (100,)), ((0.07, 0.57), (7, 57, 100))],
)
def test_the_last_share_is_all_of_it(steps: tuple[float, ...], percents: tuple[int, ...]) -> None:
    strategy = "canary" if steps else "replace"
    assert Rollout(strategy=strategy, steps=steps).percents == percents
