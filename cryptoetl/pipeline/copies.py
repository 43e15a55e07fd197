"""Copying of checked files to the storage, in background threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from cryptoetl.errors import Interrupted
from cryptoetl.events import FileProgress, Observe, Transfer, Warned
from cryptoetl.pipeline import checks
from cryptoetl.pipeline.checks import Checked, CheckedFile
from cryptoetl.pipeline.comparison import KINDS, Inventory, Object
from cryptoetl.pipeline.results import UploadAction
from cryptoetl.raw_files.findings import Kind
from cryptoetl.target.storage import About
from cryptoetl.util.concurrency import MAX_THREADS


class Copies:
    """A block in which files are copied; at its end all copies are done, or it raises the first failure.

    Before a history replaces another, its report gets warnings about days that would be lost and prices of
    another magnitude; if warnings are errors, nothing of the currency is copied. After a failure or an
    interruption, a warning names each currency of which only one file was replaced.
    `observe` is called from several threads.
    """

    def __init__(self, inventory: Inventory, observe: Observe, scratch: Path, *, dry_run: bool) -> None:
        self._inventory = inventory
        self._observe = observe
        self._scratch = scratch
        self._dry_run = dry_run
        self._pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="upload")
        self._cancelled = threading.Event()
        self._begun: list[tuple[str, Kind]] = []
        self._copies: list[Future[None]] = []
        self.actions: dict[tuple[str, Kind], UploadAction] = {}
        """What was done with each file, by ticker and kind."""
        self.differences: dict[str, list[str]] = {}
        """What is remarkable about histories that replace others, by ticker."""

    def begin(self, checked: Checked) -> None:
        """Start to copy a currency's files if it passed the check. Raise the failure of an earlier copy."""
        for copy in (ended := {copy for copy in self._copies if copy.done()}):
            copy.result()
        self._copies = [copy for copy in self._copies if copy not in ended]
        if not checked.verdict.ok:
            return
        self._observe(Transfer(len(checked.files), sum(file.fingerprint.size for file in checked.files)))
        # The pool takes tasks in their order: a copy waits only for a comparison that has begun.
        compared = self._pool.submit(self._compare, checked)
        for file in checked.files:
            self._begun.append((checked.currency.ticker, file.kind))
            self._copies.append(self._pool.submit(self._copy, checked, file, compared))

    def __enter__(self) -> Copies:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for copy in self._copies:
                    copy.result()
        except BaseException:
            self._cancel()
            raise
        else:
            if kind is not None:
                self._cancel()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _compare(self, checked: Checked) -> bool:
        """Report how the history differs from the stored one; return whether the currency still passes."""
        report = checked.verdict.history
        add = report.error if checked.strict else report.warning
        if messages := list(self._inventory.replacement(checked.currency, checked.files[0])):
            self.differences[checked.currency.ticker] = messages
        for message in messages:
            add(None, message)
        return checked.verdict.ok

    def _copy(self, checked: Checked, file: CheckedFile, compared: Future[bool]) -> None:
        """Store the outdated objects of one file, if the currency passes."""
        ticker, size = checked.currency.ticker, file.fingerprint.size
        if not compared.result():
            return

        def report(sent: int) -> None:
            self._observe(FileProgress(ticker, file.source, sent, size, copied=True))

        action: UploadAction = "unchanged"
        for wanted in self._inventory.outdated(checked.currency, file):
            if self._dry_run:
                action = "to upload"
                break
            action = "uploaded"
            if wanted.is_source:
                self._put(wanted, file.source, report, About(name=file.source.name))
            else:
                assert file.plain is not None, "a file without a plain form is not copied"
                path = file.plain.path or checks.write_plain(checked, file.kind, self._scratch)
                self._put(wanted, path, lambda _: None, About(summary=file.plain.summary))
                path.unlink()
        report(size)
        self.actions[ticker, file.kind] = action

    def _put(
        self,
        wanted: Object,
        path: Path,
        report: Callable[[int], None],
        about: About,
    ) -> None:
        """Store one object; stop between two parts if the upload is cancelled."""
        self._check_cancelled()
        sent, size = 0, wanted.content.size

        def progress(part: int) -> None:
            nonlocal sent
            sent += part
            report(sent)
            if sent < size:
                self._check_cancelled()

        self._inventory.storage.put(wanted.key, path, wanted.content.sha256, progress, about=about)

    def _check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise Interrupted("the upload was cancelled")

    def _cancel(self) -> None:
        self._cancelled.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for message in self._partial_uploads():
            self._observe(Warned(message))

    def _partial_uploads(self) -> Iterator[str]:
        """Yield a warning for each currency of which only one of the changed files was replaced."""
        for ticker in dict.fromkeys(ticker for ticker, _ in self._begun):
            actions = {kind: self.actions.get((ticker, kind)) for kind in KINDS}
            new = [kind for kind, action in actions.items() if action == "uploaded"]
            old = [kind for kind, action in actions.items() if action is None]
            if new and old:
                yield (
                    f"{ticker}: its {new[0]} file is uploaded and its {old[0]} file is not; "
                    "do not run it before the next `cryptoetl upload`, which completes it"
                )
