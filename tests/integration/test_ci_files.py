"""What `ci init` writes, through zizmor (auditor persona) and actionlint: in every combination they find nothing.
Our own workflows too. Build files go through Cloud Build's own message."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlopsctl.delivery.ci.scaffold import make_files, write_made
from tests.ci_projects import CHAIN, CLOUD_BUILD, GOOGLE, PLAIN, put

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SETTINGS = {
    "google": GOOGLE,
    "install": "    install: requirements/ci.txt\n",
    "sample": "    sample: {rows: 10, seed: 3}\n",
}
ASKED = {
    "forks": "    forks: publisher\n",
    "commands": "    commands: true\n",
    "issue": "    drift: issue\n",
    "pull": "    drift: pull_request\n",
}
COMBINATIONS = [
    (*chosen, *shape)
    for chosen in itertools.chain.from_iterable(itertools.combinations(SETTINGS, n) for n in range(len(SETTINGS) + 1))
    for shape in ((), ("below", "tests"))
] + [
    (*asked, *rest)
    for asked in (("forks",), ("commands",), ("forks", "commands"), ("issue",), ("pull",))
    for rest in ((), (*SETTINGS, "below", "tests"))
]


def run(folder: Path, *words: str) -> None:
    home = {**os.environ, "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"), "NO_COLOR": "1"}
    done = subprocess.run(words, capture_output=True, text=True, env=home, cwd=folder, timeout=120, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"


def audited(home: Path, folder: Path) -> None:
    files = sorted(str(path) for path in folder.glob("*.yml"))
    assert files
    run(home, str(BIN / "zizmor"), "--offline", "--no-progress", "--persona", "auditor", *files)
    run(home, str(BIN / "actionlint"), "-shellcheck=", "-pyflakes=", *files)


@pytest.mark.parametrize("chosen", COMBINATIONS, ids=lambda chosen: "-".join(chosen) or "default")
@pytest.mark.parametrize("text", [PLAIN, CHAIN], ids=["plain", "chain"])
def test_nothing_is_found_in_what_is_emitted(tmp_path: Path, text: str, chosen: tuple[str, ...]) -> None:
    known = {**SETTINGS, **ASKED}
    settings = "".join(known[name] for name in chosen if name in known)
    if text == PLAIN:
        text += "parameters: {seed: 1, rows: 1000}\n"
    place = tmp_path / "models" / "one" if "below" in chosen else tmp_path
    put(place, f"{text}ci:\n  - kind: github_actions\n{settings}", tests="tests" in chosen, repository=tmp_path)
    write_made(make_files(place))
    home = tmp_path / "home"
    home.mkdir()
    audited(home, tmp_path / ".github" / "workflows")


def test_nothing_is_found_in_our_own_workflows(tmp_path: Path) -> None:
    audited(tmp_path, ROOT / ".github" / "workflows")


def test_a_finding_would_be_seen(tmp_path: Path) -> None:
    put(tmp_path, PLAIN)
    (path, *_) = write_made(make_files(tmp_path, "github_actions"))
    path.write_text(path.read_text().replace("permissions: {}", "permissions: write-all"))
    with pytest.raises(AssertionError, match="excessive-permissions"):
        audited(tmp_path, path.parent)


@pytest.mark.parametrize("tests", [True, False])
def test_build_files_are_messages_of_cloud_build(tmp_path: Path, tests: bool) -> None:
    pytest.importorskip("google.cloud.devtools.cloudbuild_v1")
    import yaml
    from google.cloud.devtools.cloudbuild_v1 import Build, BuildTrigger

    files = make_files(put(tmp_path, f"{CHAIN}ci:\n{CLOUD_BUILD}", tests=tests)).files
    for path, text in files.items():
        if path.endswith(".json"):
            assert [BuildTrigger.from_json(json.dumps(one)).name for one in json.loads(text)]
        else:
            assert Build.from_json(json.dumps(yaml.safe_load(text))).steps, path
