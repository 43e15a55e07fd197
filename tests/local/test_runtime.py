"""The modules of a Glue worker, and the engine that runs the scripts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from cryptoetl.local.glue import runtime as glue_runtime
from cryptoetl.local.glue.runtime import GlueArgumentError, get_resolved_options, split_actions
from cryptoetl.local.redshift.sink import column_type
from tests.local.scripts import ROOT

# --- getResolvedOptions ---------------------------------------------------------------------------


def test_options_are_found_in_any_position_and_others_are_ignored() -> None:
    argv = ["job.py", "--extra", "1", "--TICKER", "BTC", "--enable-metrics", "--DROP=Y", "stray"]
    assert get_resolved_options(argv, ["DROP", "TICKER"]) == {"TICKER": "BTC", "DROP": "Y"}


def test_a_value_may_be_empty_or_contain_spaces_or_json() -> None:
    argv = ["job.py", "--A", "", "--B", "Vol. (1) [x]", "--C", '{"BTC": {"from": "silver"}}', "--D", "-"]
    assert get_resolved_options(argv, ["A", "B", "C", "D"]) == {
        "A": "",
        "B": "Vol. (1) [x]",
        "C": '{"BTC": {"from": "silver"}}',
        "D": "-",
    }


def test_an_option_cannot_be_abbreviated() -> None:
    with pytest.raises(GlueArgumentError, match="required: --TICKERS"):
        get_resolved_options(["job.py", "--TICK", "BTC"], ["TICKERS"])


def test_an_option_is_not_matched_by_a_longer_one() -> None:
    argv = ["job.py", "--TICKERS", "{}", "--TICKER", "BTC"]
    assert get_resolved_options(argv, ["TICKER"]) == {"TICKER": "BTC"}


def test_every_missing_option_is_named() -> None:
    with pytest.raises(GlueArgumentError, match="required: --A, --C"):
        get_resolved_options(["job.py", "--B", "1"], ["A", "B", "C"])


def test_an_option_without_a_value_is_refused() -> None:
    with pytest.raises(GlueArgumentError, match="--A: expected one argument"):
        get_resolved_options(["job.py", "--A"], ["A"])


def test_the_last_of_several_values_is_used() -> None:
    assert get_resolved_options(["job.py", "--A", "1", "--A", "2"], ["A"]) == {"A": "2"}


def test_arguments_of_glue_itself_are_returned_under_python_names() -> None:
    argv = ["job.py", "--job-bookmark-option", "job-bookmark-disable", "--TempDir", "s3://t/", "--A", "1"]
    assert get_resolved_options(argv, ["A"]) == {
        "A": "1",
        "job_bookmark_option": "job-bookmark-disable",
        "TempDir": "s3://t/",
    }


# --- awsglue --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actions", "statements"),
    [
        ("", []),
        (" ; ; ", []),
        ("DROP TABLE a;", ["DROP TABLE a"]),
        ("DELETE FROM a; INSERT INTO a SELECT 1", ["DELETE FROM a", "INSERT INTO a SELECT 1"]),
        ("INSERT INTO a VALUES ('x;y')", ["INSERT INTO a VALUES ('x", "y')"]),  # as the connector does
        ('CREATE TABLE "begin" (x INTEGER)', ['CREATE TABLE "begin" (x INTEGER)']),
    ],
)
def test_actions_are_split_on_every_semicolon(actions: str, statements: list[str]) -> None:
    assert split_actions(actions) == statements


@pytest.mark.parametrize(
    ("actions", "reason"),
    [
        ("DELETE FROM a;\nDROP TABLE b", "newlines"),
        ("DELETE FROM a\rb", "newlines"),
        ("DELETE FROM %s", "%s"),
        ("DELETE FROM a; TRUNCATE TABLE a", "TRUNCATE"),
        ("truncate a", "TRUNCATE"),
        ("BEGIN; DELETE FROM a", "BEGIN"),
        ("DELETE FROM a; END", "END"),
        ("commit", "COMMIT"),
        ("ROLLBACK", "ROLLBACK"),
        ("START TRANSACTION", "START"),
    ],
)
def test_actions_that_would_end_the_transaction_are_refused(actions: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"must not contain {reason}"):
        split_actions(actions)


def writer() -> Any:
    """Call `from_options` of the context that scripts import, without a session."""
    import awsglue.context

    context = awsglue.context.GlueContext.__new__(awsglue.context.GlueContext)
    return context._write


OPTIONS = {"dbtable": "s.t", "redshiftTmpDir": "s3://t/", "connectionName": "c"}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_write_without_an_option_that_the_connector_needs_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is missing"):
        writer()(frame=None, connection_type="redshift", connection_options={**OPTIONS, name: ""})


def test_a_write_to_anything_but_redshift_is_refused() -> None:
    with pytest.raises(ValueError, match="only redshift can be written to locally"):
        writer()(frame=None, connection_type="s3", connection_options=OPTIONS)


def test_a_write_goes_to_the_sink_that_was_installed_last() -> None:
    received: list[tuple[str, pa.Table, list[str], list[str]]] = []

    def sink(name: str) -> glue_runtime.RedshiftSink:
        def load(
            table: pa.Table, dbtable: str, preactions: Sequence[str], postactions: Sequence[str]
        ) -> None:
            received.append((f"{name} {dbtable}", table, list(preactions), list(postactions)))

        return load

    table = pa.table({"a": [1]})
    frame: Any = SimpleNamespace(toDF=lambda: SimpleNamespace(toArrow=lambda: table))
    glue_runtime.install(sink("first"))
    glue_runtime.install(sink("second"))
    options = {**OPTIONS, "preactions": "A; B", "postactions": "C"}
    assert writer()(frame=frame, connection_type="redshift", connection_options=options) is frame
    assert received == [("second s.t", table, ["A", "B"], ["C"])]


@pytest.mark.parametrize(
    ("arrow", "column"),
    [
        (pa.date32(), "DATE"),
        (pa.timestamp("us"), "TIMESTAMP"),
        (pa.bool_(), "BOOLEAN"),
        (pa.int8(), "SMALLINT"),
        (pa.int16(), "SMALLINT"),
        (pa.int32(), "INTEGER"),
        (pa.int64(), "BIGINT"),
        (pa.float32(), "REAL"),
        (pa.float64(), "DOUBLE PRECISION"),
        (pa.string(), "VARCHAR"),
        (pa.large_string(), "VARCHAR"),
    ],
)
def test_a_staging_table_has_the_types_that_the_connector_chooses(arrow: pa.DataType, column: str) -> None:
    assert column_type(arrow) == column


def test_a_type_without_a_column_type_is_refused() -> None:
    with pytest.raises(ValueError, match="no column type for list"):
        column_type(pa.list_(pa.int32()))


# --- the engine -----------------------------------------------------------------------------------


def python(program: str) -> subprocess.Popen[str]:
    """Start another Python that runs `program`, in its own process group."""
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if name not in ("SPARK_REMOTE", "RUST_LOG")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_stopped_engine_leaves_no_trace_and_another_can_start() -> None:
    program = """
