"""The currencies as a state machine in Amazon States Language, and the names that its parts go by.

`definitions/state_machine.asl.json` is the frame and `definitions/branch.asl.json` one currency; `render`
puts one branch per currency into the frame. The result is deployed to AWS and run by the local interpreter
alike. Whoever reads a history or writes an execution input finds the names and shapes here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from cryptoetl.state_machine import assets
from cryptoetl.util.text import one_line

Step = Literal["silver", "gold", "redshift"]
Role = Literal[
    "begins",
    "from silver",
    "from gold",
    "from redshift",
    "silver",
    "gold",
    "redshift",
    "caught",
    "skipped",
]
"""What a state does in its branch: the entry, where it leads, a step, or one of the two other ends."""

STEPS: tuple[Step, ...] = get_args(Step)
CLEAN = "Clean S3 buckets"
EVERY_CURRENCY = "Every currency"
PARALLEL = "Parallel"

RETRIED_ERRORS = frozenset(
    {
        "Glue.AWSGlueException",
        "Glue.ConcurrentRunsExceededException",
        "Glue.ResourceNumberLimitExceededException",
        "Glue.InternalServiceException",
        "Glue.OperationTimeoutException",
    }
)
"""Throttling and capacity: a job run that failed with another error would only fail again."""

SIZE_LIMIT = 1024 * 1024
"""Bytes of a definition that CreateStateMachine accepts (AWS: 1 MB)."""

REASON_LIMIT = 200
"""Characters of a refusal in an execution's input, which may hold 256 KiB for all currencies together."""

_STATE_NAMES: Mapping[Role, str] = {
    "begins": "{} begins",
    "from silver": "{} from silver",
    "from gold": "{} from gold",
    "from redshift": "{} from redshift",
    "silver": "{} to silver",
    "gold": "{} to gold",
    "redshift": "{} to redshift",
    "caught": "{} wont stop the others",
    "skipped": "{} skipped",
}
_ROLES: Mapping[str, Role] = {name.removeprefix("{} "): role for role, name in _STATE_NAMES.items()}
_PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Branch:
    """A currency in the machine. `drop`: days without a price are dropped."""

    ticker: str
    drop: bool = False


def render(pipeline: str, branches: Sequence[Branch]) -> dict[str, Any]:
    """The definition with one branch per currency, in their order. Same input, same definition."""
    template = json.loads((assets.definitions() / "branch.asl.json").read_text(encoding="utf-8"))
    frame = json.loads((assets.definitions() / "state_machine.asl.json").read_text(encoding="utf-8"))
    definition: dict[str, Any] = _fill(frame, {"pipeline": pipeline})
    everyone: dict[str, Step] = {branch.ticker: "silver" for branch in branches}
    definition["States"][EVERY_CURRENCY]["Result"] = execution_input(everyone)
    definition["States"][PARALLEL]["Branches"] = [_branch(template, pipeline, branch) for branch in branches]
    return definition


def _branch(template: Any, pipeline: str, branch: Branch) -> dict[str, Any]:
    values = {"pipeline": pipeline, "ticker": branch.ticker, "drop": "Y" if branch.drop else "N"}
    rendered: dict[str, Any] = _fill(template, values)
    return rendered


def _fill(node: Any, values: Mapping[str, str]) -> Any:
    """A copy of parsed JSON with the placeholders in its strings, keys included, filled in."""
    match node:
        case str():
            return _PLACEHOLDER.sub(lambda found: values[found[1]], node)
        case list():
            return [_fill(item, values) for item in node]
        case dict():
            return {_fill(key, values): _fill(value, values) for key, value in node.items()}
        case _:
            return node


def dumps(definition: Mapping[str, Any]) -> str:
    """The definition as it is deployed: compact JSON."""
    return json.dumps(definition, ensure_ascii=False, separators=(",", ":"))


def size(definition: Mapping[str, Any]) -> int:
    """Bytes of the definition as it is deployed; more than `SIZE_LIMIT` cannot be."""
    return len(dumps(definition).encode())


def tickers(definition: Mapping[str, Any]) -> list[str]:
    """The currencies of a rendered machine, in order."""
    return [_ticker(branch) for branch in definition["States"][PARALLEL]["Branches"]]


def branch_of(definition: Mapping[str, Any], ticker: str) -> dict[str, Any]:
    """The currency's branch. Raises KeyError if the machine has none."""
    for branch in definition["States"][PARALLEL]["Branches"]:
        if _ticker(branch) == ticker:
            found: dict[str, Any] = branch
            return found
    raise KeyError(ticker)


def checked(definition: Any) -> dict[str, Any]:
    """Return the definition if it is a rendered machine.

    Raises ValueError, LookupError, TypeError or AttributeError.
    """
    for ticker in tickers(definition):
        silver_arguments(definition, ticker)
    machine: dict[str, Any] = definition
    return machine


def silver_arguments(definition: Mapping[str, Any], ticker: str) -> dict[str, str]:
    """What the currency's branch passes to bronze2silver. Raises KeyError if the machine has none."""
    silver = branch_of(definition, ticker)["States"][state_name(ticker, "silver")]
    return {name: value for name, value in silver["Parameters"]["Arguments"].items() if name != "--TICKER"}


def _ticker(branch: Mapping[str, Any]) -> str:
    named = parse_state_name(branch["StartAt"])
    if named is None:
        raise ValueError(f"{branch['StartAt']!r} is not how a currency's branch begins")
    return named[0]


def state_name(ticker: str, role: Role) -> str:
    """The name of the state that plays this role in the currency's branch."""
    return _STATE_NAMES[role].format(ticker)


def parse_state_name(name: str) -> tuple[str, Role] | None:
    """The ticker and role of a branch's state; None for the states outside the branches."""
    ticker, _, rest = name.partition(" ")
    role = _ROLES.get(rest)
    return (ticker, role) if role else None


def execution_name(started: datetime) -> str:
    """The name of an execution, by the time in UTC: sorting the names sorts the executions."""
    return f"{started:%Y%m%dT%H%M%S}{started.microsecond // 1000:03}Z"


def execution_input(start: Mapping[str, Step], refused: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The input of an execution: the step at which each currency begins.

    `refused` maps tickers to the reason why the check kept them out. The machine does not look at it; it is
    there so that the execution alone tells the whole story. Reasons are cut to `REASON_LIMIT` characters.
    """
    input: dict[str, Any] = {"tickers": {ticker: {"from": step} for ticker, step in start.items()}}
    if refused:
        input["refused"] = {
            ticker: {"step": "check", "reason": one_line(reason, REASON_LIMIT)}
            for ticker, reason in refused.items()
        }
    return input


HISTORY_LIMIT = 25_000
"""Events of one execution, after which Step Functions ends it."""


PAYLOAD_LIMIT = 256 * 1024
"""Bytes of any state's input or output."""
