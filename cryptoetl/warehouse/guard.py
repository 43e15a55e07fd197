"""Refuse statements that do more than read, by their parsed form, before anything is sent.

One SELECT, WITH, VALUES, EXPLAIN or SHOW is allowed. Nothing in it may write, lock, change the session, read
files, or call a function that is known to have side effects. A user-defined function may have unknown ones:
the read-only transaction in which the statement then runs is the second barrier.

`only_reading` uses sqlglot's parser. DuckDB accepts more syntax than sqlglot knows, so that on the local
target `only_reading_tree` checks DuckDB's own syntax tree as well.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from cryptoetl.errors import QueryError
from cryptoetl.util.text import one_line

if TYPE_CHECKING:
    from sqlglot import exp

Dialect = Literal["redshift", "duckdb"]

READS = "query only reads (SELECT, WITH, EXPLAIN, SHOW)"

_BEGINNINGS = {"SELECT", "WITH", "VALUES", "TABLE", "FROM", "("}
_EXPLAIN = re.compile(r"EXPLAIN\b(\s*(ANALYZE|VERBOSE)\b|\s*\(\s*(ANALYZE|FORMAT)\b[^()]*\))*", re.IGNORECASE)
_SHOW = re.compile(r"SHOW\s+[\w\s.\"%']+|(DESCRIBE|SUMMARIZE)\s+[\w.\"]+", re.IGNORECASE)

_EFFECTS = re.compile(
    r"""
    nextval | setval | set_config | random_seed | setseed
    | lo_\w+ | dblink\w* | txid_current | pg_(?!get_|size_pretty$|typeof$|table_def|backend_pid$)\w+
    | current_setting_set | query_to_xml\w* | table_to_xml\w* | database_to_xml\w*
    # DuckDB: files, other databases, SQL in a text, settings
    | read_\w+ | \w+_scan | parquet_\w+ | glob | sniff_csv | getenv | which_secret | duckdb_secrets
    | query | query_table | json_execute_serialized_sql | from_substrait\w* | \w*checkpoint | write_\w+
    | \w+_attach | \w+_query | \w+_execute | load_\w+ | enable_\w+ | disable_\w+ | st_read\w* | sleep_ms
    """,
    re.VERBOSE | re.IGNORECASE,
)
_TABLE_FUNCTIONS = re.compile(
    r"""
    range | generate_series | unnest | repeat | repeat_row | histogram | histogram_values | summary
    | json_each | json_tree | icu_calendar_names | pg_timezone_names | test_all_types
    | duckdb_(?!secrets$)\w+ | pragma_\w+
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""DuckDB's table functions that only compute or describe; all others are refused."""
_QUERY_NODES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_FILE = re.compile(r"[/\\*?]|\.(csv|tsv|txt|json|ndjson|parquet|db|duckdb|gz|zst|xlsx)$", re.IGNORECASE)


class NotUnderstood(QueryError):
    """The statement cannot be parsed."""


def only_reading(sql: str, dialect: Dialect) -> str:
    """Return the statement without its final semicolon.

    Raises:
        NotUnderstood: It cannot be parsed.
        QueryError: It does, or may do, more than read; or it is not one statement.
    """
    text = _without_comments_before(sql)
    if not text.strip("; \t\r\n"):
        raise QueryError("there is no statement", hint="Give one in quotes, with -f FILE, or - for stdin.")
    if "\x00" in text:
        raise QueryError("a statement cannot hold a null character")
    if dialect == "redshift" and "\\'" in text:
        # A setting decides whether \' ends the string, so the server might parse it in another way.
        raise QueryError("\\' is refused: write '' for a quote inside a text")
    if match := _EXPLAIN.match(text):
        _reading(_without_comments_before(text[match.end() :]), dialect)
    elif match := re.match(r"(SHOW|DESCRIBE|SUMMARIZE)\b", text, re.IGNORECASE):
        if not _SHOW.fullmatch(text.rstrip("; \t\r\n")):
            raise QueryError(f"this {match[1].upper()} is refused: {READS}")
    else:
        _reading(text, dialect)
    return text.rstrip("; \t\r\n")


