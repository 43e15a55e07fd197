"""What a Glue worker has and this machine lacks, and the engine that runs the scripts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from cryptoetl.local.engine import load_script, run_script
from cryptoetl.local.glue_runtime import GlueArgumentError, get_resolved_options, split_actions
from cryptoetl.local.redshift_sink import DuckDBSink
from tests.local.scripts import ROOT

# --- arguments and actions ------------------------------------------------------------------------


def test_options_are_found_with_blanks_or_equals_signs_and_others_are_passed_over() -> None:
    argv = [
        "job.py",
        "--TICKER",
        "BTC",
        "--DATE_FORMAT=MMM dd, yyyy",
        "--COPY_ROLE",
        "-",
        "--enable-metrics",
        "x",
    ]
    found = get_resolved_options(argv, ["TICKER", "DATE_FORMAT", "COPY_ROLE"])
    assert found == {"TICKER": "BTC", "DATE_FORMAT": "MMM dd, yyyy", "COPY_ROLE": "-"}


@pytest.mark.parametrize("argv", [["--GOLDEN", "x"], ["--GOL", "x"], ["--GOLD"], []])
def test_a_missing_option_is_named_and_its_beginning_does_not_stand_for_it(argv: list[str]) -> None:
    with pytest.raises(GlueArgumentError, match="--GOLD"):
        get_resolved_options(["job.py", *argv], ["GOLD"])


def test_actions_are_split_on_every_semicolon() -> None:
    assert split_actions("DELETE FROM a; DROP TABLE 'b;c';") == ["DELETE FROM a", "DROP TABLE 'b", "c'"]


@pytest.mark.parametrize(
    "actions", ["SELECT 1;\nSELECT 2", "DROP TABLE %s", "truncate a", "SELECT 1; BEGIN", "END"]
)
def test_actions_that_the_connector_cannot_run_are_refused(actions: str) -> None:
    with pytest.raises(ValueError, match="Redshift actions must not contain"):
        split_actions(actions)


# --- the sink -------------------------------------------------------------------------------------

COLUMNS = '("date" DATE, "price" REAL)'
ROWS = pa.table(
    {"date": pa.array([date(2024, 1, 1), date(2024, 1, 2)]), "price": pa.array([1.5, None], pa.float32())}
)


def actions(ticker: str) -> tuple[list[str], list[str]]:
    """Preactions and postactions like those of redshift_upload."""
    target, staging = f's."{ticker}"', f's."_staging_{ticker}"'
    return [
        f"DROP TABLE IF EXISTS {staging}",
        f"CREATE TABLE {staging} {COLUMNS}",
        f"CREATE TABLE IF NOT EXISTS {target} {COLUMNS}",
    ], [
        f"DELETE FROM {target}",
        f"INSERT INTO {target} SELECT * FROM {staging}",
        f"DROP TABLE {staging}",
    ]


@pytest.fixture
def warehouse(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(tmp_path / "warehouse.duckdb")
    connection.execute("CREATE SCHEMA s")
    return connection


def tables(warehouse: duckdb.DuckDBPyConnection) -> list[str]:
    return [
        row[0] for row in warehouse.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
    ]


def test_a_load_replaces_the_rows_and_leaves_no_staging_table(warehouse: duckdb.DuckDBPyConnection) -> None:
    sink = DuckDBSink(warehouse)
    for _ in range(2):
        sink(ROWS, "s._staging_btc", *actions("btc"))
    assert warehouse.execute("SELECT * FROM s.btc ORDER BY 1").fetchall() == [
        (date(2024, 1, 1), 1.5),
        (date(2024, 1, 2), None),
    ]
    assert tables(warehouse) == ["btc"]


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_load_that_fails_changes_nothing(broken: int, warehouse: duckdb.DuckDBPyConnection) -> None:
    sink = DuckDBSink(warehouse)
    sink(ROWS, "s._staging_btc", *actions("btc"))
    before, after = actions("btc")
    after.insert(broken, "SELECT * FROM nowhere")
    with pytest.raises(duckdb.CatalogException):
        sink(ROWS.slice(1), "s._staging_btc", before, after)
    assert tables(warehouse) == ["btc"]
    assert warehouse.execute("SELECT count(*) FROM s.btc").fetchone() == (2,)
    sink(ROWS.slice(1), "s._staging_btc", *actions("btc"))
    assert warehouse.execute("SELECT count(*) FROM s.btc").fetchone() == (1,)


def test_an_empty_table_skips_the_load_and_still_runs_the_actions(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    sink = DuckDBSink(warehouse)
    sink(ROWS, "s._staging_btc", *actions("btc"))
    sink(ROWS.slice(2), "s._staging_btc", *actions("btc"))
    assert warehouse.execute("SELECT count(*) FROM s.btc").fetchone() == (0,)


def test_many_threads_load_at_once_while_a_reader_sees_whole_tables(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    sink = DuckDBSink(warehouse)
    sink(ROWS, "s._staging_c0", *actions("c0"))
    failures: list[BaseException] = []
    counts: set[Any] = set()
    done = threading.Event()

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as failure:
                failures.append(failure)

        return run

    def load(number: int) -> None:
        for _ in range(5):
            sink(ROWS, f"s._staging_c{number}", *actions(f"c{number}"))

    def read() -> None:
        with warehouse.cursor() as cursor:
            while not done.is_set():
                counts.add(cursor.execute("SELECT count(*) FROM s.c0").fetchone())

    reader = threading.Thread(target=guarded(read))
    loaders = [threading.Thread(target=guarded(lambda number=number: load(number))) for number in range(12)]  # type: ignore[misc]
    for thread in (reader, *loaders):
        thread.start()
    for thread in loaders:
        thread.join()
    done.set()
    reader.join()
    assert not failures
    assert counts == {(2,)}
    assert len(tables(warehouse)) == 12


# --- the engine and the scripts -------------------------------------------------------------------


def test_a_script_is_loaded_from_any_path_and_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a script.py"
    for text in ("one", "two"):
        path.write_text(f"seen = []\ndef main(argv):\n    seen.append(({text!r}, argv))\n", encoding="utf-8")
        module = load_script(path)
        run_script(module, ["--A", "b"])
        assert module.seen == [(text, [str(path), "--A", "b"])]


def test_scripts_import_without_a_worker_and_without_an_engine() -> None:
    code = (
        "import sys; from pathlib import Path; from cryptoetl.local.engine import load_script\n"
        "for path in Path('glue_scripts').glob('*.py'): load_script(path)\n"
        "assert not {'awsglue', 'boto3', 'pysail', 'duckdb'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(), check=True, timeout=60)


@pytest.mark.parametrize("ends", ["engine.stop()", "pass"])
def test_the_engine_lets_the_process_end(ends: str) -> None:
    code = (
        "from cryptoetl.local.engine import Engine\n"
        "engine = Engine(); print(engine.session().range(3).count(), flush=True)\n"
        f"{ends}"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")
    assert time.monotonic() - started < 30


def test_ctrl_c_reaches_the_main_thread_while_the_engine_runs() -> None:
    code = (
        "import time\n"
        "from cryptoetl.local.engine import Engine\n"
        "with Engine() as engine:\n"
        "    engine.session().range(3).count()\n"
        "    print('ready', flush=True)\n"
        "    try:\n"
        "        time.sleep(60)\n"
        "    except KeyboardInterrupt:\n"
        "        print(engine.session().range(4).count(), flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == (0, "4\n")


def environment() -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if name != "SPARK_REMOTE"}
    return {**kept, "PYTHONPATH": str(ROOT)}
