"""SQL statements through the Redshift Data API: send, wait, fetch pages of rows, cancel.

The only module that executes statements in Redshift. The API is asynchronous and needs neither a network path
to the workgroup nor a password. A statement is polled often at first and then less: most take a second, some
take minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as clock_time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NoReturn, NotRequired, TypedDict, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from cryptoetl.aws.errors import translating
from cryptoetl.aws.session import Session
from cryptoetl.config.models import Config
from cryptoetl.errors import AwsError, Interrupted, QueryError
from cryptoetl.util.text import one_line, plural

if TYPE_CHECKING:
    from mypy_boto3_redshift_data import RedshiftDataAPIServiceClient
    from mypy_boto3_redshift_data.type_defs import DescribeStatementResponseTypeDef, FieldTypeDef

FIRST_WAIT, LONGEST_WAIT, GROWTH = 0.2, 3.0, 1.5
"""Seconds between two polls, and the factor by which they grow."""
TIMEOUT = 3600.0
"""Seconds that a statement may take unless its caller sets another limit."""
BATCH_LIMIT = 40
"""Statements of one BatchExecuteStatement (Redshift Data API)."""
KEEP_ALIVE_SECONDS = 60
"""After which an abandoned session ends and rolls its transaction back."""
STATEMENT_NAME = "cryptoetl"
"""Names our statements in Redshift's console."""
BUSY = {"ActiveStatementsExceededException", "ActiveSessionsExceededException"}
"""Refusals that pass when other statements end; the SDK itself retries throttled calls."""
REASON_LIMIT = 500
"""Characters of Redshift's reason in a message."""

Sent = TypeVar("Sent")


class Place(TypedDict):
    """The workgroup and database in which statements run, and the secret of the user who runs them."""

    WorkgroupName: str
    Database: str
    SecretArn: NotRequired[str]


def place(config: Config, session: Session) -> Place:
    """Return where the configuration's statements run. Raises AwsError.

    They run as the user whose secret is configured, or that a created namespace has; without one, as the
    caller. That user owns the schema and fills its tables.
    """
    redshift, secret = config.aws.redshift, config.aws.redshift.secret
    if redshift.create:
        with translating():
            found = session.client("redshift-serverless").get_namespace(namespaceName=config.pipeline)
        secret = found["namespace"].get("adminPasswordSecretArn")
    made: Place = {"WorkgroupName": redshift.workgroup, "Database": redshift.database}
    if secret:
        made["SecretArn"] = secret
    return made


class _Limit:
    """The time that a piece of work may take, from now on."""

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
    """A column of a result: its name, and Redshift's name of its type."""

    name: str
    type: str


