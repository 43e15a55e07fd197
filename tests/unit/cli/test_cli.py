"""The commands: what they take, from where, and how they end. What they do is tested over the use cases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from cryptoetl import __version__, pipeline
from cryptoetl.cli import app
from cryptoetl.cli.options import parse_duration, parse_fail, parse_tickers
from cryptoetl.cli.session import Globals, Session
from cryptoetl.config.models import Config
from cryptoetl.errors import UsageError
from cryptoetl.output.terminal import Terminal
from cryptoetl.target import Target
from cryptoetl.target.deployment import Cost, Notice, Prediction, Review
from cryptoetl.target.warehouse import QueryRows
from tests.conftest import CACHE
from tests.fakes import Fakes
from tests.unit.made import HISTORY, write_config

REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """The commands in this process, in a folder of their own, over a target in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fakes = Fakes()
        self.targets: list[str] = []

    def target(self, session: Session, config: Config) -> Target:
        self.targets.append(config.target)
        return self.fakes.target

    def __call__(self, *arguments: str, stdin: str = "", **env: str) -> Ended:
        done = CliRunner().invoke(app, list(arguments), input=stdin, env=env)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Ended(done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name in os.environ:
        if name.startswith("CRYPTOETL") and name != CACHE:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    line = CommandLine(tmp_path)
    monkeypatch.setattr(Session, "target", lambda session, config: line.target(session, config))
    return line


@pytest.fixture
def config(run: CommandLine) -> Path:
    return write_config(run.folder, "BTC", "XMR")


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
        (["--json"], "Missing command"),
        (["-v"], "Missing command"),
    ],
)
def test_what_is_not_a_command_is_a_usage_error(run: CommandLine, arguments: list[str], message: str) -> None:
    ended = run(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in " ".join(ended.err.split())


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
        for option in ("--config", "--target", "--region", "--profile", "--json", "--verbose", "--debug"):
            assert option in text, (command, option)


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


def test_options_say_what_they_say_over_those_before_the_command() -> None:
    before = Globals(config=Path("a"), target="aws", verbose=True)
    after = Globals(target="local", json=True)
    assert after.over(before) == Globals(config=Path("a"), target="local", json=True, verbose=True)


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
    assert ended == Ended(2, "", "error: 'moon' is not a target\nThere are local and aws.\n")


def test_the_aws_target_is_made_without_asking_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "of-nobody")
    config = Config.model_validate(
        {"target": "aws", "currencies": [{"ticker": "BTC", "history": "h", "trend": "t"}]}
    )
    terminal: Any = SimpleNamespace(warn=print)
    target = Session(Globals(), terminal).target(config)
    assert target.name == "aws"
    assert "my-etl-workgroup" in target.warehouse.location()


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("5", 300)])
def test_a_duration_is_in_seconds_minutes_or_hours(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0m", "-1s", "1.5h", "soon"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a duration"):
        parse_duration(text)


# --- errors -------------------------------------------------------------------------------------------


def test_an_absent_configuration_is_one_message_with_a_way_out(run: CommandLine) -> None:
    ended = run("check")
    assert (ended.code, ended.out) == (2, "")
    first, second = ended.err.splitlines()
    assert first == "error: config.yaml: no such configuration file"
    assert "CRYPTOETL_CONFIG" in second


def test_with_json_an_error_is_an_object_on_standard_output_as_well(run: CommandLine) -> None:
    ended = run("--json", "check", "-c", "no.yaml")
    assert ended.code == 2
    assert ended.data["error"] == "no.yaml: no such configuration file"
    assert ended.data["exit_code"] == 2
    assert "-c/--config" in ended.data["hint"]
    assert ended.err.startswith("error: no.yaml")


