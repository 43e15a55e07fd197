"""The two output streams of a command: pipes and terminals, encodings, messages, questions, errors."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cryptoetl.errors import ConfigError, ConfigProblem, UsageError
from cryptoetl.events import Progressed, Warned
from cryptoetl.output.terminal import Terminal
from cryptoetl.pipeline.results import RunResult
from tests.unit.output.screens import EVERYTHING, MIXED, Screens
from tests.unit.output.screens import screens as screens

# --- pipes and terminals ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERYTHING)
def test_on_a_pipe_nothing_is_coloured_and_standard_error_is_empty(screens: Screens, name: str) -> None:
    assert "\x1b" not in screens.show(EVERYTHING[name]).raw
    assert screens.out.text
    assert screens.err.raw == ""


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_is_coloured_unless_no_color_is_set(
    screens: Screens, environment: dict[str, str], coloured: bool
) -> None:
    screens.open(terminal=True, **environment)
    assert ("\x1b[32m" in screens.show(MIXED).raw) is coloured


@pytest.mark.parametrize("columns", ["20", "40", "80"])
@pytest.mark.parametrize("name", EVERYTHING)
def test_no_line_is_wider_than_the_terminal_unless_it_is_one_word(
    screens: Screens, name: str, columns: str
) -> None:
    screens.open(terminal=True, COLUMNS=columns)
    lines = screens.show(EVERYTHING[name]).lines
    assert lines
    assert [line for line in lines if len(line) > int(columns) and " " in line.strip()] == []


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("name", sorted(EVERYTHING.keys() - {"preview"}))  # whose plot has none
def test_letters_that_an_encoding_lacks_are_replaced(screens: Screens, name: str, encoding: str) -> None:
    screens.open(encoding=encoding)
    assert "?" not in screens.show(EVERYTHING[name]).text


def test_a_letter_without_replacement_becomes_a_question_mark(screens: Screens) -> None:
    screens.open(encoding="ascii")
    screens.show(RunResult(None, "1 → 2 … 3 – 4 − 5 ж \udce9"))
    assert screens.out.text == r"1 -> 2 ... 3 - 4 - 5 ? \udce9"


def test_warnings_and_messages_go_to_standard_error(screens: Screens) -> None:
    with screens.terminal() as terminal:
        terminal.observe(Warned("[BTC] is :old:"))
        terminal.say("Nothing [was] deployed.")
    assert screens.err.lines == ["warning: [BTC] is :old:", "Nothing [was] deployed."]
    assert screens.out.raw == ""


def test_a_question_is_asked_on_a_terminal(screens: Screens) -> None:
    for answer, expected in (("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("", False)):
        screens.open(terminal=True, stdin=answer)
        with screens.terminal() as terminal:
            assert terminal.can_ask
            assert terminal.confirm("Deploy [this]?") is expected
        assert screens.err.text == "Deploy [this]? [y/N]"


@pytest.mark.parametrize("as_json", [True, False])
def test_no_question_is_asked_on_a_pipe_or_with_json(screens: Screens, as_json: bool) -> None:
    screens.open(terminal=as_json)
    with screens.terminal(as_json=as_json) as terminal:
        assert not terminal.can_ask


def test_a_quiet_terminal_shows_warnings_and_no_progress(screens: Screens) -> None:
    with screens.terminal(quiet=True) as terminal:
        terminal.observe(Progressed(MIXED))
        terminal.say("by the way")
        terminal.observe(Warned("careful"))
    assert screens.err.lines == ["warning: careful"]


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_closed_pipe_does_not_end_the_command(
    monkeypatch: pytest.MonkeyPatch, name: str, as_json: bool
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as pipe:
        monkeypatch.setattr(f"sys.{name}", pipe)
        with Terminal(as_json=as_json) as terminal:
            terminal.observe(Progressed(MIXED))
            terminal.show(MIXED)
            terminal.text("more")
            terminal.error(UsageError("no", hint="look"))
        assert os.path.samestat(os.fstat(pipe.fileno()), Path(os.devnull).stat())  # nothing fails at exit


# --- errors -------------------------------------------------------------------------------------------


def test_an_error_and_its_hint_go_to_standard_error(screens: Screens) -> None:
    with screens.terminal() as terminal:
        terminal.error(UsageError("[DOGE]: unknown", hint="It has BTC."))
    assert screens.err.lines == ["error: [DOGE]: unknown", "It has BTC."]
    assert screens.out.raw == ""


def test_every_problem_of_a_configuration_is_a_line(screens: Screens) -> None:
    problems = [ConfigProblem(Path("c.yaml"), line, f"f{line}", "is wrong") for line in (3, 7)]
    with screens.terminal() as terminal:
        terminal.error(ConfigError(problems))
    assert screens.err.lines == ["error: c.yaml:3: f3: is wrong", "c.yaml:7: f7: is wrong"]


def test_a_document_is_printed_as_it_is(screens: Screens) -> None:
    with screens.terminal() as terminal:
        terminal.text('{"a": "[red]"}')
        terminal.text("b\n")
    assert screens.out.raw == '{"a": "[red]"}\nb\n'
