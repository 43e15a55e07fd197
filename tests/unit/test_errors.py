"""Errors have unique and documented codes; no module reads their causes or changes them."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import cryptoetl
from cryptoetl import errors
from cryptoetl.errors import AwsError, AwsUnreachable, CryptoetlError

PACKAGE = Path(errors.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))


def family(root: type[CryptoetlError]) -> Iterator[type[CryptoetlError]]:
    """Yield the class and all that derive from it, in every module of the package."""
    yield root
    for kind in root.__subclasses__():
        if kind.__module__.startswith("cryptoetl."):
            yield from family(kind)


def import_everything() -> None:
    for module in pkgutil.walk_packages(cryptoetl.__path__, "cryptoetl."):
        if module.name != "cryptoetl.__main__":
            importlib.import_module(module.name)


def documented() -> list[type[CryptoetlError]]:
    return [kind for kind in family(CryptoetlError) if kind.__module__ == errors.__name__]


def test_an_error_of_another_module_is_reported_as_its_base() -> None:
    import_everything()
    elsewhere = [kind for kind in family(CryptoetlError) if kind.__module__ != errors.__name__]
    assert [kind.__name__ for kind in elsewhere if "code" in vars(kind) or "exit_code" in vars(kind)] == []


def test_every_error_has_a_unique_code() -> None:
    kinds = documented()
    assert [kind.__name__ for kind in kinds if "code" not in vars(kind)] == []
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert [code for code in codes if not re.fullmatch("[a-z]+(-[a-z]+)*", code)] == []


def test_the_docstring_draws_every_error_with_its_code_below_its_base() -> None:
    assert errors.__doc__ is not None
    drawn: dict[str, tuple[int, str]] = {}
    for line in errors.__doc__.splitlines():
        if found := re.fullmatch(r" {4}([ │├└─]*)(\w+) +`([a-z-]+)`: \S.*", line):
            drawn[found[2]] = (len(found[1]) // 4, found[3])
    expected = {kind.__name__: (len(kind.__mro__) - 4, kind.code) for kind in documented()}
    assert drawn == expected


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_reads_the_cause_of_an_exception_or_changes_one(path: Path) -> None:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Attribute):
            continue
        if node.attr in ("__cause__", "__context__"):
            found.append(f"line {node.lineno}: {ast.unparse(node)} is read")
        # An error's own constructor assigns to `self`.
        changed = isinstance(node.ctx, ast.Store) and ast.unparse(node.value) != "self"
        if changed and node.attr in ("message", "hint", "aws_code"):
            found.append(f"line {node.lineno}: {ast.unparse(node)} is assigned")
    assert found == []


@pytest.mark.parametrize("kind", [AwsError, AwsUnreachable])
def test_an_aws_error_is_replaced_by_one_of_its_class_and_code(kind: type[AwsError]) -> None:
    error = kind("no", hint="Try.", aws_code="Throttling")
    made = error.replace(message="upload: no")
    assert (type(made), made.message, made.hint, made.aws_code) == (kind, "upload: no", "Try.", "Throttling")
    assert error.replace(hint="Wait.").hint == "Wait."
    assert (error.message, error.hint) == ("no", "Try.")
