"""The use case `init`: files as people download them become a configuration.

`propose` finds the files, recognises and pairs them, and renders the configuration; `write` stores it. Paths
are relative if the folder was given as a relative path.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from cryptoetl import config
from cryptoetl.discovery import asking, other_kinds, pairing, starter_config
from cryptoetl.discovery.asking import Ask
from cryptoetl.discovery.entries import Entry, Pairing
from cryptoetl.discovery.results import InitResult, ProposedCurrency, UnpairedFile
from cryptoetl.discovery.sniffing import sniff
from cryptoetl.discovery.sniffs import NotRecognised, Sniff
from cryptoetl.errors import EnvironmentFault, UsageError
from cryptoetl.events import FileProgress, Observe, Phase

ALL_CSV = ("*.csv", "*.tsv", "*.csv.gz", "*.tsv.gz", "*.zip")


def may_write(path: Path, *, force: bool) -> None:
    """Raise UsageError if `path` exists, unless `force` is given, or cannot be written."""
    if path.is_dir():
        raise UsageError(f"{path}: is a folder, not a file", hint="Name the configuration file with -c.")
    if (path.exists() or path.is_symlink()) and not force:
        raise UsageError(
            f"{path}: exists already",
            hint="Write another one with -c FILE, or replace this one with --force.",
        )
    if not path.resolve().parent.is_dir():
        raise UsageError(
            f"{path.parent}: no such folder", hint="Create it first, or name another file with -c."
        )


def propose(
    folder: Path, path: Path, pattern: str | None, observe: Observe, ask: Ask | None = None
) -> InitResult:
    """Propose a configuration at `path` from the files below `folder`. Raise UsageError for no folder.

    `ask` is called for each currency whose prices could be in several columns or files; without it, such a
    currency is left out.
    """
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "no such folder"
        raise UsageError(f"{folder}: {what}", hint="Name the folder that holds the CSV files.")
    observe(Phase("init"))
    sniffs = [
        sniffed
        for found in _files(folder, ALL_CSV if pattern is None else (pattern,), excluding=path.resolve())
        for sniffed in (
            (found,) if isinstance(found, NotRecognised) else sniff(found, _progress(found, observe))
        )
    ]
    observe(Phase("init"))  # all files are read
    paired, undecided = _paired(sniffs, folder, ask)
    home = path.resolve().parent
    return InitResult(
        path,
        folder,
        tuple(
            ProposedCurrency(
                p.ticker,
                p.history,
                p.trend,
                p.notes,
                starter_config.lines(Entry(p.ticker, p.history, p.trend), home),
            )
            for p in paired.pairs
        ),
        tuple(
            UnpairedFile(
                left.file,
                left.kind,
                left.reason,
                starter_config.lines(left.entry, home) if left.entry else (),
            )
            for left in paired.leftovers
        ),
        starter_config.render(paired.pairs, paired.leftovers, folder, home) if paired.pairs else "",
        undecided=undecided,
    )


def _paired(sniffs: Sequence[Sniff], folder: Path, ask: Ask | None) -> tuple[Pairing, tuple[str, ...]]:
    """Return the pairs after all questions, and the currencies for which there was no answer."""
    paired = pairing.pair(sniffs, folder)
    if ask is None:
        return paired, tuple(asking.undecided(paired))
    asked: set[str] = set()
    while waiting := {t: left for t, left in asking.undecided(paired).items() if t not in asked}:
        for ticker, alternatives in waiting.items():
            asked.add(ticker)
            answer = ask(asking.question(ticker, alternatives))
            if answer is not None:
                sniffs = asking.answered(sniffs, alternatives, answer)
        paired = pairing.pair(sniffs, folder)
    return paired, ()


def write(found: InitResult, *, force: bool) -> InitResult:
    """Write the configuration atomically.

    Raises:
        UsageError: The file exists, and `force` is not given.
        EnvironmentFault: It cannot be written.
    """
    target = found.config.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        try:
            part.write_text(found.text, encoding="utf-8")
            config.load(part)
            may_write(found.config, force=force)  # it may have been written since the question was asked
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise EnvironmentFault(f"{found.config}: cannot be written ({error.strerror})") from error
    return replace(found, written=True)


def how_to_go_on(result: InitResult) -> str:
    """Return the next step after `init`."""
    path = shlex.quote(str(result.config))
    left_out = (
        f"Left out: {', '.join(result.undecided)}, because the prices could be in several columns or files. "
        + ("Uncomment the right lines in" if result.written else "Put the right ones of the lines above into")
        + f" {result.config}, or let `cryptoetl init --force` ask on a terminal, without --yes. "
        if result.undecided
        else ""
    )
    if result.written:
        return f"{left_out}Written to {result.config}. Next: cryptoetl check -c {path}"
    if any(file.lines for file in result.unpaired):
        return left_out or (
            f"Put the lines that you want below a line `currencies:` in {result.config}, "
            "and download the missing files."
        )
    return "A currency needs two files: its daily prices, and its weekly values from Google Trends."


def _files(root: Path, patterns: tuple[str, ...], *, excluding: Path) -> Iterator[Path | NotRecognised]:
    """Yield the files that match, in the order of their paths; unreadable folders as NotRecognised."""
    unreadable: list[OSError] = []
    found: list[Path | NotRecognised] = []
    # Links to folders are not followed: they can form a cycle.
    for place, folders, names in os.walk(root, onerror=unreadable.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place, name)
            if name.startswith(".") or os.path.realpath(path) == os.fspath(excluding):
                continue
            if _matches(path, root, patterns):
                found.append(path)
            elif patterns == ALL_CSV and (other := other_kinds.unused(path)) is not None:
                found.append(other)
    for error in unreadable:
        yield NotRecognised(Path(os.fsdecode(error.filename)), f"it cannot be read ({error.strerror})")
    for item in sorted(found, key=_place):
        # Reading a pipe or a device might never end.
        if isinstance(item, NotRecognised) or item.is_file():
            yield item
        else:
            yield NotRecognised(item, "it is not a file, or a broken link")


def _place(found: Path | NotRecognised) -> tuple[str, str]:
    path = found.file if isinstance(found, NotRecognised) else found
    return str(path.parent), path.name


def _matches(path: Path, root: Path, patterns: tuple[str, ...]) -> bool:
    """Match the name, or the path below the root if the pattern has folders, ignoring case."""
    relative = path.relative_to(root).as_posix().lower()
    return any(
        fnmatchcase(relative if "/" in pattern else path.name.lower(), pattern.lower())
        for pattern in patterns
    )


def _progress(path: Path, observe: Observe) -> Callable[[int], None]:
    total: int | None = None

    def report(done: int) -> None:
        nonlocal total
        total = path.stat().st_size if total is None else total
        observe(FileProgress("reading", path, done, total))

    return report
