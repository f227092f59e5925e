"""The pages tell the truth: links lead somewhere, named files, modules, commands and codes exist."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from mlopsctl.components.spec import MODULES
from mlopsctl.ground.errors import ExitCode

CHECKOUT = Path(__file__).parents[2]
PAGES = sorted(
    path for pattern in ("*.md", "docs/*.md", "examples/*/*.md", "templates/*/*.md") for path in CHECKOUT.glob(pattern)
)
NAMES = [path.relative_to(CHECKOUT).as_posix() for path in PAGES]

# What stands at the top of the repository, so that a path in the text is recognised as one.
TOP = (
    "docs/",
    "examples/",
    "templates/",
    "schemas/",
    "scripts/",
    "tests/",
    "benchmarks/",
    "mlopsctl/",
    "requirements/",
)
PACKAGES = {path.name for path in (CHECKOUT / "mlopsctl").iterdir() if path.is_dir()} | {"evidence"}


def text_of(name: str) -> str:
    return (CHECKOUT / name).read_text(encoding="utf-8")


def ticked(text: str) -> list[str]:
    """What stands between backticks outside of blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_files_and_headings_that_exist(name: str) -> None:
    page = CHECKOUT / name
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(name)):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), f"{name} links to {target}"
        assert not anchor or anchor in anchors(found), f"{name} links to {target}"


@pytest.mark.parametrize("name", NAMES)
def test_paths_in_the_text_exist(name: str) -> None:
    for word in ticked(text_of(name)):
        if word.startswith(TOP) and not re.search(r"[<*… ]", word):
            assert (CHECKOUT / word).exists(), f"{name} names {word}"


@pytest.mark.parametrize("name", NAMES)
def test_modules_and_names_in_the_text_exist(name: str) -> None:
    for word in ticked(text_of(name)):
        head, *rest = word.split(".")
        if (
            word != "step.output"
            and head in PACKAGES
            and rest
            and re.fullmatch(r"[A-Za-z_.]+", word)
            and not word.endswith((".py", ".md"))
        ):
            assert resolves(word), f"{name} names {word}"


def resolves(dotted: str) -> bool:
    """Whether it is a module of the package or a name in one."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value: object = importlib.import_module(".".join(["mlopsctl", *parts[:length]]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(value, part):
                return False
            value = getattr(value, part)
        return True
    return False


@pytest.mark.parametrize("name", NAMES)
def test_make_targets_in_the_text_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), flags=re.MULTILINE))
    for target in re.findall(r"(?:^|`)(?:KEEP=1 )?make ([a-z-]+)", text_of(name), flags=re.MULTILINE):
        assert target in targets, f"{name} says make {target}"


@pytest.mark.parametrize("name", NAMES)
def test_commands_in_the_text_exist(name: str) -> None:
    from typer.main import get_command

    from mlopsctl.cli.main import app

    known = set(getattr(get_command(app), "commands", {}))
    assert known
    for command in re.findall(r"(?:`|^\$? ?|bin/)mlopsctl (?:-C \S+ )?([a-z][a-z-]*)", text_of(name), re.MULTILINE):
        assert command in known, f"{name} says mlopsctl {command}"


def test_the_table_of_exit_codes_is_the_one_in_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", text_of("docs/exit-codes.md"), flags=re.MULTILINE)
    assert [(int(code), name) for code, name in rows] == [(int(code), code.name.lower()) for code in ExitCode]


def test_the_table_of_steps_names_every_component_with_its_outputs() -> None:
    from mlopsctl.components.spec import spec

    section = text_of("docs/language.md").partition("## References")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)[^`]*` \| (`.*`) \|$", section, flags=re.MULTILINE)
    table = {step.rstrip("-"): set(re.findall(r"`(\w+)`", outputs)) for step, outputs in rows}
    # Whatever a component of the user's own leaves, the user says.
    assert table == {name: set(spec(name).outputs) for name in MODULES if name != "own"}


def test_the_table_of_sections_names_every_key_of_a_project() -> None:
    from mlopsctl.config.project import Project

    table = text_of("docs/language.md").partition("## Sections")[2].partition("## Values")[0]
    named = set(re.findall(r"`(\w+)`", table.partition("Names match")[0]))
    assert set(Project.model_fields) - {"promotion"} <= named


def test_every_layer_in_the_architecture_is_a_package() -> None:
    for package in PACKAGES - {"__pycache__", "_data"}:
        assert f"`{package}" in text_of("ARCHITECTURE.md"), f"ARCHITECTURE.md does not say where {package} stands"


def test_no_page_speaks_of_a_place_on_one_machine() -> None:
    for name in NAMES:
        assert not re.search(r"(?<![\w.])/(work|home|root|Users)/", text_of(name)), name


def test_the_reference_is_what_the_models_say(tmp_path: Path) -> None:
    import subprocess
    import sys

    made = tmp_path / "reference.md"
    subprocess.run([sys.executable, str(CHECKOUT / "scripts" / "reference.py"), str(made)], check=True, cwd=CHECKOUT)
    assert made.read_text() == text_of("docs/reference.md"), "run `make generate`"
