"""``fmt``: mlops.yaml in its canonical form."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mlopsctl.cli.door import end
from mlopsctl.cli.options import shared
from mlopsctl.ground.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command(epilog="Example: mlopsctl fmt --check")(fmt)


def fmt(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Change nothing; show the changes, and end with 1.")] = False,
) -> None:
    """Format mlops.yaml: sections in order, two spaces a level. Comments stay, and so does what it means."""
    from difflib import unified_diff

    from mlopsctl.config.document import read_document
    from mlopsctl.config.format import formatted
    from mlopsctl.config.load import FILE
    from mlopsctl.ground.files import write_atomic
    from mlopsctl.ground.redact import redact

    place = shared(context).directory
    file = place / FILE if place.is_dir() else place
    read_document(file, str(file))
    before = file.read_bytes()
    after = formatted(before, str(file))
    if before == after:
        typer.echo(f"{file} is formatted.")
        return
    if not check:
        write_atomic(file, after, mode=file.stat().st_mode & 0o777)
        typer.echo(f"{file} was formatted.")
        return
    old, new = (text.decode("utf-8", "replace").splitlines(keepends=True) for text in (before, after))
    sys.stdout.write(redact("".join(unified_diff(old, new, str(file), f"{file} (formatted)"))))
    end(ExitCode.FAILED)
