"""Draws `docs/demo.svg`: the terminal of a real run of `examples/penguins`.

Runs the commands in a temporary copy with a pretended width, and lets rich draw what they printed. A terminal shows a
step's line once, where a pipe gets one at its start too; those are left out.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

CHECKOUT = Path(__file__).resolve().parent.parent
TARGET = CHECKOUT / "docs" / "demo.svg"
COMMAND = Path(sys.executable).with_name("mlopsctl")
WIDTH = 122


def main() -> None:
    """Run, record, draw."""
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    with tempfile.TemporaryDirectory() as temporary:
        project = Path(temporary) / "penguins"
        ignored = shutil.ignore_patterns(".mlops", "__pycache__", "expected")
        shutil.copytree(CHECKOUT / "examples" / "penguins", project, ignore=ignored)
        try:
            for arguments in (["apply", "--yes"], ["plan"]):
                console.print()
                console.print(Text.assemble(("$ ", "dim"), ("mlopsctl " + " ".join(arguments), "bold")))
                console.print(Text.from_ansi(output_of(project, arguments)))
        finally:
            output_of(project, ["destroy", "--yes"])
    drawn = console.export_svg(title="mlopsctl", unique_id="demo")
    # The fonts that rich would fetch from elsewhere; the page's own monospace font does.
    TARGET.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL), encoding="utf-8")
    print(f"wrote {TARGET.relative_to(CHECKOUT)}")


def output_of(project: Path, arguments: list[str]) -> str:
    """What a command prints, in colour."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    ended = subprocess.run(
        [COMMAND, *arguments], cwd=project, env=environment, check=False, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    lines = ended.stdout.replace(str(project), "penguins").splitlines()
    return "\n".join(line for line in lines if not line.rstrip().endswith(" started"))


if __name__ == "__main__":
    main()
