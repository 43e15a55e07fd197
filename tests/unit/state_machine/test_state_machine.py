"""The rendered state machine: its arguments, the names of its states, and the rules of AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cryptoetl.state_machine import assets
from cryptoetl.state_machine.definition import (
    REASON_LIMIT,
    RETRIED_ERRORS,
    SIZE_LIMIT,
    STEPS,
    Branch,
    Role,
    branch_of,
    dumps,
    execution_input,
    parse_state_name,
    render,
    silver_arguments,
    size,
    state_name,
    tickers,
)

BRANCHES = [
    Branch("BTC"),
    Branch("xmr_2", drop=True),
]
MACHINE = render("crypto", BRANCHES)


def scopes(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the machine and each of its branches, which have states of their own."""
    yield definition
    for state in definition["States"].values():
        for branch in state.get("Branches", []):
            yield from scopes(branch)


def states(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for scope in scopes(definition):
        yield from scope["States"].items()


def tasks(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: state for name, state in states(definition) if state["Type"] == "Task"}


def test_each_task_starts_its_glue_job_with_what_belongs_to_the_currency_only() -> None:
    parameters = {name: state["Parameters"] for name, state in tasks(MACHINE).items()}
    assert parameters == {
        "Clean S3 buckets": {
            "JobName": "crypto-clear-buckets",
            "Arguments": {"--TICKERS.$": "States.JsonToString($.tickers)"},
        },
        "BTC to silver": {
            "JobName": "crypto-bronze2silver",
            "Arguments": {
                "--TICKER": "BTC",
                "--HIST_FILE": "BTC/history.csv",
                "--TREND_FILE": "BTC/trend.csv",
                "--DROP": "N",
            },
        },
        "BTC to gold": {"JobName": "crypto-silver2gold", "Arguments": {"--TICKER": "BTC"}},
        "BTC to redshift": {"JobName": "crypto-redshift-upload", "Arguments": {"--TICKER": "BTC"}},
        "xmr_2 to silver": {
            "JobName": "crypto-bronze2silver",
            "Arguments": {
                "--TICKER": "xmr_2",
                "--HIST_FILE": "xmr_2/history.csv",
                "--TREND_FILE": "xmr_2/trend.csv",
                "--DROP": "Y",
            },
        },
        "xmr_2 to gold": {"JobName": "crypto-silver2gold", "Arguments": {"--TICKER": "xmr_2"}},
        "xmr_2 to redshift": {"JobName": "crypto-redshift-upload", "Arguments": {"--TICKER": "xmr_2"}},
    }


def test_the_states_keep_the_names_of_the_original_pipeline() -> None:
    names = {name for name, _ in states(MACHINE)}
    assert names >= {
        "Clean S3 buckets",
        "Parallel",
        "BTC to silver",
        "BTC to gold",
        "BTC to redshift",
        "BTC wont stop the others",
        "SuccessState",
        "Pipeline failure",
        "S3 cleaning failure",
    }


def test_state_names_are_unique_in_the_whole_machine_and_at_most_80_characters() -> None:
    names = [name for name, _ in states(render("crypto", [Branch("A" * 15), Branch("B" * 15)]))]
    assert len(names) == len(set(names))
    assert max(map(len, names)) <= 80


def test_every_task_catches_everything_and_retries_throttling_alone() -> None:
    for name, task in tasks(MACHINE).items():
        (retrier,) = task["Retry"]
        assert set(retrier["ErrorEquals"]) == RETRIED_ERRORS, name
        assert retrier["JitterStrategy"] == "FULL", name
        (catcher,) = task["Catch"]
        assert catcher["ErrorEquals"] == ["States.ALL"], name
        ticker = (parse_state_name(name) or (None, None))[0]
        assert catcher["Next"] == (f"{ticker} wont stop the others" if ticker else "S3 cleaning failure")


def test_all_tasks_retry_alike() -> None:
    retries = {json.dumps(task["Retry"], sort_keys=True) for task in tasks(MACHINE).values()}
    assert len(retries) == 1


def test_every_state_can_be_reached_and_every_transition_leads_somewhere() -> None:
    # CreateStateMachine refuses any other machine.
    for scope in scopes(MACHINE):
        targets = {scope["StartAt"]}
        for state in scope["States"].values():
            targets.update(state[key] for key in ("Next", "Default") if key in state)
            targets.update(rule["Next"] for key in ("Catch", "Choices") for rule in state.get(key, []))
        assert targets == set(scope["States"])


def test_no_comparison_looks_at_a_path_that_was_not_found_to_be_present() -> None:
    # A missing path is States.Runtime, which nothing catches: it would end every currency's branch.
    for scope in scopes(MACHINE):
        for state in scope["States"].values():
            for rule in state.get("Choices", []):
                *guards, comparison = rule.get("And", [rule.get("Not", rule)])
                assert comparison["Variable"] in ("$.loaded", "$.failed") or (
                    "IsPresent" in comparison
                    or guards == [{"Variable": comparison["Variable"], "IsPresent": True}]
                )


def test_no_placeholder_is_left() -> None:
    assert "${" not in dumps(MACHINE)


def test_cfn_lint_finds_nothing_wrong_with_the_definition(tmp_path: Path) -> None:
    from cfnlint.api import lint_file

    template = {
        "Resources": {
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "RoleArn": "arn:aws:iam::123456789012:role/machine",
                    "Definition": MACHINE,
                },
            }
        }
    }
    path = tmp_path / "template.json"
    path.write_text(json.dumps(template), encoding="utf-8")
    assert [str(match) for match in lint_file(path)] == []


