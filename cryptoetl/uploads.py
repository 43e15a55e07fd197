"""Copying raw files: several at once, told in order, and never half of a currency without a word.

What changed is found out first, for all files: that is the plan that `upload --dry-run` shows and that an
upload carries out. Each currency is copied as soon as it has passed the check, while the next is read.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

from cryptoetl import bundle as bundles
from cryptoetl.config import Currency
from cryptoetl.errors import Interrupted
from cryptoetl.results import (
    CheckResult,
    CurrencyCheck,
    FileProgress,
    Observe,
    Transfer,
    UploadAction,
    UploadedFile,
    UploadResult,
    Warned,
)
from cryptoetl.side_by_side import AT_ONCE, side_by_side
from cryptoetl.target import Fingerprint, Storage

Kind = Literal["history", "trend"]
KINDS: tuple[Kind, ...] = ("history", "trend")

Stored = Literal["same", "other", "absent"]
"""What is under a key: this very content, other content, nothing."""

_CHUNK = 1 << 20


class _RawFile(NamedTuple):
    """A raw file, and the key that it is stored under."""

    ticker: str
    kind: Kind
    source: Path
    key: str


class ComparedFile(NamedTuple):
    """A raw file as it was compared, and what is to become of it."""

    raw: _RawFile
    fingerprint: Fingerprint
    action: UploadAction


def compare(currencies: Sequence[Currency], storage: Storage) -> list[ComparedFile]:
    """Every file of the currencies, beside what is stored; nothing is changed. Raises OSError."""
    raw_files = _raw_files(currencies)
    prints, stored = _beside(raw_files, storage)
    return [
        ComparedFile(
            file,
            prints.get(file.key) or fingerprint(file.source),  # which says why it cannot be read
            "unchanged" if stored[file.key] == "same" else "to upload",
        )
        for file in raw_files
    ]


def copy(
    files: Sequence[ComparedFile],
    checks: Iterable[CurrencyCheck],
    storage: Storage,
    observe: Observe,
    *,
    dry_run: bool = False,
) -> UploadResult:
    """Copy the files that changed of the currencies that pass; `checks` has the verdict on each.

    `observe` is called from several threads. If it cannot go on, the currencies of which only one file was
    replaced are told as warnings before the error is raised. The next upload copies what is missing, and
    no more.
    """
    changed: dict[str, list[ComparedFile]] = {}
    for file in files:
        if file.action == "to upload":
            changed.setdefault(file.raw.ticker, []).append(file)
    if not dry_run:
        sizes = [file.fingerprint.size for of_currency in changed.values() for file in of_currency]
        observe(Transfer(len(sizes), sum(sizes)))
    verdicts: list[CurrencyCheck] = []
    with _Copies(storage, observe) as copies:
        for verdict in checks:
            verdicts.append(verdict)
            if verdict.ok and not dry_run:
                copies.begin(changed.get(verdict.ticker, ()))
    checked = CheckResult(tuple(verdicts))
    refused = checked.refused
    return UploadResult(
        checked,
        tuple(
            UploadedFile(
                raw.ticker,
                raw.kind,
                raw.source,
                storage.location(raw.key),
                "refused" if raw.ticker in refused else "uploaded" if raw.key in copies.done else action,
                found.size,
            )
            for raw, found, action in files
        ),
    )


def fingerprint(path: Path) -> Fingerprint:
    """What tells a file's content from another. Raises OSError."""
    size, sha256, md5 = 0, hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb", buffering=0) as file:
        modified = os.fstat(file.fileno()).st_mtime_ns
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            sha256.update(chunk)
            md5.update(chunk)
    return Fingerprint(size, sha256.hexdigest(), md5.hexdigest(), modified)


