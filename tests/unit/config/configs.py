"""A valid configuration, and the problems of invalid ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from cryptoetl.config.loading import load
from cryptoetl.errors import ConfigError, ConfigProblem

GOOD = """\
pipeline: crypto
currencies:
  - ticker: BTC
    history: data/history.csv
    trend: data/trend.csv
"""


def written(file: Path, content: str | bytes) -> Path:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def refusal(file: Path, content: str | bytes) -> list[ConfigProblem]:
    with pytest.raises(ConfigError) as caught:
        load(written(file, content))
    assert caught.value.exit_code == 2
    return list(caught.value.problems)
