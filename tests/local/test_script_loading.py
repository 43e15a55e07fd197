"""Importing the scripts: from any path, without a Glue worker or an engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cryptoetl.local.glue.engine import load_script, run_script
from tests.local.scripts import ROOT


def test_a_script_is_imported_from_any_path_and_read_again_each_time(tmp_path: Path) -> None:
    path = tmp_path / "a script.py"
    for text in ("one", "three"):
        path.write_text(f"seen = []\ndef main(argv):\n    seen.append(({text!r}, argv))\n", encoding="utf-8")
        module = load_script(path)
        run_script(module, ["--A", "b"])
        assert module.seen == [(text, [str(path), "--A", "b"])]


def test_a_script_imports_the_module_beside_it_and_no_other(tmp_path: Path) -> None:
    modules, before = [], set(sys.modules)
    for version in ("old", "new"):
        folder = tmp_path / version
        folder.mkdir()
        (folder / "groups.py").write_text(f"import json, others\nversion = {version!r}\n", encoding="utf-8")
        (folder / "others.py").write_text("from groups import json\n", encoding="utf-8")
        path = folder / "script.py"
        path.write_text(
            "from os import path\nimport groups\n"
            "def main(argv):\n    import groups as again\n    assert again is groups\n"
            "    from groups import version\n    argv.append(version)\n",
            encoding="utf-8",
        )
        modules.append(load_script(path))
    found: list[str] = []
    for module in [*modules, *modules]:
        module.main(found)
    assert found == ["old", "new", "old", "new"]
    assert not {"groups", "others", "script"} & (set(sys.modules) - before)
    assert not [folder for folder in sys.path if folder.startswith(str(tmp_path))]


def test_a_module_that_cannot_be_imported_fails_each_time(tmp_path: Path) -> None:
    (tmp_path / "groups.py").write_text("raise RuntimeError('broken')\n", encoding="utf-8")
    path = tmp_path / "script.py"
    path.write_text("def main(argv):\n    import groups\n", encoding="utf-8")
    module = load_script(path)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken"):
            module.main([])
    path.write_text("import missing\n", encoding="utf-8")
    with pytest.raises(ImportError, match="missing"):
        load_script(path)


def test_scripts_import_without_a_worker_and_without_an_engine() -> None:
    code = (
        "import sys; from pathlib import Path; from cryptoetl.local.glue.engine import load_script\n"
        "for path in Path('glue_scripts').glob('*.py'): load_script(path)\n"
        "assert not {'awsglue', 'boto3', 'pysail', 'duckdb'} & set(sys.modules)"
    )
    kept = {name: text for name, text in os.environ.items() if name != "SPARK_REMOTE"}
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**kept, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=60,
    )
