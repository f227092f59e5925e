"""From pydantic's errors to diagnostics in the user's words, at the place in the text.

1. Find the node: an error's location names keys, list positions and, between them, the members of unions, which are
   no part of the document.
2. Put together what a union says once for each of its members.
3. Say what is wrong, and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlopsctl.config.hints import did_you_mean
from mlopsctl.config.slips import type_hint, without_space
from mlopsctl.config.words import article, join, shown
from mlopsctl.ground.digest import Json
from mlopsctl.ground.errors import Diagnostic
from mlopsctl.ground.source import DocPath

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from mlopsctl.config.document import Document

KeysOf = Callable[[DocPath], Sequence[str]]

# What each of pydantic's type errors was waiting for.
_EXPECTED = {
    "string_type": "text",
    "string_sub_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "is_instance_of": "another kind of value",
    "none_required": "nothing",
    "finite_number": "a finite number",
    "nan_number": "a finite number",
}
_BOUNDS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_LENGTHS = {
    "string_too_short": ("min_length", "at least", "character"),
    "string_too_long": ("max_length", "at most", "character"),
    "too_short": ("min_length", "at least", "item"),
    "too_long": ("max_length", "at most", "item"),
}


# Words that people bring along from other tools.
_ALSO_CALLED = {
    "minimum": "min", "maximum": "max", "type": "kind", "path": "uri", "file": "uri", "url": "uri", "target": "label",
    "hyperparameters": "params", "parameters": "params", "args": "params", "columns_to_drop": "columns",
    "kubeflow": "kfp", "scikit": "sklearn", "scikit-learn": "sklearn", "torch": "pytorch", "keras": "tensorflow",
    "tf": "tensorflow", "onehot": "one_hot", "normalize": "standardize", "scale": "standardize", "cron": "schedule",
    "github": "github_actions", "docker": "container", "shell": "command", "bq": "bigquery",
}  # fmt: skip


def _meant(word: str, known: Sequence[str]) -> str:
    """The known word that was meant by another one, or empty text."""
    usual = _ALSO_CALLED.get(word.lower(), "")
    return did_you_mean(word, known) or (usual if usual in known else "")


@dataclass(frozen=True, slots=True)
class _Found:
    """One error at its node.

    ``at_key`` marks the node's key instead of its value. ``union`` is where a union without ``kind`` stands on the
    way, ``member`` which of its members speaks.
    """

    path: DocPath
    error: ErrorDetails
    at_key: bool = False
    union: DocPath | None = None
    member: str = ""

    @property
    def refuses_type(self) -> bool:
        """Whether it says only that the value is of another type."""
        return self.error["type"] in _EXPECTED and self.path == (self.path if self.union is None else self.union)


def diagnostics(errors: Sequence[ErrorDetails], document: Document, keys_of: KeysOf) -> tuple[Diagnostic, ...]:
    """The errors of one validation as diagnostics.

    ``keys_of`` tells the keys that the grammar knows at a node, for "did you mean".
    """
    found = [_locate(error, document.data) for error in errors]
    plain = [one for one in found if one.union is None]
    said = [_one(one, document, keys_of) for one in plain if not _told_by_typo(one, plain, keys_of)]
    for union in dict.fromkeys(one.union for one in found if one.union is not None):
        said += _of_union([one for one in found if one.union == union], document, keys_of)
    return tuple(said)


def _told_by_typo(missing: _Found, others: Sequence[_Found], keys_of: KeysOf) -> bool:
    """Whether a missing key is there after all, misspelled; the unknown key says so."""
    if missing.error["type"] != "missing":
        return False
    wanted = str(missing.error["loc"][-1])
    return any(
        other.error["type"] == "extra_forbidden"
        and other.path[:-1] == missing.path
        and _meant(str(other.path[-1]), keys_of(missing.path)) == wanted
        for other in others
    )


def _locate(error: ErrorDetails, data: Json) -> _Found:
    """Walk the data along the error's location; what is no key and no position there names a member of a union."""
    location = error["loc"]
    path: DocPath = ()
    node: Json = data
    tagged = False  # whether the kind of this node was passed
    at_key = False
    union: DocPath | None = None
    member = ""
    for index, part in enumerate(location):
        last = index == len(location) - 1
        if part == "[key]":
            at_key = True
        elif isinstance(node, Mapping) and not tagged and not last and node.get("kind") == part:
            tagged = True
        elif (below := _child(node, part)) is not _NOTHING:
            path, node, tagged = (*path, part), below, False
        elif isinstance(part, str) and union is None and not (last and error["type"] == "missing"):
            union, member = path, part
    return _Found(path, error, at_key, union, member)


