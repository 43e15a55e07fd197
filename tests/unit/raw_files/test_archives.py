"""Packed files are read as they are; what cannot be read is named, with how to go on."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from cryptoetl.raw_files import archives
from cryptoetl.raw_files.delimited import Unreadable, numbered_blocks, numbered_lines

LINES = ["Date,Price", *(f"2024-01-{day:02d},{day}.5" for day in range(1, 32))]
TEXT = "\n".join(LINES).encode()


def zipped(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def lines(path: Path) -> list[object]:
    return [line for _, line in numbered_lines(path)]


def refused(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "BTC.csv"
    path.write_bytes(content)
    with pytest.raises(Unreadable) as error:
        lines(path)
    assert error.value.line is None
    return error.value.reason


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(TEXT),
        gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:]),
        zipped({"BTC.csv": TEXT}),
        zipped({"BTC.csv": TEXT}, zipfile.ZIP_STORED),
        zipped({"data/": b"", "data/BTC.csv": TEXT, "__MACOSX/data/._BTC.csv": b"x"}),
        zipped({"BTC.csv": b"\xef\xbb\xbf" + TEXT.replace(b"\n", b"\r\n")}),
    ],
    ids=["gzip", "gzip in parts", "zip", "zip, stored", "zip made on macOS", "zip with CRLF and a BOM"],
)
@pytest.mark.parametrize("name", ["BTC.csv.gz", "BTC.zip", "BTC.csv"])
def test_a_packed_file_is_read_as_it_is(tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert lines(path) == LINES


def test_progress_is_that_of_the_packed_file(tmp_path: Path) -> None:
    path = tmp_path / "BTC.csv.gz"
    path.write_bytes(gzip.compress(TEXT * 20_000))
    done: list[int] = []
    for _ in numbered_blocks(path, done.append):
        pass
    assert done == sorted(done)
    assert done[-1] == path.stat().st_size


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(TEXT)[:-12], "the gzip file is truncated or damaged"),
        (gzip.compress(TEXT)[:-8] + bytes(8), "the gzip file is truncated or damaged (CRC check failed"),
        (gzip.compress(TEXT) + b"more", "the gzip file is truncated or damaged (Not a gzipped file"),
        (zipped({"BTC.csv": TEXT})[:-30], "it is a zip archive or an Excel workbook that is truncated"),
        (
            zipped({"BTC.csv": TEXT}, zipfile.ZIP_STORED).replace(b"2024-01-05", b"2024-01-06", 1),
            "it is a zip archive or an Excel workbook that is truncated or damaged (Bad CRC-32",
        ),
        (zipped({"a.csv": TEXT, "b.csv": TEXT}), "it is a zip archive of 2 files: unpack it"),
        (zipped({"folder/": b""}), "it is a zip archive of 0 files: unpack it"),
        (zipped({}), "it is an empty zip archive"),
        (zipped({"BTC.csv": TEXT}, zipfile.ZIP_BZIP2), "it is a zip archive of an unusual method: unpack it"),
        (
            zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}),
            "it is an Excel workbook: save it as CSV UTF-8",
        ),
        (zipped({"mimetype": b"", "content.xml": b""}), "it is a spreadsheet (OpenDocument): save it as CSV"),
        (gzip.compress(zipped({"BTC.csv": TEXT})), "it is an archive in an archive: unpack it"),
        (zipped({"b.parquet": b"PAR1"}), "it is an archive; in it, it is a Parquet file: save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(90), "it is an Excel workbook: save it as CSV UTF-8"),
        (b"BZh91AY", "it is a bzip2 archive: unpack it"),
    ],
)
def test_what_cannot_be_read_is_named_with_how_to_go_on(tmp_path: Path, content: bytes, reason: str) -> None:
    assert refused(tmp_path, content).startswith(reason)


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"BTC.csv": TEXT}))
    content[6] |= 1  # the flag, in the member's header and in the directory
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert refused(tmp_path, bytes(content)) == "it is an encrypted zip archive: unpack it"


@pytest.mark.parametrize("packed", ["gzip", "zip"])
@pytest.mark.parametrize("unit", [b"0" * 1_000, b"\n" * 1_000, b"2024-01-01,1\n" * 80])
def test_a_bomb_does_not_fill_the_memory(tmp_path: Path, packed: str, unit: bytes) -> None:
    bomb = unit * 50_000
    path = tmp_path / "BTC.csv"
    path.write_bytes(gzip.compress(bomb, 1) if packed == "gzip" else zipped({"BTC.csv": bomb}))
    del bomb
    tracemalloc.start()
    try:
        for _ in numbered_blocks(path):
            pass
    except Unreadable as error:
        assert "longer than 1,000,000 bytes" in error.reason  # noqa: PT017
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 12_000_000


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("BTC.csv", "BTC"),
        ("BTC.csv.gz", "BTC"),
        ("BTC.TSV.GZ", "BTC"),
        ("BTC.zip", "BTC"),
        ("a.b.csv", "a.b"),
        ("BTC", "BTC"),
        ("", ""),
    ],
)
def test_the_stem_of_a_name_is_without_what_says_how_the_file_is_written(name: str, stem: str) -> None:
    assert archives.stem(name) == stem


def test_the_name_in_an_archive_is_that_of_its_only_file(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    path.write_bytes(zipped({"data/BTC-USD.csv": TEXT}))
    assert archives.inner_name(path) == "BTC-USD.csv"
    path.write_bytes(zipped({"a.csv": TEXT, "b.csv": TEXT}))
    assert archives.inner_name(path) == ""
    path.write_bytes(TEXT)
    assert archives.inner_name(path) == ""