def explained(sql: str) -> str:
    """Return the statement that an EXPLAIN is about, and any other statement as it is."""
    text = _without_comments_before(sql)
    match = _EXPLAIN.match(text)
    return _without_comments_before(text[match.end() :]) if match else text


def only_reading_tree(serialized: str) -> None:
    """Check a statement in the form of DuckDB's json_serialize_sql.

    Raises:
        QueryError: It does, or may do, more than read.
    """
    tree = json.loads(serialized)
    if tree["error"]:  # json_serialize_sql takes queries only
        raise QueryError(f"this statement is refused: {READS}")
    nodes: list[Any] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            _check_node(node)
            nodes += node.values()
        elif isinstance(node, list):
            nodes += node


def _check_node(node: Mapping[str, Any]) -> None:
    kind, function = str(node.get("type")), node.get("function_name")
    if kind.endswith("_NODE") and kind not in _QUERY_NODES:
        raise _refused(kind.removesuffix("_NODE"))
    if kind == "BASE_TABLE" and _FILE.search(node["table_name"]):
        raise _refused_file(node["table_name"])
    if function is not None and _EFFECTS.fullmatch(function):
        raise _refused_function(function)
    if kind == "TABLE_FUNCTION" and not _TABLE_FUNCTIONS.fullmatch(name := node["function"]["function_name"]):
        raise _refused_function(name)


def _reading(text: str, dialect: Dialect) -> None:
    word = _first_word(text)
    import sqlglot
    from sqlglot import exp

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of statements that it does not parse
    try:
        parsed = sqlglot.parse(text, dialect=dialect, error_level=sqlglot.ErrorLevel.RAISE)
    except (sqlglot.errors.SqlglotError, RecursionError, IndexError) as error:
        if word not in _BEGINNINGS:
            raise _refused(word) from None
        details = getattr(error, "errors", None)
        reason = details[0]["description"] if details else str(error) or type(error).__name__
        raise NotUnderstood(f"the statement cannot be understood: {one_line(reason, 300)}") from None
    statements = [tree for tree in parsed if tree is not None and not isinstance(tree, exp.Semicolon)]
    if len(statements) != 1:
        raise QueryError(f"one statement is needed, there are {len(statements)}")
    tree = statements[0]
    if word not in _BEGINNINGS or not isinstance(tree, exp.Query | exp.Values):
        raise _refused(word)
    for node in tree.walk():
        _check(node)


def _check(node: exp.Expr) -> None:
    from sqlglot import exp

    match node:
        case exp.DML() | exp.DDL() | exp.Command() | exp.Drop() | exp.Alter() | exp.TruncateTable():
            if not isinstance(node, exp.Query):
                raise _refused(node.key.upper())
        case exp.Into():
            raise QueryError(f"SELECT … INTO is refused: it makes a table, and {READS}")
        case exp.Lock():
            raise QueryError(f"FOR UPDATE is refused: it locks rows, and {READS}")
        case exp.Table() if _FILE.search(node.name) or isinstance(node.this, exp.Literal):
            raise _refused_file(node.name)
        case exp.Func():
            names = [node.name] if isinstance(node, exp.Anonymous) else node.sql_names()
            for name in names:
                if _EFFECTS.fullmatch(name):
                    raise _refused_function(name)


def _refused(word: str) -> QueryError:
    return QueryError(f"{word} is refused: {READS}")


def _refused_file(name: str) -> QueryError:
    return QueryError(f"{name!r} is refused: query reads tables, not files")


def _refused_function(name: str) -> QueryError:
    return QueryError(f"the function {name.lower()} is refused: it does more than read tables")


def _first_word(text: str) -> str:
    found = re.match(r"\(|\w+", text)
    return found[0].upper() if found else text[:1]


def _without_comments_before(text: str) -> str:
    """Return the text from its first word on. Block comments nest, as they do on the server."""
    while True:
        text = text.lstrip(" \t\r\n\f\v;\ufeff")
        if text.startswith("--"):
            text = text.partition("\n")[2]
        elif text.startswith("/*"):
            text = _after_block(text)
        else:
            return text


def _after_block(text: str) -> str:
    depth = 0
    for mark in re.finditer(r"/\*|\*/", text):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return text[mark.end() :]
    raise QueryError("a comment does not end: */ is missing")