class Answer:
    """The result of a finished statement; its rows are fetched as they are read."""

    def __init__(self, client: RedshiftDataAPIServiceClient, statement_id: str, *, has_rows: bool) -> None:
        self._client = client
        self._statement_id = statement_id
        self._first: Mapping[str, Any] = {"Records": [], "ColumnMetadata": []}
        if has_rows:
            with translating("result"):
                self._first = client.get_statement_result(Id=statement_id)
        self.columns = tuple(
            # The label is the alias; a column without one has only its name.
            Column(str(column.get("label") or column.get("name") or ""), str(column.get("typeName") or ""))
            for column in self._first.get("ColumnMetadata", ())
        )

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows as Python values. Raises AwsError."""
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
                page = self._client.get_statement_result(Id=self._statement_id, NextToken=token)


class DataApi:
    """Runs statements in one place. Methods raise QueryError, AwsError and, after Ctrl-C, Interrupted."""

    def __init__(
        self,
        client: RedshiftDataAPIServiceClient,
        place: Place,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._place = place
        self._sleep = sleep
        self._clock = clock

    def run(self, sql: str, timeout: float = TIMEOUT) -> Answer:
        """Run one statement and wait for it, at most `timeout` seconds."""
        limit = _Limit(timeout, self._clock)
        sent = self._send(
            limit,
            lambda: self._client.execute_statement(Sql=sql, StatementName=STATEMENT_NAME, **self._place),
        )
        return self._wait(sent["Id"], limit)

    def run_reading(self, sql: str, timeout: float) -> Answer:
        """Run one statement in a read-only transaction, which may take `timeout` seconds altogether.

        A session keeps the transaction open between the three calls, which one statement alone cannot.
        """
        limit = _Limit(timeout, self._clock)
        begun = self._send(
            limit,
            lambda: self._client.execute_statement(
                Sql="BEGIN READ ONLY",
                StatementName=STATEMENT_NAME,
                SessionKeepAliveSeconds=KEEP_ALIVE_SECONDS,
                **self._place,
            ),
        )
        self._wait(begun["Id"], limit)
        session = begun["SessionId"]
        try:
            sent = self._send(
                limit,
                lambda: self._client.execute_statement(
                    Sql=sql, StatementName=STATEMENT_NAME, SessionId=session
                ),
            )
            return self._wait(sent["Id"], limit)
        finally:
            with suppress(ClientError, BotoCoreError):  # the end of the session rolls back, too
                self._client.execute_statement(
                    Sql="ROLLBACK", SessionId=session, StatementName=STATEMENT_NAME
                )

    def run_all(self, statements: Sequence[str]) -> None:
        """Run the statements in order, each group of up to `BATCH_LIMIT` as one transaction."""
        for start in range(0, len(statements), BATCH_LIMIT):
            self._run_group(statements[start : start + BATCH_LIMIT])

    def _run_group(self, statements: Sequence[str]) -> None:
        limit = _Limit(TIMEOUT, self._clock)
        sent = self._send(
            limit,
            lambda: self._client.batch_execute_statement(
                Sqls=statements, StatementName=STATEMENT_NAME, **self._place
            ),
        )
        self._wait(sent["Id"], limit)

    def _send(self, limit: _Limit, call: Callable[[], Sent]) -> Sent:
        """Send a statement; wait while Redshift accepts no more of them."""
        wait = 1.0
        while True:
            try:
                with translating("Redshift"):
                    return call()
            except AwsError as error:
                if error.aws_code not in BUSY or limit.reached:
                    raise
            self._sleep(wait)
            wait = min(wait * 2, 30.0)

    def _wait(self, statement_id: str, limit: _Limit) -> Answer:
        """Return the result of a statement. An interruption or a timeout cancels it on the server."""
        wait = FIRST_WAIT
        try:
            while True:
                with translating("Redshift"):
                    state = self._client.describe_statement(Id=statement_id)
                match state["Status"]:
                    case "FINISHED":
                        return Answer(self._client, statement_id, has_rows=bool(state.get("HasResultSet")))
                    case "FAILED" | "ABORTED":
                        raise failure(state)
                if limit.reached:
                    self._cancel_late(statement_id, limit.seconds)
                self._sleep(min(wait, limit.left))
                wait = min(wait * GROWTH, LONGEST_WAIT)
        except KeyboardInterrupt:
            cancelled = self._cancel(statement_id)
            raise Interrupted(
                "the statement was cancelled on the server"
                if cancelled
                else f"the statement {statement_id} may continue in Redshift: cancelling it failed"
            ) from None

    def _cancel_late(self, statement_id: str, seconds: float) -> NoReturn:
        """Cancel a statement that takes too long and raise QueryError."""
        end = (
            "the statement was cancelled in Redshift"
            if self._cancel(statement_id)
            else f"the statement {statement_id} may continue in Redshift, because cancelling it failed"
        )
        raise QueryError(
            f"{end}: it had no result after {plural(round(seconds), 'second')}",
            hint="Ask for less, or allow more time (query --timeout 30m); "
            "the Redshift console shows what keeps the workgroup busy.",
        )

    def _cancel(self, statement_id: str) -> bool:
        try:
            return bool(self._client.cancel_statement(Id=statement_id)["Status"])
        except (ClientError, BotoCoreError):
            return False


def failure(state: DescribeStatementResponseTypeDef) -> QueryError:
    """Return the error for a statement that is FAILED or ABORTED; of a batch, for the part that failed."""
    parts = [part for part in state.get("SubStatements", ()) if part.get("Status") == "FAILED"]
    reason = next((part["Error"] for part in parts if part.get("Error")), None) or state.get("Error")
    if state["Status"] == "ABORTED":
        because = f": {one_line(reason, REASON_LIMIT)}" if reason else ""
        return QueryError(
            f"the statement was cancelled in Redshift{because}",
            hint="Another user cancelled it, or it reached a limit of the workgroup.",
        )
    text = one_line(str(reason or "no reason was given"), REASON_LIMIT).removeprefix("ERROR: ")
    hint = None
    if "permission denied" in text.lower():
        hint = "aws.redshift.grants lists who may read; see docs/warehouse.md."
    return QueryError(f"Redshift: {text}", hint=hint)


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
"""Of types whose values arrive as text."""


def value_of(field: FieldTypeDef, kind: str) -> Any:
    """Return a field of a record as a Python value; `kind` is Redshift's name of the column's type."""
    if field.get("isNull"):
        return None
    (value,) = (item for name, item in field.items() if name != "isNull")
    if isinstance(value, str) and (parse := _PARSERS.get(kind.lower())):
        try:
            return parse(value)
        except (ValueError, InvalidOperation):  # infinity, years BC: keep Redshift's text
            return value
    return value
