"""Endless or deeply nested input is refused at once."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cryptoetl.config.loading import load, missing_files
from cryptoetl.errors import ConfigError
from cryptoetl.raw_files.verdicts import Verdicts
from cryptoetl.util.files import load_json, unreadable

MERGED = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 20)
)
LISTED = "a0: &a0 [x, y]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)
)
EXPANDING = {
    "merge keys": MERGED,
    "lists": LISTED,
    "merge keys in the currencies": f"{MERGED}currencies: [*a19]\n",
    "a list that holds itself": "currencies: &a [*a]\n",
    "a mapping that holds itself": "a: &a {b: *a}\n",
    "a mapping that merges itself": "a: &a {<<: *a}\n",
}


@pytest.mark.parametrize("case", EXPANDING)
def test_yaml_that_expands_without_end_is_refused_at_its_line(case: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(EXPANDING[case], encoding="utf-8")
    begun = time.monotonic()
    with pytest.raises(ConfigError) as refusal:
        load(path)
    (problem,) = refusal.value.problems
    endless = "expands to more than 1,000,000 values by its anchors and aliases"
    assert problem.message == ("contains itself, by an anchor and its alias" if "itself" in case else endless)
    assert problem.line is not None
    assert time.monotonic() - begun < 10  # reading it would take hours


def test_anchors_that_many_currencies_share_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    shared = "base: &base {drop: true, decimal: ',', history: a.csv, trend: b.csv}\n"
    currencies = "".join(f"- {{<<: *base, ticker: C{number}}}\n" for number in range(500))
    path.write_text(
        f"currencies:\n{currencies}".replace("*base", "&base {drop: true, history: a, trend: b}", 1)
    )
    assert len(load(path).currencies) == 500
    path.write_text(f"{shared}currencies:\n{currencies}")
    with pytest.raises(ConfigError, match="base: unknown key"):
        load(path)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (pipe, "is a pipe, not a file"),
        (listening, "is a socket, not a file"),
        (device, "is a device, not a file"),
        (Path.mkdir, "is a folder, not a file"),
    ],
)
def test_what_is_no_regular_file_is_never_opened(
    make: Callable[[Path], None], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket is limited to 108 bytes
    make(Path("odd"))
    assert unreadable(Path("odd")) == said
    with pytest.raises(ConfigError, match=said):
        load(Path("odd"))
    (tmp_path / "config.yaml").write_text("currencies:\n- {ticker: BTC, history: odd, trend: odd}\n")
    config = load(tmp_path / "config.yaml")
    problems = missing_files(tmp_path / "config.yaml", config.currencies)
    assert [missing.problem.message for missing in problems] == [f"{tmp_path / 'odd'}: {said}"] * 2


def test_json_of_any_depth_is_no_json() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        load_json("[" * 100_000)


def test_a_cache_of_any_content_is_an_empty_one(tmp_path: Path) -> None:
    for content in (b"[" * 100_000, b"\xff", b"[]", b'{"a": [[[]]]}'):
        path = tmp_path / "verdicts.json"
        path.write_bytes(content)
        Verdicts(path).save()
