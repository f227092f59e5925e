"""The step key: what a step's result depends on, as JSON that can be compared, and its digest.

In it: the component and its version, the user code it reaches (line ends normalised), parameters, the seed, the
digests of inputs and of the outside data it reads, the pins of its own environment with the Python that chooses
among them, and the versions of the packages it declares beside those, or the image it runs in. Not in it: names of
environments, positions in the text, retry, timeout, resources, clocks, and what the plan pins (the champion).
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mlopsctl.ground.digest import Json, digest, digest_json
from mlopsctl.ground.errors import Diagnostic, InvalidProject
from mlopsctl.ground.pins import canonical, name_of
from mlopsctl.pipeline.ir import Pipeline, Step

ABSENT = "absent"
PYTHON = "python"
_BETWEEN = ", "


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands around a pipeline when its plan is made, read once: digests by URI and by file, versions by name.

    ``costs`` says, by URI, what reading it would cost; that is no part of the digest.
    """

    sources: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    costs: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """One digest for all of it."""
        return digest_json(
            "mlopsctl/surroundings/v1",
            {"sources": self.sources, "code": self.code, "packages": self.packages},
        )


def key_material(step: Step, inputs: Mapping[str, str], around: Surroundings) -> Mapping[str, Json]:
    """What the step's result depends on; ``inputs`` are artifact digests by wired name."""
    pins = _by_name(step.requirements)
    return {
        "component": step.component,
        "version": step.component_version,
        "parameters": _with_digests(step, around.sources),
        "seed": step.seed,
        "inputs": dict(inputs),
        "code": {file: around.code[file] for file in step.code},
        "packages": {} if step.image else _beside(step, around, pins),
        **({"requirements": pins} if pins else {}),
        **({"image": step.image.rpartition("@")[2]} if step.image else {}),
    }


def _beside(step: Step, around: Surroundings, pins: Mapping[str, str]) -> dict[str, str]:
    """The versions of the packages that the step uses beside its pins, and the Python that chooses among those."""
    versions = {name: _not_pinned(name, around.packages[name], pins) for name in step.packages}
    found = {name: version for name, version in versions.items() if version}
    return {**found, PYTHON: around.packages[PYTHON]} if pins else found


def _by_name(pins: Iterable[str]) -> dict[str, str]:
    """The pins of each package as one text: markers may let several stand for different Pythons."""
    found: dict[str, list[str]] = {}
    for pin in sorted(pins):
        found.setdefault(name_of(pin), []).append(pin)
    return {name: ", ".join(texts) for name, texts in found.items()}


def _not_pinned(name: str, version: str, pins: Mapping[str, str]) -> str:
    """What :func:`package_versions` says of a package, without the distributions that a pin takes the place of."""
    if canonical(name) in pins:
        return ""
    return _BETWEEN.join(part for part in version.split(_BETWEEN) if canonical(part.partition(" ")[0]) not in pins)


def _with_digests(step: Step, sources: Mapping[str, str]) -> Json:
    """The parameters, with the digest of the data in place of each URI."""
    value: Json = step.parameters
    for path, uri in step.sources.items():
        value = _replaced(value, path.split("."), sources[uri])
    return value


def _replaced(value: Json, path: Sequence[str], new: str) -> Json:
    if not path:
        return new
    if not isinstance(value, Mapping):
        raise TypeError(f"no parameter at {'.'.join(path)}")
    return {**value, path[0]: _replaced(value[path[0]], path[1:], new)}


def step_key(material: Mapping[str, Json]) -> str:
    """The digest of a step's key material."""
    return digest_json("mlopsctl/step-key/v1", material)


def code_digests(folder: Path, files: Iterable[str]) -> dict[str, str]:
    """The digests of user code by its path relative to the project's folder; ``\\r\\n`` and ``\\r`` count as ``\\n``.

    Raises:
        InvalidProject: when a file cannot be read; all of them are named.
    """
    digests: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for file in sorted(set(files)):
        try:
            text = (folder / file).read_bytes()
        except OSError as error:
            problems.append(Diagnostic("unreadable-code", f"cannot read {file}: {error.strerror}"))
            continue
        digests[file] = digest("mlopsctl/code/v1", text.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    if problems:
        raise InvalidProject(problems)
    return digests


def package_versions(pipeline: Pipeline) -> dict[str, str]:
    """The installed versions of every package the steps declare; ``absent`` where one is not installed.

    A package may be named by a module of it, as user code imports it: ``sklearn`` is ``scikit-learn``, and its version
    then names the distribution too. Where a step has pins, ``python`` stands beside them.
    """
    from importlib.metadata import PackageNotFoundError, packages_distributions, version

    versions: dict[str, str] = {}
    for name in sorted({name for step in pipeline.steps if not step.image for name in step.packages}):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            owners = sorted(set(packages_distributions().get(name, ())))
            versions[name] = _BETWEEN.join(f"{owner} {version(owner)}" for owner in owners) or ABSENT
    if any(step.requirements and not step.image for step in pipeline.steps):
        versions[PYTHON] = f"{sys.implementation.name}-{platform.python_version()}"
    return versions
