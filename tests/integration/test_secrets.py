"""Canaries: secrets that a step prints in every way, and whose values must then stand nowhere."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.integration.cli import MLOPSCTL, Done, environment, processes_of
from tests.integration.test_flowers import PROJECT, write_data

CANARIES = {
    "PLAIN_TOKEN": "canary-4f9a1c77e2b0",
    "ODD_PASSWORD": "c&nary <\"x'/+%= é>",
    "PRIVATE_KEY": "-----BEGIN CANARY-----\nQ2FuYXJ5S2V5TWF0\nZXJpYWxMaW5lVHdv\n-----END CANARY-----\n",
}
STEP = """
import base64, html, json, os, subprocess, sys, urllib.parse
from pathlib import Path

def say(examples: Path, said: Path, *, tokens: list, fail: bool) -> None:
    assert tokens == [os.environ[name] for name in ("PLAIN_TOKEN", "ODD_PASSWORD", "PRIVATE_KEY")]
    for token in tokens:
        raw = token.encode()
        for form in (
            token, repr(token), json.dumps(token), json.dumps(token, ensure_ascii=False), html.escape(token),
            urllib.parse.quote(token, safe=""), urllib.parse.quote_plus(token), raw.hex(), raw.hex().upper(),
            base64.b64encode(raw).decode(), base64.urlsafe_b64encode(b"user:" + raw).decode(),
        ):
            print("out", form)
            print("error", form, file=sys.stderr)
    print("x" * 5000 + tokens[0] + "y" * 5000, end="", flush=True)
    for letter in tokens[0]:
        os.write(1, letter.encode())
    subprocess.run(["sh", "-c", 'echo "$PLAIN_TOKEN $ODD_PASSWORD"; echo "$PRIVATE_KEY" >&2'], check=True)
    (said / "done.txt").write_text("done")
    if fail:
        raise ValueError("cannot log in with " + " and ".join(tokens))
"""
COMPONENT = """
components:
  say:
    run: {{kind: python, entrypoint: "saying:say"}}
    inputs: {{examples: flowers}}
    outputs: {{said: File}}
    parameters:
      tokens: [{{secret: PLAIN_TOKEN}}, {{secret: ODD_PASSWORD}}, {{secret: PRIVATE_KEY}}]
      fail: {fail}
    {more}
