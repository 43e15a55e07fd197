"""Lines and fields."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryptoetl.raw_files import delimited
from cryptoetl.raw_files.delimited import Splitter, numbered_lines

DELIMITERS = [",", ";", "|", "tab"]
CELLS = st.lists(st.text(alphabet='ab ,;|\t"é', max_size=6).map(str.strip), min_size=1, max_size=5)


@given(CELLS, st.sampled_from(DELIMITERS))
def test_what_was_written_with_quotes_is_read_back(cells: list[str], delimiter: str) -> None:
    split = Splitter(delimiter)
    line = split.delimiter.join('"' + cell.replace('"', '""') + '"' for cell in cells)
    assert split(line) == cells


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_other_delimiters_are_plain_characters(delimiter: str) -> None:
    split = Splitter(delimiter)
    others = "x".join(Splitter(other).delimiter for other in DELIMITERS if other != delimiter)
    assert split(f"a{others}b{split.delimiter}c") == [f"a{others}b", "c"]


@pytest.mark.parametrize("line", ['"a', 'a"', '"a"b,c', 'a,"b"",c', '"""'])
def test_quotes_that_do_not_balance_give_no_fields(line: str) -> None:
    assert Splitter(",")(line) is None


@pytest.mark.parametrize("line", ["", " \t", ",,", " , \t,"])
def test_a_line_of_blanks_and_delimiters_is_blank(line: str) -> None:
    assert Splitter(",").blank(line)
    assert not Splitter(",").blank(line + ";")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, database=None)
@given(text=st.text(alphabet="ab\r\n", max_size=30), chunk=st.integers(1, 7))
def test_lines_do_not_depend_on_how_the_file_is_cut_into_chunks(
    text: str, chunk: int, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_CHUNK", chunk)
        found = list(numbered_lines(path))
    plain = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    expected = plain[:-1] if plain[-1] == "" else plain
    assert found == list(enumerate(expected, start=1))
