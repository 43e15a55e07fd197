"""The scripts give equal results on Sail, the local engine, and on JVM Spark, the engine of Glue."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from itertools import groupby, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from cryptoetl.local.glue.engine import Engine
from tests.conftest import DATA
from tests.local.scripts import Lake, read_set, unequal
from tests.local.test_glue_scripts import BAD_PLAIN, BAD_PLAIN_TRENDS
from tests.spark.run_scripts import run_cases

pytestmark = pytest.mark.spark

ENGINES = ("sail", "spark")
ALONE = 0
"""In place of the size of a group: each currency in runs of its own."""


@dataclass(frozen=True)
class Input:
    """One currency's raw files in the plain form (None: missing); silver must accept them if `good`."""

    name: str
    history: str | bytes | None
    trend: str | bytes | None
    good: bool
    drop: str = "N"


def from_files(name: str, history: str, trend: str, *, drop: str = "N", **settings: str) -> Input:
    """Return a user's files as an upload stores them."""
    with TemporaryDirectory() as folder:
        lake = Lake(Path(folder))
        lake.put_raw(DATA / history, DATA / trend, drop=drop == "Y", **settings)
        raw = lake.folder / "raw" / "BTC"
        return Input(name, (raw / "history.csv").read_bytes(), (raw / "trend.csv").read_bytes(), True, drop)


TREND = "Date,Trend\n2024-01-07,10\n2024-01-14,17\n"
HISTORY = "Date,Price\n2024-01-01,1.5\n2024-01-20,2.5\n"
NUMBERS = [
    "16777217",
    "0.1",
    "1.000000178813934",
    "3.4028235e38",
    "1e-46",
    "-2.5E+3",
    "000012.5000",
    "-1.0",
    "-1",
]
BTC_EUR = "seed/BTC_EUR_Historical_Data.csv"
BTC_USD = "real/BTC_USD Bitfinex Historical Data.csv"
XMR_EUR = "seed/XMR_EUR Kraken Historical Data.csv"
XMR_USD = "real/XMR_USD Binance Historical Data.csv"
ETH_USD = "real/Ethereum Historical Data - Investing.com.csv"
BITCOIN = "real/bitcoin multiTimeline.csv"
ALTCOIN = "real/altcoin multiTimeline.csv"
INPUTS = [
    from_files("reference LTC", "reference/raw/LTC hist.csv", "reference/raw/trend_LTC.csv"),
    from_files("reference XMR", "reference/raw/XMR hist.csv", "reference/raw/trend_XMR.csv", drop="Y"),
    from_files("real BTC", BTC_USD, BITCOIN),
    from_files("real ETH", ETH_USD, ALTCOIN, date_format="MMM dd, yyyy"),
    from_files("real XMR", XMR_USD, ALTCOIN, drop="Y"),
    from_files("seed BTC", BTC_EUR, "seed/google_trend_bitcoin.csv"),
    from_files("seed BTC dropped", BTC_EUR, "seed/google_trend_bitcoin.csv", drop="Y"),
    from_files("seed XMR", XMR_EUR, "seed/google_trend_monero.csv"),
    from_files("seed XMR dropped", XMR_EUR, "seed/google_trend_monero.csv", drop="Y"),
    *(Input(f"price {number}", f"{HISTORY}2024-01-21,{number}\n", TREND, True) for number in NUMBERS),
    Input(
        "no price before the first", "Date,Price\n2024-01-01,-1\n2024-01-02,2\n2024-01-03,-1\n", TREND, True
    ),
    Input("nothing but missing prices", "Date,Price\n2024-01-01,-1\n", TREND, True),
    Input("trend alone for years", HISTORY, "Date,Trend\n2010-01-03,0\n2024-01-07,100\n", True),
    *(Input(name, content, TREND, False) for name, (content, _) in BAD_PLAIN.items()),
    *(Input(name, HISTORY, content, False) for name, (content, _) in BAD_PLAIN_TRENDS.items()),
]
TICKERS = {given.name: f"C{number:03}" for number, given in enumerate(INPUTS)}
"""Identifiers of the inputs for folders and tables."""
SETS = ("{}_hist", "{}_trend")


