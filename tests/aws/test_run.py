"""upload, run, status, stop and logs through the real command line, against an emulated account."""

from __future__ import annotations

from tests.aws.account import Account
from tests.local.cli import statuses


def test_up_loads_every_currency(account: Account) -> None:
    account("deploy", "--yes")
    print(account("upload"))
    outcome = account("run", "--json")
    print(outcome.err)
    assert statuses(outcome.data["execution"]) == {"BTC": "LOADED", "XMR": "LOADED"}
