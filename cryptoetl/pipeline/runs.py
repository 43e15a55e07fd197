"""Run, retry and stop executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cryptoetl.config.models import Config
from cryptoetl.errors import BusyError, Interrupted, NotDeployedError, UsageError
from cryptoetl.events import Observe, Phase, Warned
from cryptoetl.pipeline.results import (
    RunRequest,
    RunResult,
    StopResult,
)
from cryptoetl.pipeline.uploads import check_and_copy, has_files, not_uploaded, stored_states
from cryptoetl.pipeline.watching import NotInTime, follow, latest_name, status
from cryptoetl.state_machine import bundle as bundles
from cryptoetl.state_machine import definition as state_machine
from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.state_machine.definition import STEPS, Step
from cryptoetl.state_machine.status import retry_plan
from cryptoetl.target import Target


def run(config: Config, target: Target, request: RunRequest, observe: Observe) -> RunResult:
    """Start an execution of what is deployed and follow it to its end.

    Raises NotDeployedError, UsageError for unknown tickers, BusyError, Interrupted.
    """
    check_request(target, request)
    target.executions.warm_up()
    with target.exclusive("run"):
        deployed = _deployed(target)
        for difference in _drift(config, target, deployed):
            observe(Warned(difference))
        _chosen(deployed, list(request.fail))
        if request.retry_failed:
            return _retry(config, target, deployed, request, observe)
        start: dict[str, Step] = dict.fromkeys(_chosen(deployed, request.tickers), request.begin)
        if request.begin == STEPS[0]:
            for message in not_uploaded(config, target, start, request.rules):
                observe(Warned(message))
        return execute(target, deployed, start, {}, request, observe)


def check_request(target: Target, request: RunRequest) -> None:
    """Raises UsageError for what the target cannot do."""
    if target.name == "aws" and request.fail:
        raise UsageError("--fail is for the local target", hint="On AWS nothing fails on purpose.")
    if target.name == "local" and request.detach:
        raise UsageError(
            "--detach is for the aws target: on this machine an execution lives in the process that runs it",
            hint="Let your shell run the command in the background; `cryptoetl status --watch` follows it.",
        )
    if request.detach and request.timeout is not None:
        raise UsageError("--detach and --timeout exclude each other", hint="Nobody would watch the time.")


def _deployed(target: Target) -> Bundle:
    deployed = target.deployment.current()
    if deployed is None:
        raise NotDeployedError(
            "nothing is deployed yet", hint="Run `cryptoetl deploy`, or `cryptoetl up` for everything."
        )
    return deployed


def _chosen(deployed: Bundle, tickers: Sequence[str] | None) -> list[str]:
    """The deployed tickers that are meant, in the deployed order. Raises UsageError."""
    if tickers is None:
        return deployed.tickers
    known = {ticker.lower(): ticker for ticker in deployed.tickers}
    if unknown := [ticker for ticker in tickers if ticker.lower() not in known]:
        raise UsageError(
            f"{', '.join(unknown)}: not deployed",
            hint=f"Deployed are {', '.join(deployed.tickers)}. "
            "Add a currency to the configuration and run `cryptoetl deploy`.",
        )
    wanted = {known[ticker.lower()] for ticker in tickers}
    return [ticker for ticker in deployed.tickers if ticker in wanted]


def _drift(config: Config, target: Target, deployed: Bundle) -> list[str]:
    changes = bundles.compare(deployed, bundles.build(config, target.deployment.layout()))
    if not changes:
        return []
    named = ", ".join(f"{change.what} {change.name}" for change in changes[:3])
    more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
    return [
        f"the configuration or the scripts differ from what is deployed ({named}{more}): "
        "this run uses what is deployed; `cryptoetl deploy` brings them together"
    ]


def _retry(
    config: Config, target: Target, deployed: Bundle, request: RunRequest, observe: Observe
) -> RunResult:
    """Run what failed last time, each currency from its failed step.

    A currency that begins at silver again gets its corrected files first: checked, and uploaded if they
    changed.
    """
    last = status(target, request.failed_in)
    if last.status == "RUNNING":
        raise BusyError(
            f"execution {last.name} is still running",
            hint=f"Follow it with `cryptoetl status {last.name} --watch`; what fails can be retried then.",
        )
    plan_of_retry = retry_plan(last)
    if request.tickers is not None:
        chosen = set(_chosen(deployed, request.tickers))
        plan_of_retry = {ticker: step for ticker, step in plan_of_retry.items() if ticker in chosen}
    for ticker in [ticker for ticker in plan_of_retry if ticker not in deployed.tickers]:
        observe(Warned(f"{ticker} failed in {last.name}, but is no longer deployed: left out"))
        del plan_of_retry[ticker]
    if not plan_of_retry:
        return RunResult(None, f"Nothing to retry: no such currency failed in execution {last.name}.")
    again = [currency for currency in config.currencies if plan_of_retry.get(currency.ticker) == STEPS[0]]
    states = stored_states(again, target, request.rules)
    changed = {ticker for (ticker, _), state in states.items() if state != "same"}
    refused: Mapping[str, str] = {}
    if corrected := [c for c in again if c.ticker in changed and has_files(c)]:
        refused = check_and_copy(corrected, request.rules, target, observe).check.refused
    start = {ticker: step for ticker, step in plan_of_retry.items() if ticker not in refused}
    if not start:
        return RunResult(None, "Nothing was run: the files of what failed are still broken.", refused)
    silver = [ticker for ticker, step in start.items() if step == STEPS[0]]
    for message in not_uploaded(config, target, silver, request.rules):
        observe(Warned(message))
    return execute(target, deployed, start, refused, request, observe)


def execute(
    target: Target,
    deployed: Bundle,
    start: Mapping[str, Step],
    refused: Mapping[str, str],
    request: RunRequest,
    observe: Observe,
) -> RunResult:
    observe(Phase("run"))
    input = state_machine.execution_input(start, refused)
    # Tickers are named without regard to case; an execution knows them as they are deployed.
    failing: dict[str, Step] = {
        ticker: step
        for ticker in start
        for name, step in request.fail.items()
        if name.lower() == ticker.lower()
    }
    name = target.executions.start(deployed, input, fail=failing)
    if request.detach:
        note = f"Started. {target.executions.goes_on(name)}"
        return RunResult(status(target, name), note, refused=refused)
    try:
        return RunResult(follow(target, name, observe, timeout=request.timeout), refused=refused)
    except KeyboardInterrupt:
        raise Interrupted(target.executions.interrupt(name)) from None
    except NotInTime as late:
        left = target.executions.stop(name, str(late))
        return RunResult(status(target, name), refused=refused, left=tuple(left))


def stop(target: Target, name: str | None) -> StopResult:
    """Stop an execution, the latest by default, and every job run that it has started."""
    name = name or latest_name(target)
    left = target.executions.stop(name, "stopped with `cryptoetl stop`")
    return StopResult(status(target, name), tuple(left))