def test_rendering_the_same_currencies_gives_the_same_text() -> None:
    assert dumps(render("crypto", BRANCHES)) == dumps(MACHINE)


def test_rendering_leaves_the_arguments_of_one_currency_out_of_the_next() -> None:
    machine = render("crypto", [Branch("BTC", drop=True), Branch("ETH")])
    assert silver_arguments(machine, "ETH") == {
        "--HIST_FILE": "ETH/history.csv",
        "--TREND_FILE": "ETH/trend.csv",
        "--DROP": "N",
    }


def test_the_currencies_of_a_definition_are_found_in_their_order() -> None:
    read_back = json.loads(dumps(MACHINE))
    assert tickers(read_back) == ["BTC", "xmr_2"]
    assert branch_of(read_back, "xmr_2") == MACHINE["States"]["Parallel"]["Branches"][1]


def test_asking_for_a_branch_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="DOGE"):
        branch_of(MACHINE, "DOGE")


def test_an_execution_of_everything_starts_every_deployed_currency_from_silver() -> None:
    assert MACHINE["States"]["Every currency"]["Result"] == {
        "tickers": {"BTC": {"from": "silver"}, "xmr_2": {"from": "silver"}}
    }


def test_a_state_name_says_which_currency_and_what_for() -> None:
    roles: list[Role] = ["begins", "from gold", *STEPS, "caught", "skipped"]
    for role in roles:
        assert parse_state_name(state_name("xmr_2", role)) == ("xmr_2", role)


@pytest.mark.parametrize("name", list(MACHINE["States"]))
def test_states_outside_the_branches_belong_to_no_currency(name: str) -> None:
    assert parse_state_name(name) is None


def test_the_input_of_an_execution_says_where_each_currency_begins() -> None:
    assert execution_input({"BTC": "silver", "XMR": "gold"}) == {
        "tickers": {"BTC": {"from": "silver"}, "XMR": {"from": "gold"}}
    }


def test_the_input_of_an_execution_holds_what_the_check_refused_in_few_words() -> None:
    found = execution_input({}, {"XMR": "line 812:\n" + "x" * 1000})
    assert found["refused"]["XMR"]["step"] == "check"
    reason = found["refused"]["XMR"]["reason"]
    assert reason.startswith("line 812: xxx")
    assert len(reason) == REASON_LIMIT
    assert reason.endswith("…")


def test_the_size_is_that_of_the_bytes_deployed() -> None:
    assert size(MACHINE) == len(dumps(MACHINE).encode("utf-8"))
    assert size(MACHINE) < SIZE_LIMIT


def test_the_assets_are_the_repositorys_folders_unless_the_package_brings_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Path(__file__).resolve().parents[3]
    assert assets.definitions() == repository / "definitions"
    assert assets.glue_scripts() == repository / "glue_scripts"
    installed = tmp_path / "cryptoetl" / "_assets" / "definitions"
    installed.mkdir(parents=True)
    monkeypatch.setattr(assets, "_PACKAGE", tmp_path / "cryptoetl")
    assert assets.definitions() == installed
