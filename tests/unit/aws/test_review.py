"""Predictions at the edge of AWS's limits, costs, and concurrency."""

from __future__ import annotations

from functools import cache

import pytest

from cryptoetl.aws.stack import grouping
from cryptoetl.aws.stack import template as stack
from cryptoetl.aws.stack.retries import Policy, simulate
from cryptoetl.aws.stack.review import concurrency, cost, predict, retries, runs_at_once
from cryptoetl.config.aws import Aws, Glue
from cryptoetl.config.models import Config
from cryptoetl.state_machine import bundle
from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.state_machine.definition import HISTORY_LIMIT, PAYLOAD_LIMIT, SIZE_LIMIT, Branch, render
from cryptoetl.target.deployment import Prediction


@cache
def configured(currencies: int) -> Config:
    return Config.model_validate(
        {
            "currencies": [
                {"ticker": f"COIN{number:04}", "history": f"{number}.csv", "trend": "t.csv"}
                for number in range(currencies)
            ]
        }
    )


@cache
def most() -> int:
    """The number of currencies that still have a branch each."""
    return max(count for count in range(250, 330) if bundle.group_size(configured(count)) == 1)


def test_as_many_currencies_as_fit_have_a_branch_each_and_more_run_in_groups() -> None:
    fits, more = predict(bundle.machine(configured(most()))), bundle.machine(configured(most() + 1))
    assert most() >= 280
    assert fits.definition_bytes <= SIZE_LIMIT < predict(more).definition_bytes
    assert fits.history_events < HISTORY_LIMIT
    assert fits.payload_bytes < PAYLOAD_LIMIT
    assert bundle.group_size(configured(most() + 1)) == 25


def grouped(currencies: int, size: int) -> Bundle:
    config = configured(currencies).model_copy(update={"currencies_per_run": size})
    return bundle.build(config, stack.layout(config))


def test_groups_have_a_machine_of_one_size_and_few_events() -> None:
    small, large = (grouping.predict(grouped(count, 25)) for count in (50, 10_000))
    assert (small.groups, large.groups) == (2, 400)
    assert abs(small.definition_bytes - large.definition_bytes) < 10
    assert large.definition_bytes < 20_000
    assert large.history_events == small.history_events < 100
    assert large.payload_bytes < PAYLOAD_LIMIT / 10
    assert list(grouping.limits(large)) == []


def test_too_many_groups_and_too_large_inputs_are_refused_with_the_next_step() -> None:
    (many,) = grouping.limits(Prediction(20_002, 9_000, 44, 30_000, groups=10_001))
    assert many.severity == "error"
    assert many.message.endswith("a Map Run has at most 10,000 child executions: raise currencies_per_run")
    (large,) = grouping.limits(Prediction(2_000, 9_000, 44, PAYLOAD_LIMIT + 1, groups=2))
    assert "262,145 bytes" in large.message
    assert large.message.endswith("lower currencies_per_run")


def test_a_plan_says_why_currencies_run_in_groups_and_what_it_saves() -> None:
    config = configured(1000)
    (note,) = grouping.explanation(config, grouping.predict(grouped(1000, 25)), 25, 20)
    assert note.message == (
        "1,000 currencies run in 40 groups of 25 (they do not fit into a branch each): as branches "
        f"${cost(config.aws, 1000).total:,.2f} a run, in groups of 25 "
        f"${cost(config.aws, 1000, size=25).total:,.2f}; about 12 minutes, with 20 runs at once"
    )
    assert cost(config.aws, 1000, size=25).parts["Glue, Spark steps"] == pytest.approx(
        cost(config.aws, 1000).parts["Glue, Spark steps"] / 25
    )


@pytest.mark.parametrize(
    ("runs", "dpus", "limit"), [(None, None, None), (50, None, 50), (50, 60, 30), (20, 60, 20), (None, 7, 3)]
)
def test_the_lower_of_both_quotas_limits_the_runs(
    runs: int | None, dpus: int | None, limit: int | None
) -> None:
    assert runs_at_once(Aws(), runs, dpus) == limit


@pytest.mark.parametrize(
    ("currencies", "runs", "quota", "warnings"),
    [(2, 2, 50, 0), (2, 2, None, 0), (3, 2, 50, 1), (3, 50, 2, 1), (3, 2, 1, 2)],
)
def test_currencies_that_cannot_run_at_once_are_a_warning(
    currencies: int, runs: int, quota: int | None, warnings: int
) -> None:
    aws = Aws(glue=Glue(max_concurrent_runs=runs))
    assert len(list(concurrency(aws, currencies, quota))) == warnings


