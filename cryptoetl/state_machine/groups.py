"""The machine that runs currencies in groups, and the lists of currencies that its executions read.

`definitions/groups.asl.json` is the whole machine, whatever the number of currencies: a Distributed Map over
a list in S3, batched by `currencies_per_run`. A list is a JSON object::

    {"size": 25, "currencies": [{"TICKER": "BTC", "HIST_FILE": "BTC/history.csv", …}, …],
     "refused": {"XMR": "a reason"}, "skipped": ["ETH", …]}

Each item has the arguments of one currency, as getResolvedOptions returns them in a script. `deploy`
publishes the list of all currencies; `run` writes one for its execution.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cryptoetl.errors import DamagedState
from cryptoetl.state_machine import assets
from cryptoetl.state_machine.definition import EVERY_GROUP, Step, fill
from cryptoetl.util.text import parse_json

AUTOMATIC_SIZE = 25
"""Currencies per run where a branch per currency does not fit and the configuration names no number."""

LARGE = 64 * 1024 * 1024
"""Bytes of a plain history above which a currency gets a group of its own, for its memory's sake."""

_LISTING = ("This list", "Every currency", "Only what changed")
"""The states whose output names the list."""

LISTS = "lists"
EXECUTION_LISTS = f"{LISTS}/executions"
OUTCOMES = "outcomes"


@dataclass(frozen=True)
class Item:
    """A currency in a list: the arguments of the scripts, and the step at which it begins."""

    ticker: str
    history: str
    trend: str
    drop: bool = False
    begins: Step = "silver"
    large: bool = False

    def silver_arguments(self) -> dict[str, str]:
        """Return what bronze2silver is called with, as a branch does, without the ticker."""
        arguments = self.arguments()
        return {f"--{name}": arguments[name] for name in ("HIST_FILE", "TREND_FILE", "DROP")}

    def arguments(self) -> dict[str, str]:
        """Return the item as the scripts read it."""
        return {
            "TICKER": self.ticker,
            "HIST_FILE": self.history,
            "TREND_FILE": self.trend,
            "DROP": "Y" if self.drop else "N",
            "FROM": self.begins,
        }


@dataclass(frozen=True)
class Start:
    """What to run: ticker → first step, and ticker → reason of those that the check refused.

    The currencies that are `large` get a group of their own.
    """

    steps: Mapping[str, Step]
    refused: Mapping[str, str] = field(default_factory=dict)
    large: frozenset[str] = frozenset()


@dataclass(frozen=True)
class CurrencyList:
    """The currencies of an execution, by ticker in order.

    `refused` has the reasons of those that the check refused, `skipped` the other deployed ones.
    """

    items: Mapping[str, Item]
    refused: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()

    def starting(self, start: Start) -> CurrencyList:
        """Return the list of an execution, of those of these currencies that it starts."""
        items = {
            ticker: replace(item, begins=start.steps[ticker], large=ticker in start.large)
            for ticker, item in self.items.items()
            if ticker in start.steps
        }
        skipped = (
            ticker for ticker in self.items if ticker not in start.steps and ticker not in start.refused
        )
        return CurrencyList(items, start.refused, tuple(skipped))

    def dumps(self, size: int) -> bytes:
        """Return the list as it is stored, for groups of this size.

        A large currency begins a batch and is followed by empty items, so that its group has no other.
        """
        rows = list(_rows(self.items.values(), size))
        parts = {"size": size, "currencies": rows, "refused": dict(self.refused), "skipped": self.skipped}
        return json.dumps(parts, separators=(",", ":")).encode()

    def groups(self, size: int) -> list[list[str]]:
        """Return the tickers of each group, in order."""
        rows = list(_rows(self.items.values(), size))
        batches = (rows[start : start + size] for start in range(0, len(rows), size))
        return [[row["TICKER"] for row in batch if row] for batch in batches]


def _rows(items: Iterable[Item], size: int) -> Iterator[dict[str, str]]:
    """Yield the rows of a list: large currencies first, each with its empty items."""
    alone = sorted(items, key=lambda item: not item.large)
    for item in alone:
        yield item.arguments()
        if item.large:
            yield from ({} for _ in range(size - 1))


