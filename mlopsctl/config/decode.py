"""Bytes to text: UTF-8 only, at most 1 MiB, without characters that hide, break lines or cannot be written back.

Stages: size → byte order marks → UTF-8 → every refused character. A byte order mark of UTF-8 at the very beginning
is what some editors write; it is accepted and dropped. Refused characters are replaced, so that reading can go on
and the YAML problems of the same file are shown as well.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import islice

from mlopsctl.ground.errors import Diagnostic, InvalidProject, Span
from mlopsctl.ground.source import SourceFile
from mlopsctl.ground.text import code_point

MAX_BYTES = 1 << 20

# Tab, line feed and carriage return are YAML's; every other control character is refused, and so are noncharacters,
# a byte order mark inside the text and the two separators that only some readers take for line breaks.
_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(f"{chr(n << 16 | 0xFFFE)}{chr(n << 16 | 0xFFFF)}" for n in range(17))
_REFUSED = re.compile(f"[{_CONTROL}{_NONCHARACTERS}\u2028\u2029\ufeff\ud800-\udfff]")
_MOST_REPORTED = 20


def refused_character(text: str) -> str:
    """The first character of a text that may not stand in ``mlops.yaml``, or empty text."""
    found = _REFUSED.search(text)
    return found[0] if found else ""


def describe_character(char: str) -> str:
    """A refused character in words: what sort it is and its code point."""
    number = ord(char)
    if number == 0:
        return "a NUL character (U+0000)"
    if 0xD800 <= number <= 0xDFFF:
        return f"half of a surrogate pair (U+{number:04X})"
    if number < 0x20 or 0x7F <= number <= 0x9F:
        return f"a control character (U+{number:04X})"
    if char == "\ufeff":
        return "a byte order mark (U+FEFF) inside the text"
    return f"the character {code_point(char)}"


def decode(content: bytes, name: str) -> tuple[SourceFile, list[Diagnostic]]:
    """The text of a project file, with refused characters replaced, and a diagnostic for each of them.

    Raises:
        InvalidProject: when the bytes are no text in UTF-8 or too many.
    """
    if len(content) > MAX_BYTES:
        raise InvalidProject.because(
            "too-large",
            f"the file has more than {MAX_BYTES} bytes (1 MiB)",
            span=Span(name, 1, 1, 1, 1),
            hint="keep data out of the project file; refer to it by its path",
        )
    if problem := _other_encoding(content, name):
        raise InvalidProject(problem)
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidProject(_bad_byte(error, name)) from None
    source = SourceFile(name, text)
    found = [_bad_character(source, match) for match in islice(_first_of_each_line(text), _MOST_REPORTED)]
    return SourceFile(name, _REFUSED.sub("\ufffd", text)) if found else source, found


def _first_of_each_line(text: str) -> Iterator[re.Match[str]]:
    """The first refused character of each line, so that a binary file is not reported byte by byte."""
    offset = 0
    while offset >= 0 and (match := _REFUSED.search(text, offset)):
        yield match
        offset = text.find("\n", match.end())


def _other_encoding(content: bytes, name: str) -> Diagnostic | None:
    start = content[:512]
    marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE))
    zeros = max(start[0::2].count(0), start[1::2].count(0))
    if not marked and re.search(rb"[\x01-\x08\x0e-\x1a].*\x00|\x00.*[\x01-\x08\x0e-\x1a]", start, re.DOTALL):
        return Diagnostic(
            id="not-utf8",
            message="the file is not text: an archive, an image or a program may have taken its place",
            hint="restore it, for example with `git checkout`, or name another file",
            span=Span(name, 1, 1, 1, 1),
        )
    if not marked and (len(start) < 4 or zeros < 0.4 * len(start) / 2):
        return None
    return Diagnostic(
        id="not-utf8",
        message="the file is not text in UTF-8; it looks like UTF-16 or UTF-32",
        hint="save it again with the encoding UTF-8",
        span=Span(name, 1, 1, 1, 1),
    )


def _bad_byte(error: UnicodeDecodeError, name: str) -> Diagnostic:
    before = error.object[: error.start].decode("utf-8")
    line, column = SourceFile(name, before).position(len(before))
    return Diagnostic(
        id="not-utf8",
        message=f"the byte 0x{error.object[error.start]:02x} is not UTF-8",
        hint="save the file again with the encoding UTF-8",
        span=Span(name, line, column, line, column + 1),
    )


def _bad_character(source: SourceFile, match: re.Match[str]) -> Diagnostic:
    char = match[0]
    return Diagnostic(
        id="bad-character",
        message=f"the text holds {describe_character(char)}",
        hint="remove it; it may have come from copying out of another program",
        span=source.span(match.start(), match.end()),
    )
