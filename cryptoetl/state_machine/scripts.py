"""The Glue scripts of a configuration, the original ones or a folder of the user's, and what they must have.

A script of one's own is deployed unchanged, so that a mistake in it would only show in a run. `read` refuses
what can be seen in its text: that it does not parse, does not read what the state machine passes, or imports
what a Glue worker does not have.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple

from cryptoetl.config.models import COLUMNS, Config
from cryptoetl.errors import ConfigError, ConfigProblem, UsageError
from cryptoetl.state_machine import assets
from cryptoetl.util.files import unreadable

CLEAN, LOAD, SUMMARIZE = "clear_buckets.py", "redshift_upload.py", "summarize.py"
SHARED = "groups.py"
"""The module that the scripts import: it is deployed beside them, and is no job."""
ITEM = frozenset({"TICKER", "HIST_FILE", "TREND_FILE", "DROP"})
"""The parameters of a currency, which a run of a group takes from its list."""
PYTHON_SHELL = (3, 9)
"""The Python of the job that runs clear_buckets.py: the newest of Glue's Python shell (AWS Glue Developer
Guide, "Configuring job properties for Python shell jobs")."""
SPARK = (3, 13)
"""The Python of the other jobs in Glue 6.0."""
_HINT = "`cryptoetl scripts export` writes the original scripts to compare with; see docs/transform.md."


def folder(config: Config) -> Path:
    """Return the folder of the scripts that a deploy publishes."""
    return config.scripts or assets.glue_scripts()


def described(config: Config) -> str:
    """Return in words which scripts a deploy publishes."""
    installed = assets.glue_scripts()
    return f"{folder(config)}{' (the installed ones)' if folder(config) == installed else ''}"


def read(config: Config, passed: Mapping[str, Set[str]], offered: Set[str] = frozenset()) -> dict[str, bytes]:
    """Return the scripts, and the module that they share, by file name.

    `passed` names, by script, the parameters that its job receives, with two hyphens or without; `offered`
    are others that it may require. Raises ConfigError, with file and line, if a script of the user's cannot
    work.
    """
    where = folder(config)
    named = {
        script: {name.lstrip("-").removesuffix(".$") for name in names} for script, names in passed.items()
    }
    if config.scripts is not None and (found := list(problems(where, named, offered))):
        raise ConfigError(found, hint=_HINT)
    return {name: _path(where, name).read_bytes() for name in (*passed, SHARED)}


def _path(where: Path, name: str) -> Path:
    """Return where a script is: what folders of an older version lack is the installed one."""
    path = where / name
    return assets.glue_scripts() / name if name in (SHARED, SUMMARIZE) and not path.exists() else path


def problems(
    where: Path, passed: Mapping[str, Set[str]], offered: Set[str] = frozenset()
) -> Iterator[ConfigProblem]:
    """Yield what prevents the scripts of a folder from working, with file and line."""
    shared = _texts(_parsed(_path(where, SHARED).read_bytes(), SPARK)) - ITEM
    for name, parameters in passed.items():
        path = _path(where, name)
        if reason := unreadable(path):
            yield ConfigProblem(path, None, None, reason)
            continue
        version = PYTHON_SHELL if name in (CLEAN, SUMMARIZE) else SPARK
        try:
            tree = _parsed(path.read_bytes(), version)
        except (SyntaxError, ValueError) as error:  # ValueError: null bytes
            line = getattr(error, "lineno", None)
            reason = getattr(error, "msg", None) or str(error)
            python = ".".join(map(str, version))
            yield ConfigProblem(
                path, line, None, f"is not Python {python}, which Glue runs it with: {reason}"
            )
            continue
        for line, message in sorted(
            _of_script(name, tree, parameters, offered, shared), key=lambda found: found[0] or 0
        ):
            yield ConfigProblem(path, line, None, message)


def columns(script: bytes) -> Mapping[str, str]:
    """Return the columns that redshift_upload.py gives a table: the usual ones, then those that were added.

    Of a script that cannot be understood, the usual ones.
    """
    try:
        return _columns(_parsed(script, SPARK)) or COLUMNS
    except (SyntaxError, ValueError):
        return COLUMNS


def columns_of(config: Config) -> Mapping[str, str]:
    """Return the columns of the tables that the configuration's scripts load."""
    path = folder(config) / LOAD
    return columns(path.read_bytes()) if config.scripts is not None and not unreadable(path) else COLUMNS


