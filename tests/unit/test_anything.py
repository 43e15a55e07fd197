"""For any content of files, a command ends with an exit code and a message, never with a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from cryptoetl.cli import app
from tests.conftest import examples

anything = settings(
    max_examples=examples(100),
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PIECES = [
    "Date",
    "Price",
    "Week",
    "bitcoin",
    "01/02/2024",
    "2024-01-07",
    "20240107",
    "1704067200",
    "-1",
    "1.5",
    "1,5",
    "1e999",
    "<1",
    "100",
    ",",
    ",",
    ";",
    "\t",
    "|",
    '"',
    '""',
    "\n",
    "\n",
    "\r\n",
    "\r",
    " ",
    "\ufeff",
    "\0",
    "\u2028",
    "\x1b[31m",
    "é",
    "🚀",
    "x" * 200,
]
CONTENT = st.binary(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=40).map(
    lambda pieces: "".join(pieces).encode()
)
YAML_PIECES = [
    "pipeline: ",
    "target: ",
    "local",
    "aws",
    "currencies:",
    "\n",
    "\n",
    "\n  ",
    "\n  - ",
    "ticker: ",
    "history: ",
    "trend: ",
    "drop: ",
    "date_format: ",
    "unix",
    "delimiter: ",
    "tab",
    "price_column: ",
    "5",
    "BTC",
    "h.csv",
    "t.csv",
    "max_age_days: ",
    "null",
    "- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "&a ",
    "*a",
    "<<: ",
    "!!python/name:os.system ",
    "# ",
    "'",
    '"',
    "|",
    ">",
    "2024-99-99",
    "1e5",
    "~",
    "%",
    "\t",
    "\x85",
]
YAML = st.binary(max_size=200) | st.lists(st.sampled_from(YAML_PIECES), max_size=40).map(
    lambda pieces: "".join(pieces).encode()
)


def outcome(*arguments: str) -> Result:
    """Run a command in this process; fail if it raises anything but an exit code."""
    result = CliRunner().invoke(app, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (0, 1, 2)
    assert "Traceback" not in result.output
    assert "--debug and report" not in result.output
    return result


@anything
@given(history=CONTENT, trend=CONTENT, column=st.sampled_from(["Date", "x", 1, 2]))
def test_any_bytes_as_raw_files_end_in_a_verdict(
    history: bytes, trend: bytes, column: str | int, tmp_path: Path
) -> None:
    (tmp_path / "h.csv").write_bytes(history)
    (tmp_path / "t.csv").write_bytes(trend)
    price = "Price" if isinstance(column, str) else 3
    currency = {"ticker": "BTC", "history": "h.csv", "trend": "t.csv"}
    config = {"currencies": [currency | {"date_column": column, "price_column": price}]}
    (tmp_path / "config.yaml").write_text(json.dumps(config))
    arguments = ("check", "-c", str(tmp_path / "config.yaml"))
    done = outcome(*arguments)
    data = json.loads(outcome(*arguments, "--json").stdout)
    assert done.exit_code == (0 if data["currencies"][0]["ok"] else 1)
    assert "\x1b" not in done.stdout
    findings = [*data["currencies"][0]["history"]["findings"], *data["currencies"][0]["trend"]["findings"]]
    assert done.exit_code == 0 or any(finding["severity"] == "error" for finding in findings)


@anything
@given(content=YAML)
def test_any_bytes_as_a_configuration_end_in_words(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    done = outcome("check", "-c", str(path))
    assert done.output.strip()


@pytest.mark.parametrize("command", ["check", "upload", "deploy", "run", "up", "status", "verify"])
def test_no_command_makes_anything_of_a_configuration_that_is_none(command: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"\xff\xfe\0")
    assert outcome(command, "-c", str(tmp_path / "config.yaml")).exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]
