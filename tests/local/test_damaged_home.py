"""Commands on a home whose files are missing, empty, truncated, wrong or unreadable."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.local.cli import Project

EXHAUSTIVE = bool(os.environ.get("CRYPTOETL_EXHAUSTIVE"))
"""Try each damage on each file, which takes half an hour; otherwise each file gets one of the damages."""


def absent(path: Path) -> None:
    path.unlink()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for at in range(len(content) // 3, len(content), max(len(content) // 7, 1)):
        content[at] ^= 0xFF
    path.write_bytes(bytes(content))


def garbage(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 20)


def another_shape(path: Path) -> None:
    path.write_bytes(b'{"States": {}, "id": "x", "status": [], "ended": 5, "timestamp": null}\n')


def deep(path: Path) -> None:
    path.write_bytes(b"[" * 100_000 + b"\n")


def unreadable(path: Path) -> None:
    """Replace the file by a folder: root could read it despite its permissions."""
    path.unlink()
    path.mkdir()


DAMAGES: tuple[Callable[[Path], None], ...] = (
    absent,
    empty,
    half,
    flipped,
    garbage,
    another_shape,
    deep,
    unreadable,
)
COMMANDS = (
    ("status",),
    ("status", "--last", "5"),
    ("logs", "BTC"),
    ("verify",),
    ("query", "SELECT * FROM btc"),
    ("preview", "BTC"),
    ("stop",),
    ("deploy", "--dry-run"),
    ("destroy", "--dry-run"),
    ("check",),
    ("run", "--retry-failed"),
    ("run", "--from", "redshift"),
    ("upload",),
    ("deploy", "--yes"),
    ("run",),
    ("up",),
    ("destroy", "--yes"),
)
"""Commands that change something come last."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a loaded currency."""
    project = Project(tmp_path_factory.mktemp("whole"))
    project.add_made("BTC")
    assert project.run("up").code == 0
    return project


def files(home: Path) -> Iterator[Path]:
    """Yield every file of a home, so that new kinds of files are tested as well."""
    return (path.relative_to(home) for path in sorted(home.rglob("*")) if path.is_file())


@pytest.mark.parametrize("share", range(len(DAMAGES)), ids=[damage.__name__ for damage in DAMAGES])
def test_every_command_handles_any_damage_to_a_file(whole: Project, share: int, tmp_path: Path) -> None:
    found = list(files(whole.home))
    assert len(found) > 20
    if not EXHAUSTIVE:
        found = found[share :: 2 * len(DAMAGES)]
    for number, file in enumerate(found):
        project = Project(tmp_path / str(number))
        shutil.copytree(whole.folder, project.folder, dirs_exist_ok=True)
        project.add("BTC", project.folder / "BTC.csv", project.folder / "BTC_trend.csv")
        DAMAGES[share](project.home / file)
        for command in COMMANDS:
            outcome = project.run(*command)
            shown = f"{file} {' '.join(command)}\n{outcome.out}{outcome.err}"
            assert outcome.code in (0, 1, 2), shown
            assert "error: unexpected" not in outcome.err, shown
            assert outcome.code != 2 or outcome.err.count("\n") >= 1, shown


@pytest.fixture
def damaged(whole: Project, tmp_path: Path) -> Project:
    """A copy of the loaded project that a test may damage."""
    project = Project(tmp_path)
    shutil.copytree(whole.folder, project.folder, dirs_exist_ok=True)
    project.add("BTC", project.folder / "BTC.csv", project.folder / "BTC_trend.csv")
    return project


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        *(
            (name, damage)
            for name in ("state_machine.json", "jobs.json")
            for damage in (garbage, deep, absent)
        ),
        ("scripts/silver2gold.py", absent),  # an existing script may have any content
    ],
)
def test_a_deploy_repairs_a_damaged_deployment(
    damaged: Project, name: str, damage: Callable[[Path], None]
) -> None:
    damage(damaged.home / "deployed" / name)

    refused = damaged.run("run")

    assert refused.code == 2
    assert f"{damaged.home / 'deployed' / name} is damaged" in refused.err
    assert "Run `cryptoetl deploy`" in refused.err
    assert damaged.run("deploy", "--yes").code == 0
    assert damaged.run("run").code == 0


@pytest.mark.parametrize("damage", [half, garbage, flipped])
def test_a_damaged_warehouse_is_named_and_its_tables_are_rebuilt_from_gold(
    damaged: Project, damage: Callable[[Path], None]
) -> None:
    warehouse = damaged.home / "warehouse.duckdb"
    before = damaged.table("BTC")
    damage(warehouse)

    for command in (("verify",), ("run", "--from", "redshift")):
        refused = damaged.run(*command)
        assert refused.code == 2
        assert f"{warehouse} is damaged" in refused.err
        assert "`cryptoetl run --from redshift` loads BTC again from gold" in refused.err
    warehouse.rename(warehouse.with_suffix(".damaged"))
    assert damaged.run("run", "--from", "redshift").code == 0
    assert damaged.table("BTC") == before
    assert damaged.run("verify").code == 0


def test_a_damaged_gold_set_is_a_problem_of_its_currency_only(damaged: Project) -> None:
    (gold,) = (damaged.home / "lake" / "gold" / "BTC").glob("*.parquet")
    half(gold)

    verified = damaged.run("verify")

    assert verified.code == 1
    assert "its gold set cannot be read" in verified.out


def test_a_damaged_record_does_not_hide_other_executions(damaged: Project) -> None:
    assert damaged.run("run").code == 0
    older, newer = sorted((damaged.home / "executions").iterdir())
    history = newer / "history.jsonl"
    history.write_bytes(history.read_bytes().replace(b'"id"', b'"no"', 5))

    latest = damaged.run("status")

    assert latest.code == 2
    assert f"{history} is damaged" in latest.err
    listed = damaged.run("status", "--last", "5")
    assert listed.code == 0
    assert older.name in listed.out
    assert f"warning: {history} is damaged" in listed.err
    assert damaged.run("run").code == 0
