"""Commands of the user's own components: every placeholder stands for something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlopsctl.config.hints import did_you_mean
from mlopsctl.config.sections.components import OwnComponent, PythonRun
from mlopsctl.config.semantics.scene import Scene
from mlopsctl.ground.commands import placeholders
from mlopsctl.ground.errors import Diagnostic

_SECTIONS = ("inputs", "outputs", "parameters")


def commands(scene: Scene) -> Iterator[Diagnostic]:
    """Placeholders that name nothing, and outputs that no word of a command names."""
    for name, component in scene.project.components.items():
        if not isinstance(component.run, PythonRun) and component.run.command:
            yield from _command(scene, name, component, component.run.command)


def _command(scene: Scene, name: str, component: OwnComponent, words: tuple[str, ...]) -> Iterator[Diagnostic]:
    known: Mapping[str, tuple[str, ...]] = {
        "inputs": tuple(component.inputs),
        "outputs": tuple(component.outputs),
        "parameters": tuple(component.parameters),
    }
    used: set[str] = set()
    for index, word in enumerate(words):
        path = ("components", name, "run", "command", index)
        for one in placeholders(word):
            written = f"{{{one.section}.{one.name}}}"
            if one.section in known and one.name in known[one.section]:
                used.add(written)
                value = component.parameters.get(one.name) if one.section == "parameters" else None
                if isinstance(value, Mapping) and tuple(value) == ("secret",):
                    yield scene.error(
                        "secret-in-command", f"{written} is a secret, and everybody can read the words of a command",
                        path, f"take it out; the command finds it in its environment variable {value['secret']}",
                    )  # fmt: skip
            elif one.section in known:
                near = did_you_mean(one.name, known[one.section])
                there = ", ".join(known[one.section]) or "nothing"
                hint = f"did you mean {{{one.section}.{near}}}?" if near else f"`{one.section}` has {there}"
                yield scene.error("unknown-placeholder", f"{written} stands for nothing", path, hint)
            elif near := did_you_mean(one.section, _SECTIONS):
                hint = f"did you mean {{{near}.{one.name}}}?"
                yield scene.error("unknown-placeholder", f"{written} stands for nothing", path, hint)
    for output in component.outputs:
        if f"{{outputs.{output}}}" not in used:
            yield scene.warning(
                "unused-output", f"the command is never told where its output {output!r} goes",
                ("components", name, "outputs", output), f"give it {{outputs.{output}}}", key=True,
            )  # fmt: skip