"""


def forms(secret: str) -> dict[str, bytes]:
    """What must stand nowhere; of a base64 that starts elsewhere, the part that only the secret decides."""
    raw = secret.encode()
    found = {
        "plain": secret.strip().encode(),
        "json": json.dumps(secret)[1:-1].encode(),
        "url": quote(secret, safe="").encode(),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "base64": base64.b64encode(raw).rstrip(b"=")[:-1],
        "base64 after user:": base64.urlsafe_b64encode(b"user:" + raw)[8:-6],
    }
    lines = [line for line in secret.splitlines() if len(line) > 10 and "CANARY" not in line]
    return found | {f"line {number}": line.encode() for number, line in enumerate(lines)}


def leaks(folder: Path, *outputs: str) -> list[str]:
    """Where a canary stands in any form: in any file below the folder, or in what a command printed."""
    places = {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    places |= {f"output {number}": text.encode() for number, text in enumerate(outputs)}
    return [
        f"{name} as {how} in {place}"
        for name, secret in CANARIES.items()
        for how, form in forms(secret).items()
        for place, content in places.items()
        if form in content
    ]


def called(folder: Path, *arguments: str, secrets: dict[str, str] | None = None) -> Done:
    given = CANARIES if secrets is None else secrets
    done = subprocess.run(
        [*MLOPSCTL, "-C", str(folder), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=400, env={**environment(), **given}, check=False,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


def project(folder: Path, *, fail: bool, more: str = "") -> Path:
    folder.mkdir()
    (folder / "saying.py").write_text(STEP, encoding="utf-8")
    written = PROJECT + COMPONENT.format(fail=str(fail).lower(), more=more)
    (folder / "mlops.yaml").write_text(written, encoding="utf-8")
    write_data(folder)
    return folder


def test_the_search_would_find_a_leak(tmp_path: Path) -> None:
    for number, form in enumerate(form for secret in CANARIES.values() for form in forms(secret).values()):
        (tmp_path / str(number)).write_bytes(b"before" + form + b"after")
    assert len({place.rpartition("/")[2] for place in leaks(tmp_path)}) == sum(
        len(forms(secret)) for secret in CANARIES.values()
    )


@pytest.mark.timeout(900)
@pytest.mark.parametrize("cold", [False, True], ids=["forked", "own interpreter"])
@pytest.mark.parametrize("fail", [False, True], ids=["success", "failure"])
def test_no_canary_is_left_by_a_run(fail: bool, cold: bool, tmp_path: Path) -> None:
    folder = project(tmp_path / "flowers", fail=fail, more="resources: {cpu: 1}" if cold else "")
    done = called(folder, "-vv", "run")
    assert done.code == (1 if fail else 0), done
    logs = list(folder.glob(".mlops/runs/*/say.1.log"))
    assert len(logs) == 1
    text = logs[0].read_text(encoding="utf-8")
    assert text.count("***") > 30, "the step did not print what it should"
    assert "x" * 5000 + "***" + "y" * 5000 + "***" in text
    shown = [called(folder, *words) for words in (("status",), ("state", "show", "-o", "json"), ("plan", "-o", "json"))]
    assert leaks(tmp_path, done.out, done.err, *(one.out + one.err for one in shown)) == []
    if fail:
        assert "cannot log in with ***" in done.out + done.err
    assert processes_of(folder) == []


@pytest.mark.timeout(300)
def test_a_secret_that_is_not_set_is_told_before_the_step_starts(tmp_path: Path) -> None:
    folder = project(tmp_path / "flowers", fail=False)
    some = {name: value for name, value in CANARIES.items() if name != "ODD_PASSWORD"}
    done = called(folder, "run", secrets=some)
    assert done.code == 1, done
    assert "the secret ODD_PASSWORD is not set" in done.out + done.err
    assert not list(folder.glob(".mlops/runs/*/say.1.log"))
    assert leaks(tmp_path, done.out, done.err) == []


@pytest.mark.timeout(300)
def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    folder = project(tmp_path / "flowers", fail=False)
    mounted = tmp_path.parent / "mounted-secret"
    mounted.write_text(CANARIES["ODD_PASSWORD"] + "\n", encoding="utf-8")
    some = {name: value for name, value in CANARIES.items() if name != "ODD_PASSWORD"}
    done = called(folder, "run", secrets={**some, "ODD_PASSWORD_FILE": str(mounted)})
    assert done.code == 0, done
    assert leaks(tmp_path, done.out, done.err) == []


def test_other_steps_do_not_see_a_secret(tmp_path: Path) -> None:
    """Not even the worker that all steps are forked from."""
    folder = project(tmp_path / "flowers", fail=False)
    (folder / "looking.py").write_text(
        "import os\nfrom pathlib import Path\n\ndef look(examples: Path, seen: Path) -> None:\n"
        "    around = [os.environ.get('PLAIN_TOKEN', '')]\n"
        "    for pid in (os.getpid(), os.getppid()):\n"
        "        around.append(Path(f'/proc/{pid}/environ').read_text(errors='replace'))\n"
        "    assert not any('canary' in one for one in around), 'seen'\n"
        "    (seen / 'seen.txt').write_text('nothing')\n"
    )
    text = (folder / "mlops.yaml").read_text(encoding="utf-8")
    text += "  look:\n    run: {kind: python, entrypoint: 'looking:look'}\n    inputs: {examples: flowers}\n"
    (folder / "mlops.yaml").write_text(text + "    outputs: {seen: File}\n", encoding="utf-8")
    done = called(folder, "run")
    assert done.code == 0, done


def test_a_secret_address_of_the_records_is_masked_in_every_message(tmp_path: Path) -> None:
    folder = project(tmp_path / "flowers", fail=False)
    text = (folder / "mlops.yaml").read_text(encoding="utf-8")
    (folder / "mlops.yaml").write_text(text + "stores: {metadata: {secret: RECORDS}}\n", encoding="utf-8")
    address = f"postgresql+psycopg://u:{CANARIES['PLAIN_TOKEN']}@127.0.0.1:1/records"
    for words in (("plan",), ("status",), ("doctor",), ("fsck",)):
        done = called(folder, *words, secrets={"RECORDS": address})
        assert done.code == 1, done
        assert "127.0.0.1:1/records" in done.out + done.err
        assert leaks(tmp_path, done.out, done.err) == []
    done = called(folder, "plan", secrets={})
    assert "the secret RECORDS is not set" in done.err


def test_a_crash_report_holds_no_secret(tmp_path: Path) -> None:
    code = (
        "import os, sys, typer\nfrom mlopsctl.cli import door\nfrom mlopsctl.ground.secrets import secret_value\n"
        "app = typer.Typer()\n@app.command()\ndef crash() -> None:\n"
        "    value = secret_value('PLAIN_TOKEN')\n    print(value)\n    print(value, file=sys.stderr)\n"
        "    raise ZeroDivisionError(value)\n"
        "sys.exit(door.run(app, []))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, **CANARIES, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 70, done
    assert "***" in done.stdout
    assert list(tmp_path.glob("mlopsctl-crash-*"))
    assert leaks(tmp_path, done.stdout, done.stderr) == []
