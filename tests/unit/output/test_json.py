"""What --json prints: objects, errors, their JSON Schemas and docs/json.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest

from cryptoetl import errors
from cryptoetl.errors import AwsError, ConfigError, ConfigProblem, CryptoetlError, UsageError
from cryptoetl.output import json_schema
from cryptoetl.output.changes import StepChange
from cryptoetl.output.contract import CONTRACTS, Failure
from cryptoetl.output.serialize import document, to_data
from cryptoetl.output.tables import Result
from cryptoetl.pipeline.results import ExecutionList, RunResult, StepLine, UpResult
from cryptoetl.state_machine.bundle import Change
from cryptoetl.state_machine.status import CurrencyStatus, ExecutionProgress
from cryptoetl.target.warehouse import QueryRows
from tests.json_objects import validate
from tests.unit.output.screens import (
    EVERYTHING,
    INIT,
    JOB,
    MIXED,
    START,
    UP,
    Screens,
    aws_plan,
    currency,
    execution,
    upload,
    verified,
)
from tests.unit.output.screens import screens as screens

PAGE = (Path(__file__).parents[3] / "docs" / "json.md").read_text(encoding="utf-8")
PROBLEM = ConfigProblem(Path("c.yaml"), 3, "currencies[BTC].drop", "is wrong")
ERRORS: Mapping[type[CryptoetlError], CryptoetlError] = {
    kind: ConfigError([PROBLEM], hint="Fix it.") if kind is ConfigError else kind("it failed", hint="Fix it.")
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CryptoetlError)
}

# --- the contract -------------------------------------------------------------------------------------


def test_every_result_and_every_line_has_a_contract() -> None:
    assert set(CONTRACTS) == {*get_args(Result), StepLine, StepChange, Failure}
    schemas = [contract.schema for contract in CONTRACTS.values()]
    assert len(set(schemas)) == len(schemas)
    assert {type(result) for result in EVERYTHING.values()} == set(get_args(Result))


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_result_fits_its_schema_and_begins_with_the_contract(screens: Screens, name: str) -> None:
    data = validate(screens.json(EVERYTHING[name]))
    assert list(data)[:3] == ["schema", "exit_code", "status"]
    assert screens.err.raw == ""


@pytest.mark.parametrize("line", [StepLine("gold", START, "INFO"), StepLine("gold", None, "INFO")])
def test_a_line_of_a_log_fits_its_schema(line: StepLine) -> None:
    assert validate(document(line))["text"] == "INFO"


def test_the_exit_code_of_an_object_is_that_of_the_command(screens: Screens) -> None:
    for name, code in {
        "check": 1,
        "run": 1,
        "status": 1,
        "query": 0,
        "plan": 0,
        "init": 2,
        "stop": 1,
    }.items():
        screens.open()
        with screens.terminal(as_json=True) as terminal:
            assert terminal.show(EVERYTHING[name]) == code
        assert json.loads(screens.out.raw)["exit_code"] == code


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (upload(), "ok"),
        (upload(1), "failed"),
        (RunResult(None, "Nothing to retry."), "ok"),
        (RunResult(MIXED), "failed"),
        (RunResult(execution(currency("BTC", "RUNNING", 0), status="RUNNING")), "running"),
        (MIXED, "SUCCEEDED"),
        (ExecutionList((MIXED,)), "ok"),
        (INIT, "proposed"),
        (verified("it differs"), "failed"),
    ],
)
def test_the_status_is_one_word(result: Result, status: str) -> None:
    assert validate(document(result))["status"] == status


def test_a_result_is_the_same_object_alone_and_as_part_of_another() -> None:
    data = document(UP)
    assert UP.run is not None
    assert data["run"] == document(UP.run)
    assert data["run"]["execution"] == document(MIXED)
    assert data["run"]["execution"]["schema"] == "cryptoetl.status/1"
    assert "schema" not in document(EVERYTHING["log"])["lines"][0]


def test_fields_may_be_added_and_may_not_be_missing() -> None:
    data = document(verified())
    validate({**data, "new": 1})
    del data["location"]
    with pytest.raises(Exception, match="'location' is a required property"):
        validate(data)


def test_an_unknown_object_has_no_schema() -> None:
    with pytest.raises(UsageError, match="'runs' is not an object that --json prints"):
        json_schema.named("runs")


# --- errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_is_an_object_and_a_message(screens: Screens, kind: type[CryptoetlError]) -> None:
    with screens.terminal(as_json=True) as terminal:
        terminal.error(ERRORS[kind])
    data = validate(json.loads(screens.out.raw))
    assert data["schema"] == "cryptoetl.error/1"
    assert data["status"] == ("interrupted" if kind is errors.Interrupted else "error")
    assert data["exit_code"] == kind.exit_code
    assert data["error"]["code"] == kind.code
    assert data["error"]["message"] == ERRORS[kind].message
    assert data["error"]["hint"] == "Fix it."
    assert screens.err.lines[-1] == "Fix it."


def test_every_problem_of_a_configuration_has_file_line_and_field() -> None:
    assert document(Failure.of(ConfigError([PROBLEM])))["error"]["problems"] == [
        {"file": "c.yaml", "line": 3, "field": "currencies[BTC].drop", "message": "is wrong"}
    ]


def test_an_error_of_aws_has_its_code() -> None:
    error = AwsError("it is refused", aws_code="AccessDeniedException")
    assert document(Failure.of(error))["error"]["aws_code"] == "AccessDeniedException"
    assert document(Failure.of(UsageError("no")))["error"]["aws_code"] is None


# --- docs/json.md -------------------------------------------------------------------------------------

ENVELOPE = {"schema", "exit_code", "status"}


def described(title: str) -> dict[str, str]:
    """Return the keys that the section of the page with this title lists, with their types."""
    section = re.search(rf"^### `{re.escape(title)}`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section is not None, title
    return dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section[1], re.MULTILINE))


def type_text(schema: Mapping[str, Any]) -> str:
    """Return the type of a field as the page writes it."""
    match schema:
        case {"$ref": str(reference)}:
            return f"`{reference.rpartition('/')[2]}`"
        case {"enum": [*values]}:
            return ", ".join(f"`{value}`" for value in values)
        case {"anyOf": [*kinds]}:
            return " or ".join(type_text(kind) for kind in kinds)
        case {"type": "array", "items": items}:
            return f"list of {type_text(items)}"
        case {"type": "object", "additionalProperties": values}:
            return f"object of {type_text(values)}"
        case {"format": name}:
            return str(name)
        case {"type": name}:
            return str(name)
    return "any"


def objects() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each object and each part of one with its schema."""
    names = {contract.name for contract in CONTRACTS.values()}
    parts: dict[str, Mapping[str, Any]] = {}
    for kind, contract in CONTRACTS.items():
        schema = json_schema.of(kind)
        yield contract.schema, schema
        parts.update({name: part for name, part in schema["$defs"].items() if name not in names})
    yield from parts.items()


