"""A fake Redshift Data API behind a real client.

botocore validates each request against the service's model before it arrives here, and each answer is
validated on its way back.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import boto3
from botocore.validate import validate_parameters


@dataclass
class Result:
    """The result of a statement: its columns (name, type) and rows of API fields, or an error."""

    columns: Sequence[tuple[str, str]] = ()
    rows: Sequence[Sequence[Mapping[str, Any]]] = ()
    error: str | None = None
    status: str = "FINISHED"
    polls: int = 2
    """Number of polls in which it is still running."""
    page: int = 2


@dataclass
class Statement:
    """A statement that was sent, and how often it was polled."""

    sql: list[str]
    request: Mapping[str, Any]
    result: Result
    polls: int = 0
    cancelled: bool = False


@dataclass
class FakeRedshiftData:
    """Answers with the `results` by the statement's text; by default finished and without rows."""

    results: dict[str, Result] = field(default_factory=dict)
    refusals: list[tuple[str, str, str]] = field(default_factory=list)
    """Operation, code and message of calls to refuse, each once."""
    on_poll: Callable[[], None] = lambda: None
    statements: dict[str, Statement] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    @property
    def sent(self) -> list[str]:
        return [sql for statement in self.statements.values() for sql in statement.sql]

    def client(self) -> Any:
        client = boto3.client(
            "redshift-data", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        client.meta.events.register("provide-client-params.redshift-data.*", self._keep)
        client.meta.events.register("before-call.redshift-data.*", cast("Any", self._answer))
        return client

    def _keep(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        self._params = params

    def _answer(self, model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        name, request = model.name, self._params
        self.calls.append(name)
        for refusal in self.refusals:
            if refusal[0] == name:
                self.refusals.remove(refusal)
                error = {"Code": refusal[1], "Message": refusal[2]}
                return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {}}
        answer = getattr(self, f"_{name}")(request)
        validate_parameters(answer, model.output_shape)
        return SimpleNamespace(status_code=200), answer | {"ResponseMetadata": {}}

    def _ExecuteStatement(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert ("SessionId" in request) != ("WorkgroupName" in request), "a session knows where it is"
        return self._new([request["Sql"]], request)

    def _BatchExecuteStatement(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert len(request["Sqls"]) <= 40
        return self._new(request["Sqls"], request)

    def _new(self, sql: list[str], request: Mapping[str, Any]) -> dict[str, Any]:
        statement_id = str(uuid.uuid4())
        results = [self.results[text] for text in sql if text in self.results]
        result = next((r for r in results if r.error), results[-1] if results else Result())
        self.statements[statement_id] = Statement(list(sql), request, result)
        session = request.get("SessionId") or str(uuid.uuid4())
        return {"Id": statement_id, "SessionId": session}

    def _DescribeStatement(self, request: Mapping[str, Any]) -> dict[str, Any]:
        statement = self.statements[request["Id"]]
        statement.polls += 1
        self.on_poll()
        result = statement.result
        answer: dict[str, Any] = {"Id": request["Id"]}
        if statement.polls <= result.polls:
            return answer | {"Status": "STARTED" if statement.polls > 1 else "SUBMITTED"}
        answer |= {"Status": result.status, "HasResultSet": bool(result.columns)}
        if result.error:
            answer["Error"] = result.error
            if len(statement.sql) > 1:
                answer["SubStatements"] = [
                    {"Id": f"{request['Id']}:1", "Status": "FAILED", "Error": result.error}
                ]
        return answer

    def _GetStatementResult(self, request: Mapping[str, Any]) -> dict[str, Any]:
        result = self.statements[request["Id"]].result
        start = int(request.get("NextToken", 0))
        end = start + result.page
        answer: dict[str, Any] = {
            "Records": [list(row) for row in result.rows[start:end]],
            "ColumnMetadata": [{"name": n, "label": n, "typeName": t} for n, t in result.columns],
            "TotalNumRows": len(result.rows),
        }
        return answer | ({"NextToken": str(end)} if end < len(result.rows) else {})

    def _CancelStatement(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.statements[request["Id"]].cancelled = True
        return {"Status": True}
