"""How a bundle differs from the deployed one: the plan of a deploy, as far as both targets have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cryptoetl.state_machine import definition
from cryptoetl.state_machine.bundle import SCRIPTS_VERSION, Bundle, Change, Job

PER_RUN = "currencies per run"


def compare(current: Bundle | None, wanted: Bundle) -> tuple[Change, ...]:
    """Return the changes that turn `current` into `wanted`; empty if there are none."""
    if current is None:
        return (
            Change("add", "state machine", wanted.jobs[0].name.removesuffix("-clear-buckets")),
            *_currencies(None, wanted),
            *(Change("add", "job", job.name) for job in wanted.jobs),
            *(Change("add", "script", name) for name in wanted.scripts),
        )
    changes = [*_currencies(current, wanted), *_jobs(current.jobs, wanted.jobs)]
    for name, body in wanted.scripts.items():
        if name not in current.scripts:
            changes.append(Change("add", "script", name))
        elif current.scripts[name] != body:
            changes.append(Change("change", "script", name, _line_counts(current.scripts[name], body)))
    changes += [Change("remove", "script", name) for name in current.scripts if name not in wanted.scripts]
    if not changes and current.machine != wanted.machine:
        around = "branches" if wanted.currencies is None else "groups"
        changes.append(Change("change", "state machine", "definition", f"states around the {around}"))
    return tuple(changes)


def _currencies(current: Bundle | None, wanted: Bundle) -> list[Change]:
    """Return the changes of currencies, and of the kind or the size of their groups."""
    what = "branch" if wanted.currencies is None else "currency"
    changes: list[Change] = []
    if current is None:
        return [Change("add", what, ticker) for ticker in wanted.tickers]
    old, new = current.size, wanted.size
    if old != new:
        changes.append(Change("change", "state machine", PER_RUN, f"{old} → {new}"))
    before, after = (bundle.silver_arguments for bundle in (current, wanted))
    for ticker, arguments in after.items():
        if ticker not in before:
            changes.append(Change("add", what, ticker))
        elif before[ticker] != arguments:
            changes.append(Change("change", what, ticker, _differing(before[ticker], arguments)))
        elif old == new == 1 and _states(current, ticker) != _states(wanted, ticker):
            changes.append(Change("change", what, ticker, "its states"))
    gone = [ticker for ticker in before if ticker not in after]
    return changes + [Change("remove", what, ticker, "its data stays") for ticker in gone]


def _states(bundle: Bundle, ticker: str) -> Mapping[str, Any]:
    return definition.branch_of(bundle.machine, ticker)


def _jobs(current: Sequence[Job], wanted: Sequence[Job]) -> list[Change]:
    before = {job.name: job for job in current}
    changes = []
    for job in wanted:
        old = before.pop(job.name, None)
        if old is None:
            changes.append(Change("add", "job", job.name))
        elif _own(old) != _own(job):
            changes.append(Change("change", "job", job.name, _differing(_own(old), _own(job))))
    return changes + [Change("remove", "job", name) for name in before]


def _own(job: Job) -> Mapping[str, str]:
    """Return the script and the arguments of a job that do not follow from another change."""
    found = {name: value for name, value in job.arguments.items() if name != SCRIPTS_VERSION}
    return {"script": job.script} | found


def _differing(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    return ", ".join(
        f"{key.lstrip('-')} {old.get(key, 'none')} → {new.get(key, 'none')}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    )


def _line_counts(old: bytes, new: bytes) -> str:
    import difflib

    before, after = (body.decode(errors="replace").splitlines(keepends=True) for body in (old, new))
    blocks = difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    kept = sum(block.size for block in blocks)
    return f"+{len(after) - kept} −{len(before) - kept} lines"
