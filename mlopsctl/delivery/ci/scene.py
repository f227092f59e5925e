"""What files for a CI are made from: the project in all its environments, and where it stands in its repository."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlopsctl.config.load import Loaded, inspect_project, load_project
from mlopsctl.config.previews import preview_name
from mlopsctl.config.sections.signature import SigstoreSignature
from mlopsctl.ground.checkout import ask_git
from mlopsctl.ground.errors import InvalidProject, Severity, StepProblem
from mlopsctl.ground.model import Spec
from mlopsctl.ground.scalars import SecretRef
from mlopsctl.lowering.image import image_of
from mlopsctl.orchestrators.specs import Local
from mlopsctl.servers import MLflowServer


@dataclass(frozen=True, slots=True)
class Stage:
    """One environment on the way of a model.

    Attributes:
        source: the environment that its models come from; empty where they are trained.
        follows, proposed: the environments that take its models, and those of them that a CI may propose one for.
        final: applied behind an approval, upon a release or when its lock file was merged.
        on_one_machine: why only one machine can apply it; empty where any can.
        needs_nothing: it runs here, keeps everything in the project's folder, and touches nothing of others.
        builds: its image is built by mlopsctl.
        locked: it follows a lock file, and there is nothing to apply before there is one.
        asks: somebody must approve what is released here.
        vouched: a promotion into it is signed by the identity of the CI that it runs in.
        secrets: the environment variables that it reads, sorted.
    """

    name: str
    source: str
    follows: tuple[str, ...]
    proposed: tuple[str, ...]
    final: bool
    on_one_machine: str
    needs_nothing: bool
    builds: bool
    locked: bool
    asks: bool
    vouched: bool
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """What the files are made from.

    Attributes:
        root: the repository's folder; the project's where git keeps none.
        folder: the project's, from there, with ``/``; ``.`` for itself.
        tests: there are tests of the project's own, in ``tests``.
        triggers: something besides a person starts runs.
        extras: what mlopsctl is installed with, beside itself.
        previewed: what pull requests have an environment like; without what only its triggers and promotion read.
    """

    loaded: Loaded
    root: Path
    folder: str
    stages: tuple[Stage, ...]
    tests: bool
    triggers: bool
    extras: tuple[str, ...]
    previewed: Stage | None = None

    @property
    def name(self) -> str:
        """The project's name."""
        return self.loaded.project.name

    def applied(self, sample: str | None) -> tuple[Stage, ...]:
        """The stages that a CI applies: all but the one named for pull requests, where no model goes on from it."""
        kept = [one for one in self.stages if one.name != sample or one.source or one.follows]
        return tuple(kept) or self.stages

    def stage(self, name: str | None) -> Stage | None:
        """The stage of that name; the first that needs nothing but one machine where none is named."""
        if name is None:
            return next((stage for stage in self.stages if stage.needs_nothing), None)
        return next((stage for stage in self.stages if stage.name == name), None)


def read_scene(place: Path) -> Scene:
    """Read the project, in every environment.

    Raises:
        InvalidProject: with every problem of every environment.
        StepProblem: when the project lies outside of the repository that git names.
    """
    found, _, environments = inspect_project(place)
    if wrong := [one for one in found if one.severity is Severity.ERROR]:
        raise InvalidProject(wrong)
    first = environments[0]
    root = _root(first.folder)
    folder = first.folder.resolve()
    if not folder.is_relative_to(root):
        raise StepProblem.because("outside-repository", f"{folder} is not inside of its repository {root}")
    return Scene(
        loaded=first,
        root=root,
        folder=folder.relative_to(root).as_posix(),
        stages=_stages(environments),
        tests=(folder / "tests").is_dir(),
        triggers=any(one.project.triggers for one in environments),
        extras=_extras(environments),
        previewed=_previewed(first),
    )


def _root(folder: Path) -> Path:
    answer = ask_git(folder, "rev-parse", "--show-toplevel")
    text = (answer or b"").decode("utf-8", "surrogateescape").rstrip("\n")
    return Path(text).resolve() if text else folder.resolve()


