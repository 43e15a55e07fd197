"""What each command does with its arguments and its result. The use cases have tests of their own."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from cryptoetl.output.terminal import Terminal
from cryptoetl.target.deployment import Cost, Notice, Prediction, Review
from cryptoetl.target.warehouse import QueryRows
from tests.unit.cli.command_line import CommandLine
from tests.unit.cli.command_line import config as config
from tests.unit.cli.command_line import run as run
from tests.unit.made import HISTORY

# --- commands -----------------------------------------------------------------------------------------


def test_a_check_with_findings_ends_with_1_and_names_file_and_line(run: CommandLine, config: Path) -> None:
    (run.folder / "XMR.csv").write_text(f"{HISTORY}01/03/2024,abc\n")
    ended = run("check")
    assert (ended.code, ended.err) == (1, "")
    assert f"XMR error {run.folder / 'XMR.csv'}:4: price 'abc' is not a number" in ended.out


def test_the_single_commands_do_what_up_does(run: CommandLine, config: Path) -> None:
    for arguments in (["upload"], ["deploy", "--yes"], ["run"], ["verify"], ["status"]):
        ended = run(*arguments)
        assert ended.code == 0, (arguments, ended)
    assert run.fakes.executions.names() == ["execution-1"]
    assert set(run.fakes.warehouse.facts) == {"btc", "xmr"}


def test_up_ends_with_1_if_a_currency_fails_and_a_retry_loads_it(run: CommandLine, config: Path) -> None:
    ended = run("up", "--fail", "XMR:gold", "--json")
    assert ended.code == 1
    statuses = {currency["ticker"]: currency["status"] for currency in ended.data["currencies"]}
    assert statuses == {"BTC": "LOADED", "XMR": "FAILED"}
    assert run("status").code == 1
    assert run("run", "--retry-failed").code == 0
    assert run.fakes.executions.inputs[-1] == {"tickers": {"XMR": {"from": "gold"}}}


def test_with_json_a_command_prints_one_object(run: CommandLine, config: Path) -> None:
    for arguments in (["up"], ["check"], ["upload"], ["deploy"], ["run"], ["status"], ["verify"]):
        assert isinstance(run(*arguments, "--json").data, dict), arguments
    assert len(run("status", "--last", "5", "--json").data["executions"]) == 2


def test_deploy_does_not_ask_without_a_terminal(run: CommandLine, config: Path) -> None:
    ended = run("deploy", stdin="n\n")
    assert ended.code == 0
    assert run.fakes.deployment.applied == 1


@pytest.mark.parametrize(("answer", "code", "applied"), [("y\n", 0, 1), ("n\n", 2, 0), ("", 2, 0)])
def test_deploy_asks_on_a_terminal(
    run: CommandLine, config: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, applied: int
) -> None:

    monkeypatch.setattr(Terminal, "can_ask", True)
    ended = run("deploy", stdin=answer)
    assert (ended.code, run.fakes.deployment.applied) == (code, applied)
    assert "+ add    branch BTC" in ended.out
    assert "Deploy 12 changes to memory:deployed (target local)? [y/N]" in ended.err


ON_AWS = "account 123456789012 in eu-central-1 (profile prod, target aws)"


@pytest.mark.parametrize("command", ["deploy", "up"])
def test_on_aws_a_deploy_asks_with_account_region_profile_and_target_named(
    run: CommandLine, config: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    run.fakes.deployment.reviewed = reviewed()
    monkeypatch.setattr(Terminal, "can_ask", True)
    ended = run(command, "--target", "aws", "--profile", "prod", stdin="n\n")
    assert (ended.code, run.fakes.deployment.applied, run.fakes.storage.files) == (2, 0, {})
    assert ended.out.count("+ add    branch BTC") == 1
    assert f"Deploy 12 changes to {ON_AWS}? [y/N]" in ended.err
    assert "Nothing was deployed" in ended.err
    agreed = run(command, "--target", "aws", "--profile", "prod", stdin="y\n")
    assert (agreed.code, run.fakes.deployment.applied) == (0, 1)
    assert agreed.out.count("+ add    branch BTC") == 1
    assert "12 changes deployed to memory:deployed." in agreed.out


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize("command", ["deploy", "up"])
def test_on_aws_a_deploy_without_a_terminal_needs_yes(
    run: CommandLine, config: Path, command: str, options: list[str]
) -> None:
    run.fakes.deployment.reviewed = reviewed()
    refused = run(command, "--target", "aws", "--profile", "prod", *options)
    assert (refused.code, run.fakes.deployment.applied, run.fakes.storage.files) == (2, 0, {})
    assert f"error: this changes {ON_AWS} and needs a confirmation" in refused.err
    assert "--dry-run shows what would be done; --yes does it without asking." in refused.err
    assert run(command, "--target", "aws", "--yes", *options).code == 0
    assert run.fakes.deployment.applied == 1
    assert run(command, "--target", "aws", *options).code == 0  # nothing to deploy, nothing to confirm


def test_the_question_names_the_file_of_keys_unless_a_profile_is_given(
    run: CommandLine, config: Path
) -> None:
    run.fakes.deployment.reviewed = reviewed()
    base = json.loads(config.read_text())

    def asked(*options: str, aws: dict[str, str], **env: str) -> str:
        config.write_text(json.dumps({**base, "aws": aws}))
        return run("up", "--target", "aws", *options, **env).err

    keys = {"profile": "dev", "credentials_file": "secret.key"}
    assert "(keys of secret.key, target aws)" in asked(aws=keys)
    assert "(profile prod, target aws)" in asked("--profile", "prod", aws=keys)
    assert "(profile dev, target aws)" in asked(aws={"profile": "dev"})
    assert "(profile shell, target aws)" in asked(aws={}, AWS_PROFILE="shell")
    assert "(default credentials, target aws)" in asked(aws={})


def test_up_prints_each_phase_under_its_heading_and_ends_with_the_verdict(
    run: CommandLine, config: Path
) -> None:
    lines = run("up", "--fail", "XMR:gold").out.splitlines()
    headings = ["Check", "Deploy", "Upload", "Run", "Verify"]
    assert [line for line in lines if line in headings] == headings
    totals = {line: lines[lines.index(line) + 1] for line in ("Check", "Upload", "Verify")}
    assert totals["Check"] == "2 currencies: 2 with warnings"
    assert re.fullmatch(r"4 files uploaded \(\d+ B\)", totals["Upload"])
    assert totals["Verify"].startswith("1 table equals gold: ")
    assert lines[-2].startswith("PARTLY LOADED  1 of 2 currencies")
    assert lines[-1].startswith(
        "Next: `cryptoetl logs XMR --errors` shows why; `cryptoetl run --retry-failed`"
    )


def test_a_dry_run_of_up_shows_all_phases_and_changes_nothing(run: CommandLine, config: Path) -> None:
    ended = run("up", "--dry-run", "--target", "aws")
    assert ended.code == 0
    assert "12 changes to deploy to memory:deployed." in ended.out
    assert "4 files to upload" in ended.out
    assert ended.out.splitlines()[-2:] == [
        "Would run and verify 2 currencies: BTC, XMR",
        "Dry run: nothing was changed.",
    ]
    assert (run.fakes.storage.files, run.fakes.deployment.bundle) == ({}, None)
    data = run("up", "--dry-run", "--json").data
    assert (data["dry_run"], data["to_run"], data["deploy"]["applied"]) == (True, ["BTC", "XMR"], False)


def test_status_shows_what_failed_alone(run: CommandLine, config: Path) -> None:
    run("up")
    assert run("status", "--failed").out.splitlines()[-1] == "No currency failed."
    assert run("status", "--last", "5", "--failed").out == "None of these executions failed.\n"
    run("run", "--fail", "XMR:gold")
    shown = run("status", "--failed")
    assert shown.code == 1
    assert "XMR" in shown.out
    assert "BTC" not in shown.out
    assert "1 loaded, 1 failed" in shown.out
    assert "execution-1" not in run("status", "--last", "5", "--failed").out
    assert run("status", "--failed", "--json").data["verdict"] == "partly_loaded"


def test_deploy_stops_at_an_error_of_its_review(
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


def test_drift_needs_a_dry_run(run: CommandLine, config: Path) -> None:
    ended = run("deploy", "--drift")
    assert ended.code == 2
    assert "--dry-run" in ended.err


def test_deploy_joins_a_deploy_under_way_and_a_dry_run_does_not(run: CommandLine, config: Path) -> None:
    run("deploy", "--dry-run")
    assert run.fakes.deployment.joined == 0
    run("deploy")
    assert run.fakes.deployment.joined == 1


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, False), ("n\n", 2, True), ("", 2, True)])
def test_destroy_asks_on_a_terminal(
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
def test_destroy_with_data_asks_for_the_name_of_the_pipeline(
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


def test_destroy_without_a_terminal_needs_yes_or_for_data_the_name(run: CommandLine, config: Path) -> None:
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


def test_status_watch_with_json_prints_each_change_and_then_the_execution(
    run: CommandLine, config: Path
) -> None:
    run("up", "--fail", "XMR:gold")
    ended = run("status", "--watch", "--json")
    *changes, last = ended.lines
    assert (ended.code, ended.err) == (1, "")
    assert [(c["ticker"], c["step"], c["status"]) for c in changes if c["exit_code"]] == [
        ("XMR", "gold", "FAILED")
    ]
    assert last == run("status", "--json").data


def test_an_error_while_following_is_a_line(run: CommandLine, config: Path) -> None:
    for arguments in (["status", "--watch"], ["logs", "BTC", "--follow"]):
        (error,) = run(*arguments, "--json").lines
        assert error["error"]["message"] == "there is no execution yet"


def test_init_with_json_proposes_and_writes_only_with_yes(run: CommandLine, config: Path) -> None:
    config.unlink()
    proposed = run("init", "--json")
    assert (proposed.code, proposed.data["status"], config.exists()) == (2, "proposed", False)
    written = run("init", "--yes", "--json")
    assert (written.code, written.data["status"], config.exists()) == (0, "ok", True)


def test_a_query_is_an_argument_or_standard_input(run: CommandLine, config: Path) -> None:
    run.fakes.warehouse.answer = QueryRows(("n",), ((1,),), more=True)
    data = run("query", "SELECT 1", "--json").data
    assert (data["columns"], data["rows"], data["more"]) == (["n"], [{"n": 1}], True)
    document = run("query", "SELECT 1", "--format", "json").data
    assert document == {"columns": ["n"], "rows": [{"n": 1}], "more": True}
    assert run("query", "-", "--limit", "7", stdin="SELECT 2").code == 0
    assert run.fakes.warehouse.asked == [("SELECT 1", 1000), ("SELECT 1", 1000), ("SELECT 2", 7)]


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
    assert "only the first 2 rows; --limit returns more" in ended.err
    target = tmp_path / "rows.csv"
    assert run("query", "SELECT 3", "--format", "csv", "-o", str(target)).out == ""
    assert target.read_text(encoding="utf-8") == csv
    assert json.loads(run("query", "SELECT 3", "--format", "json").out)["rows"][0]["day"] == "2024-02-29"
    assert run.fakes.warehouse.asked == [("SELECT 3", 1000)] * 3


def test_a_missing_file_with_a_query_is_named(run: CommandLine, config: Path) -> None:
    ended = run("query", "-f", "nowhere.sql")
    assert ended.code == 2
    assert "nowhere.sql" in ended.err


def test_the_machine_and_the_schema_are_json_documents(run: CommandLine, config: Path) -> None:
    assert "Clean S3 buckets" in run("render", "machine").data["States"]
    assert run("schema", "-c", "absent.yaml").data["properties"]["currencies"]


def test_schema_prints_the_json_schema_of_an_object(run: CommandLine) -> None:
    schema = run("schema", "--output", "run").data
    assert schema["properties"]["schema"] == {"const": "cryptoetl.run/1"}
    unknown = run("schema", "--output", "runs", "--json")
    assert unknown.data["error"]["message"] == "'runs' is not an object that --json prints"
    assert "log-line" in unknown.data["error"]["hint"]


def test_the_stack_and_its_policies_are_json_documents(run: CommandLine, config: Path) -> None:
    template = run("render", "stack").data
    assert template["Resources"]["StateMachine"]["Properties"]["StateMachineName"] == "crypto"
    policies = run("render", "policies", "--account", "123456789012", "--region", "eu-west-1").data
    assert set(policies) == {"deployer", "operator", "GlueRole", "MachineRole"}
    text = json.dumps(policies)
    assert "arn:aws:glue:eu-west-1:123456789012:job/crypto-bronze2silver" in text
    assert "Fn::" not in text
    assert "${AWS::AccountId}" in json.dumps(run("render", "policies").data)


def test_policies_are_written_as_files_that_iam_takes(run: CommandLine, config: Path) -> None:
    stale, other = Path("policies/deployer-7.json"), Path("policies/mine.json")
    stale.parent.mkdir()
    stale.touch()
    other.touch()
    arguments = ("render", "policies", "--output", "policies", "--region", "eu-west-1")
    refused = run(*arguments)
    assert refused.code == 2
    assert "--account 123456789012" in refused.err
    printed = run(*arguments, "--account", "123456789012").out.splitlines()
    assert printed == [str(Path("policies", name)) for name in ("deployer-1.json", "operator-1.json")]
    assert not stale.exists()
    assert other.exists()
    for name in printed:
        policy = json.loads(Path(name).read_text(encoding="utf-8"))
        assert set(policy) == {"Version", "Statement"}
        assert "AWS::" not in json.dumps(policy)


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
