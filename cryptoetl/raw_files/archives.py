"""Open a file for reading, unpacked if it is a .gz or a .zip with one file, and recognise other kinds.

What a file is follows from its first bytes, not from its name.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

from cryptoetl.util.text import plural, shown

ENDINGS: Final = (".csv.gz", ".tsv.gz", ".gz", ".zip")
"""Ends of the names of packed files, the longer first."""

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_CSV = "save it as CSV UTF-8"
_UNPACK = "unpack it"
_OTHERS: Final = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", f"it is an Excel workbook: {_CSV}"),
    (b"PAR1", "it is a Parquet file: save it as CSV"),
    (b"%PDF-", "it is a PDF: download the table as CSV"),
    (b"SQLite format 3\0", "it is an SQLite database: export the table as CSV"),
    (b"PK\x05\x06", "it is an empty zip archive"),
    (b"BZh", f"it is a bzip2 archive: {_UNPACK}"),
    (b"\xfd7zXZ\0", f"it is an xz archive: {_UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"it is a 7z archive: {_UNPACK}"),
    (b"Rar!\x1a\x07", f"it is a rar archive: {_UNPACK}"),
    (b"\x28\xb5\x2f\xfd", f"it is a zstd archive: {_UNPACK}"),
)
"""First bytes of what cannot be read, and how to go on."""


class NotReadable(Exception):
    """The file is no text and no archive of one, or the archive is damaged."""


class Opened(NamedTuple):
    """The content of a file, and the file on the disk, whose position is how far it has been read."""

    content: IO[bytes]
    file: IO[bytes]


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open a file; an archive gives the content of the one file in it.

    Raises:
        NotReadable: It cannot be read, also while its content is being read.
        OSError: The file cannot be opened.
    """
    with path.open("rb") as file:
        head = file.read(16)
        file.seek(0)
        if head.startswith(_GZIP):
            with _damages("the gzip file"), gzip.GzipFile(fileobj=file) as content:
                yield Opened(_not_again(cast(IO[bytes], content)), file)
        elif head.startswith(_ZIP):
            with (
                _damages("it is a zip archive or an Excel workbook that"),
                zipfile.ZipFile(file) as archive,
                archive.open(_only(archive)) as member,
            ):
                yield Opened(_not_again(member), file)
        else:
            if (reason := other_kind(head)) is not None:
                raise NotReadable(reason)
            yield Opened(file, file)


def other_kind(head: bytes) -> str | None:
    """Return what a file is that begins with these bytes, and how to go on; None for a text or an archive."""
    return next((reason for magic, reason in _OTHERS if head.startswith(magic)), None)


def inner_name(path: Path) -> str:
    """Return the name of the one file in a zip archive; empty for any other file. Never raises."""
    try:
        with path.open("rb") as file:
            if file.read(len(_ZIP)) == _ZIP:
                with zipfile.ZipFile(file) as archive:
                    return Path(_only(archive).filename).name
    except (OSError, ValueError, NotReadable, zipfile.BadZipFile):
        pass
    return ""


def stem(name: str) -> str:
    """Return a file's name without what says how it is written: BTC for BTC.csv and BTC.csv.gz."""
    packed = next((ending for ending in ENDINGS if name.lower().endswith(ending)), "")
    return name[: -len(packed)] if packed else Path(name).stem


def _only(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """Return the only file in an archive. Raises NotReadable if there are several, or it cannot be read."""
    names = set(archive.namelist())
    if "[Content_Types].xml" in names:
        raise NotReadable(f"it is an Excel workbook: {_CSV}")
    if "mimetype" in names:
        raise NotReadable(f"it is a spreadsheet (OpenDocument): {_CSV}")
    members = [
        member
        for member in archive.infolist()
        # macOS adds files of its own.
        if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    if len(members) != 1:
        raise NotReadable(f"it is a zip archive of {plural(len(members), 'file')}: {_UNPACK}")
    if members[0].flag_bits & 1:
        raise NotReadable(f"it is an encrypted zip archive: {_UNPACK}")
    if members[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # The other methods unpack a block of any size at once.
        raise NotReadable(f"it is a zip archive of an unusual method: {_UNPACK}")
    return members[0]


def _not_again(content: IO[bytes]) -> IO[bytes]:
    """Return the content, at its beginning, of an archive. Raises NotReadable if it is an archive itself."""
    head = content.read(16)
    if head.startswith((_GZIP, _ZIP)):
        raise NotReadable("it is an archive in an archive: unpack it")
    if (reason := other_kind(head)) is not None:
        raise NotReadable(f"it is an archive; in it, {reason}")
    content.seek(0)
    return content


@contextmanager
def _damages(what: str) -> Iterator[None]:
    """Translate what reading a damaged archive raises."""
    try:
        yield
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError) as error:
        why = shown(str(error), 100)
        raise NotReadable(f"{what} is truncated or damaged ({why}): download it again") from error
    except (NotImplementedError, RuntimeError) as error:
        raise NotReadable(f"{what} cannot be read ({shown(str(error), 100)}): {_UNPACK}") from error
