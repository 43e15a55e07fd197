"""What the Spark scripts share: a run works on one currency, or on a group of them side by side.

With the arguments of a currency (`--TICKER` …) a run works on that currency and fails if it fails. With
`--GROUP`, a JSON array of such arguments, it works on all of them in threads, each on its own: a failure is
noted, the others go on, and the run succeeds. What became of each is the *outcome*, which the next step's run
reads, `<OUTCOMES>/<EXECUTION>/<step>/<first ticker of the group>.json`:

    {"step": "silver", "group": "BTC", "job_run": "jr_…", "complete": true, "currencies": {"BTC": {
        "status": "SUCCEEDED", "started": "…", "ended": "…", "error": null, "reason": null, "rows": null}}}

A status is PENDING, RUNNING, SUCCEEDED or FAILED. `complete` is false until the run ends: a currency whose
outcome is missing, damaged or incomplete has failed.
An empty object in `--GROUP` is a filler. `FROM` is the step with which a currency begins, silver by default.

Deployed beside the scripts: on AWS by `--extra-py-files`. It needs boto3 for `s3://` only.
"""

from __future__ import annotations

import contextvars
import hashlib
import json
import logging
import os
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

Args = Mapping[str, str]
Work = Callable[[dict[str, str]], int | None]
"""The work on a currency; its result is the number of rows for the outcome, if it is known."""
Made = TypeVar("Made")

STEPS = ("silver", "gold", "redshift")
WRITE_SECONDS = 5.0
"""Time between two writes of an outcome while the run goes on."""
REASON_LENGTH = 2000

DETAILS = ("started", "ended", "error", "reason", "rows")
PENDING: Mapping[str, Any] = {"status": "PENDING", **dict.fromkeys(DETAILS)}
"""A currency's part of an outcome before its work begins. Times are in ISO 8601, in UTC."""

_ticker: contextvars.ContextVar[str] = contextvars.ContextVar("currency of this thread", default="")


def each(
    argv: list[str], step: str, options: Sequence[str], work: Work, optional: Sequence[str] = ()
) -> None:
    """Call `work` with the resolved `options` of the run's currency, or of each currency of its group.

    `optional` names are resolved if they are given. Raises what `work` raises for a single currency, and
    ValueError for a group that is not an array of currencies.
    """
    from awsglue.utils import getResolvedOptions

    def one(argv: list[str]) -> int | None:
        # getResolvedOptions requires every argument that is requested.
        return work(getResolvedOptions(argv, [*options, *(name for name in optional if f"--{name}" in argv)]))

    if "--GROUP" not in argv:
        one(argv)
        return
    args = getResolvedOptions(argv, ["GROUP", "EXECUTION", "OUTCOMES"])
    group = parsed(args["GROUP"])
    threads = int(getResolvedOptions(argv, ["THREADS"])["THREADS"]) if "--THREADS" in argv else None
    folder = f"{args['OUTCOMES'].rstrip('/')}/{args['EXECUTION']}"
    first = group[0]["TICKER"]
    head = {"step": step, "group": first, "job_run": args.get("JOB_RUN_ID")}
    outcome = Outcome(f"{folder}/{step}/{first}.json", head, due(group, step, folder))
    outcome.run(lambda item: one([*argv, *arguments(item)]), threads or 2 * (os.cpu_count() or 2))


def parsed(text: str) -> list[dict[str, str]]:
    """Return the currencies in `--GROUP`, without fillers. Raises ValueError."""
    group = json.loads(text)
    if not isinstance(group, list) or not all(isinstance(item, dict) for item in group):
        raise ValueError("GROUP is not an array of objects")
    group = [item for item in group if item]
    wrong = [item for item in group if not item.get("TICKER") or item.get("FROM", STEPS[0]) not in STEPS]
    if wrong or not group:
        raise ValueError(f"GROUP needs currencies with TICKER, and FROM one of {', '.join(STEPS)}: {wrong}")
    return group


def due(group: Sequence[dict[str, str]], step: str, folder: str) -> list[dict[str, str]]:
    """Return the currencies of the group that begin with this step or have succeeded in the one before."""
    position = STEPS.index(step)
    begins = {item["TICKER"]: STEPS.index(item.get("FROM", STEPS[0])) for item in group}
    going_on = {ticker for ticker, begin in begins.items() if begin < position}
    if going_on:
        going_on &= succeeded(f"{folder}/{STEPS[position - 1]}/{group[0]['TICKER']}.json")
    return [item for item in group if begins[item["TICKER"]] == position or item["TICKER"] in going_on]


