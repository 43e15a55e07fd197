"""What is shown while a command works: lines on a pipe, bars and a live view on a terminal."""

from __future__ import annotations

import re
from pathlib import Path

from cryptoetl.errors import Interrupted
from cryptoetl.events import Counted, Event, FileProgress, Phase, Progressed, ResourceProgress, Transfer
from cryptoetl.state_machine.status import ExecutionStatus
from tests.json_objects import lines
from tests.unit.output.screens import MIXED, Screens, currency, execution
from tests.unit.output.screens import screens as screens


def test_on_a_pipe_each_change_of_a_step_is_printed_once(screens: Screens) -> None:
    with screens.terminal() as terminal:
        terminal.observe(Phase("run"))
        running = execution(currency("BTC", "RUNNING", 1), currency("XMR", "PENDING"), status="RUNNING")
        terminal.observe(Progressed(running))
        terminal.observe(Progressed(running))
        failed = execution(currency("BTC", "FAILED", 1, "no [gold]"), currency("XMR", "RUNNING", 0))
        terminal.observe(Progressed(failed))
    assert screens.err.lines == [
        "00:00:01  0 of 2  BTC silver succeeded in 1.0 s",
        "00:00:01  0 of 2  BTC gold running",
        "00:00:02  1 of 2  BTC gold failed in 1.0 s: no [gold]",
        "00:00:00  1 of 2  XMR silver running",
    ]
    assert screens.out.raw == ""


def many(*ended: str) -> ExecutionStatus:
    """Return a run of 30 currencies of which these have ended: BAD has failed."""
    ends = [currency(t, "FAILED", 1, "no gold") if t == "BAD" else currency(t, "LOADED") for t in ended]
    rest = (currency(f"C{n}", "RUNNING", 1) for n in range(30 - len(ended)))
    return execution(*ends, *rest, currency("OTHER", "SKIPPED"), status="RUNNING")


def test_on_a_pipe_each_end_of_many_currencies_is_a_line_with_their_number(screens: Screens) -> None:
    with screens.terminal() as terminal:
        for ended in ((), ("BTC",), ("BTC",), ("BTC", "BAD", "XMR")):
            terminal.observe(Progressed(many(*ended)))
    assert screens.err.lines == [
        "02:00:00  1 of 30  BTC loaded",
        "02:00:00  2 of 30  BAD failed at gold: no gold",
        "02:00:00  3 of 30  XMR loaded",
    ]
    screens.open()
    with screens.terminal(verbose=True) as terminal:
        terminal.observe(Progressed(many("BTC")))
    assert len(screens.err.lines) == 3 + 29 * 2


def test_a_terminal_shows_how_many_currencies_are_through_and_a_pipe_does_not(screens: Screens) -> None:
    screens.open(terminal=True)
    with screens.terminal() as terminal:
        terminal.observe(Counted(0, 2))
        assert screens.err.raw == ""  # a few are done before it could be read
        terminal.observe(Counted(120, 200))
    assert "120 of 200" in screens.err.text
    screens.open()
    with screens.terminal() as terminal:
        terminal.observe(Counted(120, 200))
    assert screens.out.raw + screens.err.raw == ""


def test_a_heading_is_printed_once_as_its_phase_begins(screens: Screens) -> None:
    with screens.terminal() as terminal:
        terminal.observe(Phase("upload"))
        assert screens.out.raw == ""  # of single commands, phases have none
        terminal.begin_phases("check")
        assert screens.out.lines == ["Check"]
        for phase in ("check", "deploy", "deploy", "join", "verify"):
            terminal.observe(Phase(phase))
    assert screens.out.lines == ["Check", "Deploy", "Verify"]
    screens.open()
    with screens.terminal(as_json=True) as terminal:
        terminal.begin_phases("check")
        terminal.observe(Phase("deploy"))
    assert screens.out.raw == ""


def test_on_a_pipe_reading_a_file_prints_nothing(screens: Screens) -> None:
    with screens.terminal() as terminal:
        terminal.observe(FileProgress("BTC", Path("h.csv"), 1, 10**9))
    assert screens.out.raw + screens.err.raw == ""


def test_a_large_file_on_a_terminal_has_a_bar_and_a_small_one_none(screens: Screens) -> None:
    screens.open(terminal=True)
    with screens.terminal() as terminal:
        terminal.observe(FileProgress("XMR", Path("/x/small.csv"), 500, 1_000))
        assert screens.err.raw == ""
        terminal.observe(FileProgress("BTC", Path("/x/large.csv"), 10**8, 10**9))
        terminal.observe(Phase("upload"))
        drawn = screens.err.text
    assert "BTC large.csv" in drawn
    assert "small.csv" not in drawn
    assert screens.out.raw == ""


def test_all_copies_share_one_bar(screens: Screens) -> None:
    screens.open(terminal=True)
    with screens.terminal() as terminal:
        for ticker in ("BTC", "XMR"):
            terminal.observe(Transfer(2, 3_000_000))
            for kind in ("history", "trend"):
                path = Path(f"/x/{kind}.csv")
                terminal.observe(FileProgress(ticker, path, 1_000_000, 1_500_000, copied=True))
                terminal.observe(FileProgress(ticker, path, 1_500_000, 1_500_000, copied=True))
        terminal.observe(Phase("run"))
    bars = re.findall(r"upload of (\d) files .* (\S+)/(\S+) MB", screens.err.text)
    assert bars[-1] == ("4", "6.0", "6.0")
    assert {total for _, _, total in bars} <= {"3.0", "6.0"}