def test_missing_files_stop_a_command_before_anything_is_touched(run: CommandLine, config: Path) -> None:
    (run.folder / "XMR.csv").unlink()
    for command in ("check", "upload", "up"):
        ended = run(command)
        assert (ended.code, ended.out) == (2, "")
        assert "currencies[XMR].history" in ended.err
        assert "does not exist" in ended.err
    assert run.fakes.storage.files == {}
    assert run("check", "--tickers", "BTC").code == 0


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
            "Install it with: pip install 'cryptoetl[local]'",
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
def test_whatever_goes_wrong_is_a_message_and_an_exit_code(
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
def test_a_list_without_a_ticker_is_refused_and_does_not_mean_all(text: str) -> None:
    with pytest.raises(UsageError, match="--tickers names no currency"):
        parse_tickers(text)


def test_steps_to_fail_are_written_with_a_colon() -> None:
    assert parse_fail(["XMR:gold", "BTC:silver"]) == {"XMR": "gold", "BTC": "silver"}
    assert parse_fail([]) == {}


@pytest.mark.parametrize("item", ["XMR", "XMR:", ":gold", "XMR:Gold", "XMR:clean", "XMR=gold", ""])
def test_a_step_that_there_is_not_cannot_fail(item: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_fail([item])
    assert refusal.value.hint == "Write TICKER:STEP, with one of silver, gold, redshift."


def test_an_unknown_ticker_is_refused_beside_the_known_ones(run: CommandLine, config: Path) -> None:
    ended = run("check", "--tickers", "btc,DOGE")
    assert ended.code == 2
    assert "DOGE: not a currency of this configuration" in ended.err
    assert "It has BTC, XMR." in ended.err


# --- commands -----------------------------------------------------------------------------------------


def test_a_check_with_findings_ends_with_1_and_names_file_and_line(run: CommandLine, config: Path) -> None:
    (run.folder / "XMR.csv").write_text(f"{HISTORY}01/03/2024,abc\n")
    ended = run("check")
    assert (ended.code, ended.err) == (1, "")
    assert f"XMR error {run.folder / 'XMR.csv'}:4: price 'abc' is not a number" in ended.out


def test_the_commands_one_after_the_other_do_what_up_does(run: CommandLine, config: Path) -> None:
    for arguments in (["upload"], ["deploy", "--yes"], ["run"], ["verify"], ["status"]):
        ended = run(*arguments)
        assert ended.code == 0, (arguments, ended)
    assert run.fakes.executions.names() == ["execution-1"]
    assert set(run.fakes.warehouse.facts) == {"btc", "xmr"}


def test_up_ends_with_1_if_a_currency_fails_and_a_retry_mends_it(run: CommandLine, config: Path) -> None:
    ended = run("up", "--fail", "XMR:gold", "--json")
    assert ended.code == 1
    statuses = {currency["ticker"]: currency["status"] for currency in ended.data["currencies"]}
    assert statuses == {"BTC": "LOADED", "XMR": "FAILED"}
    assert run("status").code == 1
    assert run("run", "--retry-failed").code == 0
    assert run.fakes.executions.inputs[-1] == {"tickers": {"XMR": {"from": "gold"}}}


def test_a_command_that_is_asked_for_json_prints_nothing_else(run: CommandLine, config: Path) -> None:
    for arguments in (["up"], ["check"], ["upload"], ["deploy"], ["run"], ["status"], ["verify"]):
        assert isinstance(run(*arguments, "--json").data, dict), arguments
    assert len(run("status", "--last", "5", "--json").data["executions"]) == 2


def test_deploy_does_not_ask_where_nobody_can_answer(run: CommandLine, config: Path) -> None:
    ended = run("deploy", stdin="n\n")
    assert ended.code == 0
    assert run.fakes.deployment.applied == 1


@pytest.mark.parametrize(("answer", "code", "applied"), [("y\n", 0, 1), ("n\n", 2, 0), ("", 2, 0)])
def test_deploy_asks_where_somebody_can(
    run: CommandLine, config: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, applied: int
) -> None:

    monkeypatch.setattr(Terminal, "can_ask", True)
    ended = run("deploy", stdin=answer)
    assert (ended.code, run.fakes.deployment.applied) == (code, applied)
    assert "+ add    branch BTC" in ended.out
    assert "Deploy this? [y/N]" in ended.err


def test_deploy_goes_no_further_than_an_error_of_its_review(
    run: CommandLine, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.fakes.deployment.reviewed = reviewed(Notice("error", "the workgroup does not exist"))
    ended = run("deploy", "--yes")
    assert (ended.code, run.fakes.deployment.applied) == (2, 0)
    assert "error: the workgroup does not exist" in ended.err
    assert run("deploy", "--dry-run").code == 1
    run.fakes.deployment.reviewed = reviewed(Notice("warning", "it takes longer"))
    assert run("deploy", "--yes").code == 0
    assert run.fakes.deployment.applied == 1


def reviewed(*notices: Notice) -> Review:
    return Review("123456789012", "eu-central-1", notices, Prediction(2, 9_000, 65, 226), Cost({}, ()))


def test_drift_is_for_looking_only(run: CommandLine, config: Path) -> None:
    ended = run("deploy", "--drift")
    assert ended.code == 2
    assert "--dry-run" in ended.err


def test_deploy_follows_what_is_under_way_first_and_a_dry_run_does_not(
    run: CommandLine, config: Path
) -> None:
    run("deploy", "--dry-run")
    assert run.fakes.deployment.joined == 0
    run("deploy")
    assert run.fakes.deployment.joined == 1


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, False), ("n\n", 2, True), ("", 2, True)])
def test_destroy_asks_where_somebody_can(
    run: CommandLine, config: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: bool
) -> None:

    run("deploy")
    monkeypatch.setattr(Terminal, "can_ask", True)
    ended = run("destroy", stdin=answer)
    assert ended.code == code
    assert (run.fakes.deployment.bundle is not None) == left
    assert "- remove bundle deployed" in ended.out
    assert "  stays  data raw" in ended.out


