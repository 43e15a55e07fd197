"""Upload raw files in parallel: the plain form that the scripts read, and the users' bytes beside it.

A currency is copied as soon as it has passed the check, while the next one is read. Of each file the user's
bytes come first and the plain form last: until that is there, a run reads what it read before.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Literal, NamedTuple

from cryptoetl.config.models import Config, Currency
from cryptoetl.errors import Interrupted
from cryptoetl.events import FileProgress, Observe, Phase, Transfer, Warned
from cryptoetl.pipeline import checks, uploads
from cryptoetl.pipeline.checks import Checked, CheckedFile
from cryptoetl.pipeline.results import (
    CheckResult,
    CheckRules,
    UploadAction,
    UploadedFile,
    UploadResult,
)
from cryptoetl.raw_files.findings import Kind
from cryptoetl.raw_files.fingerprints import Fingerprint, fingerprint
from cryptoetl.state_machine import bundle as bundles
from cryptoetl.target import Target
from cryptoetl.target.storage import Storage, StoredFile
from cryptoetl.util.concurrency import MAX_THREADS, map_in_threads, serialized

KINDS: tuple[Kind, ...] = ("history", "trend")

Stored = Literal["same", "other", "absent"]
"""What is under a key: this very content, other content, nothing."""


class _Object(NamedTuple):
    """Content that belongs under a key."""

    key: str
    content: Fingerprint


def keys(currencies: Iterable[Currency]) -> set[str]:
    """Return the keys of everything that is stored of the currencies."""
    makers = (bundles.raw_key, bundles.source_key)
    return {key(currency, kind) for currency in currencies for kind in KINDS for key in makers}


def fingerprints(currencies: Iterable[Currency]) -> dict[Path, Fingerprint]:
    """Return the fingerprints of the currencies' files, read several at once. Raises OSError."""
    paths = list(dict.fromkeys(path for currency in currencies for path in checks.files(currency)))
    return dict(zip(paths, map_in_threads(fingerprint, paths), strict=True))


def copy(
    checked: Iterable[Checked],
    listed: Mapping[str, StoredFile],
    storage: Storage,
    observe: Observe,
    scratch: Path,
    *,
    dry_run: bool = False,
) -> UploadResult:
    """Copy the files that changed of the currencies that pass; a dry run only compares.

    `observe` is called from several threads. If it cannot go on, warn of the currencies of which only one
    file was replaced, and raise the error. The next upload copies what is missing, and no more.
    """
    verdicts: list[Checked] = []
    with _Copies(listed, storage, observe, scratch, dry_run=dry_run) as copies:
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
                storage.location(bundles.raw_key(checked.currency, file.kind)),
                copies.actions.get((checked.currency.ticker, file.kind), "refused"),
                file.fingerprint.size,
            )
            for checked in verdicts
            for file in checked.files
        ),
    )


def states(
    files: Iterable[tuple[Currency, CheckedFile]], listed: Mapping[str, StoredFile], storage: Storage
) -> Mapping[tuple[str, Kind], Stored]:
    """Return, by ticker and kind of file, what is stored beside the files here."""
    files = list(files)

    def state(pair: tuple[Currency, CheckedFile]) -> Stored:
        currency, file = pair
        if bundles.raw_key(currency, file.kind) not in listed:
            return "absent"
        return "same" if not list(_different(currency, file, listed, storage)) else "other"

    return {
        (currency.ticker, file.kind): found
        for (currency, file), found in zip(files, map_in_threads(state, files), strict=True)
    }


def _objects(currency: Currency, file: CheckedFile) -> list[_Object]:
    """Return what is stored of a file, in the order in which it is written."""
    source = _Object(bundles.source_key(currency, file.kind), file.fingerprint)
    if file.plain is None:  # the check refused it: its plain form is not known
        return [source]
    return [source, _Object(bundles.raw_key(currency, file.kind), file.plain.fingerprint)]


def _different(
    currency: Currency, file: CheckedFile, listed: Mapping[str, StoredFile], storage: Storage
) -> Iterator[_Object]:
    """Yield the objects of a file that are not stored as they should be."""
    for wanted in _objects(currency, file):
        stored, content = listed.get(wanted.key), wanted.content
        if (
            stored is None
            or stored.size != content.size
            or (stored.md5 != content.md5 and storage.sha256(wanted.key) != content.sha256)
        ):
            yield wanted


