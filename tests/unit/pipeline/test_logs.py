"""What `logs` makes of the logs of a currency's job runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cryptoetl.config.models import Config
from cryptoetl.errors import UsageError
from cryptoetl.local.logs import FileLog
from cryptoetl.pipeline import logs as step_logs
from cryptoetl.pipeline.logs import LogRequest
from cryptoetl.state_machine import bundle
from cryptoetl.state_machine.definition import STEPS
from cryptoetl.state_machine.groups import CurrencyList, Item, Start
from cryptoetl.state_machine.outcomes import GroupRecord
from cryptoetl.target.executions import LogLine
from tests.fakes import Fakes


def at(second: int, text: str) -> LogLine:
    return LogLine(datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC), text)


@pytest.fixture
def fakes() -> Fakes:
    """BTC was run as execution-1."""
    config = Config.model_validate({"currencies": [{"ticker": "BTC", "history": "h", "trend": "t"}]})
    made = Fakes()
    made.deployment.bundle = bundle.build(config, made.deployment.layout())
    made.executions.start(made.deployment.bundle, Start({"BTC": "silver"}), fail={})
    return made


def texts(fakes: Fakes, *, errors_only: bool = False, follow: bool = False) -> list[str]:
    request = LogRequest("btc", "execution-1", STEPS, errors_only=errors_only, follow=follow)
    found = step_logs.lines(fakes.target, request, lambda _: None)
    return [f"{line.step} {line.text}" for line in found]


def test_the_steps_are_merged_in_time(fakes: Fakes) -> None:
    fakes.executions.logs = {("BTC", "gold"): [at(3, "c")], ("BTC", "silver"): [at(1, "a"), at(4, "d")]}
    assert texts(fakes) == ["silver a", "gold c", "silver d"]


@pytest.mark.parametrize("follow", [False, True])
def test_no_line_comes_twice(fakes: Fakes, follow: bool) -> None:
    fakes.executions.page = 7
    fakes.executions.logs = {("BTC", "silver"): [at(1, "a")], ("BTC", "redshift"): [at(9, "z")]}
    assert texts(fakes, follow=follow) == (["silver a", "redshift z"] if follow else [])


def test_errors_are_their_lines_and_whole_tracebacks(fakes: Fakes) -> None:
    lines = [
        "INFO silver2gold: joined",
        "ERROR silver2gold: this is bad",
        "Traceback (most recent call last):",
        '  File "silver2gold.py", line 1',
        "ValueError: no",
        "INFO silver2gold: an ERRORLESS line",
    ]
    fakes.executions.logs = {("BTC", "gold"): [at(number, line) for number, line in enumerate(lines)]}
    assert texts(fakes, errors_only=True) == [f"gold {line}" for line in lines[1:5]]


def test_a_currency_that_is_not_in_the_execution_is_named(fakes: Fakes) -> None:
    with pytest.raises(UsageError, match="DOGE is not in execution execution-1") as refusal:
        list(step_logs.lines(fakes.target, LogRequest("DOGE", "execution-1", STEPS)))
    assert "BTC" in (refusal.value.hint or "")


def test_a_local_log_is_read_as_it_grows_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "BTC-gold.log"
    log = FileLog(path)
    assert log.read() == []
    path.write_text("2026-01-02 03:04:05,678 INFO silver2gold: one\nand more of it\n2026-01-02 03:04:06,")
    first = log.read()
    assert [line.text for line in first] == [
        "2026-01-02 03:04:05,678 INFO silver2gold: one",
        "and more of it",
    ]
    assert first[0].time == first[1].time is not None
    with path.open("a") as file:
        file.write("000 INFO silver2gold: two\n")
    assert [line.text for line in log.read()] == ["2026-01-02 03:04:06,000 INFO silver2gold: two"]
    assert log.read() == []


def test_the_cleaning_has_a_log_of_its_own(fakes: Fakes) -> None:
    fakes.executions.logs[("", "clean")] = [at(1, "3 files deleted")]
    request = LogRequest("", "execution-1", ["clean"])
    (line,) = step_logs.lines(fakes.target, request, lambda _: None)
    assert (line.step, line.text) == ("clean", "3 files deleted")


def test_a_step_is_named_or_all_of_a_currency_are_meant() -> None:
    assert step_logs.chosen("clean") == ["clean"]
    assert step_logs.chosen(None) == list(STEPS)
    with pytest.raises(UsageError, match="'glod' is not a step") as caught:
        step_logs.chosen("glod")
    assert caught.value.hint == "Did you mean gold? The steps are clean, silver, gold, redshift."


def test_a_refused_currency_has_no_log_but_a_reason(fakes: Fakes) -> None:
    assert fakes.deployment.bundle is not None
    start = Start({"BTC": "silver"}, {"XMR": "history: line 3"})
    name = fakes.executions.start(fakes.deployment.bundle, start, fail={})
    note = step_logs.why_none(fakes.target, LogRequest("XMR", name, STEPS))
    assert note == (
        "XMR was refused by the check, before any step: history: line 3. "
        "`cryptoetl check --tickers XMR` shows all findings."
    )
    assert step_logs.why_none(fakes.target, LogRequest("BTC", name, STEPS)) is None


# --- groups -------------------------------------------------------------------------------------------


@pytest.fixture
def grouped(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> Fakes:
    """BTC and ETH were run in a group at once; the run of the group has died at redshift."""
    items = {t: Item(t, f"{t}/history.csv", f"{t}/trend.csv") for t in ("ETH", "BTC")}
    now = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
    done = {"status": "SUCCEEDED", "started": now, "ended": now}
    outcomes = {
        (step, "ETH"): {"complete": step != "redshift", "currencies": dict.fromkeys(("ETH", "BTC"), done)}
        for step in STEPS
    }
    failures = {"ETH": {"step": "redshift", "error": "Glue.Died", "cause": "lost", "ticker": "ETH"}}
    record = GroupRecord(CurrencyList(items), 25, outcomes, failures)
    read = fakes.executions.read
    monkeypatch.setattr(
        fakes.executions, "read", lambda name, after: replace(read(name, after), groups=record)
    )
    return fakes


def test_the_lines_of_a_currency_are_found_in_the_log_of_its_group(grouped: Fakes) -> None:
    before = "2026-01-01 00:00:00,000 INFO groups:"
    on_aws = "2026-01-01 00:00:00,000 silver2gold ERROR"
    grouped.executions.logs = {
        ("ETH", "silver"): [
            at(1, "starting Spark"),
            at(2, f"{before} ETH | BTC | not of BTC"),
            at(3, f"{before} BTC | works"),
        ],
        ("ETH", "gold"): [
            at(4, f"{on_aws} BTC | Traceback (most recent call last):"),
            at(5, f"{on_aws} BTC |   File 'x'"),
            at(6, f"{on_aws} ETH | ValueError: no"),
            at(7, "BTC | bare"),
        ],
    }
    assert texts(grouped) == [
        f"silver {before} works",
        f"gold {on_aws} Traceback (most recent call last):",
        f"gold {on_aws}   File 'x'",
        "gold bare",
    ]
    assert texts(grouped, errors_only=True) == texts(grouped)[1:3]


@pytest.mark.parametrize("follow", [False, True])
def test_the_lines_of_a_run_that_died_belong_to_each_currency_of_its_group(
    grouped: Fakes, follow: bool
) -> None:
    lines = [at(1, "Traceback (most recent call last):"), at(2, "OSError: worker lost"), at(3, "ETH | x")]
    grouped.executions.logs = {("ETH", "redshift"): lines, ("ETH", "gold"): lines}
    assert texts(grouped, follow=follow) == [f"redshift {line.text}" for line in lines[:2]]
