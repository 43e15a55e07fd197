"""A daily user on the emulated account: deploy, run, failure, logs, retry, a second pipeline, destroy."""

from __future__ import annotations

from tests.aws.account import BUCKET, STACK, Account
from tests.local.cli import by_ticker, statuses

RAW = BUCKET.format("raw")


def test_a_daily_user_deploys_runs_finds_a_failure_retries_and_leaves(account: Account) -> None:
    def typed(command: str, code: int = 0) -> str:
        done = account(*command.split()[1:])
        assert done.code == code, f"{command}\n{done.out}{done.err}"
        return " ".join((done.out + done.err).split())

    # Deploy: the plan and its costs first, then the deploy.
    plan = typed("cryptoetl deploy --dry-run")
    assert f"22 changes to deploy to stack {STACK} in eu-central-1, account 123456789012" in plan
    assert "A run of all currencies costs about $0.11" in plan
    assert "22 changes deployed" in typed("cryptoetl deploy --yes")
    assert f"The raw files are in s3://{RAW}." in typed("cryptoetl upload")

    # An object was deleted by hand: XMR fails at its first step, BTC loads.
    account.emulator.client("s3").delete_object(Bucket=RAW, Key="XMR/trend.csv")
    shown = typed("cryptoetl run", code=1)
    assert "PARTLY LOADED" in shown
    failed = typed("cryptoetl status --failed", code=1)
    assert "XMR FAILED at silver" in failed
    assert "BTC" not in failed
    execution = account("status", "--json").data
    assert statuses(execution) == {"BTC": "LOADED", "XMR": "FAILED"}

    # Its log says which file is missing; a retry uploads that again and runs XMR alone.
    assert f"s3://{RAW}/XMR/trend.csv" in typed("cryptoetl logs XMR --errors")
    account.emulator.glue.starts.clear()
    assert "LOADED" in typed("cryptoetl run --retry-failed")
    assert {ticker for ticker, _ in account.emulator.glue.starts} - {""} == {"XMR"}
    assert by_ticker(account("status", "--json").data)["XMR"]["status"] == "LOADED"
    typed("cryptoetl verify")
    count = account("query", "SELECT COUNT(*) AS days FROM market_data.xmr", "--json")
    assert count.data["rows"] == [{"days": 31}]

    # A second pipeline with the same schema is refused, before anything is touched.
    account.project.configure(pipeline="other", target="aws", aws=account.aws)
    account.emulator.calls.clear()
    assert "belongs to the pipeline crypto" in typed("cryptoetl deploy --yes", code=2)
    assert not any(call.startswith(("Create", "Put", "Delete")) for call in account.emulator.writes)
    account.configure()

    # The end: what would be removed, then the removal, which keeps the data.
    assert "cryptoetl-crypto" in typed("cryptoetl destroy --dry-run")
    assert account.status == "CREATE_COMPLETE"
    typed("cryptoetl destroy --yes")
    assert account.status == ""
    assert account.buckets == {"raw", "silver", "gold"}
    assert "`cryptoetl deploy`" in typed("cryptoetl run", code=2)