class _Copies:
    """Copies under way: a block at whose end all that were begun are done, or an exception says why not."""

    def __init__(
        self,
        listed: Mapping[str, StoredFile],
        storage: Storage,
        observe: Observe,
        scratch: Path,
        *,
        dry_run: bool,
    ) -> None:
        self._listed = listed
        self._storage = storage
        self._observe = observe
        self._scratch = scratch
        self._dry_run = dry_run
        self._pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="upload")
        self._given_up = threading.Event()
        self._begun: list[tuple[str, Kind]] = []
        self._copies: list[Future[None]] = []
        self.actions: dict[tuple[str, Kind], UploadAction] = {}
        """What was done with each file of the currencies that pass."""

    def begin(self, checked: Checked) -> None:
        """Copy a currency's files, in the background. Raises what an earlier copy has failed with."""
        for copy in (ended := {copy for copy in self._copies if copy.done()}):
            copy.result()
        self._copies = [copy for copy in self._copies if copy not in ended]
        if not checked.verdict.ok:
            return
        self._observe(Transfer(len(KINDS), sum(file.fingerprint.size for file in checked.files)))
        for file in checked.files:
            self._begun.append((checked.currency.ticker, file.kind))
            self._copies.append(self._pool.submit(self._bring, checked, file))

    def __enter__(self) -> _Copies:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                for copy in self._copies:
                    copy.result()
        except BaseException:
            self._give_up()
            raise
        else:
            if kind is not None:
                self._give_up()
        finally:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _bring(self, checked: Checked, file: CheckedFile) -> None:
        """Store what differs of one file."""
        ticker = checked.currency.ticker
        action: UploadAction = "unchanged"
        for wanted in _different(checked.currency, file, self._listed, self._storage):
            action = "to upload" if self._dry_run else "uploaded"
            if self._dry_run:
                break
            if wanted.key == bundles.source_key(checked.currency, file.kind):
                self._put(wanted, file.source, ticker, file.source, name=file.source.name)
            else:
                assert file.plain is not None, "objects of refused files are never copied"
                path = file.plain.path or checks.write_plain(checked, file.kind, self._scratch)
                self._put(wanted, path, ticker, file.source)
                path.unlink()
        size = file.fingerprint.size
        self._observe(FileProgress(ticker, file.source, size, size, copied=True))
        self.actions[ticker, file.kind] = action

    def _put(
        self, wanted: _Object, path: Path, ticker: str, shown_as: Path, *, name: str | None = None
    ) -> None:
        sent, size = 0, wanted.content.size

        def progress(part: int) -> None:
            nonlocal sent
            sent += part
            if name is not None:
                self._observe(FileProgress(ticker, shown_as, sent, size, copied=True))
            if self._given_up.is_set() and sent < size:
                raise Interrupted("the upload was given up")

        if self._given_up.is_set():
            raise Interrupted("the upload was given up")
        self._storage.put(wanted.key, path, wanted.content.sha256, progress, name=name)

    def _give_up(self) -> None:
        self._given_up.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for message in self._half_done():
            self._observe(Warned(message))

    def _half_done(self) -> Iterator[str]:
        """A line for each currency of which one file was replaced and the other should have been."""
        for ticker in dict.fromkeys(ticker for ticker, _ in self._begun):
            actions = {kind: self.actions.get((ticker, kind)) for kind in KINDS}
            new = [kind for kind, action in actions.items() if action == "uploaded"]
            old = [kind for kind, action in actions.items() if action is None]
            if new and old:
                yield (
                    f"{ticker}: its {new[0]} file is uploaded and its {old[0]} file is not; "
                    "do not run it before the next `cryptoetl upload`, which finishes it"
                )


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
        return check_and_copy(currencies, rules, target, observe, dry_run=dry_run)


def check_and_copy(
    currencies: Sequence[Currency],
    rules: CheckRules,
    target: Target,
    observe: Observe,
    *,
    dry_run: bool = False,
) -> UploadResult:
    observe(Phase("upload"))
    observe = serialized(observe)
    with ThreadPoolExecutor(1) as pool, TemporaryDirectory(prefix="cryptoetl-") as folder:
        scratch = Path(folder)
        listing = pool.submit(target.storage.listing, uploads.keys(currencies))  # while the files are read
        prints = uploads.fingerprints(currencies)
        checked = checks.each(currencies, rules, observe, in_plain=True, scratch=scratch, prints=prints)
        return uploads.copy(checked, listing.result(), target.storage, observe, scratch, dry_run=dry_run)


def not_uploaded(config: Config, target: Target, tickers: Iterable[str], rules: CheckRules) -> list[str]:
    """A line for each currency whose local files are not those that this run will read."""
    wanted = set(tickers)
    currencies = [currency for currency in config.currencies if currency.ticker in wanted]
    states = stored_states(currencies, target, rules)
    return [
        f"{currency.ticker}: its {' and '.join(named)} file is {words}; "
        "`cryptoetl upload` brings it up to date"
        for currency in currencies
        for state, words in (("absent", "not uploaded yet"), ("other", "changed since its upload"))
        if (named := [kind for kind in uploads.KINDS if states.get((currency.ticker, kind)) == state])
    ]


def stored_states(
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
    whole = [currency for currency in currencies if has_files(currency)]
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


def has_files(currency: Currency) -> bool:
    return all(file.is_file() for file in checks.files(currency))