def states(currencies: Sequence[Currency], storage: Storage) -> Mapping[tuple[str, Kind], Stored]:
    """By ticker and kind of file, what is stored beside the file here.

    Whatever is stored counts as "same" where there is no file here that it could differ from.
    """
    raw_files = _raw_files(currencies)
    prints, stored = _beside(raw_files, storage)
    return {
        (file.ticker, file.kind): "same"
        if file.key not in prints and stored[file.key] == "other"
        else stored[file.key]
        for file in raw_files
    }


def _beside(
    files: Sequence[_RawFile], storage: Storage
) -> tuple[Mapping[str, Fingerprint], Mapping[str, Stored]]:
    """By key, what the files here are, those that are there, and what is stored beside them."""
    with ThreadPoolExecutor(1) as pool:
        listing = pool.submit(storage.listing, {file.key for file in files})  # while the files are read
        prints = _fingerprints([file for file in files if file.source.is_file()])
        found = listing.result()
    states: dict[str, Stored] = {file.key: "other" if file.key in found else "absent" for file in files}
    doubtful = []
    for key, here in prints.items():
        there = found.get(key)
        if there is not None and there.size == here.size:
            if there.md5 == here.md5:
                states[key] = "same"
            else:
                doubtful.append(key)
    for key, sha256 in zip(doubtful, side_by_side(storage.sha256, doubtful), strict=True):
        if sha256 == prints[key].sha256:
            states[key] = "same"
    return prints, states


def _raw_files(currencies: Sequence[Currency]) -> list[_RawFile]:
    return [
        _RawFile(currency.ticker, kind, getattr(currency, kind), bundles.raw_key(currency, kind))
        for currency in currencies
        for kind in KINDS
    ]


def _fingerprints(files: Sequence[_RawFile]) -> dict[str, Fingerprint]:
    """By key."""
    prints = side_by_side(lambda file: fingerprint(file.source), files)
    return {file.key: found for file, found in zip(files, prints, strict=True)}


class _Copies:
    """Copies under way: a block at whose end all that were begun are done, or an exception says why not."""

    def __init__(self, storage: Storage, observe: Observe) -> None:
        self._storage = storage
        self._observe = observe
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="upload")
        self._given_up = threading.Event()
        self._begun: list[ComparedFile] = []
        self._copies: list[Future[None]] = []
        self.done: set[str] = set()
        """Keys of what is stored."""

    def begin(self, files: Iterable[ComparedFile]) -> None:
        """Copy these, in the background. Raises what an earlier copy has failed with."""
        for copy in (ended := {copy for copy in self._copies if copy.done()}):
            copy.result()
        self._copies = [copy for copy in self._copies if copy not in ended]
        for file in files:
            self._begun.append(file)
            self._copies.append(self._pool.submit(self._put, file))

    def __enter__(self) -> _Copies:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
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

    def _put(self, file: ComparedFile) -> None:
        (ticker, _, source, key), found, _ = file
        sent, size = 0, found.size

        def progress(part: int) -> None:
            nonlocal sent
            sent += part
            self._observe(FileProgress(ticker, source, sent, size, copied=True))
            if self._given_up.is_set() and sent < size:
                raise Interrupted("the upload was given up")

        self._storage.put(key, source, found.sha256, progress)
        self.done.add(key)

    def _give_up(self) -> None:
        self._given_up.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for message in self._half_done():
            self._observe(Warned(message))

    def _half_done(self) -> Iterator[str]:
        """A line for each currency of which one file was replaced and the other should have been."""
        by_ticker: dict[str, list[_RawFile]] = {}
        for file in self._begun:
            by_ticker.setdefault(file.raw.ticker, []).append(file.raw)
        for ticker, of_currency in by_ticker.items():
            new = [file.kind for file in of_currency if file.key in self.done]
            old = [file.kind for file in of_currency if file.key not in self.done]
            if new and old:
                yield (
                    f"{ticker}: its {new[0]} file is uploaded and its {old[0]} file is not; "
                    "do not run it before the next `cryptoetl upload`, which finishes it"
                )
