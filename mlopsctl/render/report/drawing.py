"""SVG for a page: elements with escaped text, and the sanitiser of what a plotting library draws.

What is drawn names colours by their role (:data:`INKS`); on the page they are CSS variables, so one picture serves
light and dark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from xml.etree import ElementTree

from mlopsctl.ground.text import printable

INKS: Mapping[str, str] = {
    "candidate": "#0000a1", "champion": "#0000a2", "trivial": "#0000a3", "ink": "#0000a4", "muted": "#0000a5",
    "line": "#0000a6", "card": "#0000a7", "pass": "#0000a8", "fail": "#0000a9",
    **{f"class{at}": f"#0000b{at}" for at in range(8)},
}  # fmt: skip
"""Stand-ins, which no person would choose, for the colours of the page."""

_ROLES = {stand_in: f"var(--{role})" for role, stand_in in INKS.items()}
_TAGS = frozenset({"svg", "g", "path", "defs", "use", "clipPath", "rect", "text", "tspan", "circle"})
_ATTRIBUTES = frozenset(
    {"d", "x", "y", "width", "height", "transform", "viewBox", "clip-path", "points", "cx", "cy", "r"}
)
_PROPERTIES = frozenset(
    {
        "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-dashoffset", "stroke-linejoin", "stroke-linecap",
        "opacity", "fill-opacity", "stroke-opacity", "font-size", "font-weight", "text-anchor",
    }
)  # fmt: skip
_VALUE = re.compile(r"[#a-zA-Z0-9 .,%()_-]*")
_REFERENCE = re.compile(r"url\(#([A-Za-z0-9_-]+)\)|#([A-Za-z0-9_-]+)")
_FONT = re.compile(r"^(?:(?P<weight>bold|\d{3}) )?(?P<size>[0-9.]+px) ")


def tag(name: str, attributes: Mapping[str, object], *children: str) -> str:
    """One element; ``children`` are markup already, made here or by :func:`text`."""
    shown = "".join(f' {key}="{escape(printable(str(value)), quote=True)}"' for key, value in attributes.items())
    return f"<{name}{shown}>{''.join(children)}</{name}>"


def text(content: str) -> str:
    """Text as markup that is only text."""
    return escape(printable(content), quote=True)


def number(value: float) -> str:
    """A coordinate, as short as can be seen."""
    return f"{value:.1f}".removesuffix(".0")


def sanitised(svg: str, name: str, title: str) -> str:
    """A drawing as it may stand inside a page: only shapes and text, colours by role, ids of its own.

    Args:
        name: what the ids of this drawing begin with; different for each on a page.
        title: what it shows, for those who do not see it.

    Raises:
        ValueError: when it is no SVG.
    """
    try:
        root = ElementTree.fromstring(re.sub(r"<!DOCTYPE[^>]*>", "", svg, count=1))
    except ElementTree.ParseError as error:
        raise ValueError(f"not an SVG: {error}") from error
    if _local(root.tag) != "svg":
        raise ValueError("not an SVG")
    used = {found for element in root.iter() for found in _references(element)}
    inner = "".join(_element(child, name, used) for child in root)
    attributes = {"class": "chart", "role": "img", "viewBox": root.get("viewBox", "0 0 1 1"), "aria-label": title}
    return tag("svg", attributes, inner)


def _element(element: ElementTree.Element, name: str, used: set[str]) -> str:
    tag_name = _local(element.tag)
    if tag_name not in _TAGS:
        return ""
    attributes: dict[str, object] = {}
    for key, value in element.attrib.items():
        local = _local(key)
        if local == "id" and value in used:
            attributes["id"] = f"{name}-{value}"
        elif local == "href" and value.startswith("#"):
            attributes["href"] = f"#{name}-{value[1:]}"
        elif local == "style":
            attributes |= _style(value)
        elif local in _PROPERTIES:
            attributes |= _style(f"{local}: {value}")
        elif local in _ATTRIBUTES:
            attributes[local] = _REFERENCE.sub(lambda found: f"url(#{name}-{found[1]})" if found[1] else "", value)
    content = text((element.text or "").strip()) if tag_name in ("text", "tspan") else ""
    children = "".join(_element(child, name, used) for child in element)
    return tag(tag_name, attributes, content, children) if content or children or tag_name != "g" else ""


def _style(value: str) -> dict[str, object]:
    """The declarations of a style attribute as presentation attributes, without all that is not needed."""
    found: dict[str, object] = {}
    for key, separator, declared in (one.partition(":") for one in value.split(";")):
        key, declared = key.strip(), declared.strip()
        if key == "font" and (font := _FONT.match(declared)):
            found["font-size"] = font["size"]
            if font["weight"]:
                found["font-weight"] = font["weight"]
        elif separator and key in _PROPERTIES and _VALUE.fullmatch(declared) and "url" not in declared:
            found[key] = _ROLES.get(declared.lower(), declared)
    return found


def _references(element: ElementTree.Element) -> Iterator[str]:
    for key, value in element.attrib.items():
        if _local(key) in ("href", "clip-path"):
            for found in _REFERENCE.finditer(value):
                yield found[1] or found[2]


def _local(name: object) -> str:
    return name.rpartition("}")[2] if isinstance(name, str) else ""
