"""Copying raw files in parallel: in order, whole, and never half of a currency without a warning."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from cryptoetl.config.models import Currency
from cryptoetl.errors import AwsError, EnvironmentFault
from cryptoetl.events import Event, FileProgress, Observe, Transfer, Warned
from cryptoetl.local.home import Home
from cryptoetl.local.storage import LocalStorage
from cryptoetl.pipeline import checks, comparison, uploads
from cryptoetl.pipeline.checks import Checked, PlainForm
from cryptoetl.pipeline.comparison import Inventory
from cryptoetl.pipeline.results import CheckRules, UploadResult
from cryptoetl.raw_files import reading
from cryptoetl.raw_files.fingerprints import fingerprint
from cryptoetl.raw_files.verdicts import Verdicts
from cryptoetl.target.storage import NOTHING, About, Storage, StoredFile
from tests.fakes import Fakes, FakeStorage

HISTORY = "Date,Price\n01/02/2024,2.50\n01/01/2024,1\n"
TREND = "Week,x\n2024-01-07,5\n"
OBJECTS = ("source/history", "history.csv", "source/trend", "trend.csv")


@pytest.fixture
def currencies(tmp_path: Path) -> list[Currency]:
    made = []
    for ticker in ("BTC", "XMR", "ETH"):
        for kind, content in (("history", HISTORY), ("trend", TREND)):
            (tmp_path / f"{ticker} {kind}.csv").write_text(content)
        files = {kind: tmp_path / f"{ticker} {kind}.csv" for kind in ("history", "trend")}
        made.append(Currency.model_validate({"ticker": ticker, **files}))
    return made


def nothing(event: Event) -> None:
    pass


def copy(
    currencies: list[Currency],
    storage: Storage,
    observe: Observe = nothing,
    *,
    known: Verdicts | None = None,
    between: Callable[[Iterable[Checked]], Iterable[Checked]] = lambda checked: checked,
    dry_run: bool = False,
    strict: bool = False,
) -> UploadResult:
    """Upload as the use case does; `between` may interfere with the check."""
    rules = CheckRules(date(2024, 1, 10), known=known, strict=strict)
    with TemporaryDirectory() as scratch:
        plain = PlainForm(Path(scratch))
        checked = between(checks.each(currencies, rules, observe, plain=plain))
        return uploads.copy(checked, Inventory(storage, currencies), observe, Path(scratch), dry_run=dry_run)


def actions(result: UploadResult) -> dict[tuple[str, str], str]:
    return {(file.ticker, file.kind): file.action for file in result.files}


class Refusing(FakeStorage):
    """Refuses one key, once the others of its currency that come before it are stored."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.stored = threading.Event()

    def put(
        self,
        key: str,
        source: Path,
        sha256: str,
        on_bytes: Callable[[int], None],
        *,
        about: About = NOTHING,
    ) -> None:
        if key == self.key:
            self.stored.wait(10)
            raise AwsError("no")
        super().put(key, source, sha256, on_bytes, about=about)
        if key == "XMR/history.csv":
            self.stored.set()


def test_the_plain_form_and_the_users_bytes_with_their_name_are_stored(currencies: list[Currency]) -> None:
    storage = FakeStorage()
    copy(currencies[:1], storage)
    assert storage.files == {
        "BTC/source/history": HISTORY.encode(),
        "BTC/history.csv": b"Date,Price\n2024-01-01,1\n2024-01-02,2.50\n",
        "BTC/source/trend": TREND.encode(),
        "BTC/trend.csv": b"Date,Trend\n2024-01-07,5\n",
    }
    assert storage.names == {"BTC/source/history": "BTC history.csv", "BTC/source/trend": "BTC trend.csv"}


def test_results_are_in_the_order_of_the_currencies(currencies: list[Currency]) -> None:
    result = copy(currencies, FakeStorage())
    assert list(actions(result)) == [
        (ticker, kind) for ticker in ("BTC", "XMR", "ETH") for kind in ("history", "trend")
    ]
    assert {file.action for file in result.files} == {"uploaded"}


def test_what_is_to_be_copied_comes_first_and_each_file_to_its_end(currencies: list[Currency]) -> None:
    events: list[Event] = []
    copy(currencies[:1], FakeStorage(), events.append)
    total = len(HISTORY) + len(TREND)
    copying = [e for e in events if isinstance(e, Transfer) or (isinstance(e, FileProgress) and e.copied)]
    assert copying[0] == Transfer(2, total)
    ends = {e.file: e.total for e in copying if isinstance(e, FileProgress) and e.done == e.total}
    assert sum(ends.values()) == total