@dataclass(frozen=True)
class Results:
    """The results of both engines: errors by engine, input and script, and the lakes."""

    folder: Path
    errors: dict[str, dict[str, dict[str, str | None]]]

    def sets(self, engine: str, name: str, size: int = ALONE) -> dict[str, pa.Table]:
        """Return every set of an input that the engine wrote, by its path."""
        ticker, lake = TICKERS[name], self.folder / lake_of(engine, size)
        folders = [lake / "silver" / text.format(ticker) for text in SETS]
        folders.append(lake / "gold" / ticker)
        found = {"/".join(folder.parts[-2:]): read_set(folder) for folder in folders if folder.is_dir()}
        if (loaded := self.loaded(engine, name, size)).is_file():
            found["redshift"] = pa.parquet.read_table(loaded)
        return found

    def loaded(self, engine: str, name: str, size: int = ALONE) -> Path:
        """Return the file with the rows of an input that an engine has loaded."""
        sink = self.folder / engine / "sink"
        return sink / f"{schema_of(size)}._staging_{TICKERS[name].lower()}.parquet"

    def outcome(self, engine: str, size: int, step: str) -> dict[str, Any]:
        """Return the outcome of a step of the group of this size."""
        file = f"{TICKERS[GROUPED[size][0]]}.json"
        path = self.folder / lake_of(engine, size) / "outcomes" / "e" / step / file
        return dict(json.loads(path.read_bytes()))


def lake_of(engine: str, size: int) -> str:
    return engine if size == ALONE else f"{engine}-{size}"


def schema_of(size: int) -> str:
    """Return where tables go: those of each group to a schema of their own."""
    return "market_data" if size == ALONE else f"grouped_{size}"


def cases(lake: Lake, raw: Lake) -> list[dict[str, Any]]:
    """Return the job runs of every input. A step whose input is missing runs as well: it must fail."""
    made = []
    for given in INPUTS:
        ticker = TICKERS[given.name]
        steps = {
            "bronze2silver": lake.silver_arguments(ticker, RAW=raw.uri("raw"), DROP=given.drop),
            "silver2gold": lake.gold_arguments(ticker),
            "redshift_upload": lake.redshift_arguments(ticker),
        }
        made += [{"name": given.name, "argv": [script, *arguments]} for script, arguments in steps.items()]
    return made


def _largest(size: int) -> list[str]:
    """Return the names of inputs: the good ones, and bad ones that fill the group."""
    good, bad = ([given.name for given in INPUTS if given.good is wanted] for wanted in (True, False))
    assert len(good) < size
    return [*good, *bad[: size - len(good)]]


GROUPED = {1: ["reference LTC"], 2: ["reference XMR", "a missing trend"], 25: _largest(25)}
"""Size of a group → the inputs that are also run as such a group."""


def group_cases(lake: Lake, raw: Lake, size: int) -> list[dict[str, Any]]:
    """Return the job runs of a group."""
    given = {one.name: one for one in INPUTS}
    group = [
        {
            "TICKER": TICKERS[name],
            "HIST_FILE": f"{TICKERS[name]}/history.csv",
            "TREND_FILE": f"{TICKERS[name]}/trend.csv",
            "DROP": given[name].drop,
            "FROM": "silver",
        }
        for name in GROUPED[size]
    ]
    run = ["--GROUP", json.dumps(group), "--EXECUTION", "e", "--OUTCOMES", lake.uri("outcomes")]
    places = ["--RAW", raw.uri("raw"), "--SILVER", lake.uri("silver"), "--GOLD", lake.uri("gold")]
    load = ["--CONNECTION", "c", "--SCHEMA", schema_of(size), "--TEMP", lake.uri("temp"), "--COPY_ROLE", "-"]
    scripts = ("bronze2silver", "silver2gold", "redshift_upload")
    return [{"name": f"a group of {size}", "argv": [script, *places, *load, *run]} for script in scripts]