import os, threading, warnings
warnings.simplefilter("error", ResourceWarning)
from cryptoetl.local.glue.engine import Engine
names = ("SPARK_REMOTE", "RUST_LOG")
before = [os.environ.get(name) for name in names]
for number in range(3):
    with Engine() as engine:
        assert engine.session() is engine.session()
        assert os.environ["SPARK_REMOTE"].startswith("sc://127.0.0.1:")
        print(engine.session().range(number).count(), flush=True)
    assert [os.environ.get(name) for name in names] == before
engine.stop()
"""
    with python(program) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "0\n1\n2\n", "")


def test_an_engine_without_a_session_starts_nothing() -> None:
    program = """
import os, sys
from cryptoetl.local.glue.engine import Engine
before = dict(os.environ)
Engine().stop()
with Engine():
    pass
assert dict(os.environ) == before
assert not {"pyspark", "pysail", "pandas", "pyarrow"} & set(sys.modules)
"""
    with python(program) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_concurrent_threads_get_the_same_session() -> None:
    program = """
from concurrent.futures import ThreadPoolExecutor
from cryptoetl.local.glue.engine import Engine
with Engine() as engine, ThreadPoolExecutor(8) as pool:
    sessions = list(pool.map(lambda _: engine.session(), range(8)))
    counts = list(pool.map(lambda number: sessions[number].range(number).count(), range(8)))
print(len(set(map(id, sessions))), counts)
"""
    with python(program) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "1 [0, 1, 2, 3, 4, 5, 6, 7]\n", "")


def test_ctrl_c_reaches_the_main_thread_and_leaves_the_engine_running() -> None:
    program = """
import time
from cryptoetl.util import interruption
from cryptoetl.local.glue.engine import Engine
interruption.install_handlers()
with interruption.graceful(), Engine() as engine:
    session = engine.session()
    try:
        print("ready", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("interrupted", session.range(7).count())
"""
    with python(program) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert time.monotonic() - started < 30
    assert (process.returncode, out, err) == (0, "interrupted 7\n", "")


def test_ctrl_c_in_the_main_thread_does_not_disturb_a_query_in_another_thread() -> None:
    program = """
import threading
from cryptoetl.util import interruption
from cryptoetl.local.glue.engine import Engine
interruption.install_handlers()
stop, ended = threading.Event(), threading.Event()
with interruption.graceful(), Engine() as engine:
    session = engine.session()
    def branch():
        while not stop.is_set():
            session.range(200_000).selectExpr("sum(sqrt(id))").collect()
        print("branch ended", flush=True)
        ended.set()
    threading.Thread(target=branch).start()
    try:
        print("ready", flush=True)
        ended.wait()
    except KeyboardInterrupt:
        stop.set()
    ended.wait()  # not join: after an interrupted join, Python 3.11 considers the thread ended
"""
    with python(program) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.3)  # until a query is running
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        assert time.monotonic() - started < 30
    assert (process.returncode, out, err) == (0, "branch ended\n", "")
