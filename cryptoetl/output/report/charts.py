"""The charts: BokehJS from the installed package, a template of the chart, and the curves in a compact form.

Why Bokeh: docs/decisions/0020-report-charts.md. The page draws a chart when it is seen, from the template and
the curve's arrays, and replaces the template's colours by those of the theme.
"""

from __future__ import annotations

import base64
import json
from functools import cache
from importlib.util import find_spec
from typing import Any

from cryptoetl.pipeline.curves import Curve

COLOURS = {"price": "#010101", "mean": "#020202", "trend": "#030303", "grid": "#040404", "text": "#050505"}
"""Stand for the variables of the style sheet that templates/report.js puts in their place."""
TREND_TOP = 400
"""Upper end of the trend's axis: its values, 0 to 100, take the lowest quarter of the chart."""
HEIGHT = 280
"""Pixels; as `.plot` in templates/report.css, which keeps the place of a chart that is not drawn yet."""


def require() -> None:
    """Raise ModuleNotFoundError if a package of the extra `report` is not installed."""
    for name in ("jinja2", "bokeh"):
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@cache
def library() -> str:
    """Return the JavaScript of BokehJS, as text for a script element."""
    from bokeh.resources import Resources

    code = Resources(mode="inline", components=["bokeh"]).js_raw[0]  # the others set its log's level
    return code.replace("</script", "<\\/script")


@cache
def templates() -> dict[str, Any]:
    """Return the chart as BokehJS reads it, in JSON and without rows, with a linear and a logarithmic axis.

    `colours` are the ones to replace.
    """
    from bokeh.embed import json_item

    # The order of the keys matters: a model is defined where it is first referred to.
    texts = {
        name: json.dumps(json_item(_figure(log=name == "log")), separators=(",", ":"))
        for name in ("linear", "log")
    }
    return {**texts, "colours": COLOURS}


def _figure(*, log: bool) -> Any:
    from bokeh import models

    m: Any = models  # the types of properties differ from what they accept
    axes = {
        "axis_line_color": None,
        "major_tick_line_color": None,
        "minor_tick_line_color": None,
        "major_label_text_color": COLOURS["text"],
        "major_label_text_font": "system-ui, sans-serif",
    }
    plot = m.Plot(
        height=HEIGHT,
        sizing_mode="stretch_width",
        x_range=m.Range1d(name="days"),
        y_range=m.Range1d(name="prices", start=1, end=2),
        x_scale=m.LinearScale(),
        y_scale=m.LogScale() if log else m.LinearScale(),
        extra_y_ranges={"trend": m.Range1d(start=0, end=TREND_TOP)},
        toolbar_location=None,
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        min_border_left=64,
        min_border_right=30,
    )
    days = m.DatetimeAxis(**axes)
    prices = m.LogAxis(**axes) if log else m.LinearAxis(**axes)
    prices.formatter = m.NumeralTickFormatter(format="0,0.[0000000000]")
    trend = m.LinearAxis(
        **axes, y_range_name="trend", ticker=m.FixedTicker(ticks=[0, 50, 100]), minor_tick_out=0
    )
    plot.add_layout(days, "below")
    plot.add_layout(prices, "left")
    plot.add_layout(trend, "right")
    for axis, dimension in ((days, 0), (prices, 1)):
        plot.add_layout(m.Grid(axis=axis, dimension=dimension, grid_line_color=COLOURS["grid"]))
    _add_lines(plot, m)
    cursor = m.Span(
        name="cursor", dimension="height", line_color=COLOURS["text"], line_dash="dotted", visible=False
    )
    plot.add_layout(cursor)
    zoom = m.BoxZoomTool(dimensions="width", name="zoom")
    plot.add_tools(zoom)
    plot.toolbar.active_drag = zoom
    return plot


def _add_lines(plot: Any, m: Any) -> None:
    rows = m.ColumnDataSource(name="rows", data={"x": [], "price": [], "mean": [], "trend": []})
    area = m.VArea(x="x", y1=0, y2="trend", fill_color=COLOURS["trend"], fill_alpha=0.25)
    plot.add_glyph(rows, area).y_range_name = "trend"
    line = {"x": "x", "line_join": "round"}
    edge = m.Line(**line, y="trend", line_color=COLOURS["trend"], line_width=1)
    plot.add_glyph(rows, edge).y_range_name = "trend"
    plot.add_glyph(rows, m.Line(**line, y="price", line_color=COLOURS["price"], line_width=1.25))
    plot.add_glyph(rows, m.Line(**line, y="mean", line_color=COLOURS["mean"], line_width=2))


def encoded(curve: Curve) -> str:
    """Return the curve's arrays in base64: days since 1970 (int32), then price, mean and trend (float32).

    A missing value is NaN. Little-endian, as the typed arrays of every browser's machine.
    """
    import numpy as np

    days = np.asarray(curve.days, dtype="<i4")
    columns = (np.array(column, dtype="<f4") for column in (curve.prices, curve.means, curve.trends))
    return base64.b64encode(b"".join(part.tobytes() for part in (days, *columns))).decode("ascii")