@pytest.mark.parametrize(
    ("answer", "code", "left"), [("crypto\n", 0, False), ("y\n", 2, True), ("Crypto\n", 2, True)]
)
def test_destroy_with_data_wants_the_pipelines_name(
    run: CommandLine, config: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: bool
) -> None:

    run("deploy")
    monkeypatch.setattr(Terminal, "can_ask", True)
    for yes in ([], ["--yes"]):
        run("deploy", "--yes")
        ended = run("destroy", "--delete-data", *yes, stdin=answer)
        assert ended.code == code
        assert (run.fakes.deployment.bundle is not None) == left
        assert "- remove data raw" in ended.out


def test_a_destroy_in_a_script_says_yes_and_for_data_the_name(run: CommandLine, config: Path) -> None:
    run("deploy")
    assert run("destroy").code == 2
    assert run("destroy", "--delete-data", "--yes").code == 2
    assert run("destroy", "--delete-data", "--confirm", "other").code == 2
    assert run.fakes.deployment.bundle is not None
    ended = run("destroy", "--delete-data", "--confirm", "crypto", "--json")
    assert ended.code == 0
    assert ended.data["deletes_data"] is True
    assert ended.data["applied"] is True
    assert run.fakes.deployment.bundle is None


def test_a_dry_run_of_destroy_only_lists(run: CommandLine, config: Path) -> None:
    run("deploy")
    ended = run("destroy", "--dry-run")
    assert ended.code == 0
    assert "1 part to remove from memory:deployed." in ended.out
    assert run.fakes.deployment.bundle is not None


def test_status_watch_follows_to_the_end(run: CommandLine, config: Path) -> None:
    run("up")
    ended = run("status", "execution-1", "--watch")
    assert ended.code == 0
    assert "XMR redshift succeeded" in ended.err
    assert "LOADED" in ended.out


def test_a_query_is_an_argument_or_standard_input(run: CommandLine, config: Path) -> None:
    run.fakes.warehouse.answer = QueryRows(("n",), ((1,),), more=True)
    assert run("query", "SELECT 1", "--json").data == {"columns": ["n"], "rows": [{"n": 1}], "more": True}
    assert run("query", "-", "--limit", "7", stdin="SELECT 2").code == 0
    assert run.fakes.warehouse.asked == [("SELECT 1", 1000), ("SELECT 2", 7)]


