"""Tables of plans: what a deploy or a removal would do, or has done."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import RenderableType
from rich.text import Text

from cryptoetl.output.tables.view import View
from cryptoetl.state_machine.bundle import Change
from cryptoetl.state_machine.definition import HISTORY_LIMIT, PAYLOAD_LIMIT, SIZE_LIMIT
from cryptoetl.target.deployment import Cost, Plan, Prediction, Removal, Review
from cryptoetl.util.text import plural

GROUPED = 10
"""Branches that are added, changed or removed alike, from which on they share a line."""

_SIGNS = {
    "add": ("+", "green"),
    "change": ("~", "yellow"),
    "replace": ("±", "bold red"),
    "remove": ("-", "red"),
}


def plan(result: Plan, view: View) -> Iterator[RenderableType]:
    """Yield what a deploy would do; of an applied plan, that it was done and where it is."""
    if result.changes and not result.applied:
        yield from proposal(result, view)
        yield Text(f"{plural(len(result.changes), 'change')} to deploy to {result.location}.")
        return
    if not result.changes:
        yield from _notices(result)
        yield Text(f"No changes: {result.location} is up to date.")
        return
    yield Text(f"{plural(len(result.changes), 'change')} deployed to {result.location}.")
    yield from (Text(f"{what}: {address}", style="dim") for what, address in result.links.items())


def proposal(result: Plan, view: View) -> Iterator[RenderableType]:
    """Yield a line per change and the review."""
    yield from _changes(result.changes, view)
    if result.review is not None:
        yield from _review(result.review, result.changes, view)
    for what, where in (("Tables", result.tables), ("Scripts", result.scripts)):
        if where:
            yield Text(f"{what}: {where}")
    yield from _notices(result)


def next_step(result: Plan) -> Iterator[RenderableType]:
    """Yield what to do after a deploy."""
    if result.applied:
        yield Text("Next: cryptoetl upload, then cryptoetl run")


def _changes(changes: Sequence[Change], view: View) -> Iterator[Text]:
    def alike(change: Change) -> tuple[str, str, str]:
        return change.action, change.what, change.detail

    for (action, what, detail), group in groupby(changes, key=alike):
        same = list(group)
        if what in ("branch", "currency") and len(same) >= GROUPED and not view.verbose:
            names = ", ".join(change.name for change in same[:5])
            yield _change(action, plural(len(same), what), f"{names}, …", detail)
        else:
            yield from (_change(action, what, change.name, detail) for change in same)


def _change(action: str, what: str, name: str, detail: str) -> Text:
    sign, style = _SIGNS[action]
    return Text.assemble(
        (f"{sign} {action:<6} ", style), f"{what} {name}", (f"  ({detail})" if detail else "", "dim")
    )


def _review(review: Review, changes: Sequence[Change], view: View) -> Iterator[Text]:
    yield Text()
    if view.verbose or _near_a_limit(review.prediction):
        yield _limits(review.prediction)
    yield from _cost(review.cost, in_full=view.verbose or _changes_cost(changes))


def _near_a_limit(found: Prediction) -> bool:
    """Return whether a run takes more than half of one of the limits."""
    used = (
        (found.definition_bytes, SIZE_LIMIT),
        (found.history_events, HISTORY_LIMIT),
        (found.payload_bytes, PAYLOAD_LIMIT),
    )
    return any(2 * part > limit for part, limit in used)


def _limits(found: Prediction) -> Text:
    in_groups = f" in {plural(found.groups, 'group')}" if found.groups else ""
    return Text(
        f"State machine: {found.definition_bytes:,} of {SIZE_LIMIT:,} bytes; a run of all "
        f"{plural(found.currencies, 'currency')}{in_groups} makes {found.history_events:,} of "
        f"{HISTORY_LIMIT:,} events and at most {found.payload_bytes:,} of {PAYLOAD_LIMIT:,} bytes of result."
    )


def _changes_cost(changes: Sequence[Change]) -> bool:
    """Return whether a run may cost something else than before: other currencies, jobs or capacities."""
    return any(
        (change.what in ("branch", "currency", "job") and change.action != "change")
        or re.search("Worker|Capacity|ExecutionClass", change.detail)
        for change in changes
    )


def _cost(cost: Cost, *, in_full: bool) -> Iterator[Text]:
    total = f"A run of all currencies costs about ${cost.total:,.2f}"
    if not in_full:
        yield Text(f"{total}, as before (-v shows its parts).")
        return
    yield Text(f"{total}:")
    yield from (Text(f"  ${usd:,.4f}  {part}") for part, usd in cost.parts.items())
    yield from (Text(f"  {line}", style="dim") for line in cost.assumptions)


def _notices(result: Plan) -> Iterator[Text]:
    styles = {"error": "bold red", "warning": "yellow", "note": "dim"}
    for notice in result.notices:
        yield Text.assemble((f"{notice.severity}: ", styles[notice.severity]), notice.message)


def removal(result: Removal) -> Iterator[RenderableType]:
    """Yield a line per part that is removed or stays, and their number."""
    if not result.removed:
        yield Text(f"Nothing is deployed in {result.location}.")
    for part in result.removed:
        detail = f"  ({part.detail})" if part.detail else ""
        yield Text.assemble(("- remove ", "red"), f"{part.what} {part.name}", (detail, "dim"))
    for part in result.kept:
        detail = f"  ({part.detail})" if part.detail else ""
        yield Text.assemble(("  stays  ", "green"), f"{part.what} {part.name}", (detail, "dim"))
    if result.removed:
        parts = plural(len(result.removed), "part")
        yield Text(f"{parts} removed." if result.applied else f"{parts} to remove from {result.location}.")
