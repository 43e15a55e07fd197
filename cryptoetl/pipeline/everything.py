"""`up`: check, deploy, upload, run and verify in one command."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from cryptoetl.config.models import Config
from cryptoetl.events import Observe, Phase
from cryptoetl.pipeline import checks, uploads
from cryptoetl.pipeline.checks import PlainForm
from cryptoetl.pipeline.comparison import Inventory
from cryptoetl.pipeline.deploys import apply_plan, plan
from cryptoetl.pipeline.results import CheckResult, RunRequest, UpResult
from cryptoetl.pipeline.runs import Start, check_request, execute
from cryptoetl.pipeline.verification import verify
from cryptoetl.state_machine.definition import Step
from cryptoetl.target import Target
from cryptoetl.util.concurrency import serialized


def up(config: Config, target: Target, request: RunRequest, observe: Observe) -> UpResult:
    """Check, deploy, upload, run and verify; currencies whose files have errors are left out."""
    check_request(target, request)
    target.executions.warm_up()
    currencies = config.select(request.tickers)
    config.select(list(request.fail))
    with target.exclusive("up"), TemporaryDirectory(prefix="cryptoetl-") as folder:
        observe(Phase("check"))
        scratch = Path(folder)
        checked = list(checks.each(currencies, request.rules, observe, plain=PlainForm(scratch)))
        refused = CheckResult(tuple(of_currency.verdict for of_currency in checked)).refused
        start: dict[str, Step] = {c.ticker: "silver" for c in currencies if c.ticker not in refused}
        deployed = None
        if start:
            observe(Phase("deploy"))
            deployed = apply_plan(plan(config, target), target, observe)
        observe(Phase("upload"))  # after the deploy, which may create the bucket
        inventory = Inventory(target.storage, currencies)
        uploaded = uploads.copy(checked, inventory, serialized(observe), scratch)
        refused = uploaded.check.refused  # also by the comparison with what was uploaded before
        start = {ticker: step for ticker, step in start.items() if ticker not in refused}
        if deployed is None or not start:
            return UpResult(uploaded, deployed)
        ran = execute(target, deployed.bundle, Start(start, refused), request, observe)
        assert ran.execution is not None
        loaded = [c.ticker for c in ran.execution.currencies if c.status == "LOADED"]
        return UpResult(uploaded, deployed, ran, verify(config, target, loaded, observe, request.rules))
