"""Diagnoses: what `doctor` finds out about one thing, and how checks are carried out side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from cryptoetl.errors import CryptoetlError
from cryptoetl.target.deployment import Notice
from cryptoetl.util.concurrency import map_in_threads

Verdict = Literal["passed", "warned", "failed", "skipped"]
"""`warned`: it works, or is not known; `skipped`: it was not checked, and the detail says why."""


@dataclass(frozen=True)
class Diagnosis:
    """What was found out about one thing: a verdict, the details, and the next step if there is one."""

    area: str
    what: str
    verdict: Verdict
    detail: str
    hint: str | None = None


@dataclass(frozen=True)
class Area:
    """Makes the diagnoses of one area."""

    name: str

    def passed(self, what: str, detail: str, hint: str | None = None) -> Diagnosis:
        """Return the diagnosis of something that is as it should be."""
        return Diagnosis(self.name, what, "passed", detail, hint)

    def warned(self, what: str, detail: str, hint: str | None = None) -> Diagnosis:
        """Return the diagnosis of something that may cause trouble."""
        return Diagnosis(self.name, what, "warned", detail, hint)

    def failed(self, what: str, detail: str, hint: str | None = None) -> Diagnosis:
        """Return the diagnosis of something that prevents the pipeline from working."""
        return Diagnosis(self.name, what, "failed", detail, hint)

    def skipped(self, what: str, detail: str, hint: str | None = None) -> Diagnosis:
        """Return the diagnosis of something that was not checked; the detail says why."""
        return Diagnosis(self.name, what, "skipped", detail, hint)

    def noticed(self, what: str, notice: Notice, hint: str | None = None) -> Diagnosis:
        """Return the diagnosis of something that a plan has a notice about: failed if that is an error."""
        make = self.failed if notice.severity == "error" else self.warned
        return make(what, notice.message, hint)

    def unknown(self, what: str, error: CryptoetlError) -> Diagnosis:
        """Return the diagnosis of something that could not be found out, because of this error."""
        return self.warned(what, f"not known: {error.message}", error.hint)


@dataclass(frozen=True)
class Check:
    """A part of an area. `diagnose` may raise CryptoetlError, which becomes a line of its own."""

    area: Area
    what: str
    diagnose: Callable[[], Iterable[Diagnosis]]


def carry_out(checks: Sequence[Check]) -> Iterator[Diagnosis]:
    """Carry out the checks side by side, and yield their diagnoses in the order of the checks."""
    for found in map_in_threads(_carry_out, checks):
        yield from found


def _carry_out(check: Check) -> list[Diagnosis]:
    found: list[Diagnosis] = []
    try:
        found.extend(check.diagnose())
    except CryptoetlError as error:
        found.append(check.area.unknown(check.what, error))
    return found