def succeeded(uri: str) -> set[str]:
    """Return the tickers that a complete outcome reports as succeeded; none without one."""
    try:
        outcome = read_json(uri)
        done = {t for t, currency in outcome["currencies"].items() if currency["status"] == "SUCCEEDED"}
        if outcome["complete"] is True:
            return done
        log.warning("%s: the run did not end, so that none of its currencies goes on", uri)
    except (ValueError, KeyError, TypeError, AttributeError):
        log.warning("%s: the run left no outcome, so that none of its currencies goes on", uri)
    return set()


def arguments(item: Args) -> list[str]:
    """Return the arguments of a currency as those of a run."""
    return [text for name, value in item.items() for text in (f"--{name}", value)]


class Outcome:
    """The run of a group, and the JSON document at `uri` that says how far it is."""

    def __init__(self, uri: str, head: Mapping[str, Any], items: Iterable[dict[str, str]]) -> None:
        self._uri = uri
        self._content = {**head, "complete": False}
        self._waiting = deque(items)
        # A currency's part is replaced as a whole, so that a write from another thread finds a whole one.
        self._currencies = {item["TICKER"]: PENDING for item in self._waiting}

    def run(self, work: Work, threads: int) -> None:
        """Work on all currencies, and write the outcome until all have ended."""
        if self._waiting:
            self._write()
        # Daemons, so that an interrupted process does not wait for them.
        workers = [
            threading.Thread(target=contextvars.copy_context().run, args=(self._work, work), daemon=True)
            for _ in range(min(threads, len(self._waiting)))
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(WRITE_SECONDS)
            while worker.is_alive():
                self._note_progress()
                worker.join(WRITE_SECONDS)
        self._content["complete"] = True
        self._write()

    def _work(self, work: Work) -> None:
        """Work on waiting currencies until there are none."""
        while self._waiting:
            try:
                item = self._waiting.popleft()
            except IndexError:  # another thread has taken the last one
                return
            _ticker.set(item["TICKER"])
            self._currencies[item["TICKER"]] = self._worked_on(item, work)
            _ticker.set("")

    def _worked_on(self, item: dict[str, str], work: Work) -> Mapping[str, Any]:
        running = {**PENDING, "status": "RUNNING", "started": now()}
        self._currencies[item["TICKER"]] = running
        try:
            rows = work(item)
        except (Exception, SystemExit) as error:
            log.exception("")
            reason = {"error": type(error).__name__, "reason": str(error)[:REASON_LENGTH]}
            return {**running, "status": "FAILED", "ended": now(), **reason}
        return {**running, "status": "SUCCEEDED", "ended": now(), "rows": rows}

    def _note_progress(self) -> None:
        try:
            self._write()
        except Exception as error:  # the write at the end decides
            log.warning("%s was not written: %s", self._uri, error)

    def _write(self) -> None:
        write_json(self._uri, {**self._content, "currencies": dict(self._currencies)})


def now() -> str:
    """Return the time in ISO 8601, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def once(make: Callable[[], Made]) -> Callable[[], Made]:
    """Return a function that calls `make` in its first call only, whatever the number of threads."""
    lock = threading.Lock()
    made: list[Made] = []

    def get() -> Made:
        with lock:
            if not made:
                made.append(make())
            return made[0]

    return get


# --- log ----------------------------------------------------------------------------------------------


class CurrencyLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose lines begin with `<TICKER> | ` while its thread works on a currency of a group."""

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log a message; in a group line by line, so that each line can be found by its ticker."""
        ticker = _ticker.get()
        if not ticker:
            super().log(level, msg, *args, **kwargs)
            return
        lines = (str(msg) % args if args else str(msg)).splitlines()
        if kwargs.get("exc_info"):
            lines += traceback.format_exc().splitlines()
        for line in lines:
            self.logger.log(level, "%s | %s", ticker, line)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Return the message as it is."""
        return msg, kwargs


def logger(name: str) -> CurrencyLogger:
    """Return the logger of a script."""
    return CurrencyLogger(logging.getLogger(name), {})


log = logger("groups")


# --- marks --------------------------------------------------------------------------------------------

# An empty object `<digest of both raw files>-<DROP>-<SCRIPTS>` says what a currency's silver sets and its
# table were made of, in `<SILVER>/_made/<TICKER>/` and `<GOLD>/_loaded/<TICKER>/`. `run --changed` leaves out
# a currency whose table is marked with what is there now. Without SCRIPTS, their digest, nothing is marked.


def mark_of(args: Args, *raw_files: str) -> str | None:
    """Return the mark of what a currency's silver sets will be made of; None if nothing is marked.

    Call it before the files are read: one that is replaced meanwhile then differs from the mark.
    """
    if "SCRIPTS" not in args:
        return None
    tags = "\n".join(map(tag, raw_files))
    return f"{hashlib.sha256(tags.encode()).hexdigest()[:16]}-{args['DROP']}-{args['SCRIPTS']}"


def mark(folder: str, name: str | None) -> None:
    """Replace the marks in a folder, whose URI ends in a slash, by this one, or by none."""
    for earlier in list_uris(folder):
        delete(earlier)
    if name is not None:
        write(f"{folder}{name}", b"")


def marked(folder: str) -> str | None:
    """Return the mark in a folder; None unless there is exactly one."""
    found = list_uris(folder)
    return found[0].rpartition("/")[2] if len(found) == 1 else None


def tag(uri: str) -> str:
    """Return the ETag of an object, the SHA-256 of a file, or "" if it is missing."""
    scheme, place, key = located(uri)
    if scheme == "s3":
        try:
            return str(s3().head_object(Bucket=place, Key=key)["ETag"]).strip('"')
        except s3().exceptions.ClientError:
            return ""
    path = Path(place)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


# --- documents: s3://bucket/key or file:///path -------------------------------------------------------


def read_json(uri: str) -> Any:
    """Return a document. Raises ValueError if it is missing or is no JSON."""
    scheme, place, key = located(uri)
    if scheme == "s3":
        try:
            return json.loads(s3().get_object(Bucket=place, Key=key)["Body"].read())
        except s3().exceptions.NoSuchKey:
            raise ValueError(f"{uri} is missing") from None
    try:
        return json.loads(Path(place).read_bytes())
    except FileNotFoundError:
        raise ValueError(f"{uri} is missing") from None


def write_json(uri: str, data: Any) -> None:
    """Write a document atomically."""
    write(uri, json.dumps(data).encode())


def write(uri: str, content: bytes) -> None:
    """Write an object or a file atomically."""
    scheme, place, key = located(uri)
    if scheme == "s3":
        s3().put_object(Bucket=place, Key=key, Body=content)
        return
    path = Path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}-{os.getpid()}-{threading.get_ident()}")
    fresh.write_bytes(content)
    fresh.replace(path)


