"""One currency's failure is its own, is told truthfully, and is mended by a retry."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from cryptoetl import assets
from cryptoetl.state_machine import STEPS
from tests.local.shared import cryptoetl, history, small, states, table


def test_a_broken_file_fails_its_currency_alone_and_a_retry_mends_it(tmp_path: Path) -> None:
    config = small(tmp_path, "BTC", "XMR")
    prices = {ticker: tmp_path / f"{ticker} prices.csv" for ticker in ("BTC", "XMR")}
    cryptoetl("up", "-c", config).expect(0)
    old = table(tmp_path / "home", "xmr")

    prices["BTC"].write_text(history(price=500.0))
    prices["XMR"].write_text(history().replace('"120.00"', '"abc"'))
    done = cryptoetl("up", "-c", config).expect(1)
    assert f"{prices['XMR']}:12: price 'abc' is not a number" in done.out
    assert table(tmp_path / "home", "btc")[0][1] == 501.0
    assert table(tmp_path / "home", "xmr") == old
    first = cryptoetl("status", "-c", config, "--json").expect(1)
    assert states(first) == {"BTC": ("LOADED", None), "XMR": ("FAILED", "check")}
    reasons = {c["ticker"]: c["reason"] for c in first.data["currencies"]}
    assert reasons["XMR"] == "history: line 12: price 'abc' is not a number"

    still = cryptoetl("run", "--retry-failed", "-c", config).expect(1)
    assert "line 12" in still.out

    prices["XMR"].write_text(history(price=900.0))
    again = cryptoetl("run", "--retry-failed", "-c", config, "--json").expect(0)
    assert states(again)["XMR"] == ("LOADED", None)
    assert states(again).get("BTC", ("SKIPPED", None))[0] == "SKIPPED"
    assert table(tmp_path / "home", "xmr")[0][1] == 901.0

    # Both executions stay what they were.
    name = first.data["name"]
    assert states(cryptoetl("status", name, "-c", config, "--json").expect(1)) == states(first)
    assert states(cryptoetl("status", "-c", config, "--json").expect(0))["XMR"] == ("LOADED", None)
    listed = cryptoetl("status", "--last", "3", "-c", config, "--json").expect(0).data["executions"]
    assert [execution["name"] for execution in listed][1] == name


def test_a_file_that_broke_behind_the_check_fails_at_silver_with_its_line(tmp_path: Path) -> None:
    config = small(tmp_path, "BTC", "XMR")
    cryptoetl("up", "-c", config).expect(0)
    old = table(tmp_path / "home", "xmr")
    stored = tmp_path / "home" / "lake" / "raw" / "XMR" / "history.csv"
    stored.write_text(history() + '"31/05/2022","7"\n')
    done = cryptoetl("run", "-c", config, "--json").expect(1)
    assert "changed since its upload" in done.err
    assert states(done) == {"BTC": ("LOADED", None), "XMR": ("FAILED", "silver")}
    reason = done.data["execution"]["currencies"][1]["reason"]
    assert reason == "history: line 32: date '31/05/2022' is not a MM/dd/yyyy date"
    assert table(tmp_path / "home", "xmr") == old

    again = cryptoetl("run", "--retry-failed", "-c", config, "--json").expect(0)
    assert states(again)["XMR"] == ("LOADED", None)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_on_purpose_is_where_the_retry_resumes(tmp_path: Path, step: str) -> None:
    config = small(tmp_path, "BTC", "XMR")
    cryptoetl("up", "-c", config).expect(0)
    old = table(tmp_path / "home", "xmr")
    done = cryptoetl("run", "--fail", f"XMR:{step}", "-c", config, "--json").expect(1)
    assert states(done) == {"BTC": ("LOADED", None), "XMR": ("FAILED", step)}
    assert done.data["execution"]["status"] == "SUCCEEDED"
    assert table(tmp_path / "home", "xmr") == old

    again = cryptoetl("run", "--retry-failed", "-c", config, "--json").expect(0).data["execution"]
    retried = next(currency for currency in again["currencies"] if currency["ticker"] == "XMR")
    begun = [part["step"] for part in retried["steps"] if part["status"] == "SUCCEEDED"]
    assert begun == list(STEPS[STEPS.index(step) :])
    assert "Nothing to retry" in cryptoetl("run", "--retry-failed", "-c", config).expect(0).out


def test_when_every_currency_fails_the_execution_fails(tmp_path: Path) -> None:
    config = small(tmp_path, "BTC", "XMR")
    cryptoetl("up", "-c", config).expect(0)
    done = cryptoetl("run", "--fail", "XMR:gold", "--fail", "BTC:silver", "-c", config, "--json").expect(1)
    assert done.data["execution"]["status"] == "FAILED"
    assert states(done) == {"BTC": ("FAILED", "silver"), "XMR": ("FAILED", "gold")}


def test_a_subset_of_the_currencies_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    config = small(tmp_path, "BTC", "XMR")
    cryptoetl("up", "-c", config).expect(0)
    for ticker in ("BTC", "XMR"):
        (tmp_path / f"{ticker} prices.csv").write_text(history(price=700.0))
    cryptoetl("upload", "-c", config).expect(0)
    old = table(tmp_path / "home", "btc")
    done = cryptoetl("run", "--tickers", "xmr", "-c", config).expect(0)
    assert "BTC" not in done.out
    assert table(tmp_path / "home", "btc") == old
    assert table(tmp_path / "home", "xmr")[0][1] == 701.0


def test_a_run_executes_the_deployed_copy_of_each_script(tmp_path: Path) -> None:
    config = small(tmp_path, "BTC")
    cryptoetl("up", "-c", config).expect(0)
    deployed = tmp_path / "home" / "deployed" / "scripts"
    sources = {path.name: path.read_bytes() for path in assets.glue_scripts().glob("*.py")}
    assert {path.name: path.read_bytes() for path in deployed.glob("*.py")} == sources
    gold = deployed / "silver2gold.py"
    gold.write_text(gold.read_text().replace("MEAN_ROWS = 14", "MEAN_ROWS = 1"))
    done = cryptoetl("run", "-c", config).expect(0)
    assert "script silver2gold.py" in done.err
    assert all(row[1] == row[3] for row in table(tmp_path / "home", "btc"))
    planned = cryptoetl("deploy", "--dry-run", "-c", config).expect(0)
    assert "script silver2gold.py" in planned.out
    assert "1 change to deploy" in planned.out
    assert "MEAN_ROWS = 1\n" in gold.read_text()
    cryptoetl("deploy", "-c", config).expect(0)
    assert gold.read_bytes() == sources["silver2gold.py"]


def test_every_currency_broken_ends_before_an_execution_and_touches_nothing(tmp_path: Path) -> None:
    config = small(tmp_path, "BTC")
    (tmp_path / "BTC trend.csv").write_text("Week,x\n2022-05-01,101\n")
    done = cryptoetl("up", "-c", config).expect(1)
    assert "trend '101' is not within 0 and 100" in done.out
    assert not (tmp_path / "home" / "executions").exists()
    shutil.rmtree(tmp_path / "home")
    cryptoetl("upload", "-c", config).expect(1)
    assert not (tmp_path / "home" / "lake" / "raw" / "BTC" / "trend.csv").exists()


def test_a_removed_currency_is_planned_and_its_data_stays(tmp_path: Path) -> None:
    cryptoetl("up", "-c", small(tmp_path, "BTC", "XMR")).expect(0)
    config = small(tmp_path, "BTC")
    assert "- remove branch XMR" in cryptoetl("deploy", "--dry-run", "-c", config).expect(0).out.replace(
        "  ", " "
    )
    cryptoetl("up", "-c", config).expect(0)
    assert len(table(tmp_path / "home", "xmr")) == 30
    cryptoetl("run", "--tickers", "XMR", "-c", config).expect(2)
