"""The state machine as a graph: states that do something, and the transitions between them.

States that only choose the way, and Pass states that no Catch leads to, are left out: what leads to one of
them leads on to what follows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cryptoetl.state_machine.definition import parse_state_name

END = ""
"""The end of a branch, or of the machine, as a transition's end."""


@dataclass(frozen=True)
class State:
    """A state; `inside` names the Parallel or Map state that it is in, `branch` is its branch's number."""

    name: str
    type: str
    inside: str | None = None
    branch: int = 0


@dataclass(frozen=True)
class Transition:
    """A way from one state to another, or to `END`; `caught` if a Catch is the way."""

    start: str
    end: str
    caught: bool = False


@dataclass(frozen=True)
class Graph:
    """States and transitions by name.

    `starts` are, for the machine (None) and each branch, the states that may be first; the default leads.
    """

    states: Mapping[str, State]
    transitions: tuple[Transition, ...]
    starts: Mapping[tuple[str, int] | None, tuple[str, ...]]

    def after(self, name: str, *, caught: bool = False) -> list[str]:
        """Return the names of the states after this one; `caught`: those that a Catch leads to."""
        return [way.end for way in self.transitions if way.start == name and way.caught is caught]

    def branches(self, parallel: str) -> list[list[State]]:
        """Return the states of each branch of a Parallel state."""
        numbers = [key[1] for key in self.starts if key is not None and key[0] == parallel]
        inside = [state for state in self.states.values() if state.inside == parallel]
        return [[state for state in inside if state.branch == number] for number in numbers]


def of_machine(machine: Mapping[str, Any]) -> Graph:
    """Return the graph of a definition in Amazon States Language."""
    states: dict[str, State] = {}
    ways: dict[Transition, None] = {}
    starts: dict[tuple[str, int] | None, tuple[str, ...]] = {}
    _read(machine, None, states, ways, starts)
    return Graph(states, tuple(ways), starts)


def _read(
    part: Mapping[str, Any],
    place: tuple[str, int] | None,
    states: dict[str, State],
    ways: dict[Transition, None],
    starts: dict[tuple[str, int] | None, tuple[str, ...]],
) -> None:
    """Add the states of a machine, or of the branch at `place`."""
    own = part["States"]
    caught = {catch["Next"] for state in own.values() for catch in state.get("Catch", ())}
    shown = {name for name, state in own.items() if name in caught or state["Type"] not in ("Choice", "Pass")}
    starts[place] = tuple(dict.fromkeys(_shown(own, part["StartAt"], shown)))
    for name, state in own.items():
        if name not in shown:
            continue
        states[name] = State(name, state["Type"], *(place or ()))
        for target in _next(state):
            ways |= {Transition(name, end): None for end in _shown(own, target, shown)}
        for catch in state.get("Catch", ()):
            ways |= {Transition(name, end, caught=True): None for end in _shown(own, catch["Next"], shown)}
        inner = [*state.get("Branches", ()), *([state["ItemProcessor"]] if "ItemProcessor" in state else ())]
        for number, branch in enumerate(inner):
            _read(branch, (name, number), states, ways, starts)


def _next(state: Mapping[str, Any]) -> list[str]:
    """Return where a state leads without an error, the default first; `END` if it ends its part."""
    if state["Type"] in ("Succeed", "Fail") or state.get("End"):
        return [END]
    ways = [state.get("Default"), state.get("Next"), *(rule["Next"] for rule in state.get("Choices", ()))]
    return [way for way in ways if way is not None]


def _shown(own: Mapping[str, Any], name: str, shown: set[str]) -> Iterator[str]:
    """Yield the shown states that a state leads to, or itself."""
    if name == END or name in shown:
        yield name
    else:
        for following in _next(own[name]):
            yield from (end for end in _shown(own, following, shown) if end != END)


def mermaid(graph: Graph) -> str:
    """Return the graph as a Mermaid state diagram, which GitHub and many wikis draw."""
    ids = {name: f"s{number}" for number, name in enumerate(graph.states)}

    def lines(place: tuple[str, int] | None, indent: str) -> Iterator[str]:
        for name, state in graph.states.items():
            if (place or (None, 0)) != (state.inside, state.branch):
                continue
            yield f'{indent}state "{name}" as {ids[name]}'
            branches = [key for key in graph.starts if key is not None and key[0] == name]
            for number, branch in enumerate(branches):
                yield f"{indent}state {ids[name]} {{" if not number else f"{indent}  --"
                yield from lines(branch, indent + "  ")
            if branches:
                yield f"{indent}}}"
        for start in graph.starts[place]:
            yield f"{indent}[*] --> {ids[start]}"
        for way in graph.transitions:
            state = graph.states[way.start]
            if (place or (None, 0)) == (state.inside, state.branch):
                end = "[*]" if way.end == END else ids[way.end]
                yield f"{indent}{ids[way.start]} --> {end}{' : error' if way.caught else ''}"

    return "\n".join(["stateDiagram-v2", *lines(None, "  ")]) + "\n"


def ticker(branch: list[State]) -> str:
    """Return the ticker of a branch's states; "" for states that do not name one."""
    named = parse_state_name(branch[0].name) if branch else None
    return named[0] if named else ""
