"""The use cases over a target in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from cryptoetl import pipeline
from cryptoetl.config import Config
from cryptoetl.errors import Interrupted, NotDeployedError, UsageError
from cryptoetl.results import (
    Event,
    FileProgress,
    Phase,
    Progressed,
    RunRequest,
    RunResult,
    UpResult,
    Warned,
)
from cryptoetl.state_machine import Step
from cryptoetl.status import ExecutionStatus
from cryptoetl.target import TableFacts
from tests.fakes import FACTS, HISTORY, TREND, FakeTarget, made


@dataclass
class Watched:
    """An observer that remembers."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warned)]

    @property
    def phases(self) -> list[str]:
        return [event.name for event in self.events if isinstance(event, Phase)]

    def progress(self, file: Path) -> list[tuple[int, int]]:
        events = [event for event in self.events if isinstance(event, FileProgress)]
        return [(event.done, event.total) for event in events if event.file == file]


@pytest.fixture
def fake() -> FakeTarget:
    return FakeTarget()


@pytest.fixture
def seen() -> Watched:
    return Watched()


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return made(tmp_path, "BTC", "XMR", "Ltc")


@pytest.fixture
def deployed(config: Config, fake: FakeTarget) -> FakeTarget:
    """All raw files uploaded, everything deployed."""
    pipeline.upload(config.currencies, fake.target, Watched())
    pipeline.deploy(pipeline.plan(config, fake.target), fake.target)
    return fake


def break_history(config: Config, ticker: str) -> None:
    (currency,) = config.select([ticker])
    currency.history.write_text(f"{HISTORY}01/03/2024,abc\n")


def statuses(result: ExecutionStatus | None) -> dict[str, str]:
    assert result is not None
    return {currency.ticker: currency.status for currency in result.currencies}


def run(config: Config, fake: FakeTarget, seen: Watched, **request: object) -> RunResult:
    return pipeline.run(config, fake.target, RunRequest(**request), seen)  # type: ignore[arg-type]


def starts(fake: FakeTarget) -> dict[str, Step]:
    """Where each currency of the last execution began."""
    return {ticker: entry["from"] for ticker, entry in fake.executions.inputs[-1]["tickers"].items()}


# --- check --------------------------------------------------------------------------------------------


def test_check_reports_every_currency_and_keeps_the_reasons_of_the_refused(
    config: Config, seen: Watched
) -> None:
    break_history(config, "XMR")
    result = pipeline.check(config.currencies, seen)
    assert [(currency.ticker, currency.ok) for currency in result.currencies] == [
        ("BTC", True),
        ("XMR", False),
        ("Ltc", True),
    ]
    assert result.refused == {"XMR": "history: line 4: price 'abc' is not a number"}
    assert result.exit_code == 1
    assert seen.phases == ["check"]


def test_a_currency_with_two_bad_files_gives_both_reasons(config: Config, seen: Watched) -> None:
    break_history(config, "BTC")
    config.currencies[0].trend.write_text("Week,interest\n2024-01-07,101\n")
    refused = pipeline.check(config.currencies[:1], seen).refused
    assert refused["BTC"] == (
        "history: line 4: price 'abc' is not a number; trend: line 2: trend '101' is not within 0 and 100"
    )


def test_check_tells_how_far_it_has_read(config: Config, seen: Watched) -> None:
    pipeline.check(config.currencies, seen)
    size = len(HISTORY)
    assert seen.progress(config.currencies[0].history) == [(size, size)]


# --- upload -------------------------------------------------------------------------------------------


def test_upload_copies_what_passes_and_nothing_of_what_does_not(
    config: Config, fake: FakeTarget, seen: Watched
) -> None:
    break_history(config, "XMR")
    result = pipeline.upload(config.currencies, fake.target, seen)
    assert fake.storage.files == {
        "BTC/history.csv": HISTORY.encode(),
        "BTC/trend.csv": TREND.encode(),
        "Ltc/history.csv": HISTORY.encode(),
        "Ltc/trend.csv": TREND.encode(),
    }
    actions = {(file.ticker, file.kind): file.action for file in result.files}
    assert actions["BTC", "history"] == "uploaded"
    assert (actions["XMR", "history"], actions["XMR", "trend"]) == ("refused", "refused")
    assert result.exit_code == 1
    assert result.files[0].location == "memory://raw/BTC/history.csv"
    assert result.files[0].bytes == len(HISTORY)
    assert fake.held == ["upload"]
    assert seen.phases == ["check", "upload"]


