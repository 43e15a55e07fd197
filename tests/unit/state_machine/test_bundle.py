"""Bundles, and the plan that follows from the difference of two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cryptoetl.config.models import Config, Currency
from cryptoetl.state_machine import assets
from cryptoetl.state_machine.bundle import (
    NO_ROLE,
    SCRIPTS,
    SHARED,
    Bundle,
    Change,
    Layout,
    build,
    machine,
    raw_key,
    scripts_version,
)
from cryptoetl.state_machine.comparison import compare
from cryptoetl.state_machine.definition import silver_arguments

LAYOUT = Layout("s3://raw", "s3://silver", "s3://gold", "s3://temp", lists="s3://artifacts")


def currency(ticker: str, **options: Any) -> Currency:
    return Currency(ticker=ticker, history=Path("/x/h [1].csv"), trend=Path("/x/t.csv"), **options)


def config(*currencies: Currency, **options: Any) -> Config:
    return Config(currencies=currencies or (currency("BTC"), currency("XMR")), **options)


def bundle(*currencies: Currency, **options: Any) -> Bundle:
    return build(config(*currencies, **options), LAYOUT)


def summary(changes: tuple[Change, ...]) -> list[tuple[str, str, str]]:
    return [(change.action, change.what, change.name) for change in changes]


# --- what is built ------------------------------------------------------------------------------------


def test_a_bundle_has_the_four_jobs_with_the_scripts_byte_for_byte() -> None:
    built = bundle()
    assert [(job.name, job.script) for job in built.jobs] == [
        ("crypto-clear-buckets", "clear_buckets.py"),
        ("crypto-bronze2silver", "bronze2silver.py"),
        ("crypto-silver2gold", "silver2gold.py"),
        ("crypto-redshift-upload", "redshift_upload.py"),
    ]
    folder = assets.glue_scripts()
    names = [*SCRIPTS.values(), SHARED]
    assert built.scripts == {name: (folder / name).read_bytes() for name in names}
    assert built.tickers == ["BTC", "XMR"]


def test_the_jobs_know_where_the_data_is() -> None:
    built = bundle(pipeline="p")
    arguments = {job.name: dict(job.arguments) for job in built.jobs}
    version = {"--SCRIPTS": scripts_version(built.scripts, arguments["p-redshift-upload"])}
    assert arguments["p-clear-buckets"] == {"--SILVER": "s3://silver", "--GOLD": "s3://gold"}
    assert arguments["p-bronze2silver"] == {"--RAW": "s3://raw", "--SILVER": "s3://silver"} | version
    assert arguments["p-silver2gold"] == {"--SILVER": "s3://silver", "--GOLD": "s3://gold"} | version
    assert arguments["p-redshift-upload"] == version | {
        "--SILVER": "s3://silver",
        "--GOLD": "s3://gold",
        "--TEMP": "s3://temp/staged",
        "--CONNECTION": "crypto-connection",
        "--SCHEMA": "market_data",
        "--COPY_ROLE": NO_ROLE,
    }


def test_the_jobs_of_groups_know_their_lists_and_outcomes() -> None:
    built = bundle(pipeline="p", currencies_per_run=2)
    arguments = {job.name: dict(job.arguments) for job in built.jobs}
    assert built.tickers == ["BTC", "XMR"]
    assert {
        job: found["--OUTCOMES"] for job, found in arguments.items() if "--OUTCOMES" in found
    } == dict.fromkeys(
        ["p-bronze2silver", "p-silver2gold", "p-redshift-upload", "p-summarize"], "s3://temp/outcomes"
    )
    assert arguments["p-clear-buckets"]["--LISTS"] == arguments["p-summarize"]["--LISTS"] == "s3://artifacts"
    assert built.machine["States"]["Every group"]["ItemReader"]["Parameters"]["Bucket"] == "artifacts"


def test_a_change_of_the_groups_size_or_of_a_currency_is_one_line() -> None:
    before, after = (bundle(currencies_per_run=size) for size in (1, 2))
    changes = {(change.action, change.what, change.name, change.detail) for change in compare(before, after)}
    assert ("change", "state machine", "currencies per run", "1 → 2") in changes
    assert not [change for change in changes if change[1] in ("branch", "currency")]
    dropped = bundle(currency("BTC", drop=True), currency("XMR"), currencies_per_run=2)
    (change,) = compare(after, dropped)
    assert change == Change("change", "currency", "BTC", "DROP N → Y")


def test_the_machine_carries_what_belongs_to_the_currency() -> None:
    assert silver_arguments(machine(config(currency("Btc", drop="Y"))), "Btc") == {
        "--HIST_FILE": "Btc/history.csv",
        "--TREND_FILE": "Btc/trend.csv",
        "--DROP": "Y",
    }


def test_how_the_users_files_are_written_is_no_part_of_what_is_deployed() -> None:
    odd = {
        "date_column": "-Day",
        "price_column": "--TICKER",  # as an argument of a job it would be taken for an option
        "date_format": "d.M.yyyy",
        "decimal": ",",
        "delimiter": ";",
    }
    assert bundle(currency("BTC", **odd), currency("XMR")) == bundle()


@pytest.mark.parametrize("kind", ["history", "trend"])
def test_a_raw_key_does_not_depend_on_the_name_of_the_file(kind: str) -> None:
    assert raw_key(currency("BTC"), kind) == f"BTC/{kind}.csv"


def test_the_same_configuration_has_the_same_digest_and_any_change_another() -> None:
    base = bundle()
    changed = [
        bundle(currency("BTC")),
        bundle(currency("XMR"), currency("BTC")),
        bundle(currency("BTC", drop="Y"), currency("XMR")),
        bundle(pipeline="other"),
        build(config(), replace(LAYOUT, copy_role="arn:x")),
        replace(base, scripts={**base.scripts, "bronze2silver.py": b"pass\n"}),
    ]
    assert bundle().digest == base.digest
    assert len({base.digest, *(item.digest for item in changed)}) == len(changed) + 1


# --- how two of them differ ---------------------------------------------------------------------------


def test_the_same_bundle_needs_no_change() -> None:
    assert compare(bundle(), bundle()) == ()


def test_where_nothing_is_deployed_everything_is_added() -> None:
    changes = compare(None, bundle())
    assert {change.action for change in changes} == {"add"}
    assert [change.name for change in changes if change.what == "state machine"] == ["crypto"]
    assert [change.name for change in changes if change.what == "branch"] == ["BTC", "XMR"]
    assert [change.name for change in changes if change.what == "job"] == [job.name for job in bundle().jobs]
    assert [change.name for change in changes if change.what == "script"] == [
        *SCRIPTS.values(),
        SHARED,
    ]


def test_a_currency_more_is_a_branch_more() -> None:
    assert summary(compare(bundle(currency("BTC")), bundle())) == [("add", "branch", "XMR")]


def test_a_currency_less_is_a_branch_less_whose_data_stays() -> None:
    (change,) = compare(bundle(), bundle(currency("XMR")))
    assert change == Change("remove", "branch", "BTC", "its data stays")


def test_a_changed_currency_says_what_changed() -> None:
    (change,) = compare(bundle(), bundle(currency("BTC", drop="Y", decimal=","), currency("XMR")))
    assert change == Change("change", "branch", "BTC", "DROP N → Y")


def test_currencies_in_another_order_are_a_change_of_the_machine() -> None:
    changes = compare(bundle(), bundle(currency("XMR"), currency("BTC")))
    assert summary(changes) == [("change", "state machine", "definition")]


def test_a_branch_whose_states_changed_says_so() -> None:
    old, new = bundle(), bundle()
    states = old.machine["States"]["Parallel"]["Branches"][1]["States"]
    states["XMR to gold"]["TimeoutSeconds"] = 5
    assert compare(old, new) == (Change("change", "branch", "XMR", "its states"),)


def test_states_around_the_branches_that_changed_are_one_line() -> None:
    old, new = bundle(), bundle()
    old.machine["States"]["SuccessState"]["Comment"] = "another"
    assert compare(old, new) == (
        Change("change", "state machine", "definition", "states around the branches"),
    )


def test_data_in_another_place_is_a_change_of_the_jobs_that_read_or_write_it() -> None:
    changes = compare(bundle(), build(config(), replace(LAYOUT, raw="s3://new")))
    assert changes == (Change("change", "job", "crypto-bronze2silver", "RAW s3://raw → s3://new"),)


def test_another_pipeline_name_makes_other_jobs() -> None:
    changes = compare(bundle(), bundle(pipeline="other"))
    jobs = [change for change in changes if change.what == "job"]
    assert [change.action for change in jobs] == ["add"] * 4 + ["remove"] * 4
    assert [change.name for change in changes if change.what == "branch"] == ["BTC", "XMR"]


def test_a_changed_script_says_how_many_lines() -> None:
    old, new = bundle(), bundle()
    body = b"a = 1\nb = 2\nc = 3\n"
    old = replace(old, scripts={**old.scripts, "silver2gold.py": body})
    new = replace(new, scripts={**new.scripts, "silver2gold.py": body.replace(b"2", b"4") + b"d = 5\n"})
    assert compare(old, new) == (Change("change", "script", "silver2gold.py", "+2 −1 lines"),)


def test_a_script_that_differs_in_its_line_ends_alone_is_a_change() -> None:
    old, new = bundle(), bundle()
    windows = old.scripts["silver2gold.py"].replace(b"\n", b"\r\n")
    old = replace(old, scripts={**old.scripts, "silver2gold.py": windows})
    assert summary(compare(old, new)) == [("change", "script", "silver2gold.py")]


def test_a_deployed_script_that_is_no_text_can_still_be_replaced() -> None:
    old, new = bundle(), bundle()
    old = replace(old, scripts={**old.scripts, "silver2gold.py": b"\xff\xfe\0"})
    assert summary(compare(old, new)) == [("change", "script", "silver2gold.py")]


def test_scripts_come_and_go() -> None:
    built = bundle()
    without = replace(built, scripts={k: v for k, v in built.scripts.items() if k != "silver2gold.py"})
    assert summary(compare(without, built)) == [("add", "script", "silver2gold.py")]
    assert summary(compare(built, without)) == [("remove", "script", "silver2gold.py")]