def test_copies_are_counted_before_the_bar_appears(screens: Screens) -> None:
    screens.open(terminal=True)
    with screens.terminal() as terminal:
        for ticker in ("BTC", "XMR"):
            terminal.observe(Transfer(2, 1_500_000))
            terminal.observe(FileProgress(ticker, Path("/x/h.csv"), 750_000, 750_000, copied=True))
        terminal.observe(Phase("run"))
    assert "upload of 4 files" in screens.err.text
    assert "1.5/3.0 MB" in screens.err.text


def test_with_json_each_change_of_a_followed_execution_is_an_object(screens: Screens) -> None:
    running = execution(currency("BTC", "RUNNING", 1), status="RUNNING")
    with screens.terminal(as_json=True) as terminal:
        terminal.follow()
        terminal.observe(Progressed(running))
        terminal.observe(Progressed(running))
        terminal.observe(Progressed(MIXED))
        terminal.show(MIXED)
    *changes, last = lines(screens.out.raw)
    assert {change["schema"] for change in changes} == {"cryptoetl.step/1"}
    assert {change["execution"] for change in changes} == {MIXED.name}
    assert [(c["ticker"], c["step"], c["status"], c["exit_code"]) for c in changes] == [
        ("BTC", "silver", "SUCCEEDED", 0),
        ("BTC", "gold", "RUNNING", 0),
        ("BTC", "gold", "SUCCEEDED", 0),
        ("BTC", "redshift", "SUCCEEDED", 0),
        ("XMR", "silver", "SUCCEEDED", 0),
        ("XMR", "gold", "FAILED", 1),
    ]
    assert (last["schema"], last["status"], last["exit_code"]) == ("cryptoetl.status/1", "SUCCEEDED", 1)
    assert screens.err.raw == ""


def test_with_json_an_error_while_following_is_a_line(screens: Screens) -> None:
    with screens.terminal(as_json=True) as terminal:
        terminal.follow()
        terminal.error(Interrupted("it goes on"))
    (error,) = lines(screens.out.raw)
    assert (error["status"], error["exit_code"]) == ("interrupted", 130)


def test_on_a_terminal_the_view_of_a_run_is_replaced_by_the_result(screens: Screens) -> None:
    screens.open(terminal=True)
    with screens.terminal() as terminal:
        terminal.observe(Progressed(execution(currency("BTC", "RUNNING", 0), status="RUNNING")))
        terminal.observe(Progressed(MIXED))
        terminal.show(MIXED)
    assert "1 loaded, 1 failed" in screens.err.text
    assert "\x1b[2K" in screens.err.raw  # the view is erased
    assert screens.err.raw.count("\x1b[?25l") == screens.err.raw.count("\x1b[?25h") == 1  # cursor back
    assert screens.out.lines[0].startswith("Execution 2026")


def test_an_error_erases_the_view(screens: Screens) -> None:
    screens.open(terminal=True)
    with screens.terminal() as terminal:
        terminal.observe(Progressed(execution(currency("BTC", "RUNNING", 0), status="RUNNING")))
        terminal.error(Interrupted("it goes on", hint="come back"))
    assert screens.err.lines[-2:] == ["interrupted: it goes on", "come back"]
    assert screens.err.raw.endswith("\n")


def test_two_hundred_currencies_on_a_small_terminal_are_counted_beyond_its_rows(screens: Screens) -> None:
    screens.open(terminal=True, LINES="16", COLUMNS="80")
    states = [
        *(currency(f"OK{n}", "LOADED") for n in range(150)),
        *(currency(f"WAIT{n}", "PENDING") for n in range(45)),
        *(currency(f"RUN{n}", "RUNNING", 0) for n in range(3)),
        *(
            currency(f"BAD{n}", "FAILED", 0, "ValueError: " + "far too long for a line " * 9)
            for n in range(2)
        ),
    ]
    with screens.terminal() as terminal:
        terminal.observe(Progressed(execution(*states, status="RUNNING")))
    lines = [line.strip() for line in screens.err.lines]
    tickers = [line.split()[0] for line in lines if re.match(r"(OK|WAIT|RUN|BAD)\d", line)]
    assert tickers == ["BAD0", "BAD1", "RUN0", "RUN1", "RUN2", *(f"WAIT{n}" for n in range(3))]
    assert any(line.startswith("… and 192 more: 150 loaded, 42 pending") for line in lines)
    assert "152 of 200 done, about 38 min 11 s left" not in lines
    assert any(line.startswith("152 of 200 done, about ") for line in lines)
    assert max(map(len, screens.err.lines)) <= 80
    assert "at silver: Value" in next(line for line in lines if line.startswith("BAD0"))


RESOURCES: list[Event] = [
    ResourceProgress("bucket", "raw", "begins", "", 0, 2),
    ResourceProgress("bucket", "raw", "created", "", 1, 2),
    ResourceProgress("job", "crypto-x", "failed", "no more jobs", 1, 2),
]


def test_on_a_pipe_each_finished_resource_is_a_line(screens: Screens) -> None:
    with screens.terminal() as terminal:
        for event in RESOURCES:
            terminal.observe(event)
    assert screens.err.lines == [
        "1 of 2  created bucket raw",
        "1 of 2  failed job crypto-x: no more jobs",
    ]
    assert screens.out.raw == ""


def test_on_a_terminal_a_bar_shows_the_current_resource(screens: Screens) -> None:
    screens.open(terminal=True)
    with screens.terminal() as terminal:
        for event in RESOURCES:
            terminal.observe(event)
    assert "0/2 bucket raw" in screens.err.text
    assert "created bucket raw" in screens.err.text
    assert "1/2 job crypto-x" in screens.err.text
