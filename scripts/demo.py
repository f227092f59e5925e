"""`make demo`: the penguins from an empty folder to a served model, with the commands a person would type.

Each line after ``$`` is a real command. Nothing outside ``build/demo`` is touched, and the server is stopped at the
end; ``KEEP=1 make demo`` leaves it running.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PROJECT = CHECKOUT / "build" / "demo"
COMMAND = Path(sys.executable).with_name("mlopsctl")
PENGUIN = {
    "island": "Biscoe",
    "bill_length_mm": 48.2,
    "bill_depth_mm": 14.3,
    "flipper_length_mm": 217.0,
    "body_mass_g": 5050.0,
    "sex": "male",
}


class DemoError(Exception):
    """A command of the demo did not do what the demo promises."""


def main() -> int:
    """Fresh project, every command, one prediction, a summary."""
    started = time.monotonic()
    try:
        fresh_project()
        mlopsctl("validate")
        mlopsctl("plan")
        mlopsctl("apply", "--yes")
        species = predict()
        mlopsctl("plan", "--detailed-exitcode")
        mlopsctl("status")
    except DemoError as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    finally:
        if "KEEP" not in os.environ and (PROJECT / ".mlops").is_dir():
            stop_serving()
    summary(species, time.monotonic() - started)
    return 0


def fresh_project() -> None:
    """Copy the example; a server that an earlier demo left is stopped first."""
    if (PROJECT / ".mlops").is_dir():
        stop_serving()
    shutil.rmtree(PROJECT, ignore_errors=True)
    ignored = shutil.ignore_patterns(".mlops", "__pycache__", "expected")
    shutil.copytree(CHECKOUT / "examples" / "penguins", PROJECT, ignore=ignored)


def mlopsctl(*arguments: str) -> None:
    """Run a command in the project, in sight."""
    print(f"\n$ mlopsctl {' '.join(arguments)}", flush=True)
    ended = subprocess.run([COMMAND, *arguments], cwd=PROJECT, check=False)
    if ended.returncode != 0:
        raise DemoError(f"`mlopsctl {' '.join(arguments)}` ended with exit code {ended.returncode}")


def stop_serving() -> None:
    """`mlopsctl destroy` takes down what serves; the registry and the history stay."""
    subprocess.run([COMMAND, "destroy", "--yes"], cwd=PROJECT, check=False, stdout=subprocess.DEVNULL)


def predict() -> str:
    """Ask the served model for one penguin's species, over HTTP, as any client would."""
    address = served_address() + "/invocations"
    body = json.dumps({"dataframe_records": [PENGUIN]})
    print(f"\n$ curl {address} -H 'Content-Type: application/json' -d '{body}'", flush=True)
    request = urllib.request.Request(address, body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read().decode()
    print(text, flush=True)
    species: str = json.loads(text)["predictions"][0]["prediction"]
    return species


def served_address() -> str:
    """Where the model is served, as `status` says it to programs."""
    ran = subprocess.run(
        [COMMAND, "status", "--output", "json"], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    address = json.loads(ran.stdout)["server"]["url"]
    if not address:
        raise DemoError("the model is not served")
    return str(address)


def summary(species: str, seconds: float) -> None:
    """What just happened, in a few lines."""
    kept = "KEEP" in os.environ
    stop = ".venv/bin/mlopsctl -C build/demo destroy --yes"
    server = f"runs; stop it with: {stop}" if kept else "stopped; KEEP=1 make demo leaves it running"
    print(
        f"""
──────────────────────────────────────────────────────────────────────────────
{seconds:.0f} seconds, one mlops.yaml: the rows were read and checked, models trained side by
side, the best of them judged by every gate, tried in a real server, registered in
MLflow and served. Asked over HTTP for one penguin it said: {species}.
The second plan was empty.

  the project    build/demo        (a copy of examples/penguins)
  the server     {server}
  the tool       .venv/bin/mlopsctl

Next: change n_estimators in build/demo/mlops.yaml and run
  .venv/bin/mlopsctl -C build/demo plan
──────────────────────────────────────────────────────────────────────────────"""
    )


if __name__ == "__main__":
    sys.exit(main())