def test_a_second_upload_copies_only_what_changed(config: Config, fake: FakeTarget, seen: Watched) -> None:
    pipeline.upload(config.currencies, fake.target, seen)
    config.currencies[1].trend.write_text(TREND + "2024-01-14,7\n")
    fake.storage.puts.clear()
    result = pipeline.upload(config.currencies, fake.target, seen)
    assert fake.storage.puts == ["XMR/trend.csv"]
    assert [file.action for file in result.files].count("unchanged") == 5
    assert result.exit_code == 0


def test_upload_tells_how_much_of_a_file_is_copied_in_all(
    config: Config, fake: FakeTarget, seen: Watched
) -> None:
    pipeline.upload(config.currencies[:1], fake.target, seen)
    size = len(HISTORY)
    read, *copied = seen.progress(config.currencies[0].history)
    assert read == (size, size)
    assert copied == [(size // 2, size), (size, size)]


# --- deploy -------------------------------------------------------------------------------------------


def test_a_plan_touches_nothing_and_deploying_it_applies_it_once(config: Config, fake: FakeTarget) -> None:
    planned = pipeline.plan(config, fake.target)
    assert (fake.deployment.applied, planned.applied) == (0, False)
    named = [(change.action, change.what, change.name) for change in planned.changes]
    assert ("add", "branch", "Ltc") in named
    done = pipeline.deploy(planned, fake.target)
    assert (fake.deployment.applied, done.applied) == (1, True)
    assert fake.deployment.bundle == planned.bundle


def test_a_second_deploy_has_nothing_to_do(config: Config, deployed: FakeTarget) -> None:
    again = pipeline.deploy(pipeline.plan(config, deployed.target), deployed.target)
    assert (again.changes, again.applied) == ((), False)
    assert deployed.deployment.applied == 1


# --- run ----------------------------------------------------------------------------------------------


def test_a_run_takes_every_deployed_currency_from_silver(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    result = run(config, deployed, seen)
    assert statuses(result.execution) == {"BTC": "LOADED", "XMR": "LOADED", "Ltc": "LOADED"}
    assert result.exit_code == 0
    assert starts(deployed) == {"BTC": "silver", "XMR": "silver", "Ltc": "silver"}
    assert seen.warnings == []
    assert deployed.executions.warmed_up
    assert deployed.held[-1] == "run"


def test_a_failing_currency_does_not_stop_the_others(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    result = run(config, deployed, seen, fail={"XMR": "gold"})
    assert statuses(result.execution) == {"BTC": "LOADED", "XMR": "FAILED", "Ltc": "LOADED"}
    assert result.exit_code == 1


def test_every_change_is_told_on_the_way_and_the_end_is_the_last(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    result = run(config, deployed, seen)
    told = [event.status for event in seen.events if isinstance(event, Progressed)]
    assert told[-1] == result.execution
    assert told[0].status == "RUNNING"
    assert len(told) > 3


def test_chosen_tickers_are_found_without_regard_to_case_in_the_deployed_order(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    run(config, deployed, seen, tickers=["ltc", "btc"])
    assert list(starts(deployed)) == ["BTC", "Ltc"]


def test_an_unknown_ticker_is_refused_before_anything_starts(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    with pytest.raises(UsageError, match="DOGE, ETH: not deployed") as refusal:
        run(config, deployed, seen, tickers=["BTC", "DOGE", "ETH"])
    assert "BTC, XMR, Ltc" in (refusal.value.hint or "")
    assert deployed.executions.inputs == []


def test_a_run_before_a_deploy_says_what_to_do(config: Config, fake: FakeTarget, seen: Watched) -> None:
    with pytest.raises(NotDeployedError) as refusal:
        run(config, fake, seen)
    assert "cryptoetl deploy" in (refusal.value.hint or "")


def test_a_run_uses_what_is_deployed_and_says_that_the_configuration_differs(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    first, *rest = config.currencies
    changed = config.model_copy(update={"currencies": (first.model_copy(update={"drop": True}), *rest)})
    run(changed, deployed, seen)
    (warning,) = seen.warnings
    assert "differ from what is deployed (branch BTC)" in warning
    assert deployed.deployment.applied == 1


def test_of_many_differences_three_are_named_and_the_rest_counted(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    run(config.model_copy(update={"pipeline": "other"}), deployed, seen)
    (warning,) = seen.warnings
    assert "and 8 more" in warning


def test_files_that_are_not_those_that_are_uploaded_are_told(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    config.currencies[0].history.write_text(HISTORY + "01/03/2024,3\n")
    config.currencies[0].trend.write_text(TREND + "2024-01-14,7\n")
    del deployed.storage.files["XMR/trend.csv"]
    config.currencies[2].history.unlink()  # what is uploaded will do
    run(config, deployed, seen)
    assert seen.warnings == [
        "BTC: its history and trend file is changed since its upload; `cryptoetl upload` brings it up to date",
        "XMR: its trend file is not uploaded yet; `cryptoetl upload` brings it up to date",
    ]


def test_files_of_currencies_outside_the_run_are_not_told(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    config.currencies[0].history.write_text(HISTORY + "01/03/2024,3\n")
    run(config, deployed, seen, tickers=["XMR"])
    assert seen.warnings == []


def test_ctrl_c_says_what_becomes_of_the_execution(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    deployed.executions.break_off = 20
    with pytest.raises(Interrupted, match="Execution e1 goes on") as interruption:
        run(config, deployed, seen)
    assert interruption.value.exit_code == 130


# --- retry --------------------------------------------------------------------------------------------


def test_a_retry_resumes_each_currency_at_its_failed_step(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    run(config, deployed, seen, fail={"BTC": "redshift", "Ltc": "gold"})
    result = run(config, deployed, seen, retry_failed=True)
    assert starts(deployed) == {"BTC": "redshift", "Ltc": "gold"}
    assert statuses(result.execution) == {"BTC": "LOADED", "Ltc": "LOADED", "XMR": "SKIPPED"}
    assert result.exit_code == 0


def test_a_retry_of_some_leaves_the_others_out(config: Config, deployed: FakeTarget, seen: Watched) -> None:
    run(config, deployed, seen, fail={"BTC": "redshift", "Ltc": "gold"})
    run(config, deployed, seen, retry_failed=True, tickers=["LTC"])
    assert starts(deployed) == {"Ltc": "gold"}


def test_where_nothing_failed_there_is_nothing_to_retry(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    run(config, deployed, seen)
    result = run(config, deployed, seen, retry_failed=True)
    assert (result.execution, result.exit_code) == (None, 0)
    assert result.note == "Nothing to retry: no such currency failed in execution e1."
    assert len(deployed.executions.inputs) == 1


def test_a_retry_before_any_run_says_so(config: Config, deployed: FakeTarget, seen: Watched) -> None:
    with pytest.raises(UsageError, match="there is no execution yet"):
        run(config, deployed, seen, retry_failed=True)


def test_a_mended_file_is_uploaded_before_its_currency_is_retried(
    config: Config, fake: FakeTarget, seen: Watched
) -> None:
    break_history(config, "XMR")
    pipeline.up(config, fake.target, RunRequest(), seen)
    assert "XMR/history.csv" not in fake.storage.files
    mended = HISTORY + "01/03/2024,3.5\n"
    config.currencies[1].history.write_text(mended)
    result = run(config, fake, seen, retry_failed=True)
    assert fake.storage.files["XMR/history.csv"] == mended.encode()
    assert starts(fake) == {"XMR": "silver"}
    assert statuses(result.execution)["XMR"] == "LOADED"


def test_a_file_that_is_still_broken_is_not_uploaded_and_stays_to_be_retried(
    config: Config, fake: FakeTarget, seen: Watched
) -> None:
    break_history(config, "XMR")
    pipeline.up(config, fake.target, RunRequest(), seen)
    result = run(config, fake, seen, retry_failed=True)
    assert (result.execution, result.exit_code) == (None, 1)
    assert result.refused == {"XMR": "history: line 4: price 'abc' is not a number"}
    assert len(fake.executions.inputs) == 1
    config.currencies[1].history.write_text(HISTORY)
    assert run(config, fake, seen, retry_failed=True).exit_code == 0


def test_a_broken_file_keeps_its_currency_out_and_the_others_are_retried(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    run(config, deployed, seen, fail={"BTC": "silver", "XMR": "silver"})
    break_history(config, "XMR")
    result = run(config, deployed, seen, retry_failed=True)
    assert starts(deployed) == {"BTC": "silver"}
    assert statuses(result.execution) == {"BTC": "LOADED", "XMR": "FAILED", "Ltc": "SKIPPED"}
    assert result.exit_code == 1
    assert deployed.storage.files["XMR/history.csv"] == HISTORY.encode()


def test_what_failed_and_is_no_longer_deployed_is_left_out_with_a_word(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    run(config, deployed, seen, fail={"XMR": "gold", "BTC": "gold"})
    smaller = config.model_copy(update={"currencies": config.currencies[:1]})
    pipeline.deploy(pipeline.plan(smaller, deployed.target), deployed.target)
    run(smaller, deployed, seen, retry_failed=True)
    assert starts(deployed) == {"BTC": "gold"}
    assert seen.warnings == ["XMR failed in e1, but is no longer deployed: left out"]


# --- up -----------------------------------------------------------------------------------------------


def test_up_does_everything_in_order(config: Config, fake: FakeTarget, seen: Watched) -> None:
    result = pipeline.up(config, fake.target, RunRequest(), seen)
    assert seen.phases == ["check", "upload", "deploy", "run", "verify"]
    assert result.exit_code == 0
    assert result.deploy is not None
    assert result.deploy.applied
    assert result.verify is not None
    assert [table.table for table in result.verify.tables] == [
        "market_data.btc",
        "market_data.xmr",
        "market_data.ltc",
    ]
    assert fake.held == ["up"]


def test_up_runs_the_rest_when_a_currency_is_refused(
    config: Config, fake: FakeTarget, seen: Watched
) -> None:
    break_history(config, "XMR")
    result = pipeline.up(config, fake.target, RunRequest(), seen)
    assert list(starts(fake)) == ["BTC", "Ltc"]
    assert result.run is not None
    assert statuses(result.run.execution)["XMR"] == "FAILED"
    (xmr,) = [c for c in pipeline.status(fake.target).currencies if c.ticker == "XMR"]
    assert (xmr.step, xmr.reason) == ("check", "history: line 4: price 'abc' is not a number")
    assert result.verify is not None
    assert [table.ticker for table in result.verify.tables] == ["BTC", "Ltc"]
    assert result.exit_code == 1


def test_up_stops_before_the_deploy_when_every_currency_is_refused(
    config: Config, fake: FakeTarget, seen: Watched
) -> None:
    break_history(config, "BTC")
    result = pipeline.up(config, fake.target, RunRequest(tickers=["BTC"]), seen)
    assert result == UpResult(result.upload)
    assert result.exit_code == 1
    assert fake.deployment.applied == 0
    assert fake.executions.inputs == []


def test_up_of_some_currencies_deploys_all_and_runs_those(
    config: Config, fake: FakeTarget, seen: Watched
) -> None:
    pipeline.up(config, fake.target, RunRequest(tickers=["xmr"]), seen)
    assert fake.deployment.bundle is not None
    assert fake.deployment.bundle.tickers == ["BTC", "XMR", "Ltc"]
    assert list(starts(fake)) == ["XMR"]
    assert sorted(fake.storage.files) == ["XMR/history.csv", "XMR/trend.csv"]


def test_up_verifies_only_what_was_loaded(config: Config, fake: FakeTarget, seen: Watched) -> None:
    result = pipeline.up(config, fake.target, RunRequest(fail={"BTC": "gold"}), seen)
    assert result.verify is not None
    assert [table.ticker for table in result.verify.tables] == ["XMR", "Ltc"]
    assert (result.verify.exit_code, result.exit_code) == (0, 1)


# --- status and following -----------------------------------------------------------------------------


def test_status_is_of_the_latest_execution_or_of_the_named_one(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    run(config, deployed, seen, fail={"BTC": "gold"})
    run(config, deployed, seen)
    assert pipeline.status(deployed.target).name == "e2"
    assert statuses(pipeline.status(deployed.target, "e1"))["BTC"] == "FAILED"
    assert [status.name for status in pipeline.latest(deployed.target, 5)] == ["e2", "e1"]
    assert [status.name for status in pipeline.latest(deployed.target, 1)] == ["e2"]


def test_following_waits_between_looks_and_misses_no_event(
    config: Config, deployed: FakeTarget, seen: Watched
) -> None:
    deployed.executions.page = 1
    deployed.executions.poll_seconds = 0.25
    name = deployed.executions.start({}, fail={})
    slept: list[float] = []
    followed = pipeline.follow(deployed.target, None, seen, slept.append)
    assert statuses(followed) == {"BTC": "LOADED", "XMR": "LOADED", "Ltc": "LOADED"}
    assert set(slept) == {0.25}
    assert len(slept) == followed_events(seen) - 1
    assert followed == pipeline.status(deployed.target, name)


def followed_events(seen: Watched) -> int:
    return sum(isinstance(event, Progressed) for event in seen.events)


def test_following_an_execution_that_is_not_there_says_so(fake: FakeTarget, seen: Watched) -> None:
    with pytest.raises(UsageError, match="there is no execution yet"):
        pipeline.follow(fake.target, None, seen)
    with pytest.raises(UsageError, match="there is no execution 'e7'"):
        pipeline.follow(fake.target, "e7", seen)


# --- verify -------------------------------------------------------------------------------------------


def problems(config: Config, fake: FakeTarget, table: TableFacts | None, gold: TableFacts | None) -> str:
    fake.warehouse.tables["btc"] = table
    fake.warehouse.golds["BTC"] = gold
    result = pipeline.verify(config, fake.target, ["BTC"], Watched())
    assert result.exit_code == bool(result.tables[0].problems)
    return "; ".join(result.tables[0].problems)


def test_a_table_that_holds_what_gold_holds_has_no_problems(config: Config, fake: FakeTarget) -> None:
    rounded = replace(FACTS, pricema_sum=3000.0 * (1 + 1e-12))
    assert problems(config, fake, rounded, FACTS) == ""
    (table,) = pipeline.verify(config, fake.target, ["BTC"], Watched()).tables
    assert (table.rows, table.missing_prices, table.table) == (30, 1, "market_data.btc")


@pytest.mark.parametrize(
    ("table", "gold", "expected"),
    [
        (None, FACTS, "the table is missing"),
        (None, None, "the table is missing"),
        (FACTS, None, "there is no gold set to compare it with"),
        (replace(FACTS, rows=29), FACTS, "rows: 29 in the table, 30 in gold"),
        (replace(FACTS, price_sum=2900.1), FACTS, "price sum: 2900.1 in the table, 2900.0 in gold"),
        (replace(FACTS, trend_sum=None), FACTS, "trend sum: None in the table, 100 in gold"),
        (replace(FACTS, columns=FACTS.columns[:2]), FACTS, "its columns are date, price, not date, price, trend"),
    ],
)
def test_a_table_that_differs_says_in_what(
    config: Config, fake: FakeTarget, table: TableFacts | None, gold: TableFacts | None, expected: str
) -> None:
    assert problems(config, fake, table, gold).startswith(expected)
