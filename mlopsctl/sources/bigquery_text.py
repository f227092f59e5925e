"""The text of a BigQuery query: its tokens, what in it no fingerprint can stand for, and the SQL that is built on it.

Only this text is read here; that it is one SELECT is what BigQuery's own dry run says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlopsctl.sources.bigquery_names import TableId
from mlopsctl.tables.bigquery import Fingerprinted

_TOKEN = re.compile(
    r"""
    (?P<space>\s+ | --[^\n]* | \#[^\n]* | /\*.*?(?:\*/|\Z))
  | (?P<string>(?:[rR][bB]?|[bB][rR]?)?
        (?: '''(?:\\.|[^\\])*?(?:'''|\Z) | \"""(?:\\.|[^\\])*?(?:\"""|\Z) | '(?:\\.|[^\\'])*'? | "(?:\\.|[^\\"])*"? ))
  | (?P<quoted>`(?:\\.|[^\\`])*`?)
  | (?P<number>\d[\w.]*)
  | (?P<word>@{0,2}[^\W\d]\w*)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOCKS = frozenset({"CURRENT_DATE", "CURRENT_DATETIME", "CURRENT_TIME", "CURRENT_TIMESTAMP"})
_CHANCE = frozenset({"RAND", "GENERATE_UUID", "SESSION_USER"})
_SELECTS = frozenset({"SELECT", "WITH", "FROM"})
_CATALOGUES = re.compile(r"\b(?:INFORMATION_SCHEMA|__TABLES__|__TABLES_SUMMARY__)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a quoted name, a string, a number or another character; ``end`` is where it ends in the text."""

    kind: str
    text: str
    end: int

    @property
    def upper(self) -> str:
        """The word in capital letters; empty for all else."""
        return self.text.upper() if self.kind == "word" else ""


def tokens(sql: str) -> Iterator[Token]:
    """The tokens of a text, without white space and comments; any text has some reading."""
    for found in _TOKEN.finditer(sql):
        if found.lastgroup and found.lastgroup != "space":
            yield Token(found.lastgroup, found[0], found.end())


def bare(sql: str) -> str:
    """The query without the semicolons and comments at its end, so that it can stand in parentheses."""
    ends = [token.end for token in tokens(sql) if token.text != ";"]
    return sql[: ends[-1]] if ends else ""


def no_select(sql: str) -> str:
    """Why a text is not one SELECT, as far as its tokens tell; empty where they do not. BigQuery has the last word."""
    every = list(tokens(bare(sql)))
    if any(token.text == ";" for token in every):
        return "it holds several statements"
    if not every or (every[0].upper not in _SELECTS and every[0].text != "("):
        return f"it begins with {every[0].text[:40]}" if every else "it is empty"
    return ""


def unseen(sql: str) -> str:
    """Why the tables' states cannot stand for the answer of this query, in a few words; empty when they can."""
    every = list(tokens(sql))
    for place, token in enumerate(every):
        before = every[place - 1] if place else Token("other", "", 0)
        after = every[place + 1] if place + 1 < len(every) else Token("other", "", 0)
        named = before.text == "." or before.upper == "AS"
        if token.upper in _CLOCKS and not named:
            return f"{token.upper} is another one each time"
        if token.upper in _CHANCE and after.text == "(" and not named:
            return f"{token.upper}() gives another answer each time"
        if token.upper == "EXTERNAL_QUERY" and after.text == "(":
            return "EXTERNAL_QUERY() reads another database"
        if token.upper in ("ML", "AI") and after.text == "." and not named:
            return f"{token.upper} functions answer with a model, which may change"
        if token.upper == "TABLESAMPLE" and not named:
            return "TABLESAMPLE takes other rows each time"
        if token.kind in ("word", "quoted") and (catalogue := _CATALOGUES.search(token.text)):
            return f"what {catalogue[0].upper()} tells changes without a trace"
        if token.kind == "quoted" and token.text.endswith("*`"):
            return f"{token.text} is whatever tables have such a name"
    return ""


def all_rows(table: TableId) -> str:
    """The query that gives a table's rows."""
    return f"SELECT * FROM {name(str(table))}"


def kept_rows(query: str, split: Fingerprinted, columns: Sequence[str]) -> str:
    """The rows of a query that the split uses; the numbers are bound, see :func:`numbers`.

    Args:
        query: see :func:`bare`.
        columns: those of the query, whose names the row's own must differ from.
    """
    taken = {column.casefold() for column in columns}
    row = next(word for word in ("row_", *(f"row_{n}" for n in range(len(taken) + 1))) if word not in taken)
    text = f"TO_JSON_STRING({row})" if split.column is None else f"CAST({row}.{name(split.column)} AS STRING)"
    bucket = f"MOD(ABS(FARM_FINGERPRINT({text})), @mlopsctl_buckets)"
    ranges = [f"{bucket} BETWEEN @mlopsctl_from_{n} AND @mlopsctl_to_{n}" for n in range(len(split.ranges))]
    return f"SELECT * FROM (\n{query}\n) AS {row}\nWHERE {' OR '.join(ranges)}"


def numbers(split: Fingerprinted) -> dict[str, int]:
    """The values of the parameters in :func:`kept_rows`."""
    found = {"mlopsctl_buckets": split.buckets}
    for n, (first, last) in enumerate(split.ranges):
        found |= {f"mlopsctl_from_{n}": first, f"mlopsctl_to_{n}": last}
    return found


def exporting(query: str, files: str) -> str:
    """The statement that writes a query's rows as Parquet; ``files`` is a pattern such as ``gs://b/f/*.parquet``."""
    return f"EXPORT DATA OPTIONS (uri = {text(files)}, format = 'PARQUET', overwrite = false) AS\n{query}"


def name(written: str) -> str:
    """A name as SQL, whatever characters it holds."""
    return f"`{_escaped(written)}`"


def text(written: str) -> str:
    """Text as an SQL string, whatever characters it holds."""
    return f"'{_escaped(written)}'"


def _escaped(written: str) -> str:
    return "".join(f"\\U{ord(char):08x}" if char in "\\`'\"\r\n" else char for char in written)