def _stages(environments: Sequence[Loaded]) -> tuple[Stage, ...]:
    """The environments in the order in which a model comes through them."""
    by_name = {one.environment: one for one in environments}
    heads = [name for name, one in by_name.items() if not _source(one)]
    ordered: list[str] = []
    waiting = list(heads)
    while waiting:
        name = waiting.pop(0)
        ordered.append(name)
        waiting += [other for other, one in by_name.items() if _source(one) == name]
    return tuple(_stage(by_name[name], by_name, name == heads[0]) for name in ordered)


def _stage(loaded: Loaded, by_name: Mapping[str, Loaded], first: bool) -> Stage:
    name = loaded.environment
    follows = tuple(other for other, one in by_name.items() if _source(one) == name)
    image = image_of(loaded)
    near = _near(loaded)
    promotion = loaded.project.promotion
    return Stage(
        name=name,
        source=_source(loaded),
        follows=follows,
        proposed=tuple(other for other in follows if _proposed(by_name[other])),
        final=not first and not follows,
        on_one_machine=f"{_joined(near)} on one machine" if near else "",
        needs_nothing=isinstance(loaded.project.orchestrator, Local) and _keeps_to_itself(loaded),
        builds=image is not None and image.is_built,
        locked=loaded.project.follows_lock,
        asks=promotion is not None and promotion.asks,
        vouched=(identity := _identity(loaded)) is not None and identity.token is None,
        secrets=tuple(sorted(set(_secrets(loaded.project)))),
    )


def _previewed(first: Loaded) -> Stage | None:
    previews = first.project.previews
    if previews is None:
        return None
    return replace(_stage(load_project(first.file, preview_name(1)), {}, first=False), name=previews.of)


def _source(loaded: Loaded) -> str:
    promotion = loaded.project.promotion
    return (promotion.source or "") if promotion is not None else ""


def _proposed(loaded: Loaded) -> bool:
    """Whether a CI may propose a model for the environment: `mode: manual` leaves that to people."""
    promotion = loaded.project.promotion
    return promotion is not None and promotion.follows_lock and promotion.mode != "manual"


def _identity(loaded: Loaded) -> SigstoreSignature | None:
    """The identity that evidence for the environment is signed by, where it is."""
    promotion = loaded.project.promotion
    signature = promotion.signature if promotion is not None and promotion.follows_lock else None
    return signature if isinstance(signature, SigstoreSignature) else None


def _addresses(loaded: Loaded) -> dict[str, str]:
    stores = loaded.project.stores
    metadata = stores.metadata if isinstance(stores.metadata, str) else "secret://"
    return {"records": metadata, "artifacts": stores.artifacts, "models": stores.tracking}


def _near(loaded: Loaded) -> list[str]:
    """The stores, and the server, that only this machine has."""
    stores = [
        what
        for what, address in _addresses(loaded).items()
        if "://" not in address or address.startswith(("sqlite://", "file://"))
    ]
    deployment = loaded.project.deployment
    return [*stores, "server"] if deployment is not None and isinstance(deployment.server, MLflowServer) else stores


def _joined(near: Sequence[str]) -> str:
    return f"its {near[0]} is" if len(near) == 1 else f"its {', '.join(near[:-1])} and {near[-1]} are"


def _keeps_to_itself(loaded: Loaded) -> bool:
    """Whether every store is a path below the project's folder."""
    paths = [re.sub(r"^(sqlite:///|file://)", "", address) for address in _addresses(loaded).values()]
    return all("://" not in path and not path.startswith("/") and ".." not in path.split("/") for path in paths)


def _secrets(value: object) -> Iterator[str]:
    if isinstance(value, SecretRef):
        yield value.secret
    elif isinstance(value, Spec):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from _secrets(item)


def _extras(environments: Sequence[Loaded]) -> tuple[str, ...]:
    """The extras of mlopsctl that the environments need, sorted; with the second orchestrator to compare with."""
    wanted = {"run", "kfp"}
    for one in environments:
        kind = one.project.orchestrator.kind
        texts = list(_addresses(one).values())
        wanted |= {"gcp"} if kind in ("kfp", "vertex") else set()
        wanted |= {"gcp"} if any(text.startswith("gs://") for text in texts) else set()
        wanted |= {"sigstore"} if _identity(one) is not None else set()
        wanted |= {"postgres"} if any(text.startswith(("postgresql", "secret://")) for text in texts) else set()
    return tuple(sorted(wanted))
