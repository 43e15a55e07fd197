"""Comparison of the users' files with what is stored of them.

Of each raw file two objects are stored: the user's bytes, and the plain form that the scripts read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from cryptoetl.config.models import Config, Currency
from cryptoetl.pipeline import checks
from cryptoetl.pipeline.checks import CheckedFile, PlainForm
from cryptoetl.pipeline.results import CheckRules
from cryptoetl.raw_files import summaries
from cryptoetl.raw_files.findings import Kind
from cryptoetl.raw_files.fingerprints import Fingerprint, fingerprint
from cryptoetl.state_machine import bundle as bundles
from cryptoetl.target import Target
from cryptoetl.target.storage import Storage, StoredFile
from cryptoetl.util.concurrency import map_in_threads

KINDS: tuple[Kind, ...] = ("history", "trend")

State = Literal["same", "other", "absent"]
"""What is stored of a file: this very content, other content, or nothing."""


class Object(NamedTuple):
    """An object to store: its key and content. `is_source` if it holds the user's bytes."""

    key: str
    content: Fingerprint
    is_source: bool


class Inventory:
    """What is stored of some currencies, listed once. Several threads may use it."""

    def __init__(self, storage: Storage, currencies: Iterable[Currency]) -> None:
        self.storage = storage
        makers = (bundles.raw_key, bundles.source_key)
        keys = {make(currency, kind) for currency in currencies for kind in KINDS for make in makers}
        self._asked: dict[str, str | None] = {}
        self._listed: Mapping[str, StoredFile] = storage.listing(keys)

    def __contains__(self, key: str) -> bool:
        """Return whether there is an object under the key."""
        return key in self._listed

    def outdated(self, currency: Currency, file: CheckedFile) -> Iterator[Object]:
        """Yield the objects of a file that have to be stored, in the order in which to store them.

        The plain form comes last: until it is stored, a run reads the former one.
        """
        objects = [Object(bundles.source_key(currency, file.kind), file.fingerprint, is_source=True)]
        if file.plain is not None:  # None if the check refused the file
            key = bundles.raw_key(currency, file.kind)
            objects.append(Object(key, file.plain.fingerprint, is_source=False))
        for wanted in objects:
            if not self._holds(wanted):
                yield wanted

    def _holds(self, wanted: Object) -> bool:
        stored, content = self._listed.get(wanted.key), wanted.content
        if stored is None or stored.size != content.size:
            return False
        return stored.md5 == content.md5 or self._sha256(wanted.key) == content.sha256

    def _sha256(self, key: str) -> str | None:
        if key not in self._asked:
            self._asked[key] = self.storage.sha256(key)
        return self._asked[key]

    def replacement(self, currency: Currency, file: CheckedFile) -> Iterator[str]:
        """Yield what is remarkable about a history that replaces the stored one, such as fewer days."""
        key = bundles.raw_key(currency, file.kind)
        if key not in self or file.plain is None or file.plain.summary is None:
            return
        if all(wanted.key != key for wanted in self.outdated(currency, file)):
            return
        before = summaries.parse(self.storage.summary(key) or "")
        after = summaries.parse(file.plain.summary)
        if before and after:
            yield from summaries.differences(before, after)

    def state(self, currency: Currency, file: CheckedFile) -> State:
        """Return how a file compares with what is stored of it."""
        if bundles.raw_key(currency, file.kind) not in self:
            return "absent"
        return "other" if any(self.outdated(currency, file)) else "same"


def has_files(currency: Currency) -> bool:
    """Return whether both files of the currency exist."""
    return all(file.is_file() for file in checks.files(currency))


def states(
    currencies: Sequence[Currency], target: Target, rules: CheckRules
) -> Mapping[tuple[str, Kind], State]:
    """Return, by ticker and kind, how the users' files compare with what is stored of them.

    A stored file counts as "same" if there is no file here to compare it with.
    """
    inventory = Inventory(target.storage, currencies)
    found: dict[tuple[str, Kind], State] = {
        (currency.ticker, kind): "same" if bundles.raw_key(currency, kind) in inventory else "absent"
        for currency in currencies
        for kind in KINDS
    }
    complete = [currency for currency in currencies if has_files(currency)]
    checked = checks.each(complete, replace(rules, strict=False), lambda _: None, plain=PlainForm())
    files = [(of_currency.currency, file) for of_currency in checked for file in of_currency.files]
    # If a currency lacks one of its files, the other one can still be compared.
    files += [
        (currency, CheckedFile(kind, path, fingerprint(path), None))
        for currency in currencies
        if currency not in complete
        for kind, path in zip(KINDS, checks.files(currency), strict=True)
        if path.is_file()
    ]
    compared = map_in_threads(lambda pair: inventory.state(*pair), files)
    for (currency, file), state in zip(files, compared, strict=True):
        found[currency.ticker, file.kind] = state
    return found


def warnings(config: Config, target: Target, tickers: Iterable[str], rules: CheckRules) -> list[str]:
    """Return a warning for each currency whose local files differ from those that a run would read."""
    wanted = set(tickers)
    currencies = [currency for currency in config.currencies if currency.ticker in wanted]
    found = states(currencies, target, rules)
    return [
        f"{currency.ticker}: its {' and '.join(kinds)} file is {words}; run `cryptoetl upload` to upload it"
        for currency in currencies
        for state, words in (("absent", "not uploaded yet"), ("other", "changed since its upload"))
        if (kinds := [kind for kind in KINDS if found.get((currency.ticker, kind)) == state])
    ]