@pytest.mark.parametrize(("title", "schema"), [pytest.param(*pair, id=pair[0]) for pair in objects()])
def test_every_field_is_documented_with_its_type(title: str, schema: Mapping[str, Any]) -> None:
    fields = {name: type_text(field) for name, field in schema["properties"].items()}
    if title.startswith("cryptoetl."):
        fields = {name: text for name, text in fields.items() if name not in ENVELOPE}
    assert described(title) == fields


def test_every_schema_is_documented_with_its_words() -> None:
    rows = dict(re.findall(r"^\| .* \| \[`(cryptoetl\.\S+)`\]\(\S+\) \| (.*) \|$", PAGE, re.MULTILINE))
    assert {schema: re.findall(r"`(\w+)`", words) for schema, words in rows.items()} == {
        contract.schema: list(contract.words) for contract in CONTRACTS.values()
    }


def test_every_code_of_an_error_is_documented_with_its_exit_code() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (\d+) \|", PAGE, re.MULTILINE)
    assert dict(rows) == {kind.code: str(kind.exit_code) for kind in ERRORS}


# --- values -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "currencies", "verdict"),
    [
        ("RUNNING", (currency("BTC", "RUNNING", 0), currency("XMR", "FAILED", 0)), "running"),
        ("SUCCEEDED", (currency("BTC", "LOADED"), currency("ETH", "SKIPPED")), "loaded"),
        ("SUCCEEDED", (currency("BTC", "LOADED"), currency("XMR", "FAILED", 0)), "partly_loaded"),
        ("SUCCEEDED", (currency("BTC", "LOADED"), currency("XMR", "ABORTED", 0)), "partly_loaded"),
        ("FAILED", (currency("XMR", "FAILED", 0),), "failed"),
        ("FAILED", (currency("BTC", "LOADED"), currency("XMR", "ABORTED", 0)), "partly_loaded"),
        ("ABORTED", (currency("BTC", "LOADED"),), "stopped"),
        ("TIMED_OUT", (currency("BTC", "ABORTED", 0),), "timed_out"),
        ("INTERRUPTED", (currency("BTC", "ABORTED", 0),), "interrupted"),
    ],
)
def test_an_execution_keeps_the_status_of_aws_and_has_a_verdict_of_its_currencies(
    screens: Screens, status: ExecutionProgress, currencies: tuple[CurrencyStatus, ...], verdict: str
) -> None:
    ended = replace(execution(*currencies), status=status)
    data = validate(document(ended))
    assert (data["status"], data["verdict"]) == (status, verdict)
    heading = screens.show(ended).lines[0]
    assert heading.endswith(f"  {verdict.upper().replace('_', ' ')}")


