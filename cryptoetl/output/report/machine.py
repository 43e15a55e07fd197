"""The picture of the state machine, in SVG: from its definition, and what happened to its states.

From top to bottom: the start, the cleaning, the Parallel state as a frame around the branches, the ends. The
branches stand side by side, `IN_A_ROW` in each row; more than `MOST_BRANCHES` are only counted, and the page
shows them as a grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree

from cryptoetl.output.report.graph import END, Graph, State
from cryptoetl.output.report.marks import Mark

MOST_BRANCHES = 12
IN_A_ROW = 6
WIDTH, LINE, PAD, GAP = 122, 15, 9, 24
"""Pixels: a state's width, a line of its text, the room above and below that, between states."""
LANE = 16
"""Pixels on both sides of a branch, for the ways around its states."""
PITCH = WIDTH + 2 * LANE
LETTERS = 17
"""Letters that fit into a line."""

STYLE = """
.machine{font:12px system-ui,-apple-system,"Segoe UI",sans-serif}
.machine text{fill:var(--text,#1f2328);text-anchor:middle}
.machine .words{fill:var(--muted,#57606a);font-size:11px}
.machine rect,.machine circle{fill:var(--surface,#fff);stroke:var(--line,#8c959f);stroke-width:1.25}
.machine .frame{fill:var(--frame,#f6f8fa);stroke:var(--line,#8c959f);stroke-dasharray:none}
.machine .bar{stroke:none;fill:none}
.machine path{fill:none;stroke:var(--line,#8c959f);stroke-width:1.25}
.machine .caught{stroke-dasharray:4 3}
.machine .taken{stroke:var(--text,#1f2328);stroke-width:2}
.machine .tip{fill:var(--line,#8c959f);stroke:none}
.machine .tip.taken{fill:var(--text,#1f2328)}
.machine .good rect{fill:var(--good-soft,#dafbe1);stroke:var(--good,#1a7f37)}
.machine .good .words{fill:var(--good,#116329)}
.machine .bad rect{fill:var(--bad-soft,#ffebe9);stroke:var(--bad,#cf222e);stroke-width:2.5}
.machine .bad .words{fill:var(--bad,#a40e26);font-weight:700}
.machine .cut rect{fill:var(--cut-soft,#fff8c5);stroke:var(--cut,#9a6700);stroke-width:2.5}
.machine .cut .words{fill:var(--cut,#7d4e00)}
.machine .running rect{fill:var(--run-soft,#ddf4ff);stroke:var(--run,#0969da)}
.machine .running .words{fill:var(--run,#0550ae)}
.machine .none rect{stroke-dasharray:3 3}
"""
DARK = """
@media (prefers-color-scheme:dark){.machine{
--text:#e6edf3;--muted:#9da7b1;--surface:#161b22;--frame:#0d1117;--line:#6e7681}}
"""


@dataclass
class _Drawing:
    """The elements of the picture so far, and the lowest pixel they reach."""

    graph: Graph
    marks: Mapping[str, Mark] | None
    root: ElementTree.Element = field(default_factory=lambda: ElementTree.Element("g"))
    ways: ElementTree.Element = field(default_factory=lambda: ElementTree.Element("g"))

    def state(self, name: str, x: float, y: float, height: float, label: Sequence[str]) -> None:
        """Draw a state with its middle at x and its top at y."""
        mark = self.marks.get(name) if self.marks is not None else None
        group = ElementTree.SubElement(self.root, "g", {"class": f"state {mark.kind if mark else 'plain'}"})
        ElementTree.SubElement(group, "title").text = f"{name}: {mark.words}" if mark else name
        box = {"x": x - WIDTH / 2, "y": y, "width": WIDTH, "height": height, "rx": 6}
        ElementTree.SubElement(group, "rect", _numbers(box))
        lines = [*label, mark.text] if mark else list(label)
        top = y + (height - LINE * len(lines)) / 2 + LINE - 4
        for number, line in enumerate(lines):
            place = _numbers({"x": x, "y": top + number * LINE})
            words = {"class": "words"} if mark and number == len(label) else {}
            ElementTree.SubElement(group, "text", place | words).text = line

    def way(
        self, points: Sequence[tuple[float, float]], *, caught: bool = False, taken: bool = False
    ) -> None:
        """Draw a way through these points, with a tip at the last one."""
        names = " ".join(name for name, on in (("caught", caught), ("taken", taken)) if on)
        drawn = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
        ElementTree.SubElement(self.ways, "path", {"d": drawn, "class": names})
        (x0, y0), (x, y) = points[-2:]
        dx, dy = (x > x0) - (x < x0), (y > y0) - (y < y0)
        tip = f"M{x:g} {y:g}l{-6 * dx - 4 * dy:g} {-6 * dy - 4 * dx:g}l{8 * dy:g} {8 * dx:g}z"
        ElementTree.SubElement(self.ways, "path", {"d": tip, "class": f"tip {names}"})

    def line(self, points: Sequence[tuple[float, float]], *, taken: bool = False) -> None:
        """Draw a line without a tip."""
        drawn = "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
        ElementTree.SubElement(self.ways, "path", {"d": drawn, "class": "taken" if taken else ""})

    def point(self, x: float, y: float, word: str) -> None:
        """Draw the start or the end."""
        ElementTree.SubElement(self.root, "circle", _numbers({"cx": x, "cy": y, "r": 17}))
        ElementTree.SubElement(self.root, "text", _numbers({"x": x, "y": y + 4})).text = word

    def reached(self, name: str) -> bool:
        """Return whether a state began in the execution."""
        mark = self.marks.get(name) if self.marks is not None else None
        return mark is not None and mark.kind != "none"


