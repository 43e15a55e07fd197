"""The command line: usage, global options, values of options, errors, and how the process ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from cryptoetl import __version__, pipeline
from cryptoetl.cli import deployment
from cryptoetl.cli.examples import EXAMPLES
from cryptoetl.cli.options import parse_duration, parse_fail, parse_tickers
from cryptoetl.cli.session import Globals, Session
from cryptoetl.config.models import Config
from cryptoetl.errors import QueryError, UsageError
from cryptoetl.state_machine.bundle import Change
from cryptoetl.util import installation
from tests.conftest import CACHE
from tests.unit.cli.command_line import REPOSITORY, CommandLine, Ended
from tests.unit.cli.command_line import config as config
from tests.unit.cli.command_line import run as run
from tests.unit.made import write_config

# --- usage --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bogus"], "No such command 'bogus'"),
        (["check", "--bogus"], "No such option"),
        (["check", "one too many"], "unexpected extra argument"),
        (["check", "-c"], "requires an argument"),
        (["status", "--last", "0"], "greater than or equal to 1"),
        (["status", "--last", "many"], "--last"),
        (["query"], "one statement is needed"),
        (["query", "SELECT 1", "-f", "x.sql"], "one statement is needed"),
        (["query", "SELECT 1", "--format", "xml"], "'xml' is not a format"),
        (["query", "SELECT 1", "--format", "parquet"], "--output FILE"),
        (["query", "SELECT 1", "--output", "x"], "--format csv, json or parquet"),
        (["preview"], "Missing argument"),
        (["query", "SELECT 1", "--limit", "0"], "--limit"),
        (["query", "SELECT 1", "--timeout", "soon"], "'soon' is not a duration"),
        (["query", "SELECT 1", "--memory-limit", "much"], "'much' is not a size of 16MB or more"),
        (["query", "SELECT 1", "--memory-limit", "2"], "Write it as 500MB or 2GB"),
        (["render", "bogus"], "No such command 'bogus'"),
        (["-v"], "Missing command"),
    ],
)
def test_a_wrong_command_line_is_a_usage_error(run: CommandLine, arguments: list[str], message: str) -> None:
    ended = run(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in " ".join(ended.err.split())


@pytest.mark.parametrize("arguments", [["--json"], ["--json", "bogus"], ["check", "--json", "--bogus"]])
def test_with_json_a_wrong_command_line_is_an_object(run: CommandLine, arguments: list[str]) -> None:
    ended = run(*arguments)
    assert (ended.code, ended.data["schema"]) == (2, "cryptoetl.error/1")
    assert ended.data["error"]["code"] == "usage"
    assert ended.data["error"]["message"] in ended.err
    assert "--help" in ended.data["error"]["hint"]


@pytest.mark.parametrize("arguments", [["--json", "--version"], ["--json", "check", "--help"]])
def test_with_json_help_and_version_are_text(run: CommandLine, arguments: list[str]) -> None:
    ended = run(*arguments)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(("Usage: ", "cryptoetl "))


def test_the_version_needs_no_command(run: CommandLine) -> None:
    assert run("--version") == Ended(0, f"cryptoetl {__version__}\n", "")


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["check", "-h"], ["render", "--help"]])
def test_help_is_plain_text_on_standard_output(run: CommandLine, arguments: list[str]) -> None:
    ended = run(*arguments)
    assert ended.code == 0
    assert ended.out.startswith("Usage: ")
    assert "\x1b" not in ended.out
    assert ended.err == ""


def test_every_command_takes_the_global_options(run: CommandLine) -> None:
    commands = [["check"], ["upload"], ["deploy"], ["run"], ["up"], ["status"], ["verify"], ["query"]]
    for command in [*commands, ["schema"], ["render", "machine"]]:
        text = run(*command, "--help").out
        for option in ("-c", "--env", "--target", "--region", "--profile", "--json", "-v", "-q", "--debug"):
            assert option in text, (command, option)
        assert f"cryptoetl {' '.join(command)}" in text.partition("Example:")[2]


def test_each_example_is_of_its_command_and_no_summary_is_cut(run: CommandLine) -> None:
    for name, example in EXAMPLES.items():
        words = [word for word in example.split() if word in name.split()]
        assert words == name.split(), example
    for group in ([], ["render"], ["scripts"], ["config"]):
        assert "..." not in run(*group, "--help").out.partition("Commands:")[2]


# --- global options -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["-c", "other.yaml", "--json", "check"],
        ["check", "-c", "other.yaml", "--json"],
        ["--json", "check", "--config", "other.yaml"],
        ["-c", "no.yaml", "check", "--json", "-c", "other.yaml"],
    ],
)
def test_global_options_stand_before_or_after_the_command_and_the_later_wins(
    run: CommandLine, arguments: list[str]
) -> None:
    write_config(run.folder, "BTC", name="other.yaml")
    ended = run(*arguments)
    assert (ended.code, ended.err) == (0, "")
    assert [currency["ticker"] for currency in ended.data["currencies"]] == ["BTC"]


def test_options_after_the_command_override_those_before_it() -> None:
    before = Globals(config=Path("a"), target="aws", verbose=True)
    after = Globals(target="local", json=True)
    assert after.or_else(before) == Globals(config=Path("a"), target="local", json=True, verbose=True)


def test_the_configuration_is_config_yaml_unless_another_is_named(run: CommandLine, config: Path) -> None:
    write_config(run.folder, "ETH", name="env.yaml")
    write_config(run.folder, "LTC", name="option.yaml")

    def tickers(*arguments: str, **env: str) -> list[str]:
        return [
            currency["ticker"] for currency in run("check", "--json", *arguments, **env).data["currencies"]
        ]

    assert tickers() == ["BTC", "XMR"]
    assert tickers(CRYPTOETL_CONFIG="env.yaml") == ["ETH"]
    assert tickers("-c", "option.yaml", CRYPTOETL_CONFIG="env.yaml") == ["LTC"]
    assert tickers(CRYPTOETL_CONFIG="") == ["BTC", "XMR"]


def test_the_configuration_of_a_folder_above_is_named(
    run: CommandLine, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = run.folder / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    ended = run("check")
    assert (ended.code, ended.err) == (0, "The configuration is ../config.yaml.\n")
    assert run("check", "--quiet").err == ""
    assert run("init", "--yes", "..").code == 0
    assert (below / "config.yaml").exists()
    assert run("check").err == ""


def test_an_environment_is_named_by_option_or_variable(run: CommandLine, config: Path) -> None:
    data = json.loads(config.read_text())
    config.write_text(json.dumps({**data, "environments": {"prod": {"pipeline": "p"}, "dev": {}}}))

    def pipeline_name(*arguments: str, **env: str) -> str:
        return str(json.loads(run("config", "show", "--json", *arguments, **env).out)["pipeline"])

    assert pipeline_name() == "crypto"
    assert pipeline_name("--env", "prod") == "p"
    assert pipeline_name(CRYPTOETL_ENV="prod") == "p"
    assert pipeline_name("--env", "dev", CRYPTOETL_ENV="prod") == "crypto"
    assert run("config", "check").out == "config.yaml is valid, with 2 environments: prod, dev\n"
    shown = yaml.safe_load(run("--env", "prod", "config", "show").out)
    assert (shown["pipeline"], "environments" in shown) == ("p", False)
    wrong = run("check", "--env", "prd")
    assert (wrong.code, wrong.out) == (2, "")
    assert "Did you mean prod?" in wrong.err


def test_the_token_of_an_engine_is_not_shown(run: CommandLine, config: Path) -> None:
    data = json.loads(config.read_text())
    engine = "sc://host:443/;token=hidden;user_id=me"
    config.write_text(json.dumps({**data, "local": {"engine": engine}}))
    for form in ([], ["--json"]):
        out = run("config", "show", *form).out
        assert "sc://host:443/;token=***;user_id=me" in out
        assert "hidden" not in out


def test_quiet_leaves_results_warnings_and_errors(run: CommandLine, config: Path) -> None:
    loud, quiet = run("scripts", "export", "one"), run("--quiet", "scripts", "export", "two")
    assert "To use them" in loud.err
    assert (quiet.code, quiet.out.count("two/"), quiet.err) == (0, 6, "")
    assert run("-q", "check", "--tickers", "BTX").err.startswith("error: BTX")


def test_the_target_is_the_configured_one_unless_another_is_named(run: CommandLine, config: Path) -> None:
    assert run("deploy", "--dry-run").code == 0
    assert run("deploy", "--dry-run", CRYPTOETL_TARGET="aws").code == 0
    assert run("deploy", "--dry-run", "--target", "local", CRYPTOETL_TARGET="aws").code == 0
    assert run("--target", "aws", "deploy", "--dry-run").code == 0
    assert run("deploy", "--dry-run", CRYPTOETL_TARGET="").code == 0
    assert run.targets == ["local", "aws", "local", "aws", "local"]


@pytest.mark.parametrize(
    ("arguments", "env"), [(["--target", "moon"], {}), ([], {"CRYPTOETL_TARGET": "moon"})]
)
def test_an_unknown_target_is_refused(
    run: CommandLine, config: Path, arguments: list[str], env: Mapping[str, str]
) -> None:
    ended = run("check", *arguments, **env)
    assert ended == Ended(2, "", "error: 'moon' is not a target\nChoose local or aws.\n")


def test_the_aws_target_is_made_without_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    config = Config.model_validate(
        {"target": "aws", "currencies": [{"ticker": "BTC", "history": "h", "trend": "t"}]}
    )
    terminal: Any = SimpleNamespace(warn=print)
    target = Session(Globals(), terminal).target(config)
    assert target.name == "aws"
    assert "my-etl-workgroup" in target.warehouse.location()


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200)])
def test_a_duration_is_in_seconds_minutes_or_hours(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0m", "-1s", "1.5h", "soon", "30"])
def test_a_text_that_is_not_a_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a duration"):
        parse_duration(text)


# --- errors -------------------------------------------------------------------------------------------


def test_a_missing_configuration_is_one_message_with_a_hint(run: CommandLine) -> None:
    ended = run("check")
    assert (ended.code, ended.out) == (2, "")
    first, second = ended.err.splitlines()
    assert first == "error: config.yaml: no such configuration file"
    assert second.startswith("`cryptoetl init DIR` writes one")
    assert "CRYPTOETL_CONFIG" in second


def test_with_json_an_error_is_also_an_object_on_standard_output(run: CommandLine) -> None:
    ended = run("--json", "check", "-c", "no.yaml")
    assert ended.code == 2
    error = ended.data["error"]
    assert (error["code"], error["message"]) == ("config", "no.yaml: no such configuration file")
    assert "-c/--config" in error["hint"]
    assert ended.err.startswith("error: no.yaml")


def test_a_missing_file_stops_its_currency_alone(run: CommandLine, config: Path) -> None:
    """Like a broken one: an error with file and line of the configuration, exit 1, the others go on."""
    (run.folder / "XMR.csv").unlink()
    line = 1 + next(at for at, text in enumerate(config.read_text().splitlines()) if "XMR.csv" in text)
    ended = run("--json", "check")
    assert ended.code == 1
    btc, xmr = ended.data["currencies"]
    assert (btc["ok"], xmr["ok"]) == (True, False)
    (finding,) = xmr["history"]["findings"]
    assert (finding["file"], finding["line"]) == ("config.yaml", line)
    assert finding["message"] == f"{run.folder / 'XMR.csv'}: does not exist"
    assert run("check", "--tickers", "BTC").code == 0

    uploaded = run("--json", "upload")
    assert uploaded.code == 1
    assert {file["action"] for file in uploaded.data["files"] if file["ticker"] == "XMR"} == {"refused"}
    assert {key.partition("/")[0] for key in run.fakes.storage.files} == {"BTC"}
    ended = run("--json", "up")
    assert ended.code == 1
    assert ended.data["run"]["refused"]["XMR"].startswith(f"history: config.yaml:{line}: ")
    assert [currency["ticker"] for currency in ended.data["verify"]["tables"]] == ["BTC"]


def test_the_other_file_of_a_currency_that_lacks_one_is_checked_too(run: CommandLine, config: Path) -> None:
    (run.folder / "XMR.csv").unlink()
    (run.folder / "XMR_trend.csv").write_text("Week,x\n2024-01-07,101\n")
    out = run("check").out.replace("\n", " ")
    assert "does not exist" in out
    assert "'101' is not within 0 and 100" in out


def failing_with(error: BaseException) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "first", "second"),
    [
        (KeyboardInterrupt(), 130, "interrupted: stopped before it was done", None),
        (
            ModuleNotFoundError("No module named 'duckdb'", name="duckdb"),
            2,
            "error: the local target needs the package duckdb, which is not installed",
            f"Install it with: {installation.command('local')}",
        ),
        (PermissionError(13, "Permission denied", "a.csv"), 2, "error: a.csv: Permission denied", None),
        (OSError(28, "No space left on device"), 2, "error: the system: No space left on device", None),
        (
            ZeroDivisionError("by zero"),
            2,
            "error: unexpected ZeroDivisionError: by zero",
            "Run the same command with --debug and report it.",
        ),
    ],
)
def test_any_exception_is_a_message_and_an_exit_code(
    run: CommandLine,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    first: str,
    second: str | None,
) -> None:
    monkeypatch.setattr(pipeline, "check", failing_with(error))
    ended = run("check")
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.splitlines() == [line for line in (first, second) if line]
    assert run("check", "--json").data["exit_code"] == code


def test_debug_lets_an_error_through_with_its_traceback(
    run: CommandLine, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "check", failing_with(ZeroDivisionError("by zero")))
    with pytest.raises(AssertionError, match="by zero"):
        run("check", "--debug")


# --- tickers and failures -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tickers"),
    [
        (None, None),
        ("BTC", ["BTC"]),
        ("BTC,XMR", ["BTC", "XMR"]),
        (" BTC , XMR ,", ["BTC", "XMR"]),
        ("XMR,BTC,XMR", ["XMR", "BTC"]),
    ],
)
def test_tickers_are_a_list_with_commas(text: str | None, tickers: list[str] | None) -> None:
    assert parse_tickers(text) == tickers


@pytest.mark.parametrize("text", ["", ",", " , "])
def test_an_empty_list_of_tickers_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--tickers names no currency"):
        parse_tickers(text)


def test_steps_to_fail_are_written_with_a_colon() -> None:
    assert parse_fail(["XMR:gold", "BTC:silver"]) == {"XMR": "gold", "BTC": "silver"}
    assert parse_fail([]) == {}


@pytest.mark.parametrize("item", ["XMR", "XMR:", ":gold", "XMR:Gold", "XMR:clean", "XMR=gold", ""])
def test_an_unknown_step_cannot_fail(item: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_fail([item])
    assert refusal.value.hint == "Write TICKER:STEP, with one of silver, gold, redshift."


def test_an_unknown_ticker_is_refused_and_the_known_ones_are_listed(run: CommandLine, config: Path) -> None:
    ended = run("check", "--tickers", "btc,DOGE")
    assert ended.code == 2
    assert "DOGE: not a currency of this configuration" in ended.err
    assert "It has BTC, XMR." in ended.err
    assert "Did you mean BTC? It has" in run("check", "--tickers", "btcc").err


# --- the process --------------------------------------------------------------------------------------


def process(*arguments: str, cwd: Path, **options: Any) -> subprocess.Popen[str]:
    kept = {k: v for k, v in os.environ.items() if k == CACHE or not k.startswith("CRYPTOETL")}
    return subprocess.Popen(
        [sys.executable, "-m", "cryptoetl", *arguments],
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(REPOSITORY)},
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.fixture
def closed_pipe() -> Iterator[int]:
    """Return the writing end of a pipe whose reader has closed it."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def test_a_closed_pipe_is_no_error(tmp_path: Path, closed_pipe: int) -> None:
    started = process("schema", cwd=tmp_path, stdout=closed_pipe)
    _, err = started.communicate(timeout=60)
    assert (started.returncode, err) == (0, "")


