"""What PyYAML complains about, in words for the person who wrote the file, with what to do."""

from __future__ import annotations

_QUOTE_TEXT = 'text that starts with this character needs quotes: "..."'
QUOTE_REFERENCE = 'inside { } and [ ] text with ${...} needs quotes: {uri: "${vars.root}/x.csv"}'

_NO_KEY = ("a ':' stands where no key can be", "quote text that holds ': ', and check the indentation")
_NO_LIST = ("a '- ' stands where no list can be", "put the list on its own line, below its key")
_NO_START = ("a value cannot start with this character", _QUOTE_TEXT)
_QUOTE = ("a quote is opened and never closed", "close it, with the same quote it was opened with")
_LIST = ("a '[' is opened and not closed, or a ',' is missing", "separate items with ',' and close the list with ']'")
_MAPPING = (
    "a '{' is opened and not closed, or a ',' is missing",
    "separate keys with ',' and close the mapping with '}'",
)
NO_COLON = (
    "this is neither a key with its ':' nor part of a value",
    "write 'key: value' with ':' and a space, and check the indentation",
)
_NO_NODE = ("a value is missing here, or a '[' or '{' is not closed", "close every '[' with ']' and every '{' with '}'")
_BACKSLASH = ("this backslash starts no known escape", "write \\\\ for a backslash, or use single quotes")
_SURROGATE = (
    "this escape is no character (half of a surrogate pair?)",
    "write the character itself, or \\U and eight hexadecimal digits",
)
_TAG = ("tags are not read", "remove the '!'; everything is written as plain YAML")
_ANCHOR = ("an anchor (&) needs a name of letters and digits", 'quote text that starts with &: "&..."')
_ALIAS = ("an alias (*) needs a name of letters and digits", 'quote text that starts with *: "*..."')
_DIRECTIVE = ("this directive is not read", "remove the line that starts with %")
_TAB = ("a tab is used for indentation", "indent with spaces")
_ITEM = (
    "this line does not stand in line with the items of the list",
    "start every item with '- ' in the same column",
)
_BLOCK = (
    "this line does not stand in line with what is above it",
    "start the keys of a mapping, and the items of a list, in the same column",
)
_AFTER = (
    "the text goes on after the end of the document",
    "a project file is one mapping; check the indentation of this line",
)
_TEXT_BLOCK = ("the text after '|' or '>' cannot be read", "put the text on the lines below, indented")
_OTHER = ("this cannot be read as YAML", "check the quotes, the brackets and the indentation around it")

# A part of what the library says → message and hint. The first that fits is taken.
_WORDING: tuple[tuple[str, tuple[str, str]], ...] = (
    ("mapping values are not allowed", _NO_KEY),
    ("sequence entries are not allowed", _NO_LIST),
    ("cannot start any token", _NO_START),
    ("unexpected end of stream", _QUOTE),
    ("unexpected document indicator", _QUOTE),
    ("',' or ']'", _LIST),
    ("',' or '}'", _MAPPING),
    ("expected ':'", NO_COLON),
    ("unknown escape character", _BACKSLASH),
    ("hexdecimal", _BACKSLASH),  # spelled so in both parsers
    ("hexadecimal", _BACKSLASH),
    ("Unicode character escape", _SURROGATE),
    ("tab character", _TAB),
    ("'-' indicator", _ITEM),
    ("expected '<document start>'", _AFTER),
    ("<document start>", _AFTER),
    ("expected key", _BLOCK),
    ("<block end>", _BLOCK),
    ("node content", _NO_NODE),
    ("block scalar", _TEXT_BLOCK),
    ("flow sequence", _LIST),
    ("flow mapping", _MAPPING),
    ("undefined tag handle", _TAG),
    ("a tag", _TAG),
    ("anchor", _ANCHOR),
    ("alias", _ALIAS),
    ("directive", _DIRECTIVE),
    ("incompatible YAML document", _DIRECTIVE),
)


def reword(problem: str, context: str = "") -> tuple[str, str]:
    """Message and hint for a complaint of the library: the problem is searched first, then what it was reading."""
    for said in (problem, context):
        for part, words in _WORDING:
            if part in said:
                return words
    return _OTHER