def svg(
    graph: Graph, marks: Mapping[str, Mark] | None = None, *, summary: str = "", standalone: bool = False
) -> str:
    """Return the picture as an SVG element; without `marks`, that of the machine alone.

    `summary` stands in the frame in place of more than `MOST_BRANCHES` branches. A standalone picture, a file
    of its own, has colours for light and dark.
    """
    drawing = _Drawing(graph, marks)
    parallel = next(name for name, state in graph.states.items() if state.type in ("Parallel", "Map"))
    branches = [b for b in graph.branches(parallel) if b] if len(graph.starts) - 1 <= MOST_BRANCHES else []
    columns = min(IN_A_ROW, len(branches))
    width = max(columns * PITCH + 80, 3 * PITCH + 40)
    bottom = _draw(drawing, parallel, branches, summary or f"{len(graph.starts) - 1} branches", width)
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "machine",
            "viewBox": f"0 0 {width:g} {bottom:g}",
            "width": f"{width:g}",
            "height": f"{bottom:g}",
            "role": "img",
            "aria-label": "The state machine" if marks is None else "The state machine in this execution",
        },
    )
    ElementTree.SubElement(root, "style").text = STYLE + (DARK if standalone else "")
    # Ways that were taken lie over the others.
    drawing.ways[:] = sorted(drawing.ways, key=lambda way: "taken" in way.get("class", ""))
    root.extend([drawing.ways, drawing.root])
    return ElementTree.tostring(root, encoding="unicode")


def _draw(drawing: _Drawing, parallel: str, branches: list[list[State]], summary: str, width: float) -> float:
    """Draw everything and return the height."""
    graph, middle, y = drawing.graph, width / 2, 20.0
    before = graph.starts[None][0]
    drawing.point(middle, y, "Start")
    drawing.way([(middle, 37), (middle, 58)], taken=drawing.marks is not None)
    height = _height([_label(before)], drawing.marks)
    drawing.state(before, middle, 58, height, _label(before))
    for failed in graph.after(before, caught=True):
        x = width - WIDTH / 2 - 8
        drawing.state(failed, x, 58, height, _label(failed))
        drawing.way(
            [(middle + WIDTH / 2, 58 + height / 2), (x - WIDTH / 2, 58 + height / 2)],
            caught=True,
            taken=drawing.reached(failed),
        )
    top = 58 + height + GAP
    drawing.way([(middle, 58 + height), (middle, top)], taken=drawing.reached(parallel))
    bottom = _frame(drawing, parallel, branches, summary, (top, width))
    return _ends(drawing, parallel, bottom, width)


def _frame(
    drawing: _Drawing,
    parallel: str,
    branches: list[list[State]],
    summary: str,
    place: tuple[float, float],
) -> float:
    """Draw the Parallel state with its branches, given its top and the width; return its lower edge."""
    top, width = place
    frame = ElementTree.SubElement(drawing.ways, "rect", {"class": "frame"})
    title = ElementTree.SubElement(drawing.ways, "text", _numbers({"x": width / 2, "y": top + 20}))
    title.text = parallel
    y = top + 32
    if not branches:
        text = ElementTree.SubElement(drawing.ways, "text", _numbers({"x": width / 2, "y": y + 12}))
        text.set("class", "words")
        text.text = summary
        y += 26
    height = _height([_label(state.name) for branch in branches for state in branch], drawing.marks)
    rows = [branches[first : first + IN_A_ROW] for first in range(0, len(branches), IN_A_ROW)]
    for row in rows:
        left = (width - len(row) * PITCH) / 2
        lowest = max(
            _branch(drawing, branch, (left + (number + 0.5) * PITCH, y + GAP, height))
            for number, branch in enumerate(row)
        )
        _buses(drawing, row, left, (y, lowest), width)
        y = lowest + GAP
    frame.attrib |= _numbers({"x": 8, "y": top, "width": width - 16, "height": y - top, "rx": 10})
    return y


