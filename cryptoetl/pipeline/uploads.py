"""Upload of the users' files: the plain form that the scripts read, and the original bytes.

Files are checked one currency after the other; a currency that passes is copied while the next ones are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptoetl.config.models import Currency
from cryptoetl.events import Observe, Phase, counted
from cryptoetl.pipeline import checks
from cryptoetl.pipeline.checks import Checked, PlainForm
from cryptoetl.pipeline.comparison import Inventory
from cryptoetl.pipeline.copies import Copies
from cryptoetl.pipeline.results import CheckResult, CheckRules, UploadedFile, UploadResult
from cryptoetl.raw_files.fingerprints import fingerprint
from cryptoetl.state_machine import bundle as bundles
from cryptoetl.target import Target
from cryptoetl.util.concurrency import map_in_threads, serialized
from cryptoetl.util.files import unreadable


def upload(
    currencies: Sequence[Currency],
    rules: CheckRules,
    target: Target,
    observe: Observe,
    *,
    dry_run: bool = False,
) -> UploadResult:
    """Check the files and copy the changed ones of the currencies that pass; a dry run only compares."""
    with nullcontext() if dry_run else target.exclusive("upload"):
        return check_and_copy(currencies, rules, target, observe, dry_run=dry_run)


def check_and_copy(
    currencies: Sequence[Currency],
    rules: CheckRules,
    target: Target,
    observe: Observe,
    *,
    dry_run: bool = False,
) -> UploadResult:
    """Do what `upload` does, for a caller that already has exclusive use of the target."""
    observe(Phase("upload"))
    observe = serialized(observe)
    with ThreadPoolExecutor(1) as pool, TemporaryDirectory(prefix="cryptoetl-") as folder:
        scratch = Path(folder)
        inventory = pool.submit(Inventory, target.storage, currencies)  # while the files are read
        paths = list(dict.fromkeys(path for currency in currencies for path in checks.files(currency)))
        paths = [path for path in paths if not unreadable(path)]
        prints = dict(zip(paths, map_in_threads(fingerprint, paths), strict=True))
        checked = checks.each(currencies, rules, observe, plain=PlainForm(scratch), prints=prints)
        counting = counted(checked, len(currencies), observe)
        return copy(counting, inventory.result(), observe, scratch, dry_run=dry_run)


def copy(
    checked: Iterable[Checked],
    inventory: Inventory,
    observe: Observe,
    scratch: Path,
    *,
    dry_run: bool = False,
) -> UploadResult:
    """Copy the changed files of the currencies that pass; a dry run only compares.

    `observe` is called from several threads. After a failure, which is raised, it receives a warning for each
    currency of which only one file was replaced; the next upload copies what is missing.
    """
    verdicts: list[Checked] = []
    with Copies(inventory, observe, scratch, dry_run=dry_run) as copies:
        for currency in checked:
            verdicts.append(currency)
            copies.begin(currency)
    return UploadResult(
        CheckResult(tuple(checked.verdict for checked in verdicts)),
        tuple(
            UploadedFile(
                checked.currency.ticker,
                file.kind,
                file.source,
                inventory.storage.location(bundles.raw_key(checked.currency, file.kind)),
                copies.actions.get((checked.currency.ticker, file.kind), "refused"),
                file.fingerprint.size,
            )
            for checked in verdicts
            for file in checked.files
        ),
        copies.differences,
    )