def test_a_process_ends_with_the_code_of_its_command(tmp_path: Path) -> None:
    started = process("--json", "check", cwd=tmp_path, stdout=subprocess.PIPE)
    out, err = started.communicate(timeout=60)
    assert (started.returncode, json.loads(out)["exit_code"]) == (2, 2)
    assert "Traceback" not in err


@pytest.mark.parametrize(("arguments", "same"), [(["version"], ["--version"]), (["help"], ["--help"])])
def test_help_and_version_are_commands_too(run: CommandLine, arguments: list[str], same: list[str]) -> None:
    assert run(*arguments) == run(*same)


def test_help_names_a_command_or_a_command_of_a_group(run: CommandLine) -> None:
    assert run("help", "run").out == run("run", "--help").out
    assert run("help", "render", "machine").out == run("render", "machine", "--help").out
    wrong = run("help", "rum")
    assert (wrong.code, "rum" in wrong.err) == (2, True)


def test_a_table_that_does_not_exist_has_a_suggestion(
    run: CommandLine, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = QueryError('Redshift: relation "market_data.btcc" does not exist')
    monkeypatch.setattr(run.fakes.warehouse, "query", failing_with(error))
    ended = run("query", "SELECT * FROM market_data.btcc")
    assert ended.code == 2
    assert "Did you mean btc? The tables are all_currencies, btc, xmr." in ended.err
    error = QueryError('Redshift: relation "market_data.btc" does not exist')
    monkeypatch.setattr(run.fakes.warehouse, "query", failing_with(error))
    ended = run("query", "SELECT * FROM market_data.btc")
    assert "Nothing has been loaded into it yet: `cryptoetl run` does that." in ended.err


def test_the_log_of_the_cleaning_needs_no_currency(run: CommandLine, config: Path) -> None:
    assert run("deploy").code == 0
    assert run("run").code == 0
    assert "no such log lines of the cleaning" in run("logs", "--step", "clean").out
    missing = run("logs")
    assert (missing.code, "cryptoetl logs BTC" in missing.err) == (2, True)


@pytest.mark.parametrize(("what", "said"), [("topic", True), ("job", False)])
def test_recipients_of_alarms_are_asked_to_confirm_after_a_deploy_of_the_topic(what: str, said: bool) -> None:
    aws = {"notify": {"emails": ["ops@example.com"]}}
    currency = {"ticker": "BTC", "history": "h", "trend": "t"}
    config = Config.model_validate({"target": "aws", "aws": aws, "currencies": [currency]})
    plan: Any = SimpleNamespace(changes=[Change("add", what, "crypto-executions")])
    assert ("ops@example.com" in (deployment._unconfirmed(config, plan) or "")) is said
