"""The output of `preview`: the last rows of a table, and a terminal plot of price, mean and trend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from math import ceil, floor, isfinite, log10
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from cryptoetl.pipeline.results import Preview

SHOWN_ROWS = 10
WIDTH, HEIGHT = 100, 17
"""Maximum columns, so that a wide screen or a pipe does not stretch the plot; rows of the upper plot."""
LEVELS = 5
"""Maximum numbers on a scale. With fewer, a range between two steps of 2 and 5 could get only one."""

_Points = tuple[list[int], list[float]]


def render(result: Preview) -> Iterator[RenderableType]:
    """Yield the plot and the last rows."""
    yield Text(f"{result.table}: price (fine line), its moving average (dotted); below, the trend by date")
    yield Plot(result)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in result.rows.columns:
        table.add_column(Text(name), justify="left" if name == "date" else "right")
    for row in result.rows.rows[-SHOWN_ROWS:]:
        table.add_row(*(Text(_cell(value)) for value in row))
    yield table


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case int() | float():
            return _number_text(value)
        case _:
            return str(value)


def _number_text(value: float) -> str:
    """Return the number with six significant digits, never as 1e+05."""
    return f"{value:,.0f}" if abs(value) >= 100_000 else f"{value:,.6g}"


class Plot:
    """The plot, drawn for the width and colours of the console that prints it."""

    def __init__(self, result: Preview) -> None:
        self._result = result

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        drawn = _draw(self._result, min(options.max_width, WIDTH))
        yield Text.from_ansi(drawn) if console.color_system else Text(Text.from_ansi(drawn).plain)


def _draw(result: Preview, width: int) -> str:
    import plotext

    figure = plotext.figure
    figure.clear()
    # The rows below exceed a small terminal anyway; limited to its height, the trend would have two lines.
    plotext.terminal.limit(width=True, height=False)
    try:
        figure.plot_size(width, HEIGHT + HEIGHT // 2)
        figure.subplots(2, 1)
        upper, lower = figure.subplot(1, 1), figure.subplot(2, 1)
        days = result.days
        span = _number(days[-1], days)
        ticks = sorted({round(n * span / 4) for n in range(5)})
        for plot, height, series in (
            (upper, HEIGHT, {"pricema": "·", "price": "braille"}),
            (lower, HEIGHT // 2, {"trend_i": "braille"}),
        ):
            columns = {name: result.column(name) for name in series}
            levels = levels_between([value for values in columns.values() for value in values])
            plot.plot_size(width, height)
            plot.theme("colorless")
            plot.ruler("x").ticks(ticks, [str(days[0] + timedelta(number)) for number in ticks])
            plot.ruler("y").ticks(levels, [_number_text(level) for level in levels])
            for name, marker in series.items():
                for x, y in _runs(days, columns[name]):
                    signal = plot.signal(x, y, marker=marker)
                    plot.draw(signal.lines())
        return str(figure.build().string())
    finally:
        figure.clear()  # a global of the library


def levels_between(values: Sequence[float | None]) -> list[float]:
    """Return two to five round numbers between the least and the greatest value, for the scale of a plot.

    Return the only value if all are equal, and nothing if there is none.
    """
    known = [value for value in values if value is not None and isfinite(value)]
    if not known or min(known) == max(known):
        return known[:1]
    least, greatest = min(known), max(known)
    unit = 10.0 ** floor(log10((greatest - least) / LEVELS))
    for step in (unit * factor for factor in (1, 2, 5, 10, 20)):
        levels = [n * step for n in range(ceil(least / step), floor(greatest / step) + 1)]
        if len(levels) <= LEVELS:
            break
    return levels


def _number(day: date, days: Sequence[date]) -> int:
    return (day - days[0]).days


def _runs(days: Sequence[date], values: Sequence[float | None]) -> Iterator[_Points]:
    """Yield the stretches without a gap, so that no line crosses missing values."""
    x: list[int] = []
    y: list[float] = []
    for day, value in zip(days, values, strict=True):
        if value is not None and isfinite(value):
            x.append(_number(day, days))
            y.append(float(value))
        elif x:
            yield x, y
            x, y = [], []
    if x:
        yield x, y
