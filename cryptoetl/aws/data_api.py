"""Statements through the Redshift Data API: sent, waited for, read page by page, cancelled.

The API is asynchronous and needs neither a network path to the workgroup nor a password. It is asked
often at first and then less: most statements last a second, some minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as clock_time
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from cryptoetl.aws.errors import code, translating
from cryptoetl.errors import Interrupted, QueryError
from cryptoetl.util.text import one_line, plural

FIRST_WAIT, LONGEST_WAIT, GROWTH = 0.2, 3.0, 1.5
"""Seconds between questions, and how they grow."""
BATCH_LIMIT = 40
"""Statements of one BatchExecuteStatement."""
KEEP_ALIVE_SECONDS = 60
"""After which a session that was left, by an interruption, ends and takes its transaction with it."""
BUSY = {"ActiveStatementsExceededException", "ActiveSessionsExceededException"}
"""Refusals that pass when other statements end; throttling itself is the SDK's to repeat."""


class _Limit:
    """The end of the time that something may take, from now on."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    @property
    def left(self) -> float:
        return max(0.0, self._end - self._clock())

    @property
    def reached(self) -> bool:
        return self.left == 0


@dataclass(frozen=True)
class Column:
    """A column of a result: its name and Redshift's name of its type."""

    name: str
    type: str


class Answer:
    """The result of a statement that has ended; rows are fetched while they are read."""

    def __init__(self, client: Any, id: str, *, has_rows: bool) -> None:
        self._client = client
        self._id = id
        self._first: Mapping[str, Any] = {"Records": [], "ColumnMetadata": []}
        if has_rows:
            with translating("result"):
                self._first = client.get_statement_result(Id=id)
        self.columns = tuple(
            # The label is what AS named it; a column without one has its name alone.
            Column(str(column.get("label") or column.get("name") or ""), str(column.get("typeName") or ""))
            for column in self._first.get("ColumnMetadata", ())
        )

    def rows(self) -> Iterator[tuple[Any, ...]]:
        page = self._first
        while True:
            for record in page["Records"]:
                yield tuple(
                    value_of(field, column.type) for field, column in zip(record, self.columns, strict=True)
                )
            token = page.get("NextToken")
            if not token:
                return
            with translating("result"):
                page = self._client.get_statement_result(Id=self._id, NextToken=token)


