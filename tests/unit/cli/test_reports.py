from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from cryptoetl.cli.command import _unforeseen
from cryptoetl.output.report import charts


@pytest.mark.parametrize("missing", ["jinja2", "bokeh"])
def test_without_the_extra_the_message_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    def found(name: str) -> object:
        return None if name == missing else find_spec(name)

    monkeypatch.setattr(charts, "find_spec", found)
    with pytest.raises(ModuleNotFoundError) as raised:
        charts.require()
    error = _unforeseen(raised.value)
    assert error.message == f"a report needs the package {missing}, which is not installed"
    assert error.hint is not None
    assert re.fullmatch(r"Install it with: pip install .+\[report\]'", error.hint)


def test_the_command_line_imports_nothing_for_reports() -> None:
    code = "import sys, cryptoetl.cli; print(sorted({'jinja2', 'bokeh', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
