"""Copying raw files side by side: in order, whole, and never half of a currency without a word."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from cryptoetl import uploads
from cryptoetl.config import Currency
from cryptoetl.errors import AwsError, EnvironmentFault
from cryptoetl.findings import FileReport
from cryptoetl.local.home import Home
from cryptoetl.local.storage import LocalStorage
from cryptoetl.results import CurrencyCheck, Event, FileProgress, Transfer, UploadResult, Warned
from cryptoetl.target import StoredFile
from tests.fakes import FakeStorage


@pytest.fixture
def currencies(tmp_path: Path) -> list[Currency]:
    made = []
    for ticker in ("BTC", "XMR", "ETH"):
        for kind in ("history", "trend"):
            (tmp_path / f"{ticker}_{kind}").write_text(f"{ticker} {kind}")
        files = {kind: tmp_path / f"{ticker}_{kind}" for kind in ("history", "trend")}
        made.append(Currency.model_validate({"ticker": ticker, **files}))
    return made


def passed(currencies: list[Currency]) -> Iterator[CurrencyCheck]:
    return (
        CurrencyCheck(c.ticker, FileReport("history", c.history), FileReport("trend", c.trend))
        for c in currencies
    )


def copy(currencies: list[Currency], storage: FakeStorage, *, dry_run: bool = False) -> UploadResult:
    compared = uploads.compare(currencies, storage)
    return uploads.copy(compared, passed(currencies), storage, lambda _: None, dry_run=dry_run)


class Refusing(FakeStorage):
    """Refuses one key, once every other of its currency is stored."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.stored = threading.Event()

    def put(self, key: str, source: Path, sha256: str, on_bytes: Callable[[int], None]) -> None:
        if key == self.key:
            self.stored.wait(10)
            raise AwsError("no")
        super().put(key, source, sha256, on_bytes)
        if key.partition("/")[0] == self.key.partition("/")[0]:
            self.stored.set()


def test_results_are_in_the_order_of_the_currencies(currencies: list[Currency]) -> None:
    result = uploads.copy(
        uploads.compare(currencies, FakeStorage()), passed(currencies), FakeStorage(), lambda _: None
    )
    assert [(file.ticker, file.kind) for file in result.files] == [
        (ticker, kind) for ticker in ("BTC", "XMR", "ETH") for kind in ("history", "trend")
    ]
    assert {file.action for file in result.files} == {"uploaded"}


def test_what_is_to_be_copied_is_told_first_and_each_file_to_its_end(currencies: list[Currency]) -> None:
    events: list[Event] = []
    uploads.copy(uploads.compare(currencies, FakeStorage()), passed(currencies), FakeStorage(), events.append)
    total = sum(c.history.stat().st_size + c.trend.stat().st_size for c in currencies)
    assert events[0] == Transfer(6, total)
    assert sum(e.total for e in events if isinstance(e, FileProgress) and e.done == e.total) == total


def test_a_dry_run_stores_nothing(currencies: list[Currency]) -> None:
    storage = FakeStorage()
    result = uploads.copy(
        uploads.compare(currencies, storage), passed(currencies), storage, lambda _: None, dry_run=True
    )
    assert {file.action for file in result.files} == {"to upload"}
    assert storage.files == {}


def test_a_currency_with_one_new_and_one_old_file_is_told(currencies: list[Currency]) -> None:
    storage = Refusing("XMR/trend.csv")
    events: list[Event] = []
    with pytest.raises(AwsError):
        uploads.copy(uploads.compare(currencies, storage), passed(currencies), storage, events.append)
    assert "XMR/history.csv" in storage.files
    (warning,) = [e.message for e in events if isinstance(e, Warned) and e.message.startswith("XMR")]
    assert "its history file is uploaded and its trend file is not" in warning
    storage.key = ""
    result = copy(currencies, storage)
    assert {(f.ticker, f.kind): f.action for f in result.files}["XMR", "trend"] == "uploaded"
    assert {(f.ticker, f.kind): f.action for f in result.files}["XMR", "history"] == "unchanged"