def test_the_cost_is_that_of_the_steps_workers_and_minutes() -> None:
    # 2 currencies × 3 steps × 1 minute × 2 workers of 1 DPU at $0.308 an hour
    plain = cost(Aws(), 2)
    assert plain.parts["Glue, Spark steps"] == pytest.approx(6 * 2 * 0.308 / 60)
    assert plain.total == pytest.approx(sum(plain.parts.values()))
    larger = cost(Aws(glue=Glue(worker_type="G.4X", workers=5)), 2)
    assert larger.parts["Glue, Spark steps"] == pytest.approx(6 * 20 * 0.308 / 60)
    flex = cost(Aws(glue=Glue(flex=True)), 2)
    assert flex.parts["Glue, Spark steps"] < plain.parts["Glue, Spark steps"]
    assert flex.parts["Glue, clearing"] == plain.parts["Glue, clearing"] == pytest.approx(0.0625 * 0.44 / 60)
    assert "6 steps" in plain.assumptions[0]
    assert "2 × G.1X" in plain.assumptions[0]


def test_a_run_of_250_currencies_costs_what_250_cost() -> None:
    assert cost(Aws(), 250).parts["Glue, Spark steps"] == pytest.approx(
        125 * cost(Aws(), 2).parts["Glue, Spark steps"]
    )


@pytest.mark.parametrize(
    ("glue", "assumed"),
    [
        ({}, "1 minute, Glue's minimum billing, on 2 × G.1X (2 DPU at $0.308/hour: Glue 6.0)"),
        ({"version": "5.1"}, "(2 DPU at $0.44/hour: Glue 5.1)"),
        ({"version": "4.0"}, "(2 DPU at $0.44/hour: Glue 4.0)"),
        ({"flex": True}, "(2 DPU at $0.29/hour: Glue 6.0, Flex; Flex may cost $0.203 only)"),
        ({"flex": True, "version": "5.0"}, "(2 DPU at $0.29/hour: Glue 5.0, Flex)"),
        ({"worker_type": "R.2X"}, "on 2 × R.2X (4 DPU at $0.52/hour: Glue 6.0)"),
    ],
)
def test_the_price_is_that_of_the_glue_version_and_the_workers_and_the_estimate_says_so(
    glue: dict[str, object], assumed: str
) -> None:
    estimate = cost(Aws(glue=Glue.model_validate(glue)), 2)
    assert assumed in estimate.assumptions[0]
    assert "November 2026" in estimate.assumptions[-1]


# --- refused starts -----------------------------------------------------------------------------------

POLICY = Policy(interval=5, rate=2, longest=300, attempts=40)
MACHINE = render("crypto", [Branch(f"COIN{number}") for number in range(290)])


def test_290_currencies_with_five_runs_at_once_exceed_the_history_and_many_give_up() -> None:
    # Computed beforehand, in another way: up to 35,000 events, and 91 currencies that give up.
    found = simulate(290, 5, POLICY, branch=24, frame=17)
    assert HISTORY_LIMIT < found.events <= 35_000
    assert 80 <= found.gave_up <= 100
    assert found == simulate(290, 5, POLICY, branch=24, frame=17)


def test_without_refused_starts_a_run_makes_the_events_that_are_predicted() -> None:
    found = simulate(290, 290, POLICY, branch=24, frame=17)
    assert (found.events, found.gave_up) == (predict(MACHINE).history_events, 0)
    assert 1.4 < POLICY.hours < 1.5


def test_a_run_that_would_end_early_is_a_warning_with_what_to_change() -> None:
    (warning,) = retries(Aws(glue=Glue(max_concurrent_runs=5, queuing=False)), MACHINE, None)
    assert warning.severity == "warning"
    assert "290 currencies with 5 runs at once and no queue" in warning.message
    assert "(Step Functions ends an execution at 25,000)" in warning.message
    assert "leave queuing out, so that they wait in Glue's queue" in warning.message
    (warning,) = retries(Aws(glue=Glue(max_concurrent_runs=300, flex=True)), MACHINE, account_limit=5)
    assert "leave flex out" in warning.message


@pytest.mark.parametrize(
    "glue",
    [
        Glue(max_concurrent_runs=5),
        Glue(max_concurrent_runs=50, queuing=False),
        Glue(max_concurrent_runs=290, flex=True),
    ],
    ids=["queue", "few refusals", "room for all"],
)
def test_a_run_that_ends_in_time_is_none(glue: Glue) -> None:
    assert list(retries(Aws(glue=glue), MACHINE, None)) == []
