from __future__ import annotations

from xml.etree import ElementTree

import pytest

from cryptoetl.errors import UsageError
from cryptoetl.output.report import graph, machine, marks, rendering
from cryptoetl.state_machine.definition import Branch, Step, render
from tests import reports


def made(*tickers: str) -> graph.Graph:
    return graph.of_machine(render("crypto", [Branch(ticker) for ticker in tickers]))


def test_the_graph_leaves_out_states_that_only_choose_the_way() -> None:
    found = made("BTC")
    assert list(found.states) == [
        "Clean S3 buckets",
        "Parallel",
        "BTC to silver",
        "BTC to gold",
        "BTC to redshift",
        "BTC wont stop the others",
        "SuccessState",
        "Pipeline failure",
        "S3 cleaning failure",
    ]
    assert found.starts[None] == ("Clean S3 buckets",)
    assert found.starts["Parallel", 0] == ("BTC to silver", "BTC to gold", "BTC to redshift")
    assert found.after("Parallel") == ["SuccessState", "Pipeline failure"]
    assert found.after("BTC to gold") == ["BTC to redshift"]
    assert found.after("BTC to gold", caught=True) == ["BTC wont stop the others"]
    assert found.after("BTC to redshift") == [graph.END]


def test_states_inside_of_a_map_are_a_branch() -> None:
    group = {
        "StartAt": "Group to silver",
        "States": {"Group to silver": {"Type": "Task", "End": True}},
    }
    found = graph.of_machine(
        {
            "StartAt": "Every group",
            "States": {
                "Every group": {"Type": "Map", "ItemProcessor": group, "Next": "Done"},
                "Done": {"Type": "Succeed"},
            },
        }
    )
    assert [state.name for (state,) in found.branches("Every group")] == ["Group to silver"]
    assert "Group to" in machine.svg(found)


def picture(tickers: list[str], fails: dict[str, Step] | None = None) -> ElementTree.Element:
    ran = reports.execution(tickers, fails)
    return ElementTree.fromstring(machine.svg(made(*tickers), marks.of_states(ran)))


def states(svg: ElementTree.Element) -> dict[str, str]:
    """Return state → kind of its mark."""
    found = {}
    for group in svg.iter("{http://www.w3.org/2000/svg}g"):
        kinds = group.get("class", "")
        title = group.find("{http://www.w3.org/2000/svg}title")
        if kinds.startswith("state ") and title is not None and title.text:
            found[title.text.partition(":")[0]] = kinds.removeprefix("state ")
    return found


def test_the_picture_shows_the_branch_that_failed_and_that_the_others_went_on() -> None:
    assert states(picture(["BTC", "XMR"], {"XMR": "gold"})) == {
        "Clean S3 buckets": "good",
        "BTC to silver": "good",
        "BTC to gold": "good",
        "BTC to redshift": "good",
        "BTC wont stop the others": "plain",
        "XMR to silver": "good",
        "XMR to gold": "bad",
        "XMR to redshift": "none",
        "XMR wont stop the others": "good",
        "SuccessState": "good",
        "Pipeline failure": "plain",
        "S3 cleaning failure": "plain",
    }


def test_every_mark_has_a_sign_and_words() -> None:
    text = "".join(picture(["BTC", "XMR"], {"XMR": "gold"}).itertext())
    assert "✗ failed, 1.0 s" in text
    assert "✓ 1.0 s" in text
    assert "– not run" in text


@pytest.mark.parametrize("number", [1, 2, 6, 7, 12])
def test_states_neither_overlap_nor_leave_the_picture(number: int) -> None:
    svg = picture(["LONGTICKERNAME1", *reports.tickers(number)][:number])
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    boxes = [
        [float(box.attrib[name]) for name in ("x", "y", "width", "height")]
        for box in svg.iter("{http://www.w3.org/2000/svg}rect")
        if box.get("class") != "frame"
    ]
    assert len(boxes) == 4 + 4 * number
    for x, y, wide, high in boxes:
        assert 0 <= x < x + wide <= width
        assert 0 <= y < y + high <= height
    for place, (x, y, wide, high) in enumerate(boxes):
        for other in boxes[:place]:
            beside = x + wide < other[0] or other[0] + other[2] < x
            assert beside or y + high < other[1] or other[1] + other[3] < y
    assert width <= 1010


def test_more_branches_are_counted() -> None:
    tickers = reports.tickers(13)
    svg = machine.svg(made(*tickers), summary="13 currencies: 13 loaded")
    assert "13 currencies: 13 loaded" in svg
    assert "BTC" not in svg


def test_mermaid_has_every_state_and_every_way() -> None:
    text = rendering.rendered(render("crypto", [Branch("BTC"), Branch("XMR")]), "mermaid")
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == "stateDiagram-v2"
    assert 'state "XMR wont stop the others" as s9' in lines
    names = {name: number for number, name in enumerate(made("BTC", "XMR").states)}
    gold, caught = names["XMR to gold"], names["XMR wont stop the others"]
    assert f"s{gold} --> s{caught} : error" in lines
    assert lines.count("--") == 1  # between the branches
    assert text.count("{") == text.count("}") == 1


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match="'png' is not a format"):
        rendering.format_named("png")