def test_a_file_that_is_not_the_one_that_was_compared_is_not_stored(tmp_path: Path) -> None:
    storage, source = LocalStorage(Home(tmp_path / "home")), tmp_path / "BTC.csv"
    source.write_text("old")
    found = uploads.fingerprint(source)
    storage.put("BTC/history.csv", source, found.sha256, lambda _: None)
    source.write_text("written meanwhile")
    with pytest.raises(EnvironmentFault, match=r"BTC\.csv was changed while it was being uploaded"):
        storage.put("BTC/history.csv", source, found.sha256, lambda _: None)
    assert storage.sha256("BTC/history.csv") == found.sha256
    assert [path.name for path in (tmp_path / "home" / "lake" / "raw" / "BTC").iterdir()] == ["history.csv"]


def test_a_currency_is_copied_while_the_next_is_still_checked(currencies: list[Currency]) -> None:
    storage = FakeStorage()

    def checks() -> Iterator[CurrencyCheck]:
        for number, verdict in enumerate(passed(currencies)):
            deadline = time.monotonic() + 10
            while len(storage.files) < 2 * number:  # until the currencies before are there
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield verdict

    result = uploads.copy(uploads.compare(currencies, storage), checks(), storage, lambda _: None)
    assert {file.action for file in result.files} == {"uploaded"}


def test_what_the_check_refuses_is_not_copied(currencies: list[Currency]) -> None:
    storage = FakeStorage()

    def checks() -> Iterator[CurrencyCheck]:
        for verdict in passed(currencies):
            if verdict.ticker == "XMR":
                verdict.trend.error(1, "no")
            yield verdict

    result = uploads.copy(uploads.compare(currencies, storage), checks(), storage, lambda _: None)
    actions = {file.ticker: file.action for file in result.files}
    assert actions == {"BTC": "uploaded", "XMR": "refused", "ETH": "uploaded"}
    assert {key.partition("/")[0] for key in storage.files} == {"BTC", "ETH"}


def test_a_check_that_ends_with_an_error_ends_the_copies_too(currencies: list[Currency]) -> None:
    storage = FakeStorage()

    def checks() -> Iterator[CurrencyCheck]:
        yield from list(passed(currencies))[:1]
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        uploads.copy(uploads.compare(currencies, storage), checks(), storage, lambda _: None)
    assert set(storage.files) <= {"BTC/history.csv", "BTC/trend.csv"}


def test_what_is_stored_is_told_beside_what_is_here(currencies: list[Currency]) -> None:
    storage = FakeStorage()
    copy(currencies, storage)
    btc, xmr, eth = currencies
    btc.history.write_text("other")
    xmr.history.unlink()
    del storage.files["XMR/trend.csv"], storage.files["ETH/trend.csv"]
    eth.trend.unlink()
    assert uploads.states(currencies, storage) == {
        ("BTC", "history"): "other",
        ("BTC", "trend"): "same",
        ("XMR", "history"): "same",  # there is nothing that it could differ from
        ("XMR", "trend"): "absent",
        ("ETH", "history"): "same",
        ("ETH", "trend"): "absent",
    }


class Knowing(FakeStorage):
    """A listing that tells the MD5 of some, as S3 does; counts what else it is asked."""

    def __init__(self, md5: dict[str, str]) -> None:
        super().__init__()
        self.md5 = md5
        self.asked: list[str] = []

    def listing(self, keys: Collection[str]) -> Mapping[str, StoredFile]:
        return {key: replace(there, md5=self.md5.get(key)) for key, there in super().listing(keys).items()}

    def sha256(self, key: str) -> str | None:
        self.asked.append(key)
        return super().sha256(key)


def test_only_what_a_listing_cannot_tell_is_asked_for(currencies: list[Currency]) -> None:
    btc = currencies[:1]
    storage = Knowing({"BTC/history.csv": uploads.fingerprint(btc[0].history).md5})
    copy(btc, storage)
    assert {file.action for file in uploads.compare(btc, storage)} == {"unchanged"}
    assert storage.asked == ["BTC/trend.csv"]
    btc[0].trend.write_text("of another size, which is enough to know")
    storage.asked.clear()
    assert [file.action for file in uploads.compare(btc, storage)] == ["unchanged", "to upload"]
    assert storage.asked == []
