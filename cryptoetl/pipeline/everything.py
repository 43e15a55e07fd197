"""`up`: check, deploy, upload, run and verify in one command."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptoetl.config.models import Config, Currency
from cryptoetl.events import Observe, Phase, counted
from cryptoetl.pipeline import checks, uploads
from cryptoetl.pipeline.changed import nothing_to_run, unchanged
from cryptoetl.pipeline.checks import PlainForm
from cryptoetl.pipeline.comparison import Inventory
from cryptoetl.pipeline.deploys import apply_plan, plan
from cryptoetl.pipeline.results import CheckResult, RunRequest, RunResult, UploadResult, UpPart, UpResult
from cryptoetl.pipeline.runs import check_request, execute
from cryptoetl.pipeline.verification import verify
from cryptoetl.state_machine.definition import Step
from cryptoetl.state_machine.groups import Start
from cryptoetl.target import Target
from cryptoetl.target.deployment import Plan
from cryptoetl.util.concurrency import serialized


@dataclass(frozen=True)
class Dialog:
    """What `up` says and asks between its phases.

    `ended` receives what each phase ends with, as soon as it does. `approve` receives the plan of the deploy
    before it is applied, and raises an exception to end the work there.
    """

    ended: Callable[[UpPart], None] = lambda _: None
    approve: Callable[[Plan], None] = lambda _: None


SILENT = Dialog()


def up(
    config: Config,
    target: Target,
    request: RunRequest,
    observe: Observe,
    dialog: Dialog = SILENT,
) -> UpResult:
    """Check, deploy, upload, run and verify; currencies whose files have errors are left out.

    A dry run checks, plans and compares, and changes nothing.
    """
    check_request(target, request)
    if not request.dry_run:
        target.executions.warm_up()
    currencies = config.select(request.tickers)
    config.select(list(request.fail))
    work = _Work(config, target, request, serialized(observe), dialog)
    with (
        nullcontext() if request.dry_run else target.exclusive("up"),
        TemporaryDirectory(prefix="cryptoetl-") as folder,
    ):
        return work.do(currencies, Path(folder))


@dataclass(frozen=True)
class _Work:
    config: Config
    target: Target
    request: RunRequest
    observe: Observe
    dialog: Dialog

    def do(self, currencies: tuple[Currency, ...], scratch: Path) -> UpResult:
        """Go through the phases; `scratch` is where plain forms wait for their upload."""
        self.observe(Phase("check"))
        each = checks.each(currencies, self.request.rules, self.observe, plain=PlainForm(scratch))
        checked = list(counted(each, len(currencies), self.observe))
        checks_made = CheckResult(tuple(of_currency.verdict for of_currency in checked))
        passed = [currency.ticker for currency in checks_made.currencies if currency.ok]
        self.dialog.ended(checks_made)
        deployed = self._deploy() if passed else None
        self.observe(Phase("upload"))  # after the deploy, which may create the bucket
        inventory = Inventory(self.target.storage, currencies)
        uploaded = uploads.copy(checked, inventory, self.observe, scratch, dry_run=self.request.dry_run)
        self.dialog.ended(uploaded)
        refused = uploaded.check.refused  # also by the comparison with what was uploaded before
        to_run = tuple(ticker for ticker in passed if ticker not in refused)
        same = self._unchanged(uploaded, deployed, to_run) if deployed and self.request.changed else ()
        left_out = set(same)
        to_run = tuple(ticker for ticker in to_run if ticker not in left_out)
        result = UpResult(uploaded, deployed, to_run=to_run, dry_run=self.request.dry_run, unchanged=same)
        if deployed is None or not (to_run or same) or self.request.dry_run:
            return result
        return self._run(result, deployed)

    def _unchanged(self, uploaded: UploadResult, deployed: Plan, to_run: tuple[str, ...]) -> tuple[str, ...]:
        """Return the currencies to leave out; a dry run takes one with a file to upload for changed."""
        waiting = {file.ticker for file in uploaded.files if file.action == "to upload"}
        tickers = [ticker for ticker in to_run if ticker not in waiting]
        return unchanged(self.target, deployed.bundle, tickers, self.observe)

    def _deploy(self) -> Plan:
        self.observe(Phase("deploy"))
        planned = plan(self.config, self.target)
        if not self.request.dry_run:
            if planned.changes:
                self.dialog.approve(planned)
            planned = apply_plan(planned, self.target, self.observe)
        self.dialog.ended(planned)
        return planned

    def _run(self, result: UpResult, deployed: Plan) -> UpResult:
        if not result.to_run:
            note = nothing_to_run(result.unchanged)
            ran = RunResult(None, note, result.upload.check.refused, unchanged=result.unchanged)
            self.dialog.ended(ran)
            return replace(result, run=ran)
        steps: dict[str, Step] = dict.fromkeys(result.to_run, "silver")
        start = Start(steps, result.upload.check.refused)
        ran = execute(self.target, deployed.bundle, start, self.request, self.observe)
        ran = replace(ran, unchanged=result.unchanged)
        assert ran.execution is not None
        self.dialog.ended(ran)
        loaded = [c.ticker for c in ran.execution.currencies if c.status == "LOADED"]
        verified = verify(self.config, self.target, loaded, self.observe, self.request.rules)
        self.dialog.ended(verified)
        return replace(result, run=ran, verify=verified)
