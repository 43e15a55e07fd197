"""Tables of plans: what a deploy or a removal would do, or has done."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from cryptoetl.state_machine.definition import HISTORY_LIMIT, PAYLOAD_LIMIT, SIZE_LIMIT
from cryptoetl.target.deployment import Plan, Removal, Review
from cryptoetl.util.text import plural


def plan(result: Plan) -> Iterator[RenderableType]:
    """Yield a line per change, the review, and the number of changes."""
    if not result.changes:
        yield from _notices(result.review)
        yield Text(f"No changes: {result.location} is up to date.")
        return
    signs = {
        "add": ("+", "green"),
        "change": ("~", "yellow"),
        "replace": ("±", "bold red"),
        "remove": ("-", "red"),
    }
    for change in result.changes:
        sign, style = signs[change.action]
        detail = f"  ({change.detail})" if change.detail else ""
        yield Text.assemble(
            (f"{sign} {change.action:<6} ", style), f"{change.what} {change.name}", (detail, "dim")
        )
    if result.review is not None and not result.applied:
        yield from _review(result.review)
    yield from _notices(result.review)
    changes = plural(len(result.changes), "change")
    yield Text(f"{changes} deployed to {result.location}." if result.applied else f"{changes} to deploy.")


def _review(review: Review) -> Iterator[Text]:
    found = review.prediction
    yield Text()
    yield Text(
        f"State machine: {found.definition_bytes:,} of {SIZE_LIMIT:,} bytes; a run of all "
        f"{plural(found.currencies, 'currency')} makes {found.history_events:,} of {HISTORY_LIMIT:,} events "
        f"and at most {found.payload_bytes:,} of {PAYLOAD_LIMIT:,} bytes of result."
    )
    yield Text(f"A run of all currencies costs about ${review.cost.total:,.2f}:")
    for part, usd in review.cost.parts.items():
        yield Text(f"  ${usd:,.4f}  {part}")
    yield from (Text(f"  {line}", style="dim") for line in review.cost.assumptions)


def _notices(review: Review | None) -> Iterator[Text]:
    styles = {"error": "bold red", "warning": "yellow", "note": "dim"}
    for notice in review.notices if review else ():
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
