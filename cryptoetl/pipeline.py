"""The use cases, and with them the whole story.

`check` reads the users' files and says everything that is wrong with them (checks.py, raw_files.py).
`upload` writes those that pass to the target's raw location where they changed, in one plain form and as
they are: bronze (uploads.py, plain.py). `deploy` builds the bundle of state machine, jobs and scripts
(bundle.py, state_machine.py, definitions/, glue_scripts/), compares it with what is deployed, and applies
the difference; on AWS this is a CloudFormation stack (stack.py, stack_changes.py, permissions.py), with a
review of limits and costs (review.py). `destroy` takes it down again and leaves the data. `run` starts an
execution of the deployed state machine: it empties what the currencies in the run will rewrite, then each
branch takes its currency from bronze to silver to gold to the warehouse; a failing branch ends in its own
Pass state, so that the others go on. Whoever follows the execution folds its events (watching.py,
status.py); `stop` ends it and its job runs, and `logs` shows what they wrote (step_logs.py). `verify`
compares the tables with gold (verification.py). `up` is all of it.

Every use case works over a `Target` (target.py) and returns a result that says how it went, with the
exit code that follows; what a person sees of it is console.py's business. A broken file or a failing
currency is a result. What keeps a use case from being carried out at all is an exception
(errors.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptoetl import bundle as bundles
from cryptoetl import checks, state_machine, uploads, verification, warehouse_sql
from cryptoetl.bundle import Bundle
from cryptoetl.checks import CheckedFile
from cryptoetl.config import Config, Currency
from cryptoetl.errors import (
    BusyError,
    DamagedState,
    DeployError,
    Interrupted,
    NotDeployedError,
    UsageError,
)
from cryptoetl.findings import Kind
from cryptoetl.fingerprints import fingerprint
from cryptoetl.results import (
    CheckResult,
    CheckRules,
    Observe,
    Phase,
    Plan,
    Preview,
    Removal,
    RunRequest,
    RunResult,
    StopResult,
    UploadResult,
    UpResult,
    VerifyResult,
    Warned,
)
from cryptoetl.side_by_side import in_turn
from cryptoetl.state_machine import STEPS, Step
from cryptoetl.status import retry_plan
from cryptoetl.target import TableFacts, Tables, Target
from cryptoetl.watching import NotInTime, follow, latest_name, status

# --- check and upload ---------------------------------------------------------------------------------


def check(currencies: Iterable[Currency], rules: CheckRules, observe: Observe) -> CheckResult:
    """Read every raw file of the currencies and report all that is wrong, and all that is odd."""
    observe(Phase("check"))
    return CheckResult(tuple(checked.verdict for checked in checks.each(currencies, rules, observe)))


def upload(
    currencies: Sequence[Currency],
    rules: CheckRules,
    target: Target,
    observe: Observe,
    *,
    dry_run: bool = False,
) -> UploadResult:
    """Check, and copy the files that changed of the currencies that pass; a dry run only compares."""
    with nullcontext() if dry_run else target.exclusive("upload"):
        return _upload(currencies, rules, target, observe, dry_run=dry_run)


def _upload(
    currencies: Sequence[Currency],
    rules: CheckRules,
    target: Target,
    observe: Observe,
    *,
    dry_run: bool = False,
) -> UploadResult:
    observe(Phase("upload"))
    observe = in_turn(observe)
    with ThreadPoolExecutor(1) as pool, TemporaryDirectory(prefix="cryptoetl-") as folder:
        scratch = Path(folder)
        listing = pool.submit(target.storage.listing, uploads.keys(currencies))  # while the files are read
        prints = uploads.fingerprints(currencies)
        checked = checks.each(currencies, rules, observe, in_plain=True, scratch=scratch, prints=prints)
        return uploads.copy(checked, listing.result(), target.storage, observe, scratch, dry_run=dry_run)


# --- deploy -------------------------------------------------------------------------------------------


def plan(config: Config, target: Target, *, drift: bool = False) -> Plan:
    """The difference between the configuration and what is deployed; with `drift`, what strangers changed."""
    wanted = bundles.build(config, target.deployment.layout())
    changes = target.deployment.changes(wanted)
    review = target.deployment.review(wanted, changes, drift=drift)
    return Plan(wanted, changes, target.deployment.location(), review=review)


def join(target: Target, observe: Observe) -> None:
    """Follow a deploy that is under way to its end, if there is one. Raises DeployError if it fails."""
    target.deployment.join(observe)


def deploy(planned: Plan, target: Target, observe: Observe, *, allow_data_removal: bool = False) -> Plan:
    """Carry the plan out; nothing is touched where nothing changes. Raises DeployError."""
    with target.exclusive("deploy"):
        return _deploy(planned, target, observe, allow_data_removal=allow_data_removal)


def _deploy(planned: Plan, target: Target, observe: Observe, *, allow_data_removal: bool = False) -> Plan:
    if planned.changes:
        if planned.review is not None and planned.review.errors:
            raise DeployError(
                "\n".join(planned.review.errors), hint="Nothing was changed. Mend this and deploy again."
            )
        target.deployment.apply(planned.bundle, observe, allow_data_removal=allow_data_removal)
    return replace(planned, applied=bool(planned.changes))


def removal(target: Target, *, delete_data: bool) -> Removal:
    """What `destroy` would take down, and what it would leave."""
    return target.deployment.removal(delete_data=delete_data)


def destroy(planned: Removal, target: Target, observe: Observe) -> Removal:
    """Take down what is deployed; data only if the plan says so."""
    with target.exclusive("destroy"):
        if planned.removed:
            target.deployment.remove(planned, observe)
    return replace(planned, applied=True)


# --- run and status -----------------------------------------------------------------------------------


def run(config: Config, target: Target, request: RunRequest, observe: Observe) -> RunResult:
    """Start an execution of what is deployed and follow it to its end.

    Raises NotDeployedError, UsageError for unknown tickers, BusyError, Interrupted.
    """
    _possible(target, request)
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
            for message in _not_uploaded(config, target, start, request.rules):
                observe(Warned(message))
        return _execute(target, deployed, start, {}, request, observe)


def _possible(target: Target, request: RunRequest) -> None:
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


def _not_uploaded(config: Config, target: Target, tickers: Iterable[str], rules: CheckRules) -> list[str]:
    """A line for each currency whose local files are not those that this run will read."""
    wanted = set(tickers)
    currencies = [currency for currency in config.currencies if currency.ticker in wanted]
    states = _states(currencies, target, rules)
    return [
        f"{currency.ticker}: its {' and '.join(named)} file is {words}; "
        "`cryptoetl upload` brings it up to date"
        for currency in currencies
        for state, words in (("absent", "not uploaded yet"), ("other", "changed since its upload"))
        if (named := [kind for kind in uploads.KINDS if states.get((currency.ticker, kind)) == state])
    ]


def _states(
    currencies: Sequence[Currency], target: Target, rules: CheckRules
) -> Mapping[tuple[str, Kind], uploads.Stored]:
    """What is stored of the currencies, beside their files here.

    What is stored counts as "same" where there is no file here that it could differ from.
    """
    listed = target.storage.listing(uploads.keys(currencies))
    stored: dict[tuple[str, Kind], uploads.Stored] = {
        (currency.ticker, kind): "same" if bundles.raw_key(currency, kind) in listed else "absent"
        for currency in currencies
        for kind in uploads.KINDS
    }
    whole = [currency for currency in currencies if _has_files(currency)]
    checked = checks.each(whole, replace(rules, strict=False), lambda _: None, in_plain=True)
    files = [(of_currency.currency, file) for of_currency in checked for file in of_currency.files]
    # Of a currency without one of its files, the other can still be compared.
    files += [
        (currency, CheckedFile(kind, path, fingerprint(path), None))
        for currency in currencies
        if currency not in whole
        for kind, path in zip(uploads.KINDS, checks.files(currency), strict=True)
        if path.is_file()
    ]
    return {**stored, **uploads.states(files, listed, target.storage)}


def _has_files(currency: Currency) -> bool:
    return all(file.is_file() for file in checks.files(currency))


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
    states = _states(again, target, request.rules)
    changed = {ticker for (ticker, _), state in states.items() if state != "same"}
    refused: Mapping[str, str] = {}
    if corrected := [c for c in again if c.ticker in changed and _has_files(c)]:
        refused = _upload(corrected, request.rules, target, observe).check.refused
    start = {ticker: step for ticker, step in plan_of_retry.items() if ticker not in refused}
    if not start:
        return RunResult(None, "Nothing was run: the files of what failed are still broken.", refused)
    silver = [ticker for ticker, step in start.items() if step == STEPS[0]]
    for message in _not_uploaded(config, target, silver, request.rules):
        observe(Warned(message))
    return _execute(target, deployed, start, refused, request, observe)


def _execute(
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


# --- verify and query ---------------------------------------------------------------------------------


def verify(
    config: Config,
    target: Target,
    tickers: Sequence[str],
    observe: Observe,
    rules: CheckRules | None = None,
) -> VerifyResult:
    """Whether the tables are there, as they should be, and hold what gold holds (verification.py)."""
    observe(Phase("verify"))
    schema = config.aws.redshift.schema_name
    with target.warehouse.reading() as warehouse:
        tables = warehouse.tables([ticker.lower() for ticker in tickers])
        checks = [
            verification.compare(
                ticker,
                f"{schema}.{ticker.lower()}",
                gold=_gold(warehouse, ticker),
                found=tables.get(ticker.lower()),
                rules=rules,
            )
            for ticker in tickers
        ]
    return VerifyResult(tuple(checks), target.warehouse.location())


def _gold(warehouse: Tables, ticker: str) -> TableFacts | str | None:
    try:
        return warehouse.gold(ticker)
    except DamagedState as error:
        return error.message


def preview(config: Config, target: Target, ticker: str, days: int) -> Preview:
    """The latest rows of a currency's table. Raises UsageError if it is not configured or has none."""
    (currency,) = config.select([ticker])
    schema = config.aws.redshift.schema_name
    rows = target.warehouse.query(warehouse_sql.latest(schema, currency.ticker, days), days)
    if not rows.rows:
        raise UsageError(
            f"{schema}.{currency.table} has no rows yet", hint="Run `cryptoetl run` or `cryptoetl up`."
        )
    ascending = replace(rows, rows=tuple(reversed(rows.rows)), more=False)
    return Preview(currency.ticker, f"{schema}.{currency.table}", ascending)


