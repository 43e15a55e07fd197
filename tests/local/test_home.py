"""The home, the disk, the warehouse's doors: what is said when something is in the way."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.local.shared import command, cryptoetl, environment, small, states, table, write_config


def limited_to(size: int) -> dict[str, Any]:
    """No file may become larger: what a full disk does to a write, at a place of the test's choosing."""
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))}


@pytest.mark.parametrize("arguments", [["upload"], ["deploy"], ["up"], ["run"]])
def test_a_home_that_cannot_be_written_is_one_clear_message(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "a file").write_text("")
    config = small(tmp_path, "BTC", home="a file/home")
    done = cryptoetl(*arguments, "-c", config).expect(2)
    assert "cannot write" in done.err
    assert "local.home" in done.err
    assert len(done.err.splitlines()) == 2


def test_a_disk_that_fills_while_uploading_leaves_the_earlier_file(tmp_path: Path) -> None:
    config = small(tmp_path, "BTC")
    cryptoetl("up", "-c", config).expect(0)
    stored = tmp_path / "home" / "lake" / "raw" / "BTC" / "history.csv"
    before = stored.read_bytes()
    prices = tmp_path / "BTC prices.csv"
    lines = [
        "Date,Price",
        *(f"{m:02}/{d:02}/{y},5" for y in range(2000, 2022) for m in range(1, 13) for d in range(1, 28)),
    ]
    prices.write_text("\n".join(lines))
    done = cryptoetl("upload", "-c", config, **limited_to(20_000)).expect(2)
    assert "File too large" in done.err
    assert "Free some space" in done.err
    assert stored.read_bytes() == before
    assert [path.name for path in stored.parent.iterdir() if path.name.startswith(".")] == []
    cryptoetl("up", "-c", config).expect(0)
    assert stored.read_bytes() == prices.read_bytes()


def test_a_disk_that_fills_while_running_fails_the_step_and_keeps_the_table(tmp_path: Path) -> None:
    config = small(tmp_path, "BTC")
    cryptoetl("up", "-c", config).expect(0)
    before = table(tmp_path / "home", "btc")
    done = cryptoetl("run", "-c", config, **limited_to(1_000))
    assert done.exit_code in (1, 2)
    assert "Traceback" not in done.err
    assert table(tmp_path / "home", "btc") == before
    cryptoetl("run", "-c", config).expect(0)


def test_an_execution_that_could_not_be_recorded_leaves_no_record(tmp_path: Path) -> None:
    config = small(tmp_path, "BTC", "XMR")
    cryptoetl("up", "-c", config, "--fail", "XMR:gold").expect(1)
    name = cryptoetl("status", "-c", config, "--json").data["name"]

    done = cryptoetl("run", "-c", config, **limited_to(1_000)).expect(2)

    assert "Free some space" in done.err
    assert cryptoetl("status", "-c", config, "--json").data["name"] == name
    assert [folder.name for folder in (tmp_path / "home" / "executions").iterdir()] == [name]
    retried = cryptoetl("run", "--retry-failed", "-c", config, "--json").expect(0)
    assert states(retried)["XMR"] == ("LOADED", None)


@pytest.mark.parametrize("arguments", [["run"], ["status"], ["status", "--watch"], ["query", "SELECT 1"]])
def test_before_anything_is_there_a_command_says_what_to_run(tmp_path: Path, arguments: list[str]) -> None:
    done = cryptoetl(*arguments, "-c", small(tmp_path, "BTC")).expect(2)
    assert "cryptoetl" in done.err
    assert "unexpected" not in done.err


def test_verify_names_a_missing_table_and_a_changed_value(tmp_path: Path) -> None:
    import duckdb

    config = small(tmp_path, "BTC", "XMR", "LTC")
    done = cryptoetl("verify", "-c", config).expect(1)
    assert done.out.count("the table is missing") == 3
    cryptoetl("up", "-c", config).expect(0)
    with duckdb.connect(tmp_path / "home" / "warehouse.duckdb") as connection:
        connection.execute("UPDATE market_data.btc SET price = price + 1 WHERE date = '2022-05-10'")
        connection.execute("ALTER TABLE market_data.xmr ADD COLUMN more INTEGER")
    tables = cryptoetl("verify", "-c", config, "--json").expect(1).data["tables"]
    problems = {item["ticker"]: item["problems"] for item in tables}
    assert "price sum" in problems["BTC"][0]
    assert "more" in problems["XMR"][0]
    assert problems["LTC"] == []


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO btc SELECT * FROM btc",
        "DROP TABLE btc",
        "CREATE TABLE x AS SELECT 1",
        "COPY btc TO '/tmp/btc.csv'",
        "ATTACH ':memory:' AS other",
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SET enable_external_access = true",
        "PRAGMA database_list; DROP TABLE btc",
        "SELEC 1",
        "",
        "SELECT * FROM nowhere",
    ],
)
def test_query_only_reads(tmp_path_factory: pytest.TempPathFactory, loaded: Path, statement: str) -> None:
    done = cryptoetl("query", "-c", loaded, statement).expect(2)
    assert done.out == ""
    assert "unexpected" not in done.err
    assert len(table(loaded.parent / "home", "btc")) == 30


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = small(tmp_path_factory.mktemp("loaded"), "BTC")
    cryptoetl("up", "-c", config).expect(0)
    return config


def test_query_gives_rows_as_a_table_or_json_and_reads_standard_input(loaded: Path) -> None:
    sql = "SELECT date, price, trend FROM market_data.btc ORDER BY date LIMIT 3"
    rows = cryptoetl("query", "-c", loaded, "--json", sql).expect(0).data
    assert rows["rows"][0] == {"date": "2022-05-01", "price": 101.0, "trend": 10}
    limited = cryptoetl("query", "-c", loaded, "--limit", "2", "--json", "FROM btc").expect(0).data
    assert (len(limited["rows"]), limited["more"]) == (2, True)
    piped = cryptoetl("query", "-c", loaded, "-", input="SELECT count(*) AS days FROM btc").expect(0)
    assert "30" in piped.out
    assert "days" in piped.out


def test_a_reader_that_leaves_a_pipe_early_is_no_error(loaded: Path) -> None:
    line = " ".join(
        f"'{part}'" for part in command("query", "-c", loaded, "FROM range(100000)", "--limit", "100000")
    )
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{line} | head -1"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


def test_help_and_version_import_nothing_heavy() -> None:
    program = (
        "import sys, json\n"
        "from cryptoetl import cli\n"
        "sys.argv = ['cryptoetl', *sys.argv[1:]]\n"
        "try:\n    cli.main()\n"
        "except SystemExit:\n    pass\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    for arguments in (["--help"], ["--version"], ["run", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        modules = set(json.loads(done.stdout.splitlines()[-1]))
        heavy = {
            "boto3",
            "botocore",
            "pyspark",
            "pysail",
            "duckdb",
            "pandas",
            "pyarrow",
            "numpy",
            "rich",
        }
        assert modules & heavy == set()


def test_a_missing_or_misplaced_raw_file_is_a_problem_of_the_configuration(tmp_path: Path) -> None:
    config = write_config(tmp_path, [{"ticker": "BTC", "history": "nowhere.csv", "trend": "."}])
    for name in ("check", "upload", "up"):
        done = cryptoetl(name, "-c", config).expect(2)
        assert f"{config}:" in done.err
        assert "nowhere.csv: does not exist" in done.err
        assert "is a folder, not a file" in done.err
        assert not (tmp_path / "home").exists()