class DataApi:
    """`where` says in which workgroup and database, and as whom. Methods raise QueryError and AwsError."""

    def __init__(
        self,
        client: Any,
        where: Mapping[str, str],
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        timeout: float = 3600.0,
    ) -> None:
        self._client = client
        self._where = dict(where)
        self._sleep = sleep
        self._clock = clock
        self._timeout = timeout

    def run(self, sql: str) -> Answer:
        """Run one statement and wait for it."""
        limit = _Limit(self._timeout, self._clock)
        return self._wait(self._send("execute_statement", limit, Sql=sql, **self._where)["Id"], limit)

    def run_reading(self, sql: str, timeout: float) -> Answer:
        """Run one statement in a transaction that can only read; `timeout` seconds are for all of it.

        A session keeps the transaction open between the three calls, which one statement alone cannot.
        """
        limit = _Limit(timeout, self._clock)
        begun = self._send(
            "execute_statement",
            limit,
            Sql="BEGIN READ ONLY",
            SessionKeepAliveSeconds=KEEP_ALIVE_SECONDS,
            **self._where,
        )
        self._wait(begun["Id"], limit)
        session = begun["SessionId"]
        try:
            return self._wait(self._send("execute_statement", limit, Sql=sql, SessionId=session)["Id"], limit)
        finally:
            with suppress(ClientError, BotoCoreError):  # the session's end does it too
                self._client.execute_statement(Sql="ROLLBACK", SessionId=session, StatementName="cryptoetl")

    def run_all(self, statements: Sequence[str]) -> None:
        """Run the statements in order, each group of up to 40 as one transaction."""
        for start in range(0, len(statements), BATCH_LIMIT):
            group = list(statements[start : start + BATCH_LIMIT])
            limit = _Limit(self._timeout, self._clock)
            sent = self._send("batch_execute_statement", limit, Sqls=group, **self._where)
            self._wait(sent["Id"], limit)

    def _send(self, operation: str, limit: _Limit, **request: Any) -> dict[str, Any]:
        """Hand a statement over, patiently where too many others are under way."""
        wait = 1.0
        while True:
            try:
                with translating("Redshift"):
                    sent: dict[str, Any] = getattr(self._client, operation)(
                        StatementName="cryptoetl", **request
                    )
                    return sent
            except Exception as error:
                cause = error.__cause__
                if not (isinstance(cause, ClientError) and code(cause) in BUSY) or limit.reached:
                    raise
            self._sleep(wait)
            wait = min(wait * 2, 30.0)

    def _wait(self, id: str, limit: _Limit) -> Answer:
        """The end of a statement. An interruption or a timeout cancels it on the server."""
        wait = FIRST_WAIT
        try:
            while True:
                with translating("Redshift"):
                    state = self._client.describe_statement(Id=id)
                match state["Status"]:
                    case "FINISHED":
                        return Answer(self._client, id, has_rows=bool(state.get("HasResultSet")))
                    case "FAILED" | "ABORTED":
                        raise failure(state)
                if limit.reached:
                    self._cancel_late(id, limit.seconds)
                self._sleep(min(wait, limit.left))
                wait = min(wait * GROWTH, LONGEST_WAIT)
        except KeyboardInterrupt:
            cancelled = self._cancel(id)
            raise Interrupted(
                "the statement was cancelled on the server"
                if cancelled
                else f"the statement {id} may go on in Redshift: cancelling it failed"
            ) from None

    def _cancel_late(self, id: str, seconds: float) -> NoReturn:
        """Cancel a statement that takes too long. Raises QueryError."""
        end = (
            "the statement was cancelled in Redshift"
            if self._cancel(id)
            else f"the statement {id} may go on in Redshift, because cancelling it failed"
        )
        raise QueryError(
            f"{end}: it had no result after {plural(round(seconds), 'second')}",
            hint="Ask for less, or give it more time (query --timeout 30m); "
            "the Redshift console shows what keeps the workgroup busy.",
        )

    def _cancel(self, id: str) -> bool:
        try:
            return bool(self._client.cancel_statement(Id=id)["Status"])
        except (ClientError, BotoCoreError):
            return False


def failure(state: Mapping[str, Any]) -> QueryError:
    """What a statement that FAILED or was ABORTED says, of a batch the part that failed."""
    parts = [part for part in state.get("SubStatements", ()) if part.get("Status") == "FAILED"]
    reason = next((part["Error"] for part in parts if part.get("Error")), None) or state.get("Error")
    if state["Status"] == "ABORTED":
        return QueryError(
            f"the statement was cancelled in Redshift{': ' + one_line(reason, 500) if reason else ''}",
            hint="Somebody cancelled it, or a limit of the workgroup was reached.",
        )
    text = one_line(str(reason or "no reason was given"), 500).removeprefix("ERROR: ")
    hint = None
    if "permission denied" in text.lower():
        hint = "aws.redshift.grants says who may read; docs/warehouse.md has more."
    return QueryError(f"Redshift: {text}", hint=hint)


# --- values -------------------------------------------------------------------------------------------

_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "timestamptz": datetime.fromisoformat,
    "time": clock_time.fromisoformat,
    "numeric": Decimal,
    "decimal": Decimal,
    "int2": int,
    "int4": int,
    "int8": int,
}


def value_of(field: Mapping[str, Any], type: str) -> Any:
    """A field of a record as Python has it: dates, times and decimals, which come as text, included."""
    if field.get("isNull"):
        return None
    (value,) = (field[kind] for kind in field if kind != "isNull")
    if isinstance(value, str) and (parse := _PARSERS.get(type.lower())):
        try:
            return parse(value)
        except (ValueError, InvalidOperation):  # infinity, years before the first: as Redshift writes them
            return value
    return value
