"""A task as a scheduler's worker calls it: what it is told is read before anything is touched."""

from __future__ import annotations

import json

import pytest

from mlopsctl.delivery.inside import called


@pytest.mark.parametrize("run", ["../x", "", "/etc", "a/b", ".hidden", "x" * 300])
def test_a_run_whose_name_is_no_folders_name_is_refused(
    run: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(called, "die_with_parent", lambda *_: None)
    told = {"kind": "step", "task": "{}", "run": run, "parameters": {}}
    monkeypatch.setenv(called.CALL, json.dumps(told))
    assert called.main([]) == 1
    assert "no usable id" in capsys.readouterr().err
