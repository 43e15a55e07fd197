"""Glue for the emulator: job runs that execute the deployed scripts.

A run fetches its job's script from S3 and executes it on Sail against the same server's S3. It loads into
DuckDB instead of Redshift, and writes its log to CloudWatch Logs. Stopping an execution stops none of its
runs: AWS does so on a best-effort basis only, and `cryptoetl stop` must not rely on it. Above the limit of
its job a run waits in a queue if the job has one; else its start is refused.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
import time
import traceback
import types
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from cryptoetl.local.glue import runtime as glue_runtime
from cryptoetl.local.glue.engine import Engine, load_script
from cryptoetl.local.redshift.sink import DuckDBSink
from tests.java_errors import refused_cast

POLL = 0.02
"""Seconds between two polls of a job run."""

WORKING = ("WAITING", "RUNNING")

STEPS = {"bronze2silver": "silver", "silver2gold": "gold", "redshift-upload": "redshift"}
Key = tuple[str, str]
"""Ticker, of a group the first one, and step; the cleaning is ("", "clean")."""


@dataclass
class Run:
    """A job run, as Glue records it."""

    id: str
    job: Mapping[str, Any]
    arguments: Mapping[str, str]
    state: str = "RUNNING"
    error: str = ""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    logged: set[str] = field(default_factory=set)
    """The log groups that have a stream of this run."""

    @property
    def key(self) -> Key:
        step = next((s for name, s in STEPS.items() if self.job["Name"].endswith(name)), "clean")
        group = (item["TICKER"] for item in json.loads(self.arguments.get("--GROUP", "[]")) if item)
        return self.arguments.get("--TICKER") or next(group, ""), step

    def described(self) -> dict[str, Any]:
        seconds = ((self.ended or datetime.now(UTC)) - self.started).total_seconds()
        return {
            "Id": self.id,
            "Attempt": 0,
            "JobName": self.job["Name"],
            "StartedOn": self.started,
            "CompletedOn": self.ended,
            "JobRunState": self.state,
            "Arguments": dict(self.arguments),
            "ExecutionTime": round(seconds),
            "MaxCapacity": 2.0,
            "GlueVersion": self.job["GlueVersion"],
            "WorkerType": self.job["WorkerType"],
            "ExecutionClass": self.job["ExecutionClass"],
        } | ({"ErrorMessage": self.error} if self.error else {})


class Glue:
    """The job runs of the account.

    `held` maps keys to events for which a run waits before it works; `throttled` returns whether a start is
    refused; `most` counts the most runs of each job at the same time. `lingering` runs ignore a stop.
    `queues` has the limits of the jobs with a queue, `waited` the runs that have been in one. The connector
    loses the first `lost` rows of each load.
    """

    def __init__(self, client: Callable[[str], Any], folder: Path) -> None:
        self.client = client
        self.runs: dict[str, Run] = {}
        self.held: dict[Key, threading.Event] = {}
        self.throttled: Callable[[], bool] = lambda: False
        self.lingering: set[Key] = set()
        self.dying: set[Key] = set()
        """Runs that lose their worker."""
        self.queues: dict[str, int] = {}
        self.waited: set[Key] = set()
        self.lost = 0
        self.starts: Counter[Key] = Counter()
        self.most: Counter[str] = Counter()
        self.redshift = duckdb.connect(folder / "redshift.duckdb")
        self.redshift.execute("CREATE SCHEMA market_data")
        self._folder = folder
        self._lock = threading.Lock()
        self._logging = threading.Lock()
        self._engine = Engine()
        self._ready = False
        self._threads: list[threading.Thread] = []
        self._closing = False
        self._scripts: dict[str, types.ModuleType] = {}

    def start(self, job: Mapping[str, Any], run: Run) -> None:
        with self._lock:
            self.runs[run.id] = run
            self.starts[run.key] += 1
            if job["Name"] in self.queues:
                run.state = "WAITING"
                if not self._enter(run):
                    self.waited.add(run.key)
            else:
                self._count(run)
            thread = threading.Thread(target=self._work, args=(run,), daemon=True)
            self._threads.append(thread)
            if self._closing:  # the state machine is still running, but the test has ended
                run.state = "STOPPED"
            thread.start()

    def _enter(self, run: Run) -> bool:
        """Let a waiting run begin if its job has room, as Glue's queue does."""
        name = run.job["Name"]
        if run.state == "WAITING" and self._working(name) < self.queues[name]:
            run.state, run.started = "RUNNING", datetime.now(UTC)
            self._count(run)
        return run.state != "WAITING"

    def _working(self, name: str) -> int:
        return sum(run.state == "RUNNING" and run.job["Name"] == name for run in self.runs.values())

    def _count(self, run: Run) -> None:
        name = run.job["Name"]
        self.most[name] = max(self.most[name], self._working(name))

    def _wait_in_queue(self, run: Run) -> None:
        while True:
            with self._lock:
                if self._enter(run):
                    return
            time.sleep(POLL)

    def batch_stop(self, p: Mapping[str, Any]) -> dict[str, Any]:
        """Answer BatchStopJobRun. A run that has ended cannot be stopped."""
        answer: dict[str, list[dict[str, Any]]] = {"SuccessfulSubmissions": [], "Errors": []}
        for run_id in p["JobRunIds"]:
            run = self.runs[run_id]
            named = {"JobName": p["JobName"], "JobRunId": run_id}
            if run.state not in WORKING:
                detail = {"ErrorCode": "IllegalStateException", "ErrorMessage": f"it is {run.state}"}
                answer["Errors"].append(named | {"ErrorDetail": detail})
                continue
            if run.key not in self.lingering:
                self._end(run, "STOPPED")
            answer["SuccessfulSubmissions"].append(named)
        return answer

    @property
    def running(self) -> list[Key]:
        return [run.key for run in self.runs.values() if run.state in WORKING]

    def _work(self, run: Run) -> None:
        token = _current.set((self, run))
        try:
            self._wait_in_queue(run)
            while (event := self.held.get(run.key)) is not None and not event.wait(POLL):
                if run.state != "RUNNING":
                    break
            if run.state != "RUNNING":
                return
            if run.key in self.dying:
                raise RuntimeError("the worker was lost")  # noqa: TRY301 - as for any failure below
            self.check_keys(run)
            modules = run.arguments.get("--extra-py-files", "")
            script = self._script(run.job["Command"]["ScriptLocation"], filter(None, modules.split(",")))
            argv = [str(script.__file__)]
            for name, value in {**run.arguments, "--JOB_RUN_ID": run.id}.items():  # as Glue itself does
                argv += [name, value]
            script.main(argv)
        except (Exception, SystemExit) as error:
            if run.state != "RUNNING":  # it was stopped, possibly together with the server
                return
            line = traceback.extract_tb(error.__traceback__)[-1].lineno
            message = f"{type(error).__name__}: {error}"
            self._log(run, "error", traceback.format_exc())
            self._end(
                run, "FAILED", f"Error Category: UNCLASSIFIED_ERROR; Failed Line Number: {line}; {message}"
            )
        else:
            self._end(run, "SUCCEEDED")
        finally:
            _current.reset(token)

    def check_keys(self, run: Run) -> None:
        """Raise PermissionError, as S3 denies access, if the job's role may not use the key of a bucket."""
        uris = [run.job["Command"]["ScriptLocation"], *run.arguments.values()]
        for bucket in {uri.split("/")[2] for uri in uris if uri.startswith("s3://")}:
            encryption = self.client("s3").get_bucket_encryption(Bucket=bucket)
            (rule,) = encryption["ServerSideEncryptionConfiguration"]["Rules"]
            key = rule["ApplyServerSideEncryptionByDefault"].get("KMSMasterKeyID")
            if key is not None and not self._may_decrypt(run.job["Role"].rpartition("/")[2], key):
                raise PermissionError(
                    f"{run.job['Role']} is not authorized to perform: kms:Decrypt on resource: {key} because "
                    "no identity-based policy allows the kms:Decrypt action"
                )

    def _may_decrypt(self, role: str, key: str) -> bool:
        iam = self.client("iam")
        documents = (
            iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        )
        return any(
            "kms:Decrypt" in statement["Action"] and statement["Resource"] == key
            for document in documents
            for statement in document["Statement"]
        )

    def _end(self, run: Run, state: str, error: str = "") -> None:
        with self._lock:
            if run.state in WORKING:
                run.state, run.error, run.ended = state, error, datetime.now(UTC)

    def _script(self, location: str, modules: Iterable[str]) -> types.ModuleType:
        """Return the script that is stored at the location now, with these modules beside it."""
        found = {}
        for uri in (location, *modules):
            bucket, _, key = uri.removeprefix("s3://").partition("/")
            found[Path(key).name] = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        with self._lock:
            if not self._ready:
                glue_runtime.install(self._connector(DuckDBSink(self.redshift)))
                self._engine.session()
                self._ready = True
            known = hashlib.sha256(repr(found).encode()).hexdigest()
            if known not in self._scripts:
                folder = self._folder / known
                folder.mkdir()
                for name, body in found.items():
                    (folder / name).write_bytes(body)
                    log = logging.getLogger(Path(name).stem)
                    log.setLevel(logging.INFO)
                    log.propagate = False
                    log.handlers = [_LogHandler()]
                self._scripts[known] = load_script(folder / Path(location).name)
            return self._scripts[known]

    def _connector(self, sink: DuckDBSink) -> glue_runtime.RedshiftSink:
        """Return the sink with the errors of the connector, whose messages say nothing."""

        def load(
            table: pa.Table, dbtable: str, preactions: Sequence[str], postactions: Sequence[str]
        ) -> None:
            try:
                sink(table.slice(self.lost), dbtable, preactions, postactions)
            except duckdb.ConversionException as error:
                quoted = re.search("Could not convert string '(.*?)' to", str(error))
                assert quoted
                raise refused_cast(quoted[1]) from None

        return load

    def _log(self, run: Run, kind: str, text: str) -> None:
        """Write to the log group of the job's arguments, or to Glue's default."""
        prefix = run.arguments.get("--custom-logGroup-prefix", "/aws-glue/python-jobs")
        logs, group = self.client("logs"), f"{prefix}/{kind}"
        with self._logging:  # the threads of a group write side by side
            if group not in run.logged:
                with suppress(logs.exceptions.ResourceAlreadyExistsException):
                    logs.create_log_group(logGroupName=group)
                with suppress(logs.exceptions.ResourceAlreadyExistsException):
                    logs.create_log_stream(logGroupName=group, logStreamName=run.id)
                run.logged.add(group)
        now = int(time.time() * 1000)
        logs.put_log_events(
            logGroupName=group, logStreamName=run.id, logEvents=[{"timestamp": now, "message": text}]
        )

    def close(self) -> None:
        """End the account's runs before the engine: a query that loses its server never ends."""
        with self._lock:
            self._closing = True
            for run in self.runs.values():
                run.state = "STOPPED" if run.state in WORKING else run.state
            threads = list(self._threads)
        for thread in threads:
            thread.join(60)
        if self._ready:
            self._engine.stop()
        self.redshift.close()


_current: ContextVar[tuple[Glue, Run] | None] = ContextVar("the job run of this thread", default=None)


class _LogHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if (current := _current.get()) is not None:
            glue, run = current
            glue._log(run, "output", self.format(record))

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname} {record.name}: {record.getMessage()}"