def _buses(
    drawing: _Drawing, row: list[list[State]], left: float, span: tuple[float, float], width: float
) -> None:
    """Join the branches of a row: the start of each above them, their ends below."""
    above, below = span[0] + 6, span[1] + 8
    middles = [left + (number + 0.5) * PITCH for number in range(len(row))]
    drawing.line([(middles[0], above), (middles[-1], above)])
    drawing.line([(middles[0], below), (middles[-1], below)])
    drawing.line([(width / 2, above - 8), (width / 2, above)])
    drawing.line([(width / 2, below), (width / 2, below + 10)])
    for x, branch in zip(middles, row, strict=True):
        started = any(drawing.reached(state.name) for state in branch)
        drawing.way([(x, above), (x, span[0] + GAP)], taken=started)


def _branch(drawing: _Drawing, branch: list[State], place: tuple[float, float, float]) -> float:
    """Draw a branch in a column, given its middle, its top and the states' height; return its lower edge."""
    graph, (x, top, height) = drawing.graph, place
    caught = {end for state in branch for end in graph.after(state.name, caught=True)}
    steps = [state.name for state in branch if state.name not in caught]
    others = [state.name for state in branch if state.name in caught]
    tops = {name: top + place * (height + GAP) for place, name in enumerate([*steps, *others])}
    for name, y in tops.items():
        drawing.state(name, x, y, height, _label(name))
    end = top + len(tops) * (height + GAP) - GAP
    for name in tops:
        for after in graph.after(name):
            done = drawing.reached(name) and not _failed(drawing, name)
            if after == END:
                _to_end(drawing, x, (tops[name], height, end), last=tops[name] + height >= end, taken=done)
            else:
                drawing.way([(x, tops[name] + height), (x, tops[after])], taken=done)
        for after in graph.after(name, caught=True):
            side, y = x + WIDTH / 2, tops[name] + height / 2
            lane, below = side + LANE - 6, tops[after] + height / 2
            around = [(side, y), (lane, y), (lane, below), (side, below)]
            drawing.way(around, caught=True, taken=_failed(drawing, name))
    return end


def _to_end(
    drawing: _Drawing, x: float, place: tuple[float, float, float], *, last: bool, taken: bool
) -> None:
    """Draw the way from a state to the end of its branch, around the states below it."""
    top, height, end = place
    if last:
        drawing.line([(x, top + height), (x, end + 8)], taken=taken)
        return
    side = x - WIDTH / 2
    y = top + height / 2
    around = [(side, y), (side - LANE + 6, y), (side - LANE + 6, end + 8), (x, end + 8)]
    drawing.line(around, taken=taken)


def _ends(drawing: _Drawing, parallel: str, bottom: float, width: float) -> float:
    """Draw what follows the Parallel state and return the height of the picture."""
    graph = drawing.graph
    after = list(dict.fromkeys([*graph.after(parallel), *graph.after(parallel, caught=True)]))
    height = _height([_label(name) for name in after], drawing.marks)
    top = bottom + GAP + 10
    for number, name in enumerate(after):
        x = width / 2 + (number - (len(after) - 1) / 2) * (PITCH + 20)
        drawing.state(name, x, top, height, _label(name))
        taken = drawing.reached(name)
        middle = bottom + GAP / 2
        drawing.way([(width / 2, bottom), (width / 2, middle), (x, middle), (x, top)], taken=taken)
        end = top + height + GAP / 2
        drawing.line([(x, top + height), (x, end), (width / 2, end)], taken=taken)
    end = top + height + GAP / 2
    ended = any(drawing.reached(name) for name in after)
    drawing.way([(width / 2, end), (width / 2, end + 12)], taken=ended)
    drawing.point(width / 2, end + 29, "End")
    return end + 50


def _failed(drawing: _Drawing, name: str) -> bool:
    mark = drawing.marks.get(name) if drawing.marks is not None else None
    return mark is not None and mark.kind == "bad"


def _label(name: str) -> list[str]:
    """Return the lines of a state's name."""
    lines = [""]
    for word in name.split():
        joined = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], joined] if len(joined) <= LETTERS else [*lines, word]
    return [line for line in lines if line]


def _height(labels: Sequence[Sequence[str]], marks: Mapping[str, Mark] | None) -> float:
    return max(map(len, labels), default=1) * LINE + (LINE if marks is not None else 0) + 2 * PAD


def _numbers(values: Mapping[str, float]) -> dict[str, str]:
    return {name: f"{value:g}" for name, value in values.items()}
