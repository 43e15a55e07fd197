"""Run, retry and stop executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cryptoetl.config.models import Config
from cryptoetl.errors import BusyError, ConfigError, NotDeployedError, UsageError
from cryptoetl.events import Observe, Phase, Warned
from cryptoetl.pipeline import comparison
from cryptoetl.pipeline.changed import nothing_to_run, unchanged
from cryptoetl.pipeline.results import RunRequest, RunResult, StopResult
from cryptoetl.pipeline.uploads import check_and_copy
from cryptoetl.pipeline.watching import FollowTimeout, latest_name, status, watch
from cryptoetl.state_machine import bundle as bundles
from cryptoetl.state_machine.bundle import Bundle
from cryptoetl.state_machine.definition import STEPS, Step
from cryptoetl.state_machine.groups import LARGE, CurrencyList, Start
from cryptoetl.state_machine.status import ExecutionStatus, retry_plan
from cryptoetl.target import Target
from cryptoetl.util.text import did_you_mean, enumerated, plural


def run(config: Config, target: Target, request: RunRequest, observe: Observe) -> RunResult:
    """Start an execution of the deployed state machine and follow it to its end.

    Raises NotDeployedError, UsageError for unknown tickers, BusyError, Interrupted.
    """
    check_request(target, request)
    target.executions.warm_up()
    with target.exclusive("run"):
        deployed = _deployed(config, target, observe)
        target.deployment.verify_owner()
        _chosen(deployed, list(request.fail))
        if request.retry_failed:
            return _retry(config, target, deployed, request, observe)
        chosen = _chosen(deployed, request.tickers)
        same = unchanged(target, deployed, chosen, observe) if request.changed else ()
        _warn_of_outdated(config, target, dict.fromkeys(chosen, request.begin), request, observe)
        if len(same) == len(chosen):
            return RunResult(None, nothing_to_run(same), unchanged=same)
        left_out = set(same)
        steps: dict[str, Step] = {t: request.begin for t in chosen if t not in left_out}
        return replace(execute(target, deployed, Start(steps), request, observe), unchanged=same)


def check_request(target: Target, request: RunRequest) -> None:
    """Raise UsageError if the target does not support an option of the request."""
    if target.name == "aws" and request.fail:
        raise UsageError("--fail is for the local target", hint="Run it with --target local.")
    if target.name == "local" and request.detach:
        raise UsageError(
            "--detach is for the aws target: a local execution ends with the process that runs it",
            hint="Run the command in the background of your shell; `cryptoetl status --watch` follows it.",
        )
    if request.detach and request.timeout is not None:
        raise UsageError(
            "--detach and --timeout exclude each other", hint="A timeout needs a process that watches it."
        )


NAMED_CHANGES = 10
"""Undeployed changes, and currencies with other files, that warnings name."""


def _deployed(config: Config, target: Target, observe: Observe) -> Bundle:
    """Return the deployed bundle; warn of all in which the configuration and the scripts differ from it."""
    wanted = None
    try:
        wanted = bundles.build(config, target.deployment.layout())
    except ConfigError as error:
        observe(Warned(f"the scripts cannot be deployed ({error.message}): this run uses what is deployed"))
    deployed, changes = target.deployment.compared(wanted)
    if deployed is None:
        raise NotDeployedError.at_all()
    if changes:
        named = ", ".join(f"{change.what} {change.name}" for change in changes[:NAMED_CHANGES])
        more = f" and {len(changes) - NAMED_CHANGES} more" if len(changes) > NAMED_CHANGES else ""
        observe(
            Warned(
                f"the configuration or the scripts differ from what is deployed ({named}{more}): this run "
                "uses what is deployed; `cryptoetl deploy` shows the changes and deploys them"
            )
        )
    return deployed


def _chosen(deployed: Bundle, tickers: Sequence[str] | None) -> list[str]:
    """Return the chosen tickers, all by default, in the deployed order. Raises UsageError."""
    if tickers is None:
        return deployed.tickers
    known = {ticker.lower(): ticker for ticker in deployed.tickers}
    if unknown := [ticker for ticker in tickers if ticker.lower() not in known]:
        raise UsageError(
            f"{', '.join(unknown)}: not deployed",
            hint=f"{did_you_mean(unknown, deployed.tickers)}Deployed are {enumerated(deployed.tickers)}. "
            "Add a currency to the configuration and run `cryptoetl deploy`.",
        )
    wanted = {known[ticker.lower()] for ticker in tickers}
    return [ticker for ticker in deployed.tickers if ticker in wanted]


def _warn_of_outdated(
    config: Config, target: Target, steps: Mapping[str, Step], request: RunRequest, observe: Observe
) -> None:
    """Warn of currencies that begin with raw files which differ from those on this machine."""
    from_raw = [ticker for ticker, step in steps.items() if step == STEPS[0]]
    if from_raw:
        messages = comparison.warnings(config, target, from_raw, request.rules)
        for message in messages[:NAMED_CHANGES]:
            observe(Warned(message))
        if (hidden := len(messages) - NAMED_CHANGES) > 0:
            more = f"{plural(hidden, 'more currency')} like these; `cryptoetl upload --dry-run` shows all"
            observe(Warned(more))


def _retry(
    config: Config, target: Target, deployed: Bundle, request: RunRequest, observe: Observe
) -> RunResult:
    """Run the currencies that failed in an execution, each from its failed step.

    A currency that begins at silver again gets its corrected files first: they are checked, and uploaded if
    they have changed.
    """
    last = status(target, request.failed_in)
    if last.status == "RUNNING":
        raise BusyError(
            f"execution {last.name} is still running",
            hint=f"Follow it with `cryptoetl status {last.name} --watch`, and retry after its end.",
        )
    steps = _failed_steps(last, deployed, request, observe)
    if not steps:
        return RunResult(None, f"Nothing to retry: no such currency failed in execution {last.name}.")
    refused = _upload_corrections(config, target, steps, request, observe)
    steps = {ticker: step for ticker, step in steps.items() if ticker not in refused}
    if not steps:
        return RunResult(
            None, "Nothing was run: the files of the failed currencies are still broken.", refused
        )
    _warn_of_outdated(config, target, steps, request, observe)
    return execute(target, deployed, Start(steps, refused), request, observe)


def _failed_steps(
    last: ExecutionStatus, deployed: Bundle, request: RunRequest, observe: Observe
) -> dict[str, Step]:
    """Return the chosen currencies that failed, with their failed steps; warn of those not deployed."""
    steps = dict(retry_plan(last))
    if request.tickers is not None:
        chosen = set(_chosen(deployed, request.tickers))
        steps = {ticker: step for ticker, step in steps.items() if ticker in chosen}
    known = set(deployed.tickers)
    for ticker in [ticker for ticker in steps if ticker not in known]:
        observe(Warned(f"{ticker} failed in {last.name}, but is no longer deployed: skipped"))
        del steps[ticker]
    return steps


def _upload_corrections(
    config: Config, target: Target, steps: Mapping[str, Step], request: RunRequest, observe: Observe
) -> Mapping[str, str]:
    """Check and upload changed files of currencies that begin at silver. Return those refused, and why."""
    currencies = [currency for currency in config.currencies if steps.get(currency.ticker) == STEPS[0]]
    if not currencies:
        return {}
    states = comparison.states(currencies, target, request.rules)
    changed = {ticker for (ticker, _), state in states.items() if state != "same"}
    corrected = [c for c in currencies if c.ticker in changed and comparison.has_files(c)]
    if not corrected:
        return {}
    uploaded = check_and_copy(corrected, request.rules, target, observe)
    for ticker, messages in uploaded.differences.items():
        for message in messages:
            observe(Warned(f"{ticker}: its history replaces another one: {message}"))
    return uploaded.check.refused


def execute(
    target: Target, deployed: Bundle, start: Start, request: RunRequest, observe: Observe
) -> RunResult:
    """Start an execution and follow it to its end; stop it at the timeout. Raises Interrupted."""
    observe(Phase("run"))
    # Tickers are compared without regard to case; an execution uses the deployed spelling.
    failing: dict[str, Step] = {
        ticker: step
        for ticker in start.steps
        for name, step in request.fail.items()
        if name.lower() == ticker.lower()
    }
    if deployed.currencies is not None:
        start = replace(start, large=_large(target, deployed.currencies, start))
    name = target.executions.start(deployed, start, fail=failing)
    if request.detach:
        note = f"Started. {target.executions.background_hint(name)}"
        return RunResult(status(target, name), note, refused=start.refused)
    try:
        return RunResult(watch(target, name, observe, timeout=request.timeout), refused=start.refused)
    except FollowTimeout as late:
        left = target.executions.stop(name, str(late))
        return RunResult(status(target, name), refused=start.refused, left=tuple(left))


def _large(target: Target, currencies: CurrencyList, start: Start) -> frozenset[str]:
    """Return the currencies whose stored history is too large to share the memory of a run with others."""
    items = currencies.items
    tickers = {items[ticker].history: ticker for ticker in start.steps if ticker in items}
    stored = target.storage.listing(tickers.keys())
    return frozenset(tickers[key] for key, file in stored.items() if file.size > LARGE)


def stop(target: Target, name: str | None) -> StopResult:
    """Stop an execution, the latest by default, and every job run that it has started."""
    name = name or latest_name(target)
    left = target.executions.stop(name, "stopped with `cryptoetl stop`")
    return StopResult(status(target, name), tuple(left))