def by_input(work: list[dict[str, Any]], outcomes: list[dict[str, Any]]) -> dict[str, dict[str, str | None]]:
    pairs = zip(work, outcomes, strict=True)
    return {
        name: {case["argv"][0]: outcome["error"] for case, outcome in group}
        for name, group in groupby(pairs, key=lambda pair: str(pair[0]["name"]))
    }


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    python = os.environ.get("CRYPTOETL_SPARK_PYTHON")
    if not python or not Path(python).is_file():
        pytest.fail(
            "CRYPTOETL_SPARK_PYTHON does not name a Python with JVM Spark: run `make test-spark`",
            pytrace=False,
        )
    folder = tmp_path_factory.mktemp("lake")
    raw = Lake(folder)
    for given in INPUTS:
        for kind, content in (("history", given.history), ("trend", given.trend)):
            if content is not None:
                raw.write_raw(f"{TICKERS[given.name]}/{kind}.csv", content)
    lakes = {engine: Lake(folder / engine) for engine in ENGINES}
    work = {engine: cases(lake, raw) for engine, lake in lakes.items()}
    for name, size in product(ENGINES, GROUPED):
        work[name] += group_cases(Lake(folder / lake_of(name, size)), raw, size)
    sinks = {engine: folder / engine / "sink" for engine in ENGINES}

    task, answer = folder / "cases.json", folder / "outcomes.json"
    task.write_text(json.dumps({"sink": str(sinks["spark"]), "cases": work["spark"]}), encoding="utf-8")
    jvm = subprocess.Popen(
        [python, Path(__file__).with_name("run_scripts.py"), task, answer, "--threads", "2"],
        # Variables that an engine or PySpark's client set in this process must not reach the other process.
        env={
            name: text for name, text in os.environ.items() if not name.startswith(("SPARK_", "PYTHONPATH"))
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        with Engine() as engine:
            engine.session()
            sail = run_cases(work["sail"], sinks["sail"])
        output, _ = jvm.communicate(timeout=600)
    finally:
        jvm.kill()
    assert jvm.returncode == 0, output
    spark = json.loads(answer.read_text(encoding="utf-8"))["outcomes"]
    return Results(folder, {"sail": by_input(work["sail"], sail), "spark": by_input(work["spark"], spark)})


@pytest.mark.parametrize("given", INPUTS, ids=lambda given: given.name)
def test_both_engines_accept_or_refuse_an_input_with_the_same_message(given: Input, results: Results) -> None:
    sail, spark = (results.errors[engine][given.name] for engine in ENGINES)
    assert sail == spark
    assert (sail["bronze2silver"] is None) == given.good, sail


@pytest.mark.parametrize("given", INPUTS, ids=lambda given: given.name)
def test_both_engines_write_equal_sets_and_load_none_of_a_refused_file(
    given: Input, results: Results
) -> None:
    if not given.good:
        assert not [engine for engine in ENGINES if results.loaded(engine, given.name).exists()]
        return
    sail, spark = (results.sets(engine, given.name) for engine in ENGINES)
    assert list(sail) == list(spark)
    assert len(sail) == 4
    for name in sail:
        assert sail[name].schema.equals(spark[name].schema, check_metadata=False), name
        for column in sail[name].column_names:
            ours, theirs = (tables[name][column].to_pylist() for tables in (sail, spark))
            assert not unequal(ours, theirs, rel=1e-9), f"{name} {column}"


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("size", "name"), [(size, name) for size in GROUPED for name in GROUPED[size]])
def test_a_group_has_the_sets_and_messages_of_single_runs(
    engine: str, size: int, name: str, results: Results
) -> None:
    outcome = results.outcome(engine, size, "silver")
    assert outcome["complete"] is True
    entry = outcome["currencies"][TICKERS[name]]
    expected = results.errors[engine][name]["bronze2silver"]
    found = f"{entry['error']}: {entry['reason']}" if entry["status"] == "FAILED" else None
    assert found == expected
    loaded = results.outcome(engine, size, "redshift")["currencies"]
    if expected is not None:
        assert TICKERS[name] not in loaded
        assert not results.loaded(engine, name, size).exists()
        return
    alone, grouped = results.sets(engine, name), results.sets(engine, name, size)
    assert alone.keys() == grouped.keys()
    assert len(alone) == 4
    assert all(alone[key].equals(grouped[key]) for key in alone)
    assert loaded[TICKERS[name]]["rows"] == alone["redshift"].num_rows