# What a document cannot hold.
_NOTHING: Json = float("nan")


def _child(node: Json, part: str | int) -> Json:
    """What stands below a node, or ``_NOTHING``."""
    if isinstance(node, Mapping):
        return node.get(part, _NOTHING) if isinstance(part, str) else _NOTHING
    if isinstance(node, str) or not isinstance(node, Sequence) or isinstance(part, str) or part >= len(node):
        return _NOTHING
    return node[part]


def _of_union(group: Sequence[_Found], document: Document, keys_of: KeysOf) -> list[Diagnostic]:
    """What a union says: the member that the value's type fits and that has least against it, or all types at once."""
    members: dict[str, list[_Found]] = {}
    for found in group:
        members.setdefault(found.member, []).append(found)
    fitting = [errors for errors in members.values() if not any(error.refuses_type for error in errors)]
    if fitting:
        best = min(fitting, key=len)
        return [_one(found, document, keys_of) for found in best if not _told_by_typo(found, best, keys_of)]
    wanted = join(list(dict.fromkeys(_EXPECTED[found.error["type"]] for found in group if found.refuses_type)), "or")
    return [_wrong_type(group[0], wanted, document, keys_of)]


def _one(found: _Found, document: Document, keys_of: KeysOf) -> Diagnostic:
    kind = found.error["type"]
    if kind == "missing":
        return _missing(found, document)
    if kind == "extra_forbidden":
        return _unknown_key(found, document, keys_of)
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return _wrong_kind(found, document)
    if kind in _EXPECTED:
        return _wrong_type(found, _EXPECTED[kind], document, keys_of)
    message, hint = _worded(found)
    return Diagnostic(_id(kind), message, document.span_of(_pointed(found, document), found.at_key), hint)


def _pointed(found: _Found, document: Document) -> DocPath:
    """The node a refusal is about: one key of its mapping, where it names one that is written there."""
    context: Mapping[str, Any] = found.error.get("ctx", {})
    inside = (*found.path, str(context.get("key", "")))
    return inside if inside in document.marks else found.path


def _id(kind: str) -> str:
    if kind in _BOUNDS or kind in _LENGTHS:
        return "out-of-bounds"
    if kind in {"literal_error", "enum"}:
        return "unknown-word"
    return kind if _is_ours(kind) else "bad-value"


def _missing(found: _Found, document: Document) -> Diagnostic:
    key = str(found.error["loc"][-1])
    if (*found.path, key) in document.marks:
        # Only what an overlay removed has a mark and no value.
        return Diagnostic(
            "missing-key", f"{named(found.path)} needs the key {key!r}, which this overlay removes",
            document.span_of((*found.path, key), True), "give it another value, or leave the null out",
        )  # fmt: skip
    where = f"{named(found.path)} needs the key {key!r}" if found.path else f"the project needs the key {key!r}"
    hint = "write `version: 1`" if (key, found.path) == ("version", ()) else f"add `{key}: …` here"
    return Diagnostic("missing-key", where, document.span_of(found.path, bool(found.path)), hint)


def _unknown_key(found: _Found, document: Document, keys_of: KeysOf) -> Diagnostic:
    key = str(found.path[-1])
    known = keys_of(found.path[:-1])
    near = _meant(key, known)
    hint = f"did you mean {near!r}?" if near else f"known here: {', '.join(known)}" if known else "take it out"
    if without_space([key]):
        hint = f"put a space after the ':': {key.replace(':', ': ', 1)}"
    place = f" in {named(found.path[:-1])}" if len(found.path) > 1 else ""
    return Diagnostic("unknown-key", f"unknown key {shown_key(key)}{place}", document.span_of(found.path, True), hint)


