"""The trial for a real account (tests/real_aws), carried out on the emulated one."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import MagicMock, create_autospec

import pytest

from tests.aws.emulator import Emulator, running
from tests.local.cli import SECONDS, SERVER, environment
from tests.real_aws.__main__ import VARIABLE, carry_out, main
from tests.real_aws.doubts import DOUBTS, Report
from tests.real_aws.trial import Cli, Failed, Trial

NOT_EMULATED = {"copy-role", "admin-secret", "vpc-addresses", "eventbridge-sns", "prices"}
"""What needs a created namespace, CloudWatch's metrics or a bill."""
REDSHIFT = (
    "{workgroup: my-etl-workgroup, database: crypto, connection: crypto-connection, schema: market_data}"
)


def cli(arguments: Sequence[str], folder: Path) -> tuple[int, str, str]:
    return SERVER.run(arguments, folder=folder, environment=environment({}), stdin="", seconds=SECONDS)


def trial(folder: Path, *arguments: str, cli: Cli = cli) -> int:
    return main(
        ["--folder", str(folder), *arguments],
        {**os.environ, VARIABLE: REDSHIFT},
        cli=cli,
        sleep=lambda _: time.sleep(0.02),
    )


def test_a_trial_settles_the_doubts_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(monkeypatch, tmp_path) as emulator:
        monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
        connect(emulator)
        monkeypatch.chdir(tmp_path)
        folder = Path("trial")
        monkeypatch.setattr("builtins.input", lambda _: "no")
        assert trial(folder) == 2
        assert "cents at most" in capsys.readouterr().out
        assert emulator.writes == []

        def slow(arguments: Sequence[str], folder: Path) -> tuple[int, str, str]:
            if "--detach" in arguments:  # the next run is to be stopped while it works
                emulator.glue.held["BTC", "silver"] = threading.Event()
            return cli(arguments, folder)

        code = trial(folder, "--yes", cli=slow)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert [step for step in report["steps"] if step[1] not in ("done", "ok")] == []
    verdicts = {name: finding["verdict"] for name, finding in report["findings"].items()}
    assert {name for name, verdict in verdicts.items() if verdict == "not seen"} == NOT_EMULATED
    # moto's interpreter takes a run that was stopped for one that succeeded.
    assert {name for name, verdict in verdicts.items() if verdict == "refuted"} == {
        "rollback-except-on-create",  # the emulated account does the worst that may happen
        "stopped-run",
    }
    assert report["left"] == []
    assert code == 0
    readable = (folder / "report.md").read_text(encoding="utf-8")
    assert all(statement in readable for statement in DOUBTS.values())


def connect(emulator: Emulator) -> None:
    """Create the connection, in a subnet that exists."""
    subnet = emulator.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    emulator.client("glue").create_connection(
        ConnectionInput={
            "Name": "crypto-connection",
            "ConnectionType": "JDBC",
            "ConnectionProperties": {
                "JDBC_CONNECTION_URL": "jdbc:redshift://my-etl-workgroup.example:5439/crypto"
            },
            "PhysicalConnectionRequirements": {"SubnetId": subnet},
        }
    )


def test_an_observation_against_a_statement_is_final_and_an_earlier_verdict_is_kept() -> None:
    report = Report({})
    for holds in (True, False, True, None):
        report.see("job-arns", holds, holds)
    report.see("import", True, "imported")
    report.see("prices", None, "tomorrow")
    later = Report({})
    later.adopt(json.loads(report.json))
    assert {name: found.verdict for name, found in later.findings.items() if found.evidence} == {
        "job-arns": "refuted",
        "import": "confirmed",
    }
    assert later.findings["import"].evidence == ["earlier: imported"]


@pytest.mark.parametrize("end", [KeyboardInterrupt(), Failed("deploy")], ids=["interrupted", "failed"])
def test_a_trial_that_is_interrupted_or_fails_cleans_up(end: BaseException) -> None:
    trial = create_autospec(Trial, instance=True)
    trial.configure_mock(account=MagicMock(), groups_before=set(), report=Report({}))
    trial.all.side_effect = end
    trial.clean_up.return_value = []
    assert carry_out(trial) == 1
    trial.clean_up.assert_called_once()
