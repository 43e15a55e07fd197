"""Predict what happens if Glue refuses runs above a limit, and the state machine tries each start again.

That happens without Glue's queue (`aws.glue.queuing: false`, or Flex). All branches start at once and share
the limit; what is refused waits as the `Retry` of definitions/branch.asl.json says. A refused start makes
three events in the history (TaskScheduled, TaskStarted, TaskSubmitFailed), and a history ends at 25,000.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptoetl.state_machine.definition import STEPS

STEP_MINUTES = 2.5
"""How long a job run holds its place: the start of its workers, and the work. A cautious assumption."""
REFUSAL_EVENTS = 3
_STEP_EVENTS = 6
_SEED = 0
"""The same prediction each time, although the jitter is random."""


@dataclass(frozen=True)
class Policy:
    """A `Retry` with full jitter: each wait is a random part of an interval that grows up to `longest`."""

    interval: float
    rate: float
    longest: float
    attempts: int

    @classmethod
    def of(cls, retry: Mapping[str, Any]) -> Policy:
        """Read a retrier of the Amazon States Language."""
        return cls(
            retry["IntervalSeconds"], retry["BackoffRate"], retry["MaxDelaySeconds"], retry["MaxAttempts"]
        )

    @property
    def hours(self) -> float:
        """Return the time until a branch gives up, on average."""
        return sum(self._longest(attempt) / 2 for attempt in range(self.attempts)) / 3600

    def _longest(self, attempt: int) -> float:
        return min(self.longest, self.interval * self.rate ** min(attempt, 60))

    def wait(self, attempt: int, chance: random.Random) -> float:
        """Return the seconds before an attempt, counted from 0."""
        return chance.random() * self._longest(attempt)


@dataclass(frozen=True)
class Retries:
    """What a run of all currencies costs in events, and how many currencies are never started in time."""

    events: int
    gave_up: int


def simulate(currencies: int, limit: int, policy: Policy, *, branch: int, frame: int) -> Retries:
    """Run `currencies` branches through their steps, of which `limit` job runs of each step fit at once.

    `branch` and `frame` are the events of a branch and of the rest without any retry.
    """
    chance = random.Random(_SEED)  # noqa: S311 - a simulation
    events, gave_up = frame + branch * currencies, 0
    running: list[list[float]] = [[] for _ in STEPS]  # the ends of each step's runs
    waiting = [(0.0, number, 0, 0) for number in range(currencies)]  # time, branch, step, attempts
    while waiting:
        now, number, step, attempt = heapq.heappop(waiting)
        runs = running[step]
        while runs and runs[0] <= now:
            heapq.heappop(runs)
        if len(runs) < limit:
            end = now + STEP_MINUTES * 60
            heapq.heappush(runs, end)
            if step + 1 < len(STEPS):
                heapq.heappush(waiting, (end, number, step + 1, 0))
            continue
        events += REFUSAL_EVENTS
        if attempt < policy.attempts:
            later = now + policy.wait(attempt, chance)
            heapq.heappush(waiting, (later, number, step, attempt + 1))
        else:
            gave_up += 1
            events -= _STEP_EVENTS * (len(STEPS) - step)  # the runs that it does not have
    return Retries(events, gave_up)
