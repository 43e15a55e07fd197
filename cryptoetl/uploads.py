"""Copying raw files: several at once, told in order, and never half of a currency without a word.

What changed is found out first, for all files; that is the plan that `upload --dry-run` shows and that an
upload carries out.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

from cryptoetl import bundle as bundles
from cryptoetl.config import Currency
from cryptoetl.errors import CryptoetlError, Interrupted
from cryptoetl.results import (
    CheckResult,
    FileProgress,
    Observe,
    Transfer,
    UploadAction,
    UploadedFile,
    UploadResult,
    Warned,
)
from cryptoetl.target import Storage

AT_ONCE = 8
"""Files that are compared or copied side by side: what a client's pool of connections (10) carries."""

Kind = Literal["history", "trend"]
KINDS: tuple[Kind, ...] = ("history", "trend")

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class _File:
    """A raw file and what is to become of it; `sha256` is of the file as it was compared."""

    currency: Currency
    kind: Kind
    location: str
    action: UploadAction
    sha256: str = ""
    size: int = 0

    @property
    def source(self) -> Path:
        path: Path = getattr(self.currency, self.kind)
        return path

    @property
    def key(self) -> str:
        return bundles.raw_key(self.currency, self.kind)

    def result(self) -> UploadedFile:
        return UploadedFile(
            self.currency.ticker, self.kind, self.source, self.location, self.action, self.size
        )


def copy(
    currencies: Sequence[Currency],
    checked: CheckResult,
    storage: Storage,
    observe: Observe,
    *,
    dry_run: bool = False,
) -> UploadResult:
    """Copy the files that changed of the currencies that passed the check.

    If it cannot go on, the currencies of which only one file was replaced are told as warnings before the
    error is raised. The next upload copies what is missing, and no more.
    """
    files = [
        _File(
            currency,
            kind,
            storage.location(bundles.raw_key(currency, kind)),
            "refused" if currency.ticker in checked.refused else "to upload",
            size=getattr(currency, kind).stat().st_size,
        )
        for currency in currencies
        for kind in KINDS
    ]
    files = list(_side_by_side(lambda file: _compared(file, storage), files))
    if not dry_run:
        files = _upload(files, storage, observe)
    return UploadResult(checked, tuple(file.result() for file in files))


def _compared(file: _File, storage: Storage) -> _File:
    if file.action == "refused":
        return file
    digest = sha256(file.source)
    return replace(
        file, sha256=digest, action="unchanged" if storage.digest(file.key) == digest else "to upload"
    )


def sha256(path: Path) -> str:
    """In hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _upload(files: Sequence[_File], storage: Storage, observe: Observe) -> list[_File]:
    waiting = [file for file in files if file.action == "to upload"]
    observe(Transfer(len(waiting), sum(file.size for file in waiting)))
    done: set[str] = set()
    given_up = threading.Event()
    turn = threading.Lock()

    def put(file: _File) -> None:
        sent = 0

        def progress(part: int) -> None:
            nonlocal sent
            sent += part
            with turn:
                observe(FileProgress(file.currency.ticker, file.source, sent, file.size))
            if given_up.is_set() and sent < file.size:
                raise Interrupted("the upload was given up")

        storage.put(file.key, file.source, file.sha256, progress)
        done.add(file.key)

    try:
        for _ in _side_by_side(put, waiting, on_failure=given_up.set):
            pass
    except (CryptoetlError, OSError, KeyboardInterrupt):
        for message in _half_done(waiting, done):
            observe(Warned(message))
        raise
    return [replace(file, action="uploaded") if file.key in done else file for file in files]


def _half_done(waiting: Iterable[_File], done: set[str]) -> Iterator[str]:
    """A line for each currency of which one file was replaced and the other should have been."""
    by_ticker: dict[str, list[_File]] = {}
    for file in waiting:
        by_ticker.setdefault(file.currency.ticker, []).append(file)
    for ticker, of_currency in by_ticker.items():
        new = [file.kind for file in of_currency if file.key in done]
        old = [file.kind for file in of_currency if file.key not in done]
        if new and old:
            yield (
                f"{ticker}: its {new[0]} file is uploaded and its {old[0]} file is not; "
                "do not run it before the next `cryptoetl upload`, which finishes it"
            )


def _side_by_side(
    work: Callable[[Argument], Answer],
    arguments: Sequence[Argument],
    on_failure: Callable[[], None] = lambda: None,
) -> Iterator[Answer]:
    """What `work` returns, in the order of the arguments. After a failure, which is raised, none is begun."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="upload") as pool:
        futures = [pool.submit(work, argument) for argument in arguments]
        try:
            for future in futures:
                yield future.result()
        except BaseException:
            on_failure()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