def test_up_has_a_list_of_currencies_at_the_top(screens: Screens) -> None:
    data = screens.json(UP)
    assert list(data)[3:] == [
        "currencies",
        "to_run",
        "unchanged",
        "dry_run",
        "upload",
        "deploy",
        "run",
        "verify",
    ]
    assert [(c["ticker"], c["status"]) for c in data["currencies"]] == [
        ("BTC", "LOADED"),
        ("XMR", "FAILED"),
        ("ETH", "SKIPPED"),
    ]
    assert data["currencies"] == data["run"]["execution"]["currencies"]


def test_up_without_a_run_has_an_empty_list_of_currencies(screens: Screens) -> None:
    data = screens.json(UpResult(upload(1)))
    assert (data["exit_code"], data["currencies"], data["run"]) == (1, [], None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (date(2024, 1, 31), "2024-01-31"),
        (START, "2026-01-01T00:00:00+00:00"),
        (time(1, 2), "01:02:00"),
        (timedelta(seconds=5), "0:00:05"),
        (Decimal("1.50"), 1.5),
        (Decimal("NaN"), "nan"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (Path("a b"), "a b"),
        (b"\xff", "b'\\xff'"),
        ({date(2024, 1, 1): (1, [2])}, {"2024-01-01": [1, [2]]}),
    ],
)
def test_any_value_of_a_database_is_valid_json(value: Any, expected: Any) -> None:
    assert to_data(value) == expected
    assert json.loads(json.dumps(to_data(value), allow_nan=False)) == expected


def test_columns_of_the_same_name_are_numbered(screens: Screens) -> None:
    data = screens.json(QueryRows(("a", "a", "b"), ((1, 2, 3),), more=False))
    assert data["columns"] == ["a", "a_2", "b"]
    assert data["rows"] == [{"a": 1, "a_2": 2, "b": 3}]


@pytest.mark.parametrize(("encoding", "written"), [("utf-8", "näher"), ("ascii", "n\\u00e4her")])
def test_text_survives_any_encoding(screens: Screens, encoding: str, written: str) -> None:
    screens.open(encoding=encoding)
    assert screens.json(QueryRows(("x",), (("näher",),), more=False))["rows"] == [{"x": "näher"}]
    assert written in screens.out.raw


@pytest.mark.parametrize("name", EVERYTHING)
def test_json_on_a_terminal_is_the_same_as_on_a_pipe(screens: Screens, name: str) -> None:
    screens.json(EVERYTHING[name])
    piped = screens.out.raw
    screens.open(terminal=True, COLUMNS="20")
    screens.json(EVERYTHING[name])
    assert screens.out.raw == piped


def test_a_plan_has_the_fields_of_its_review() -> None:
    data = validate(document(aws_plan(JOB)))
    assert data["changes"][0]["properties"] == [{"path": "Name", "before": "a", "after": "b"}]
    assert data["notices"][0] == {"severity": "error", "message": "the workgroup does not exist"}
    assert data["cost"]["total_usd"] == 0.1385
    assert data["prediction"]["definition_bytes"] == 9_389
    assert "review" not in data
    local = document(aws_plan(Change("add", "branch", "BTC"), review=None))
    assert set(local) == ENVELOPE | {
        "bundle",
        "changes",
        "location",
        "applied",
        "tables",
        "scripts",
        "notices",
    }
