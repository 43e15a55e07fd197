"""The schema in Redshift has an owner; another pipeline is refused before anything changes."""

from __future__ import annotations

from typing import Any

from tests.aws.account import Account


def become(account: Account, pipeline: str, **aws: Any) -> None:
    account.project.configure(pipeline=pipeline, target="aws", aws=account.aws | aws)


def messages(outcome: Any, severity: str) -> list[str]:
    return [notice["message"] for notice in outcome.data["notices"] if notice["severity"] == severity]


def test_another_pipeline_is_refused_unless_it_shares(account: Account) -> None:
    plan = account("--json", "deploy", "--dry-run").data
    place = "Redshift: crypto.market_data in the workgroup my-etl-workgroup"
    assert plan["tables"].startswith(f"{place}, through the connection crypto-connection")
    assert plan["tables"].endswith("(by default: workgroup, database, schema, connection)")
    account.deploy()
    become(account, "other")
    refused = account("--json", "deploy", "--dry-run")
    assert refused.code == 1
    assert messages(refused, "error") == [
        "the schema crypto.market_data belongs to the pipeline crypto, whose tables other would overwrite: "
        "name another with aws.redshift.schema, or set aws.redshift.share_schema: true"
    ]
    account.emulator.calls.clear()
    statements = len(account.emulator.redshift.batches)
    for command in (("deploy", "--yes"), ("up",)):
        outcome = account(*command)
        assert outcome.code == 2
        assert "belongs to the pipeline crypto" in outcome.err
    assert len(account.emulator.redshift.batches) == statements
    assert not any(call.startswith(("Create", "Put", "Delete")) for call in account.emulator.writes)

    become(account, "other", redshift={"share_schema": True})
    assert account("deploy", "--dry-run").code == 0


def test_the_owner_is_asked_once_and_a_schema_without_one_is_taken_over(account: Account) -> None:
    account.emulator.redshift.workgroups["my-etl-workgroup"]["crypto"].add("market_data")
    tables = account.emulator.redshift._tables
    tables.execute("CREATE SCHEMA IF NOT EXISTS market_data; CREATE TABLE market_data.btc (x INTEGER)")
    plan = account("--json", "deploy", "--dry-run")
    assert messages(plan, "note") == [
        "the schema crypto.market_data has tables and no owner yet: crypto becomes its owner"
    ]
    account.deploy()
    assert tables.execute('SELECT pipeline FROM market_data."_owner"').fetchall() == [("crypto",)]
    account.emulator.calls.clear()
    assert account("deploy", "--dry-run").out.startswith("No changes")
    assert not any("Statement" in call for call in account.emulator.calls)
