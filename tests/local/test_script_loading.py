"""Importing the scripts: from any path, without a Glue worker or an engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cryptoetl.local.glue.engine import load_script, run_script
from tests.local.scripts import ROOT


def test_a_script_is_imported_from_any_path_and_read_again_each_time(tmp_path: Path) -> None:
    path = tmp_path / "a script.py"
    for text in ("one", "three"):
        path.write_text(f"seen = []\ndef main(argv):\n    seen.append(({text!r}, argv))\n", encoding="utf-8")
        module = load_script(path)
        run_script(module, ["--A", "b"])
        assert module.seen == [(text, [str(path), "--A", "b"])]


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