def list_uris(prefix: str) -> list[str]:
    """Return the URIs of the objects or files below a prefix that ends in a slash."""
    scheme, place, key = located(prefix)
    if scheme == "s3":
        pages = s3().get_paginator("list_objects_v2").paginate(Bucket=place, Prefix=key)
        return [f"s3://{place}/{found['Key']}" for page in pages for found in page.get("Contents", [])]
    return sorted(path.as_uri() for path in Path(place).rglob("*") if path.is_file())


def delete(uri: str) -> None:
    """Delete an object or a file; a missing one is no error."""
    scheme, place, key = located(uri)
    if scheme == "s3":
        s3().delete_object(Bucket=place, Key=key)
    else:
        Path(place).unlink(missing_ok=True)


def located(uri: str) -> tuple[str, str, str]:
    """Return ("s3", bucket, key) or ("file", path, ""). Raises ValueError for any other URI."""
    parts = urlsplit(uri)
    if parts.scheme == "s3":
        return "s3", parts.netloc, parts.path.lstrip("/")
    if parts.scheme == "file":
        return "file", unquote(parts.path), ""
    raise ValueError(f"{uri} is neither s3:// nor file://")


def _client() -> Any:
    import boto3

    # boto3 does not read AWS_REGION, and an endpoint of another region is out of reach from a VPC.
    return boto3.client("s3", region_name=os.environ.get("AWS_DEFAULT_REGION", os.environ.get("AWS_REGION")))


s3 = once(_client)