def export(into: Path, *, force: bool) -> list[Path]:
    """Copy the original scripts to a folder and return the files. Raises UsageError if one exists already."""
    names = sorted(path.name for path in assets.glue_scripts().glob("*.py"))
    existing = [into / name for name in names if (into / name).exists()]
    if existing and not force:
        raise UsageError(
            f"{existing[0]} exists already; nothing was written",
            hint="Choose another folder, or replace what was changed there: --force.",
        )
    into.mkdir(parents=True, exist_ok=True)
    for name in names:
        (into / name).write_bytes((assets.glue_scripts() / name).read_bytes())
    return [into / name for name in names]


def _parsed(script: bytes, version: tuple[int, int]) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the script, which says nothing about whether it works
        return ast.parse(script, feature_version=version)


class _Problem(NamedTuple):
    line: int | None
    message: str


def _texts(tree: ast.Module) -> set[object]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}


def _of_script(
    name: str, tree: ast.Module, parameters: Set[str], offered: Set[str], shared: Set[object]
) -> Iterator[_Problem]:
    """Yield what a script lacks, with its line; `shared` are the texts of the module that scripts import."""
    yield from _of_main(tree)
    texts = _texts(tree) | shared
    for parameter in sorted(parameters):
        if not texts & {parameter, f"--{parameter}"}:
            yield _Problem(None, f"does not read the parameter {parameter}, which the state machine passes")
    for line, option in _requested(tree):
        if option not in parameters | offered:
            yield _Problem(line, f"requires the parameter {option}, which the state machine does not pass")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        modules = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        if any(module.partition(".")[0] == "cryptoetl" for module in modules):
            yield _Problem(node.lineno, "imports cryptoetl, which a Glue worker does not have")
    if name == LOAD and list((_columns(tree) or {}).items())[: len(COLUMNS)] != list(COLUMNS.items()):
        usual = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
        yield _Problem(
            _line(tree, "COLUMNS"),
            f"needs a plain dictionary COLUMNS that begins with {usual}; add others after",
        )


def _of_main(tree: ast.Module) -> Iterator[_Problem]:
    """Yield whether `main(argv)`, which the local target calls, or its call in Glue is missing."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    if not found:
        yield _Problem(None, "has no function main(argv), which runs the job")
    elif len([*found[-1].args.posonlyargs, *found[-1].args.args]) != 1:
        yield _Problem(found[-1].lineno, "main must take one argument: main(argv)")
    guards = [node for node in tree.body if isinstance(node, ast.If) and "__main__" in ast.unparse(node.test)]
    if not any("main(" in ast.unparse(guard) for guard in guards):
        yield _Problem(
            None, 'does not end with: if __name__ == "__main__": main(sys.argv); Glue would run nothing'
        )


def _requested(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the names in the list OPTIONS, which getResolvedOptions requires, with their lines."""
    value = _value(tree, "OPTIONS")
    for item in value.elts if isinstance(value, ast.List | ast.Tuple) else ():
        if isinstance(item, ast.Constant) and isinstance(item.value, str):
            yield item.lineno, item.value


def _columns(tree: ast.Module) -> dict[str, str] | None:
    """Return the dictionary COLUMNS; None if there is none of texts."""
    value = _value(tree, "COLUMNS")
    try:
        found: Any = ast.literal_eval(value) if value is not None else None
    except ValueError:
        return None
    if not isinstance(found, dict) or not all(
        isinstance(text, str) for pair in found.items() for text in pair
    ):
        return None
    return found


def _value(tree: ast.Module, name: str) -> ast.expr | None:
    """Return what is assigned to a name at the top level of a module; None if nothing is."""
    return next((node.value for node in _assignments(tree, name)), None)


def _line(tree: ast.Module, name: str) -> int | None:
    return next((node.lineno for node in _assignments(tree, name)), None)


def _assignments(tree: ast.Module, name: str) -> Iterator[ast.Assign | ast.AnnAssign]:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, ast.Assign | ast.AnnAssign) and any(
            isinstance(target, ast.Name) and target.id == name for target in targets
        ):
            yield node