def test_a_query_has_limits_of_time_and_memory(run: CommandLine, config: Path) -> None:
    assert run("query", "SELECT 1").code == 0
    assert run.fakes.warehouse.limits == (300, None)
    assert run("query", "SELECT 1", "--timeout", "90s", "--memory-limit", "1.5GB").code == 0
    assert run.fakes.warehouse.limits == (90, 1_500_000_000)
    assert run("query", "SELECT 1", "--timeout", "2h", "--memory-limit", "512 MiB").code == 0
    assert run.fakes.warehouse.limits == (7200, 512 * 1024**2)


def test_a_query_is_read_from_a_file_and_written_to_one(
    run: CommandLine, config: Path, tmp_path: Path
) -> None:
    run.fakes.warehouse.answer = QueryRows(
        ("day", "price", "note"),
        ((date(2024, 2, 29), Decimal("1.10"), 'a, "b"'), (None, None, "Ünïcode – 比特币")),
        more=True,
    )
    (tmp_path / "it.sql").write_text("SELECT 3", encoding="utf-8")
    csv = 'day,price,note\n2024-02-29,1.10,"a, ""b"""\n,,Ünïcode – 比特币\n'
    ended = run("query", "-f", str(tmp_path / "it.sql"), "--format", "csv")
    assert (ended.code, ended.out) == (0, csv)
    assert "the first 2 rows; --limit gives more" in ended.err
    target = tmp_path / "rows.csv"
    assert run("query", "SELECT 3", "--format", "csv", "-o", str(target)).out == ""
    assert target.read_text(encoding="utf-8") == csv
    assert json.loads(run("query", "SELECT 3", "--format", "json").out)["rows"][0]["day"] == "2024-02-29"
    assert run.fakes.warehouse.asked == [("SELECT 3", 1000)] * 3


def test_a_file_with_a_query_that_is_not_there_is_named(run: CommandLine, config: Path) -> None:
    ended = run("query", "-f", "nowhere.sql")
    assert ended.code == 2
    assert "nowhere.sql" in ended.err


def test_the_machine_and_the_schema_are_json_documents(run: CommandLine, config: Path) -> None:
    assert "Clean S3 buckets" in run("render", "machine").data["States"]
    assert run("schema", "-c", "absent.yaml").data["properties"]["currencies"]


def test_the_stack_and_its_policies_are_json_documents(run: CommandLine, config: Path) -> None:
    template = run("render", "stack").data
    assert template["Resources"]["StateMachine"]["Properties"]["StateMachineName"] == "crypto"
    policies = run("render", "policies", "--account", "123456789012", "--region", "eu-west-1").data
    assert set(policies) == {"deployer", "GlueRole", "MachineRole"}
    text = json.dumps(policies)
    assert "arn:aws:glue:eu-west-1:123456789012:job/crypto-bronze2silver" in text
    assert "Fn::" not in text
    assert "${AWS::AccountId}" in json.dumps(run("render", "policies").data)


def test_the_artifacts_of_a_stack_are_written_under_the_keys_that_it_names(
    run: CommandLine, config: Path
) -> None:
    template = run("render", "stack", "--artifacts", "build").data
    keys = template["Metadata"]["cryptoetl"]["Artifacts"]
    written = {path.relative_to("build").as_posix() for path in Path("build").rglob("*") if path.is_file()}
    assert written == set(keys.values())
    assert (
        json.loads((Path("build") / keys["state_machine.json"]).read_text()) == run("render", "machine").data
    )
    location = template["Resources"]["Silver2goldJob"]["Properties"]["Command"]["ScriptLocation"]["Fn::Sub"]
    assert location.endswith(keys["silver2gold.py"])


# --- in a process of its own --------------------------------------------------------------------------


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
    """The writing end of a pipe that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path, closed_pipe: int) -> None:
    started = process("schema", cwd=tmp_path, stdout=closed_pipe)
    _, err = started.communicate(timeout=60)
    assert (started.returncode, err) == (0, "")


def test_a_process_ends_with_the_code_of_its_command(tmp_path: Path) -> None:
    started = process("--json", "check", cwd=tmp_path, stdout=subprocess.PIPE)
    out, err = started.communicate(timeout=60)
    assert (started.returncode, json.loads(out)["exit_code"]) == (2, 2)
    assert "Traceback" not in err