def loads(content: bytes, key: str) -> tuple[CurrencyList, int]:
    """Return a stored list and the size of its groups. Raises DamagedState, which names the `key`."""
    try:
        found = json.loads(content)
        rows = [row for row in found["currencies"] if row]
        items = {row["TICKER"]: _item(row) for row in rows}
        refused = {str(ticker): str(why) for ticker, why in found.get("refused", {}).items()}
        return CurrencyList(items, refused, tuple(map(str, found.get("skipped", ())))), int(found["size"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise DamagedState(
            f"the list of currencies {key} is damaged ({type(error).__name__}: {error})",
            hint="`cryptoetl deploy` writes the deployed list again; `cryptoetl run` writes its own.",
        ) from error


def _item(row: Mapping[str, str]) -> Item:
    return Item(
        ticker=row["TICKER"],
        history=row["HIST_FILE"],
        trend=row["TREND_FILE"],
        drop=row["DROP"] == "Y",
        begins=_step(row["FROM"]),
    )


def _step(text: str) -> Step:
    match text:
        case "silver" | "gold" | "redshift":
            return text
        case _:
            raise ValueError(f"{text!r} is no step")


def deployed_key(content: bytes) -> str:
    """Return the key of a list that `deploy` publishes; it contains a hash of the content."""
    return f"{LISTS}/deployed/{hashlib.sha256(content).hexdigest()[:32]}/currencies.json"


def execution_key(execution: str) -> str:
    """Return the key of the list of one execution."""
    return f"{EXECUTION_LISTS}/{execution}.json"


@dataclass(frozen=True)
class Settings:
    """What the machine of groups depends on. `lists` and `temp` are the names of two buckets."""

    size: int
    concurrent: int
    list_key: str
    lists: str
    temp: str


def render(pipeline: str, settings: Settings) -> dict[str, Any]:
    """Return the definition of the machine; equal arguments give equal definitions."""
    template = json.loads((assets.definitions() / "groups.asl.json").read_text(encoding="utf-8"))
    values = {
        "pipeline": pipeline,
        "list": settings.list_key,
        "lists_bucket": settings.lists,
        "temp_bucket": settings.temp,
    }
    machine: dict[str, Any] = template
    every_group = machine["States"][EVERY_GROUP]
    every_group["MaxConcurrency"] = settings.concurrent
    every_group["ItemBatcher"]["MaxItemsPerBatch"] = settings.size
    rendered: dict[str, Any] = fill(machine, values)
    return rendered


def is_grouped(machine: Mapping[str, Any]) -> bool:
    """Return whether a machine runs currencies in groups."""
    return EVERY_GROUP in machine["States"]


def size_of(machine: Mapping[str, Any]) -> int:
    """Return the number of currencies per run of a machine of groups."""
    return int(machine["States"][EVERY_GROUP]["ItemBatcher"]["MaxItemsPerBatch"])


def list_key(machine: Mapping[str, Any]) -> str:
    """Return the key of the list that was deployed with a machine of groups."""
    return str(machine["States"]["Every currency"]["Parameters"]["list"])


def list_of(events: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the key of the list that an execution runs, from the events of its history; None before them."""
    for event in events:
        details = event.get("stateExitedEventDetails", {})
        if details.get("name") in _LISTING:
            found = parse_json(details.get("output"))
            return str(found["list"]) if isinstance(found, Mapping) and "list" in found else None
    return None


class ListReader:
    """The list of one execution, which it names in an event and which is read once, after that.

    `read` returns the content of a list by its key, and raises OSError if it cannot.
    """

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read
        self._key: str | None = None
        self._known: tuple[CurrencyList, int] | None = None

    def known(self, events: Iterable[Mapping[str, Any]], *, running: bool) -> tuple[CurrencyList, int] | None:
        """Return the list and the size of its groups; None if no event has named one so far.

        `events` are the new ones of the execution. While it is `running`, None also stands for a list that is
        not there yet: that of what has changed is written by the execution's first job. Raises DamagedState.
        """
        self._key = self._key or list_of(events)
        if self._key is not None and self._known is None:
            try:
                content = self._read(self._key)
            except OSError as error:
                if running:
                    return None
                raise missing(self._key, error) from error
            self._known = loads(content, self._key)
        return self._known


def missing(key: str, error: Exception) -> DamagedState:
    """Return the error for a list that cannot be read."""
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return DamagedState(
        f"the list of currencies {key} cannot be read ({reason}): the execution's currencies are unknown",
        hint="The tables are not affected. `cryptoetl run --changed` runs what is not loaded.",
    )


def execution_input(list_key: str) -> dict[str, Any]:
    """Return the input of an execution that runs the currencies of a list."""
    return {"list": list_key}
