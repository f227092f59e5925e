"""Text from users: the one grammar of names, and the safe way to show text in a terminal or a log."""

from __future__ import annotations

import re
import unicodedata

NAME_PATTERN = r"^[a-z][a-z0-9_-]{0,62}$"
_NAME = re.compile(NAME_PATTERN.removesuffix("$") + r"\Z")

# What moves a cursor, hides or reorders text, or cannot be encoded: C0, C1, bidi and other format characters,
# surrogates, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """The text on one line with every control, format and bidi character spelled out, like ``\\x1b``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelled(char) if unicodedata.category(char) in _HIDDEN else char for char in text)


def code_point(char: str) -> str:
    """A character's code point and Unicode name: ``U+0440 CYRILLIC SMALL LETTER ER``."""
    name = unicodedata.name(char, "")
    return f"U+{ord(char):04X} {name}".rstrip()


def name_problem(name: str) -> str:
    """Why a text is not a name (``^[a-z][a-z0-9_-]{0,62}$``, ASCII); empty text when it is one."""
    if _NAME.match(name):
        return ""
    if not name:
        return "a name must not be empty"
    shown = printable(name if len(name) <= 80 else name[:77] + "...")
    for char in name:
        if not char.isascii():
            return f"the name {shown!r} holds {code_point(char)}; names are ASCII"
    if len(name) > 63:
        return f"the name {shown!r} has {len(name)} characters; 63 are allowed"
    if not "a" <= name[0] <= "z":
        return f"the name {shown!r} must start with a small letter a-z, not with {printable(name[0])!r}"
    wrong = next(char for char in name if not re.match(r"[a-z0-9_-]", char))
    return f"the name {shown!r} holds {printable(wrong)!r}; small letters, digits, '_' and '-' are allowed"


def _spelled(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    number = ord(char)
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
