"""How fast commands start: `mlopsctl --help` and `validate` against a bare typer app's `--help`.

Prints the ratio of medians of CPU seconds (user and system, of the whole process), taken in turns so that a busy
machine slows all of them alike. Limit: 3. Run it where the packages have bytecode (`make dev` sees to that).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
ROUNDS = 15
LIMIT = 3.0
BARE = """
import typer
app = typer.Typer(help="A bare app.")
@app.command()
def one(name: str = "x") -> None:
    "The first command."
@app.command()
def two(name: str = "x") -> None:
    "The second command."
app()
"""


def main() -> int:
    """Measure in turns, print, and fail above the limit."""
    project = Path(os.environ.get("MLOPSCTL_CONTRACTS") or "/nonexistent") / "projects" / "covertype"
    if not project.is_dir():
        project = CHECKOUT / "examples" / "penguins"
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        entry = "from mlopsctl.cli.main import main; main()"
        commands = {
            "bare typer --help": [sys.executable, str(bare), "--help"],
            "mlopsctl --help": [sys.executable, "-c", entry, "--help"],
            f"validate ({project.name})": [sys.executable, "-c", entry, "-C", str(project), "validate"],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for round in range(ROUNDS + 1):
            for name, command in commands.items():
                taken = cpu_seconds(command)
                if round > 0:  # the first round fills the file cache
                    seconds[name].append(taken)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    base = medians["bare typer --help"]
    worst = 0.0
    for name, median in medians.items():
        ratio = median / base
        worst = max(worst, ratio)
        print(f"{name:24} {median * 1000:7.0f} ms CPU   ×{ratio:.2f} (limit ×{LIMIT:.0f})")
    return 0 if worst <= LIMIT else 1


def cpu_seconds(command: list[str]) -> float:
    """The CPU time that the command and its children took; it must end well."""
    nothing = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=subprocess.PIPE) as child:
        assert child.stderr is not None
        complaint = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{command} ended with {child.returncode}: {complaint.decode(errors='replace')}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main())
