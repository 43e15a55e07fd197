"""The scripts give equal results on Sail, which runs them here, and on JVM Spark, which runs them on Glue."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from cryptoetl.local.engine import Engine
from tests.conftest import DATA
from tests.local.corpus import PLAIN, SUPPORTED, UNSUPPORTED, Variant
from tests.local.odd_files import ODD_FILES
from tests.local.scripts import TREND, Lake, read_set, unequal
from tests.spark.run_scripts import run_cases

pytestmark = pytest.mark.spark

ENGINES = ("sail", "spark")


@dataclass(frozen=True)
class Input:
    """One currency's raw files (None: missing), whether the silver step is to take them, and its options.

    silver_alone: the later steps, which see no raw file, are left out.
    """

    name: str
    history: bytes | None
    trend: bytes | None
    good: bool
    options: Mapping[str, str] = field(default_factory=dict)
    silver_alone: bool = False


def from_files(name: str, history: str, trend: str, *, good: bool = True, **options: str) -> Input:
    return Input(name, (DATA / history).read_bytes(), (DATA / trend).read_bytes(), good, options)


def odd_inputs() -> Iterator[Input]:
    for odd in ODD_FILES:
        files = {"history": PLAIN_HISTORY.encode(), "trend": TREND.encode(), odd.kind: odd.content}
        good = not isinstance(odd.expected, str)
        yield Input(
            odd.name, files["history"], files["trend"], good, odd.options, odd.name not in ODD_TO_THE_END
        )


def corpus_inputs() -> Iterator[Input]:
    for variant in (*SUPPORTED, *UNSUPPORTED):
        good = variant.refused is None
        yield Input(corpus_name(variant), variant.history, variant.trend, good, variant.options, not good)


def corpus_name(variant: Variant) -> str:
    return f"corpus: {variant.name}"


PLAIN_HISTORY = "Date,Price\n01/01/2024,1.5\n01/20/2024,2.5\n"
ODD_TO_THE_END = {
    "missing",
    "-1 is missing",
    "nothing but missing prices",
    "the largest float",
    "less than one",
}
BTC_EUR = "seed/BTC_EUR_Historical_Data.csv"
BTC_USD = "real/BTC_USD Bitfinex Historical Data.csv"
XMR_EUR = "seed/XMR_EUR Kraken Historical Data.csv"
XMR_USD = "real/XMR_USD Binance Historical Data.csv"
ETH_USD = "real/Ethereum Historical Data - Investing.com.csv"
BITCOIN = "real/bitcoin multiTimeline.csv"
ALTCOIN = "real/altcoin multiTimeline.csv"
INPUTS = [
    from_files("reference LTC", "reference/raw/LTC hist.csv", "reference/raw/trend_LTC.csv", DROP="N"),
    from_files("reference XMR", "reference/raw/XMR hist.csv", "reference/raw/trend_XMR.csv", DROP="Y"),
    from_files("real BTC", BTC_USD, BITCOIN),
    from_files("real BTC with monthly values", BTC_USD, "real/bitcoin monthly multiTimeline.csv", good=False),
    from_files("real ETH", ETH_USD, ALTCOIN, DATE_FORMAT="MMM dd, yyyy"),
    from_files("real ETH in the wrong format", ETH_USD, ALTCOIN, good=False),
    from_files("real XMR", XMR_USD, ALTCOIN, DROP="Y"),
    from_files("seed BTC", BTC_EUR, "seed/google_trend_bitcoin.csv", DROP="N"),
    from_files("seed BTC dropped", BTC_EUR, "seed/google_trend_bitcoin.csv", DROP="Y"),
    from_files("seed XMR", XMR_EUR, "seed/google_trend_monero.csv", DROP="N"),
    from_files("seed XMR dropped", XMR_EUR, "seed/google_trend_monero.csv", DROP="Y"),
    from_files("both files broken", "reference/gold/LTC.csv", ETH_USD, good=False),
    *odd_inputs(),
    *corpus_inputs(),
]
TICKERS = {given.name: f"C{number:03}" for number, given in enumerate(INPUTS)}
"""Names for folders and tables, which the names of the inputs are not."""
SETS = ("{}_hist", "{}_trend")


@dataclass(frozen=True)
class Results:
    """What each engine made of the inputs: errors by engine, input and script, and the lakes."""

    folder: Path
    errors: dict[str, dict[str, dict[str, str | None]]]

    def sets(self, engine: str, name: str) -> dict[str, pa.Table]:
        """Every set of an input that the engine wrote, by its place."""
        ticker = TICKERS[name]
        folders = [self.folder / engine / "silver" / text.format(ticker) for text in SETS]
        folders.append(self.folder / engine / "gold" / ticker)
        found = {"/".join(folder.parts[-2:]): read_set(folder) for folder in folders if folder.is_dir()}
        loaded = self.folder / engine / "sink" / f"market_data._staging_{ticker.lower()}.parquet"
        if loaded.is_file():
            found["redshift"] = pa.parquet.read_table(loaded)
        return found


def cases(lake: Lake, raw: Lake) -> list[dict[str, Any]]:
    """The job runs of every input. A step whose input is missing is run as well: it must refuse to go on."""
    made = []
    for given in INPUTS:
        ticker = TICKERS[given.name]
        steps = {"bronze2silver": lake.silver_arguments(ticker, RAW=raw.uri("raw"), **given.options)}
        if not given.silver_alone:
            steps["silver2gold"] = lake.gold_arguments(ticker)
            steps["redshift_upload"] = lake.redshift_arguments(ticker)
        made += [{"name": given.name, "argv": [script, *arguments]} for script, arguments in steps.items()]
    return made


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
    sinks = {engine: folder / engine / "sink" for engine in ENGINES}

    task, answer = folder / "cases.json", folder / "outcomes.json"
    task.write_text(json.dumps({"sink": str(sinks["spark"]), "cases": work["spark"]}), encoding="utf-8")
    jvm = subprocess.Popen(
        [python, Path(__file__).with_name("run_scripts.py"), task, answer, "--threads", "2"],
        # Of the names that an engine or PySpark's client left in this process, none may reach the other one.
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
def test_both_engines_take_or_refuse_an_input_with_the_same_words(given: Input, results: Results) -> None:
    sail, spark = (results.errors[engine][given.name] for engine in ENGINES)
    assert sail == spark
    assert (sail["bronze2silver"] is None) == given.good, sail


@pytest.mark.parametrize("given", INPUTS, ids=lambda given: given.name)
def test_both_engines_write_equal_sets(given: Input, results: Results) -> None:
    sail, spark = (results.sets(engine, given.name) for engine in ENGINES)
    assert list(sail) == list(spark)
    assert len(sail) == (0 if not given.good else 2 if given.silver_alone else 4)
    for name in sail:
        assert sail[name].schema.equals(spark[name].schema, check_metadata=False), name
        for column in sail[name].column_names:
            ours, theirs = (tables[name][column].to_pylist() for tables in (sail, spark))
            assert not unequal(ours, theirs, rel=1e-9), f"{name} {column}"


@pytest.mark.parametrize("variant", SUPPORTED, ids=lambda variant: variant.name)
def test_every_supported_form_gives_the_same_gold_on_jvm_spark(variant: Variant, results: Results) -> None:
    (plain,), (gold,) = (
        [table for place, table in results.sets("spark", corpus_name(which)).items() if "gold" in place]
        for which in (PLAIN, variant)
    )
    assert gold.equals(plain)