def _wrong_kind(found: _Found, document: Document) -> Diagnostic:
    context: Mapping[str, Any] = found.error.get("ctx", {})
    value = found.error.get("input")
    typo = _misspelled_kind(value)
    glued = without_space([str(key) for key in value], "kind") if isinstance(value, Mapping) else ""
    if glued:
        return Diagnostic(
            "unknown-key", f"unknown key {shown_key(glued)} in {named(found.path)}",
            document.span_of((*found.path, glued), True), f"put a space after the ':': {glued.replace(':', ': ', 1)}",
        )  # fmt: skip
    if typo:
        return Diagnostic(
            "unknown-key", f"unknown key {shown_key(typo)} in {named(found.path)}",
            document.span_of((*found.path, typo), True), "did you mean 'kind'?",
        )  # fmt: skip
    kinds = [word.strip("'") for word in str(context.get("expected_tags", "")).split(", ") if word]
    if found.error["type"] == "union_tag_not_found" or not isinstance(value, Mapping) or "kind" not in value:
        return Diagnostic(
            "missing-kind", f"{named(found.path)} needs the key 'kind'", document.span_of(found.path, True),
            "add `kind: …` here",
        )  # fmt: skip
    written = value["kind"]
    span = document.span_of((*found.path, "kind"))
    if not isinstance(written, str):
        return Diagnostic("wrong-type", f"{named((*found.path, 'kind'))} must be text, not {article(written)}", span)
    near = _meant(written, kinds)
    listed = f"known kinds: {', '.join(kinds)}"
    hint = f"did you mean {near!r}? {listed}" if near else listed
    return Diagnostic("unknown-kind", f"unknown kind {shown(written)} in {named(found.path)}", span, hint)


def _misspelled_kind(value: object) -> str:
    """The key that was meant to be ``kind``, where there is no such key."""
    if not isinstance(value, Mapping) or "kind" in value:
        return ""
    return next((str(key) for key in value if did_you_mean(str(key), ("kind",))), "")


def _wrong_type(found: _Found, wanted: str, document: Document, keys_of: KeysOf) -> Diagnostic:
    value = found.error.get("input")
    span = document.span_of(found.path, found.at_key)
    what = named(found.path) if found.path else "the project"
    hint = type_hint(wanted, value, keys_of(found.path))
    return Diagnostic("wrong-type", f"{what} must be {wanted}, not {article(value)}", span, hint)


def _worded(found: _Found) -> tuple[str, str]:
    """Message and hint for a value of the right type that is refused."""
    error = found.error
    kind, value = error["type"], error.get("input")
    context: Mapping[str, Any] = error.get("ctx", {})
    what = named(found.path)
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return f"{what} must be {words} {context[bound]:g}, not {shown(value)}", ""
    if kind in _LENGTHS:
        bound, words, unit = _LENGTHS[kind]
        count = int(context[bound])
        if count == 1 and words == "at least":
            return f"{what} must not be empty", ""
        return f"{what} must have {words} {count} {unit}{'' if count == 1 else 's'}", ""
    if kind in {"literal_error", "enum"}:
        return _unknown_word(what, value, str(context.get("expected", "")))
    if kind == "string_pattern_mismatch":
        return f"{what} cannot be {shown(value)}", f"it must match {context.get('pattern', '')}"
    if kind in {"value_error", "assertion_error"}:
        return f"{what}: {context.get('error', 'this value is refused')}", ""
    return (error["msg"], str(context.get("hint", ""))) if _is_ours(kind) else (f"{what} cannot be {shown(value)}", "")


def _is_ours(kind: str) -> bool:
    """Whether an error was raised with words of ours; ids of ours have hyphens, pydantic's have underscores."""
    return "-" in kind


def _unknown_word(what: str, value: object, expected: str) -> tuple[str, str]:
    words = [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(", ") if word.strip()]
    hint = f"write {join(words, 'or')}"
    if isinstance(value, str) and value in words:
        return f"{what} cannot be text {shown(value)}", f"take the quotes off: {value}"
    near = did_you_mean(value, words) if isinstance(value, str) else ""
    return f"{what} cannot be {shown(value)}", f"did you mean {near!r}? {hint}" if near else hint


def named(path: DocPath) -> str:
    """A node in words that find it: its key in quotes, or a list item by number and by the list's key."""
    if not path:
        return "the project"
    last = path[-1]
    if isinstance(last, int):
        return f"item {last + 1} of {named(path[:-1])}" if len(path) > 1 else f"item {last + 1}"
    return shown_key(last)


def shown_key(key: str | int) -> str:
    """A key in quotes, safe to print."""
    return shown(str(key))
