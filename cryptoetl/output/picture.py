"""The PNG plot of `preview --png`: price and its mean above, the trend below, over the same days."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from cryptoetl.util.text import printable

if TYPE_CHECKING:
    from cryptoetl.pipeline.results import Preview

PRICE, MEAN, TREND = "#7a8fa6", "#c2410c", "#0f766e"
"""Distinguishable in grey and with red-green colour blindness."""


def png(preview: Preview) -> bytes:
    """Return the content of a PNG file; no window is opened."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure
    from matplotlib.ticker import StrMethodFormatter

    with mpl.rc_context({"font.size": 11, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(11, 6.5), dpi=144, layout="constrained")
        FigureCanvasAgg(figure)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.4, 1])
        days = preview.days
        values = {name: _with_gaps(preview.column(name)) for name in ("price", "pricema", "trend", "trend_i")}
        above.plot(days, values["price"], color=PRICE, linewidth=1.2, label="price")
        above.plot(days, values["pricema"], color=MEAN, linewidth=2, label="moving average")
        above.set_ylabel("price")
        above.set_title(
            printable(f"{preview.ticker}: {days[0]} to {days[-1]}"),
            loc="left",
            fontsize=14,
            fontweight="bold",
            parse_math=False,
        )
        most = max((value for value in preview.column("price") if value is not None), default=0)
        above.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}" if most >= 100 else "{x:,.6g}"))
        below.plot(days, values["trend_i"], color=TREND, linewidth=1.6, label="interpolated by date")
        below.plot(days, values["trend"], "o", color=TREND, markersize=3, label="weekly value")
        below.set_ylabel("Google trend")
        below.set_ylim(bottom=0)
        locator = AutoDateLocator()  # type: ignore[no-untyped-call]
        below.xaxis.set_major_locator(locator)
        below.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        for axes in (above, below):
            axes.grid(visible=True, color="#d9d9d9", linewidth=0.6)
            axes.set_axisbelow(True)
            axes.legend(loc="upper left", frameon=False, ncols=2)
            axes.margins(x=0.01, y=0.18)
        content = io.BytesIO()
        figure.savefig(content, format="png", metadata={"Software": None})
        return content.getvalue()


def _with_gaps(values: list[float | None]) -> list[float]:
    """Return the values with NaN, which is not drawn, for None."""
    return [float("nan") if value is None else float(value) for value in values]