def test_a_dry_run_stores_nothing(currencies: list[Currency]) -> None:
    storage = FakeStorage()
    result = copy(currencies, storage, dry_run=True)
    assert {file.action for file in result.files} == {"to upload"}
    assert storage.files == {}


@pytest.mark.parametrize("key", ["XMR/source/trend", "XMR/trend.csv"])
def test_a_currency_with_one_new_and_one_old_file_is_warned_of(currencies: list[Currency], key: str) -> None:
    storage = Refusing(key)
    events: list[Event] = []
    with pytest.raises(AwsError):
        copy(currencies, storage, events.append)
    assert "XMR/history.csv" in storage.files
    assert "XMR/trend.csv" not in storage.files
    (warning,) = [e.message for e in events if isinstance(e, Warned) and e.message.startswith("XMR")]
    assert "its history file is uploaded and its trend file is not" in warning
    storage.key = ""
    done = actions(copy(currencies, storage))
    assert (done["XMR", "history"], done["XMR", "trend"]) == ("unchanged", "uploaded")


def test_a_file_that_is_not_the_one_that_was_checked_is_not_stored(tmp_path: Path) -> None:
    storage, source = LocalStorage(Home(tmp_path / "home")), tmp_path / "BTC.csv"
    source.write_text("old")
    found = fingerprint(source)
    storage.put("BTC/source/history", source, found.sha256, lambda _: None, about=About(name="é BTC.csv"))
    source.write_text("written meanwhile")
    with pytest.raises(EnvironmentFault, match=r"BTC\.csv was changed while it was being uploaded"):
        storage.put("BTC/source/history", source, found.sha256, lambda _: None)
    assert storage.sha256("BTC/source/history") == found.sha256
    folder = tmp_path / "home" / "lake" / "raw" / "BTC" / "source"
    assert sorted(path.name for path in folder.iterdir()) == ["history", "history.json"]
    assert (folder / "history.json").read_text(encoding="utf-8") == '{"name": "é BTC.csv"}\n'


def test_a_file_that_changes_after_the_check_replaces_nothing(currencies: list[Currency]) -> None:
    storage = FakeStorage()
    copy(currencies[:1], storage)
    before = dict(storage.files)

    class Strict(FakeStorage):
        """Verifies what it is given, as the real ones do."""

        def put(self, key: str, source: Path, sha256: str, *rest: object, about: About = NOTHING) -> None:
            if fingerprint(source).sha256 != sha256:
                raise EnvironmentFault("changed")

    def written_meanwhile(checked: Iterable[Checked]) -> Iterator[Checked]:
        for currency in checked:
            currency.currency.history.write_text(HISTORY.replace("2.50", "3.50"))
            yield currency

    strict = Strict()
    strict.files = storage.files
    currencies[0].history.write_text(HISTORY.replace("2.50", "7.50"))
    with pytest.raises(EnvironmentFault, match="changed"):
        copy(currencies[:1], strict, between=written_meanwhile)
    assert storage.files == before


def test_a_currency_is_copied_while_the_next_is_still_checked(currencies: list[Currency]) -> None:
    storage = FakeStorage()

    def slowly(checked: Iterable[Checked]) -> Iterator[Checked]:
        for number, currency in enumerate(checked):
            deadline = time.monotonic() + 10
            while len(storage.files) < len(OBJECTS) * number:  # until the currencies before are there
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield currency

    result = copy(currencies, storage, between=slowly)
    assert {file.action for file in result.files} == {"uploaded"}


def test_what_the_check_refuses_is_not_copied(currencies: list[Currency]) -> None:
    storage = FakeStorage()
    currencies[1].trend.write_text("Week,x\n2024-01-07,no\n")
    done = actions(copy(currencies, storage))
    assert {ticker: action for (ticker, _), action in done.items()} == {
        "BTC": "uploaded",
        "XMR": "refused",
        "ETH": "uploaded",
    }
    assert {key.partition("/")[0] for key in storage.files} == {"BTC", "ETH"}


def test_a_check_that_ends_with_an_error_ends_the_copies_too(currencies: list[Currency]) -> None:
    storage = FakeStorage()

    def failing(checked: Iterable[Checked]) -> Iterator[Checked]:
        yield next(iter(checked))
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        copy(currencies, storage, between=failing)
    assert set(storage.files) <= {f"BTC/{name}" for name in OBJECTS}


