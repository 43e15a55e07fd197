"""Scripts of the user's own: which are used, and what is refused in them before a deploy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cryptoetl.config import load
from cryptoetl.config.models import COLUMNS, Config
from cryptoetl.errors import ConfigError, UsageError
from cryptoetl.state_machine import assets, scripts
from cryptoetl.state_machine.bundle import Bundle, Layout, build
from tests.unit.made import write_config


def configured(folder: Path, setting: str = "") -> Config:
    path = write_config(folder, "BTC")
    if setting:
        path.write_text(path.read_text().replace("{", f'{{"scripts": "{setting}",', 1))
    return load(path)


def bundle(config: Config) -> Bundle:
    return build(config, Layout("r", "s", "g", "t"))


def test_a_folder_beside_the_configuration_is_used_and_else_the_installed_scripts(tmp_path: Path) -> None:
    assert scripts.folder(configured(tmp_path)) == assets.glue_scripts()
    assert scripts.described(configured(tmp_path)).endswith("glue_scripts (the installed ones)")
    scripts.export(tmp_path / "glue_scripts", force=False)
    config = configured(tmp_path)
    assert scripts.described(config) == str(tmp_path / "glue_scripts")
    own = tmp_path / "glue_scripts" / "silver2gold.py"
    own.write_text(own.read_text().replace("MEAN_ROWS = 14", "MEAN_ROWS = 30"))
    assert b"MEAN_ROWS = 30" in bundle(config).scripts["silver2gold.py"]


def test_a_configured_folder_is_relative_to_the_configuration(tmp_path: Path) -> None:
    scripts.export(tmp_path / "etl" / "mine", force=False)
    assert configured(tmp_path, "etl/mine").scripts == tmp_path / "etl" / "mine"
    with pytest.raises(ConfigError) as refused:
        configured(tmp_path, "elsewhere")
    (problem,) = refused.value.problems
    assert (problem.line, problem.field) == (1, "scripts")
    assert "elsewhere: is not a folder; `cryptoetl scripts export` writes one" in problem.message


def test_an_export_replaces_nothing_unless_forced(tmp_path: Path) -> None:
    written = scripts.export(tmp_path / "new", force=False)
    assert len(written) == 6
    written[0].write_text("mine")
    written[1].unlink()
    with pytest.raises(UsageError, match="exists already; nothing was written"):
        scripts.export(tmp_path / "new", force=False)
    assert not written[1].exists()
    scripts.export(tmp_path / "new", force=True)
    assert written[0].read_text() != "mine"


def replaced(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "silver2gold.py").unlink(), "silver2gold.py: does not exist"),
        (
            replaced("silver2gold.py", "MEAN_ROWS = 14", "MEAN_ROWS = = 14"),
            "silver2gold.py:25: is not Python 3.13, which Glue runs it with: invalid syntax",
        ),
        (
            replaced("clear_buckets.py", "import shutil", "import shutil\nmatch 1:\n    case _: pass\n"),
            "is not Python 3.9, which Glue runs it with",
        ),
        (
            replaced("silver2gold.py", "def main(argv: list[str])", "def run(argv)"),
            "has no function main(",
        ),
        (
            replaced("silver2gold.py", "def main(argv: list[str])", "def main()"),
            "main must take one",
        ),
        (replaced("silver2gold.py", '"__main__"', '"elsewhere"'), "Glue would run nothing"),
        (
            replaced("bronze2silver.py", '"DROP"', '"KEEP"'),
            "bronze2silver.py: does not read the parameter DROP, which the state machine passes",
        ),
        (
            replaced("silver2gold.py", '"TICKER"]', '"TICKER", "WINDOW"]'),
            "silver2gold.py:23: requires the parameter WINDOW, which the state machine does not pass",
        ),
        (
            replaced("silver2gold.py", "import sys", "import sys\nfrom cryptoetl.util import text"),
            "silver2gold.py:14: imports cryptoetl, which a Glue worker does not have",
        ),
        (
            replaced("redshift_upload.py", '"price": "REAL"', '"price": "DECIMAL"'),
            "needs a plain dictionary COLUMNS that begins with date DATE, price REAL,",
        ),
    ],
)
def test_a_script_that_cannot_work_is_refused(
    tmp_path: Path, change: Callable[[Path], None], message: str
) -> None:
    scripts.export(tmp_path / "glue_scripts", force=False)
    change(tmp_path / "glue_scripts")
    with pytest.raises(ConfigError) as refused:
        bundle(configured(tmp_path))
    assert message in refused.value.message
    assert "cryptoetl scripts export" in (refused.value.hint or "")


def test_the_original_scripts_have_what_they_need(tmp_path: Path) -> None:
    scripts.export(tmp_path / "glue_scripts", force=False)
    assert bundle(configured(tmp_path)).columns == COLUMNS


def test_the_columns_are_those_of_the_script(tmp_path: Path) -> None:
    added = b'COLUMNS = {"date": "DATE", "change": "REAL"}'
    assert list(scripts.columns(added)) == ["date", "change"]
    for strange in (b"COLUMNS = make()", b"COLUMNS = [1]", b"(", b""):
        assert scripts.columns(strange) == COLUMNS
