"""`cryptoetl init`: from a folder of downloads to a configuration, or to a list of missing files."""

from __future__ import annotations

import errno
import os
import pty
import shutil
import subprocess
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
