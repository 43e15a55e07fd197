"""Polling with growing pauses, without waiting."""

from __future__ import annotations

from itertools import islice

from cryptoetl.util.waiting import backoff, poll


def test_pauses_grow_up_to_the_longest() -> None:
    assert list(islice(backoff(0.5, 3.0), 5)) == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_polling_returns_the_first_accepted_answer_and_sleeps_between_the_others() -> None:
    answers, slept = iter("aab"), list[float]()
    assert poll(lambda: next(answers), lambda answer: answer == "b", slept.append, backoff(1, 9)) == "b"
    assert slept == [1, 2]


def test_an_answer_that_is_accepted_at_once_needs_no_pause() -> None:
    slept: list[float] = []
    assert poll(lambda: 1, lambda answer: True, slept.append, backoff(1, 9)) == 1
    assert slept == []