def test_a_changed_setting_is_a_change_of_the_plain_file_alone(currencies: list[Currency]) -> None:
    storage = FakeStorage()
    copy(currencies[:1], storage)
    before = dict(storage.files)
    changed = currencies[0].model_copy(update={"date_format": "dd/MM/yyyy"})
    assert actions(copy([changed], storage)) == {
        ("BTC", "history"): "uploaded",
        ("BTC", "trend"): "unchanged",
    }
    different = {key for key, content in storage.files.items() if before[key] != content}
    assert different == {"BTC/history.csv"}
    assert storage.files["BTC/history.csv"] == b"Date,Price\n2024-01-01,1\n2024-02-01,2.50\n"


def test_files_that_are_known_are_not_read_again_unless_they_have_to_be_stored(
    currencies: list[Currency], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = Verdicts(tmp_path / "verdicts.json")
    storage = FakeStorage()
    copy(currencies, storage, known=known)
    reads: list[object] = []
    original = reading.read

    def counted(*arguments: Any, **named: Any) -> Any:
        reads.append(arguments)
        return original(*arguments, **named)

    monkeypatch.setattr(reading, "read", counted)

    assert set(actions(copy(currencies, storage, known=known)).values()) == {"unchanged"}
    assert reads == []

    del storage.files["BTC/history.csv"]
    result = actions(copy(currencies, storage, known=known))
    assert result.pop(("BTC", "history")) == "uploaded"
    assert set(result.values()) == {"unchanged"}
    assert storage.files["BTC/history.csv"] == storage.files["ETH/history.csv"]
    assert len(reads) == 1


def test_what_is_stored_is_compared_with_what_is_here(currencies: list[Currency]) -> None:
    storage = FakeStorage()
    copy(currencies, storage)
    btc, xmr, eth = currencies
    btc.history.write_text(HISTORY.replace("2.50", "2.75"))
    del storage.files["XMR/trend.csv"], storage.files["ETH/source/history"]
    xmr = xmr.model_copy(update={"date_format": "dd/MM/yyyy"})
    fakes = Fakes()
    fakes.storage.files = storage.files
    assert comparison.states([btc, xmr, eth], fakes.target, CheckRules(date(2024, 1, 10))) == {
        ("BTC", "history"): "other",
        ("BTC", "trend"): "same",
        ("XMR", "history"): "other",  # other settings make another plain form
        ("XMR", "trend"): "absent",
        ("ETH", "history"): "other",
        ("ETH", "trend"): "same",
    }


class Knowing(FakeStorage):
    """A listing that has the MD5 of some, as S3 does; counts what else it is asked."""

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
    storage = Knowing({"BTC/source/history": fingerprint(btc[0].history).md5})
    copy(btc, storage)
    assert set(actions(copy(btc, storage)).values()) == {"unchanged"}
    assert sorted(storage.asked) == ["BTC/history.csv", "BTC/source/trend", "BTC/trend.csv"]
    btc[0].trend.write_text(TREND + "2024-01-14,50\n")  # another size is enough to know
    storage.asked.clear()
    assert actions(copy(btc, storage, dry_run=True))["BTC", "trend"] == "to upload"
    assert storage.asked == ["BTC/history.csv"]


# --- a history that replaces another ------------------------------------------------------------------


def write_prices(currency: Currency, first: date, days: int, factor: float = 1.0) -> None:
    lines = [
        f"{first + timedelta(number):%m/%d/%Y},{factor * (100 + number % 7):.4f}" for number in range(days)
    ]
    currency.history.write_text("\n".join(["Date,Price", *lines]) + "\n")


FIRST = date(2022, 5, 15)
LOST = "it covers 90 days less than the uploaded file: 2022-05-15 – 2022-08-12 are lost"


@pytest.fixture
def uploaded(currencies: list[Currency]) -> FakeStorage:
    """What is stored after an upload of 600 days of each currency."""
    storage = FakeStorage()
    for currency in currencies:
        write_prices(currency, FIRST, 600)
    copy(currencies, storage)
    return storage


def findings(result: UploadResult, ticker: str) -> list[str]:
    (verdict,) = (verdict for verdict in result.check.currencies if verdict.ticker == ticker)
    ours = ("it covers", "it does not cover", "its prices")
    return [
        f"{found.severity}: {found.message}"
        for found in verdict.history.findings
        if found.message.startswith(ours)
    ]


def test_a_history_with_fewer_days_is_uploaded_with_a_warning(
    currencies: list[Currency], uploaded: FakeStorage
) -> None:
    write_prices(currencies[0], FIRST + timedelta(90), 510)
    result = copy(currencies, uploaded)
    assert findings(result, "BTC") == [f"warning: {LOST}"]
    assert findings(result, "XMR") == []
    assert actions(result)["BTC", "history"] == "uploaded"
    assert result.exit_code == 0
    assert findings(copy(currencies, uploaded), "BTC") == []  # it is what is uploaded now


def test_with_strict_nothing_of_the_currency_is_uploaded(
    currencies: list[Currency], uploaded: FakeStorage
) -> None:
    before = dict(uploaded.files)
    write_prices(currencies[0], FIRST + timedelta(90), 510)
    currencies[0].trend.write_text(TREND + "2023-12-31,50\n")
    write_prices(currencies[1], FIRST, 601)

    result = copy(currencies, uploaded, strict=True)

    assert findings(result, "BTC") == [f"error: {LOST}"]
    assert actions(result) == {
        ("BTC", "history"): "refused",
        ("BTC", "trend"): "refused",
        ("XMR", "history"): "uploaded",
        ("XMR", "trend"): "unchanged",
        ("ETH", "history"): "unchanged",
        ("ETH", "trend"): "unchanged",
    }
    assert result.exit_code == 1
    changed = {key for key, content in uploaded.files.items() if content != before[key]}
    assert changed == {"XMR/history.csv", "XMR/source/history"}
    assert uploaded.files.keys() == before.keys()


def test_prices_of_another_magnitude_are_warned_of_also_in_a_dry_run(
    currencies: list[Currency], uploaded: FakeStorage
) -> None:
    before = dict(uploaded.files)
    write_prices(currencies[0], FIRST, 600, factor=40.0)
    (warning,) = findings(copy(currencies, uploaded, dry_run=True), "BTC")
    assert "another order of magnitude than the uploaded ones" in warning
    assert uploaded.files == before


def test_another_column_of_the_same_file_is_compared_too(
    currencies: list[Currency], uploaded: FakeStorage
) -> None:
    btc = currencies[0]
    btc.history.write_text(btc.history.read_text().replace("\n", ",5\n").replace("Price,5", "Price,Volume"))
    changed = btc.model_copy(update={"price_column": "Volume"})
    assert len(findings(copy([changed], uploaded), "BTC")) == 1


def test_a_history_that_was_read_by_an_earlier_check_is_compared_too(
    currencies: list[Currency], uploaded: FakeStorage, tmp_path: Path
) -> None:
    known = Verdicts(tmp_path / "verdicts.json")
    write_prices(currencies[0], FIRST + timedelta(90), 510)
    copy(currencies, uploaded, dry_run=True, known=known)
    again = Verdicts(tmp_path / "verdicts.json")
    assert findings(copy(currencies, uploaded, known=again), "BTC") == [f"warning: {LOST}"]


def test_what_was_uploaded_without_a_summary_gives_no_warning(
    currencies: list[Currency], uploaded: FakeStorage
) -> None:
    write_prices(currencies[0], FIRST + timedelta(90), 510)
    write_prices(currencies[1], FIRST + timedelta(90), 510)
    del uploaded.summaries["BTC/history.csv"]
    uploaded.summaries["XMR/history.csv"] = "?"
    result = copy(currencies, uploaded)
    assert findings(result, "BTC") == findings(result, "XMR") == []


def test_a_summary_is_asked_for_only_if_a_history_is_replaced(
    currencies: list[Currency], uploaded: FakeStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(uploaded, "summary", asked.append)
    currencies[0].trend.write_text(TREND + "2023-12-31,50\n")
    write_prices(currencies[1], FIRST, 601)
    copy(currencies, uploaded)
    assert asked == ["XMR/history.csv"]


def test_the_local_storage_keeps_a_summary_only_of_the_file_that_it_has(tmp_path: Path) -> None:
    storage, source = LocalStorage(Home(tmp_path / "home")), tmp_path / "BTC.csv"
    source.write_text("old")
    found = fingerprint(source)
    storage.put("BTC/history.csv", source, found.sha256, lambda _: None, about=About(summary="[1]"))
    assert storage.summary("BTC/history.csv") == "[1]"
    assert storage.summary("XMR/history.csv") is None
    source.write_text("written meanwhile")
    with pytest.raises(EnvironmentFault):
        storage.put("BTC/history.csv", source, found.sha256, lambda _: None, about=About(summary="[2]"))
    assert storage.summary("BTC/history.csv") is None