# --- everything ---------------------------------------------------------------------------------------


def up(config: Config, target: Target, request: RunRequest, observe: Observe) -> UpResult:
    """Check, upload, deploy, run and verify. Currencies whose files are broken stay out; the rest go on."""
    _possible(target, request)
    target.executions.warm_up()
    currencies = config.select(request.tickers)
    config.select(list(request.fail))
    with target.exclusive("up"), TemporaryDirectory(prefix="cryptoetl-") as folder:
        observe(Phase("check"))
        scratch = Path(folder)
        checked = list(checks.each(currencies, request.rules, observe, in_plain=True, scratch=scratch))
        refused = CheckResult(tuple(of_currency.verdict for of_currency in checked)).refused
        start: dict[str, Step] = {c.ticker: "silver" for c in currencies if c.ticker not in refused}
        deployed = None
        if start:
            observe(Phase("deploy"))
            deployed = _deploy(plan(config, target), target, observe)
        observe(Phase("upload"))  # into a bucket that the deploy may have made
        listed = target.storage.listing(uploads.keys(currencies))
        uploaded = uploads.copy(checked, listed, target.storage, in_turn(observe), scratch)
        if deployed is None:
            return UpResult(uploaded)
        ran = _execute(target, deployed.bundle, start, refused, request, observe)
        assert ran.execution is not None
        loaded = [c.ticker for c in ran.execution.currencies if c.status == "LOADED"]
        return UpResult(uploaded, deployed, ran, verify(config, target, loaded, observe, request.rules))
