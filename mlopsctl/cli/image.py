"""``image``: build the image of the steps, push and pin it, and say what is pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mlopsctl.cli.options import EnvironmentOption, Output, OutputOption, shared

if TYPE_CHECKING:
    from mlopsctl.config.load import Loaded

EngineOption = Annotated[
    str | None, typer.Option("--engine", help="docker, podman or buildah; the first that answers by default.")
]


def register(app: typer.Typer) -> None:
    """Add the command group to the app."""
    group = typer.Typer(no_args_is_help=True, help="The container image that steps run in elsewhere.")
    group.command(epilog="Example: mlopsctl image build -e prod")(build)
    group.command(epilog="Example: mlopsctl image push -e prod")(push)
    group.command(epilog="Example: mlopsctl image show -e prod -o json")(show)
    app.add_typer(group, name="image")


def build(
    context: typer.Context,
    environment: EnvironmentOption = None,
    engine: EngineOption = None,
    eject: Annotated[
        bool, typer.Option("--eject", help="Only write mlopsctl's Dockerfile into the project, to be changed there.")
    ] = False,
) -> None:
    """Build the image on this machine, from the project and mlopsctl itself."""
    from mlopsctl.delivery.images.make import build_image, eject_dockerfile
    from mlopsctl.render.images import built_text

    loaded = _load(context, environment)
    if eject:
        typer.echo(f"Wrote {eject_dockerfile(loaded)}: name it as `dockerfile: Dockerfile` of the image.")
        return
    typer.echo(built_text(build_image(loaded, _say, engine=engine)))


def push(
    context: typer.Context,
    environment: EnvironmentOption = None,
    engine: EngineOption = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also where the registry has one that was built from the same.")
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Build the image, push it, and write its digest into images.lock.yaml."""
    from mlopsctl.delivery.images.make import push_image
    from mlopsctl.render.images import pushed_json, pushed_text

    pushed = push_image(_load(context, environment), _say, engine=engine, again=again)
    typer.echo(pushed_json(pushed) if output is Output.JSON else pushed_text(pushed))


def show(context: typer.Context, environment: EnvironmentOption = None, output: OutputOption = Output.TEXT) -> None:
    """Say which image the steps run in, and whether it was built from the files that are here."""
    from mlopsctl.lowering.image import pinned
    from mlopsctl.render.images import pin_json, pin_text

    loaded = _load(context, environment)
    pin = pinned(loaded)
    typer.echo(pin_json(pin, loaded.environment) if output is Output.JSON else pin_text(pin, loaded.environment))


def _load(context: typer.Context, environment: str | None) -> Loaded:
    from mlopsctl.config.load import load_project

    return load_project(shared(context).directory, environment)


def _say(line: str) -> None:
    """Progress, beside the result on stdout."""
    typer.echo(line, err=True)
