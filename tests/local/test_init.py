"""`cryptoetl init`: from a folder of downloads to a configuration, or to a list of missing files."""

from __future__ import annotations

import errno
import gzip
import io
import os
import pty
import shutil
import subprocess
import zipfile
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoetl import config
from cryptoetl.discovery import proposal
from tests.conftest import DATA, examples
from tests.local.cli import SECONDS, Outcome, Project, environment
from tests.unit.discovery import downloads
from tests.unit.raw_files.corpus import SUPPORTED
from tests.unit.raw_files.writing import Variant

REAL = DATA / "real"
SEED = DATA / "seed"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty folder."""
    return Project(tmp_path / "a new project")


def put(project: Project, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def two_files(project: Project) -> None:
    put(
        project,
        {"BTC_EUR Historical Data.csv": downloads.investing(), "multiTimeline.csv": downloads.trend()},
    )


def tickers(project: Project, name: str = "config.yaml") -> list[str]:
    return [currency.ticker for currency in config.load(project.folder / name).currencies]


# --- real downloads -----------------------------------------------------------------------------------


def test_the_sample_files_become_a_configuration_that_runs_as_it_is(project: Project) -> None:
    shutil.copytree(SEED, project.folder / "data")

    made = project.run("init", "data", "--yes")

    assert made.code == 0, made.err
    assert "Next: cryptoetl check -c config.yaml" in made.err
    assert tickers(project) == ["BTC", "XMR"]
    assert project.run("check").code == 0
    assert project.run("up").code == 0


def test_real_downloads_become_a_configuration_that_runs_as_it_is(project: Project) -> None:
    shutil.copytree(REAL, project.folder, dirs_exist_ok=True)

    made = project.run("init", "--yes")

    assert made.code == 0, made.err
    assert tickers(project) == ["BTC"]
    assert project.run("check").code == 0
    assert project.run("up").code == 0
    assert "choose a range of at most five years" in made.out


def test_trends_with_similar_names_are_distinguished_by_their_content(project: Project) -> None:
    for number, file in enumerate(sorted(REAL.iterdir())):
        if "multiTimeline" in file.name:
            (project.folder / str(number)).mkdir()
            shutil.copy(file, project.folder / str(number) / "multiTimeline.csv")
        else:
            shutil.copy(file, project.folder)

    assert project.run("init", "--yes").code == 0
    (currency,) = config.load(project.folder / "config.yaml").currencies
    assert currency.ticker == "BTC"
    assert "Week,Bitcoin" in currency.trend.read_text(encoding="utf-8")


def test_missing_files_are_commented_lines_in_the_configuration(project: Project) -> None:
    shutil.copy(REAL / "Ethereum Historical Data - Investing.com.csv", project.folder)
    shutil.copy(REAL / "altcoin multiTimeline.csv", project.folder)

    outcome = project.run("init", "--yes")

    assert outcome.code == 1
    assert "if it is meant for ETH (Ethereum Historical Data - Investing.com.csv)" in outcome.out
    assert not (project.folder / "config.yaml").exists()
    (lines,) = (file["lines"] for file in unpaired(project) if file["kind"] == "history")
    assert all(line in outcome.out for line in lines)
    put(project, {"config.yaml": "\n".join(["currencies:", *lines])})
    shutil.copy(project.folder / "altcoin multiTimeline.csv", project.folder / "trend_ETH.csv")
    assert project.run("check").code == 0


def unpaired(project: Project) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = project.run("init", "--yes", "--json").data["unpaired"]
    return files


RECOGNISED = [variant for variant in SUPPORTED if variant.settings.get("date_format") != "excel"]
"""Serial numbers of days could be any numbers: only a configuration says what they are."""


@pytest.mark.parametrize("variant", RECOGNISED, ids=lambda variant: variant.name)
def test_every_supported_form_is_recognised(project: Project, variant: Variant) -> None:
    put(project, {"BTC.csv": variant.history, "bitcoin multiTimeline.csv": variant.trend})
    path = project.folder / "config.yaml"

    proposal.write(proposal.propose(project.folder, path, None, lambda event: None), force=False)

    (written,) = yaml.safe_load(path.read_text(encoding="utf-8"))["currencies"]
    files = {"ticker": "BTC", "history": "BTC.csv", "trend": "bitcoin multiTimeline.csv"}
    assert written == files | {name: value for name, value in variant.settings.items() if name != "drop"}
    assert config.load(path)


@pytest.mark.parametrize(
    "history",
    [
        downloads.italian(),
        downloads.yahoo(),
        downloads.coingecko(),
        downloads.coinmarketcap(),
        downloads.binance(),
    ],
    ids=["Italian", "Yahoo", "CoinGecko", "CoinMarketCap", "Binance"],
)
def test_the_written_configuration_runs(project: Project, history: str) -> None:
    put(project, {"BTC.csv": history, "multiTimeline.csv": downloads.trend()})

    assert project.run("init", "--yes").code == 0
    assert project.run("up").code == 0


# --- asking, and never overwriting --------------------------------------------------------------------


def test_without_a_terminal_nothing_is_written_unless_yes_is_given(project: Project) -> None:
    two_files(project)

    outcome = project.run("init")

    assert outcome.code == 2
    assert "BTC_EUR Historical Data.csv" in outcome.out
    assert outcome.err == "Nothing was written. --yes writes it without asking.\n"
    assert not (project.folder / "config.yaml").exists()


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2), ("", 2)])
def test_on_a_terminal_it_shows_what_it_found_and_asks(project: Project, answer: str, code: int) -> None:
    two_files(project)

    asked = on_a_terminal(project, answer, "init")

    assert asked.code == code
    assert asked.out.count("BTC trend:") == 1
    assert "Write config.yaml? [y/N]" in asked.err
    assert ("Next: cryptoetl check -c config.yaml" in asked.err) == (code == 0)
    assert (project.folder / "config.yaml").exists() == (code == 0)


def on_a_terminal(project: Project, answer: str, *arguments: str) -> Outcome:
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            project.command(*arguments),
            cwd=project.folder,
            env=environment({}),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            encoding="utf-8",
        )
        os.write(ours, f"{answer}\n".encode())
        out, _ = process.communicate(timeout=SECONDS)
        return Outcome(process.returncode, out, os.read(ours, 100_000).decode())
    finally:
        os.close(ours)
        os.close(theirs)


# --- prices that could be in several columns or files -------------------------------------------------


def two_columns(project: Project) -> None:
    """Prices of Bitcoin that could be in either of two columns, and Monero, which is clear."""
    lines = [f"2024-01-{day:02d},{40_000 + day}.5,{2_000 + 3 * day}.25" for day in range(1, 32)]
    put(
        project,
        {
            "BTC.csv": "\n".join(["Date,Alpha,Beta", *lines]),
            "bitcoin trend.csv": downloads.trend(),
            "XMR.csv": downloads.iso(),
            "monero trend.csv": downloads.trend("monero: (Worldwide)"),
        },
    )


def two_files_that_disagree(project: Project) -> None:
    two_columns(project)
    for name, price in (("BTC.csv", 40_000), ("bitcoin prices.csv", 9)):
        lines = [f"2024-{n // 28 % 12 + 1:02d}-{n % 28 + 1:02d},{price + n % 5}" for n in range(300)]
        put(project, {name: "\n".join(["Date,Close", *lines])})


def test_without_a_choice_a_currency_is_left_out_and_its_alternatives_are_comments(project: Project) -> None:
    two_columns(project)

    made = project.run("init", "--yes")

    assert made.code == 1
    assert tickers(project) == ["XMR"]
    assert made.err.startswith("Left out: BTC, because the prices could be in several columns or files. ")
    assert "Uncomment the right lines in config.yaml" in made.err
    text = (project.folder / "config.yaml").read_text()
    assert "#   price_column: Alpha" in text
    assert "#   price_column: Beta" in text
    alternative = text[text.index("if it is column Beta, use") :].split("\n")[1:]
    chosen = [f"  {line[3:]}" for line in takewhile(lambda line: line.strip("# "), alternative)]
    put(project, {"config.yaml": "\n".join(["currencies:", *chosen])})
    (currency,) = config.load(project.folder / "config.yaml").currencies
    assert (currency.ticker, currency.price_column) == ("BTC", "Beta")
    assert project.run("check").code == 0


def test_json_names_the_currencies_that_were_left_out(project: Project) -> None:
    two_columns(project)
    proposed = project.run("init", "--json")
    assert (proposed.code, proposed.data["status"], proposed.data["undecided"]) == (2, "proposed", ["BTC"])
    made = project.run("init", "--json", "--yes")
    assert (made.code, made.data["status"], made.data["undecided"]) == (1, "failed", ["BTC"])
    assert made.data["written"] is True
    assert [file["file"] for file in made.data["unpaired"]] == ["BTC.csv", "BTC.csv"]


def test_if_no_currency_is_left_nothing_is_written(project: Project) -> None:
    two_columns(project)
    (project.folder / "XMR.csv").unlink()

    made = project.run("init", "--yes")

    assert made.code == 1
    assert "Left out: BTC" in made.err
    assert "price_column: Beta" in made.out
    assert not (project.folder / "config.yaml").exists()


@pytest.mark.parametrize(("answer", "column"), [("1", "Alpha"), ("2", "Beta"), ("7\nx\n2", "Beta")])
def test_on_a_terminal_it_asks_which_column_holds_the_prices(
    project: Project, answer: str, column: str
) -> None:
    two_columns(project)

    asked = on_a_terminal(project, f"{answer}\ny", "init")

    assert asked.code == 0
    assert "BTC: no column's name says that it holds the price. Which are the prices?" in asked.err
    assert "0  leave BTC out" in asked.err
    assert "1  BTC.csv, column Alpha: 40,001.5 on 2024-01-01 ... 40,031.5 on 2024-01-31" in asked.err
    assert "2  BTC.csv, column Beta: 2,003.25 on 2024-01-01 ... 2,093.25 on 2024-01-31" in asked.err
    assert asked.err.count("Type one of the numbers above.") == answer.count("\n")
    written = config.load(project.folder / "config.yaml").currencies
    assert [(currency.ticker, currency.price_column) for currency in written] == [
        ("BTC", column),
        ("XMR", "Price"),
    ]
    assert "Left out" not in asked.err


@pytest.mark.parametrize("answer", ["0", ""])
def test_a_currency_that_the_user_leaves_out_is_no_failure(project: Project, answer: str) -> None:
    two_columns(project)

    asked = on_a_terminal(project, f"{answer}\ny", "init")

    assert asked.code == 0
    assert tickers(project) == ["XMR"]
    assert "price_column: Beta" in (project.folder / "config.yaml").read_text()


def test_with_yes_nothing_is_asked_on_a_terminal(project: Project) -> None:
    two_columns(project)
    asked = on_a_terminal(project, "", "init", "--yes")
    assert asked.code == 1
    assert "Which are the prices" not in asked.err
    assert tickers(project) == ["XMR"]


def test_on_a_terminal_it_asks_which_of_two_files_holds_the_prices(project: Project) -> None:
    two_files_that_disagree(project)

    left_out = project.run("init", "--yes", "-c", "other.yaml")
    assert left_out.code == 1
    assert tickers(project, "other.yaml") == ["XMR"]

    asked = on_a_terminal(project, "2\ny", "init")

    assert asked.code == 0
    assert "the prices of BTC.csv and bitcoin prices.csv are not those of one coin" in asked.err
    assert "2  bitcoin prices.csv, column Close: 9 on 2024-01-01" in asked.err
    first, _ = config.load(project.folder / "config.yaml").currencies
    assert (first.ticker, first.history.name) == ("BTC", "bitcoin prices.csv")
    assert "BTC.csv: bitcoin prices.csv is used for BTC" in asked.out


def test_an_existing_configuration_is_replaced_only_with_force(project: Project) -> None:
    two_files(project)
    put(project, {"config.yaml": "mine"})

    refused = project.run("init", "--yes")
    assert refused.code == 2
    assert "config.yaml: exists already" in refused.err
    assert "--force" in refused.err
    assert (project.folder / "config.yaml").read_text() == "mine"

    assert project.run("init", "--yes", "--force").code == 0
    assert tickers(project) == ["BTC"]
    assert sorted(path.name for path in project.folder.iterdir()) == [
        "BTC_EUR Historical Data.csv",
        "config.yaml",
        "multiTimeline.csv",
    ]


def test_the_configuration_is_written_to_the_given_path_and_refers_to_the_files_from_there(
    project: Project,
) -> None:
    two_files(project)
    (project.folder / "conf").mkdir()

    made = project.run("init", "--yes", "-c", "conf/my own.yaml")

    assert made.code == 0
    assert "cryptoetl check -c 'conf/my own.yaml'" in made.err
    assert "history: ../BTC_EUR Historical Data.csv" in (project.folder / "conf/my own.yaml").read_text()
    assert project.run("check", "-c", "conf/my own.yaml").code == 0
    assert project.run("init", "--yes", CRYPTOETL_CONFIG="other.yaml").code == 0
    assert tickers(project, "other.yaml") == ["BTC"]


def test_a_failed_write_leaves_nothing_behind(project: Project) -> None:
    two_files(project)

    refused = project.run("init", "--yes", biggest_file=10)

    assert refused.code == 2
    assert "config.yaml: cannot be written" in refused.err
    assert not [path for path in project.folder.iterdir() if path.suffix != ".csv"]


def test_json_contains_the_files_their_formats_and_the_text(project: Project) -> None:
    two_files(project)
    put(project, {"Monero.csv": downloads.iso(), "odd.csv": ""})

    proposed = project.run("init", "--json")
    assert proposed.code == 2
    assert proposed.data["written"] is False

    data = project.run("init", "--json", "--yes").data
    assert data["written"] is True
    assert data["config"] == "config.yaml"
    assert (project.folder / "config.yaml").read_text(encoding="utf-8") == data["text"]
    (currency,) = data["currencies"]
    assert (currency["ticker"], currency["history"]["date_format"]) == ("BTC", "MM/dd/yyyy")
    assert currency["trend"]["facts"] == {
        "rows": 12,
        "first": "2023-12-31",
        "last": "2024-03-17",
        "cadence": "weekly",
        "missing": 0,
        "unreadable": 0,
    }
    assert [(file["file"], len(file["lines"])) for file in data["unpaired"]] == [
        ("Monero.csv", 4),
        ("odd.csv", 0),
    ]


# --- which files --------------------------------------------------------------------------------------


def test_files_are_found_below_the_folder_but_not_in_hidden_ones(project: Project) -> None:
    put(
        project,
        {
            "Data/BTC.CSV": downloads.iso(),
            "data/deep/trend.tsv": downloads.trend().replace(",", "\t"),
            "data/deep/bitcoin trend.csv": downloads.trend(),
            ".hidden/ETH.csv": downloads.iso(),
            "data/.~lock.BTC.csv": "",
            "notes.txt": "",
        },
    )
    (project.folder / "data" / "loop").symlink_to(project.folder, target_is_directory=True)
    os.mkfifo(project.folder / "pipe.csv")
    (project.folder / "gone.csv").symlink_to("nowhere")
    (project.folder / "circle.csv").symlink_to("circle.csv")

    data = project.run("init", "--json", "--yes").data

    assert [currency["history"]["file"] for currency in data["currencies"]] == ["Data/BTC.CSV"]
    assert {file["file"] for file in data["unpaired"]} == {
        "data/deep/trend.tsv",
        "circle.csv",
        "gone.csv",
        "pipe.csv",
    }


def zipped(members: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def test_packed_files_are_read_as_they_are(project: Project) -> None:
    history, trend = downloads.investing(), downloads.trend()
    put(
        project,
        {
            "BTC_EUR Historical Data.csv.gz": gzip.compress(history.encode()),
            "archive.zip": zipped({"multiTimeline.csv": trend}),
            "XMR.zip": zipped({"prices.csv": downloads.iso()}),
            "archive (1).zip": zipped({"monero trend.csv": downloads.trend("monero: (Worldwide)")}),
        },
    )

    assert project.run("init", "--yes").code == 0
    assert tickers(project) == ["BTC", "XMR"]
    assert project.run("up").code == 0
    raw = project.folder / ".cryptoetl" / "lake" / "raw" / "BTC"
    assert gzip.decompress((raw / "source" / "history").read_bytes()).decode() == history
    put(project, {"BTC_EUR Historical Data.csv.gz": gzip.compress(history.encode())[:-9]})
    broken = project.run("check")
    assert broken.code == 1
    assert "Historical Data.csv.gz: the gzip file is truncated or damaged" in broken.out


def test_the_name_of_a_coin_is_found_in_an_archive(project: Project) -> None:
    put(
        project,
        {
            "archive.zip": zipped({"ETH-USD.csv": downloads.iso()}),
            "multiTimeline.csv": downloads.trend("ethereum: (Worldwide)"),
            "bitcoin.csv": downloads.trend(),
        },
    )
    project.run("init", "--yes")
    assert tickers(project) == ["ETH"]


def test_files_of_other_kinds_are_named_with_how_to_go_on(project: Project) -> None:
    two_files(project)
    files = {
        "a.xlsx": "it is an Excel workbook: save the sheet with the data as CSV UTF-8",
        "b.XLS": "it is an Excel workbook: save the sheet with the data as CSV UTF-8",
        "c.ods": "it is a spreadsheet (OpenDocument): save the sheet with the data as CSV UTF-8",
        "d.txt": "it is a table: rename it to d.csv, or name it with --glob '*.txt'",
        "e.json": "it is JSON: save it as CSV, with a date and a price on each line",
        "f.parquet": "it is a Parquet file: save it as CSV",
        "g.zip": "it is a zip archive of 2 files: unpack it",
        "h.csv": "it is an Excel workbook: save it as CSV UTF-8",
    }
    put(project, dict.fromkeys(files, ""))
    put(
        project,
        {
            "d.txt": downloads.iso(),
            "e.json": '{"prices": [[1704067200000, 42000.5]]}',
            "g.zip": zipped({"a.csv": "", "b.csv": ""}),
            "h.csv": zipped({"[Content_Types].xml": ""}),
            "notes.txt": "Remember the milk.",
            "package.json": '{"name": "x"}',
            "picture.png": "",
        },
    )

    made = project.run("init", "--yes", "--json")

    assert made.code == 0
    assert {file["file"]: file["reason"] for file in made.data["unpaired"]} == files
    selected = project.run("init", "--json", "--glob", "*.csv", "-c", "other.yaml").data["unpaired"]
    assert [file["file"] for file in selected] == ["h.csv"]


def test_a_pattern_selects_files(project: Project) -> None:
    put(project, {"a/BTC.txt": downloads.iso(), "a/multiTimeline.txt": downloads.trend(), "b.csv": ""})

    data = project.run("init", "--json", "--yes", "--glob", "A/*.txt").data

    assert [currency["ticker"] for currency in data["currencies"]] == ["BTC"]
    assert data["unpaired"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere"], 2, "nowhere: no such folder"),
        (["file.txt"], 2, "file.txt: is a file, not a folder"),
        (["empty"], 1, "Nothing was written: there are no CSV files in empty."),
        (["empty", "-c", "empty"], 2, "empty: is a folder, not a file"),
        (["empty", "-c", "nowhere/config.yaml"], 2, "nowhere: no such folder"),
    ],
)
def test_an_impossible_request_is_explained(
    project: Project, arguments: list[str], code: int, message: str
) -> None:
    (project.folder / "empty").mkdir()
    put(project, {"file.txt": ""})

    outcome = project.run("init", *arguments)

    assert outcome.code == code
    assert message in outcome.out + outcome.err


def test_a_folder_that_cannot_be_read_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    two_files(project)
    (project.folder / "closed").mkdir()

    def refusing(path: str, scandir: Any = os.scandir) -> Any:
        if os.fspath(path).endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)  # root ignores permissions
    found = proposal.propose(project.folder, project.folder / "config.yaml", None, lambda event: None)

    assert [currency.ticker for currency in found.currencies] == ["BTC"]
    assert [(file.file.name, file.reason) for file in found.unpaired] == [
        ("closed", "it cannot be read (Permission denied)")
    ]


def test_undecodable_file_names_are_refused_and_do_no_harm(project: Project) -> None:
    two_files(project)
    with open(os.fsencode(project.folder) + b"/ETH \xff.csv", "w") as file:  # noqa: PTH123
        file.write(downloads.iso())

    made = project.run("init", "--yes")

    assert made.code == 0
    assert "its name holds control characters or is not UTF-8: rename it" in made.out
    assert tickers(project) == ["BTC"]


# --- any content --------------------------------------------------------------------------------------

CONTENT = st.one_of(
    st.binary(max_size=200),
    st.text(st.sampled_from('0123456789/-.,;\n" :DatePriceWeek'), max_size=200).map(str.encode),
    st.sampled_from(
        [
            text.encode()
            for text in (downloads.iso(), downloads.kraken(), downloads.trend(), downloads.italian())
        ]
    ),
)
NAME = st.text(st.sampled_from("BTCETHUSDbitcoin _-/.trend()1'#: é\n"), min_size=1, max_size=20).filter(
    lambda name: not name.startswith("/") and not {"", ".", ".."} & set(name.split("/"))
)


@settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(files=st.lists(st.tuples(NAME, CONTENT), max_size=5))
def test_files_of_any_content_give_a_configuration_or_a_message(
    tmp_path: Path, files: list[tuple[str, bytes]]
) -> None:
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    for number, (name, content) in enumerate(files):
        path = tmp_path / str(number) / f"{name}.csv"
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    path = tmp_path / "config.yaml"
    found = proposal.propose(tmp_path, path, None, lambda event: None)

    assert len(found.unpaired) + 2 * len(found.currencies) >= len(files) - sum(
        any(part.startswith(".") for part in f"{name}.csv".split("/")) for name, _ in files
    )
    if found.currencies:
        proposal.write(found, force=False)
        written = config.load(path).currencies
        assert [currency.ticker for currency in written] == [c.ticker for c in found.currencies]
        assert config.missing_files(path, written) == []
