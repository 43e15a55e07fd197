"""The report: one HTML file of an execution, without anything that it would have to load.

`page` makes it from `pipeline.reporting.Facts`; the other modules make its parts:

- graph.py reads the state machine, machine.py draws it, marks.py says what happened to its states;
- charts.py holds the chart and the curves; report.js draws a chart when it is seen;
- view.py turns facts into rows and sentences, which templates/ places.

Everything that comes from files is escaped: Jinja2's autoescape for the page, ElementTree for the picture. A
Content-Security-Policy lets the browser run the page's own script only, and refuses every request.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from cryptoetl.output.report import charts, graph, machine, marks, view
from cryptoetl.output.tables.words import count
from cryptoetl.pipeline.reporting import Facts
from cryptoetl.state_machine.definition import state_name

MOST_FINDINGS = 500
"""Findings of the check on the page; the others are counted."""


def page(facts: Facts) -> str:
    """Return the report as an HTML document. Raises ModuleNotFoundError without the extra `report`."""
    charts.require()
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    folder = files(__name__) / "templates"
    environment = Environment(
        loader=PackageLoader(__name__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"day": view.day, "count": count}
    scripts = [(folder / "report.js").read_text(encoding="utf-8")]
    if facts.curves:
        scripts.insert(0, charts.library())
    findings = view.findings(facts)
    found = graph.of_machine(facts.machine)
    rows = view.rows(facts)
    return environment.get_template(
        "page.html.j2"
    ).render(
        facts=facts,
        verdict=view.verdict(facts),
        rows=rows,
        picture=Markup(_picture(facts, found)),  # noqa: S704 - escaped by ElementTree
        as_grid=_needs_grid(found, rows),
        of_step=marks.of_step,
        signs=marks.SIGNS,
        lanes=view.lanes(facts),
        ticks=view.ticks(facts),
        past=view.past(facts),
        findings=findings[:MOST_FINDINGS],
        more_findings=len(findings) - MOST_FINDINGS,
        logs_left_out=view.logs_left_out(facts),
        options=view.options(facts),
        curves={ticker: charts.encoded(curve) for ticker, curve in facts.curves.items()},
        chart=charts.templates() if facts.curves else {},
        style=Markup((folder / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - our own, and the library's
        allowed=" ".join(_source(script) for script in scripts),
    )


def _needs_grid(found: graph.Graph, rows: Sequence[view.Row]) -> bool:
    """Return whether the picture cannot show each currency: there are too many, or one has no branch."""
    drawn = all(state_name(row.status.ticker, "silver") in found.states for row in rows)
    return not drawn or len(rows) > machine.MOST_BRANCHES


def _picture(facts: Facts, found: graph.Graph) -> str:
    counted = view.verdict(facts).sentence.partition(";")[0]
    return machine.svg(found, marks.of_states(facts.execution), summary=counted)


def _source(script: str) -> str:
    """Return how a Content-Security-Policy names an inline script (CSP Level 3, hash-source)."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"
