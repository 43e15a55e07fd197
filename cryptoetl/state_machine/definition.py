"""The state machine in Amazon States Language: its definition, the names of its states, its input.

`definitions/state_machine.asl.json` is the frame and `definitions/branch.asl.json` one currency; `render`
puts one branch per currency into the frame. The result is deployed to AWS, and run by the local interpreter.
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
"""The role of a state in its branch: the entry, where it leads, a step, or one of the two other ends."""

STEPS: tuple[Step, ...] = get_args(Step)
CLEAN = "Clean S3 buckets"
EVERY_CURRENCY = "Every currency"
PARALLEL = "Parallel"
EVERY_GROUP = "Every group"

RETRIED_ERRORS = frozenset(
    {
        "Glue.AWSGlueException",
        "Glue.ThrottlingException",
        "Glue.ConcurrentRunsExceededException",
        "Glue.ResourceNumberLimitExceededException",
        "Glue.InternalServiceException",
        "Glue.OperationTimeoutException",
    }
)
"""Errors of throttling and capacity. A job run that failed with any other error would fail again."""

SIZE_LIMIT = 1024 * 1024
"""Largest definition that CreateStateMachine accepts, in bytes (AWS: 1 MB)."""

REASON_LIMIT = 200
"""Characters of a refusal in an execution's input, whose `PAYLOAD_LIMIT` all currencies share."""

PAYLOAD_LIMIT = 256 * 1024
"""Largest input or output of a state, in bytes."""

HISTORY_LIMIT = 25_000
"""Events of one execution, after which Step Functions ends it."""

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
    """A currency in the state machine. `drop`: whether days without a price are dropped."""

    ticker: str
    drop: bool = False


def render(pipeline: str, branches: Sequence[Branch]) -> dict[str, Any]:
    """Return the definition with one branch per currency, in their order.

    Equal arguments give equal definitions, so that a comparison shows only real changes.
    """
    template = json.loads((assets.definitions() / "branch.asl.json").read_text(encoding="utf-8"))
    frame = json.loads((assets.definitions() / "state_machine.asl.json").read_text(encoding="utf-8"))
    definition: dict[str, Any] = fill(frame, {"pipeline": pipeline})
    everyone: dict[str, Step] = {branch.ticker: "silver" for branch in branches}
    definition["States"][EVERY_CURRENCY]["Result"] = execution_input(everyone)
    definition["States"][PARALLEL]["Branches"] = [_branch(template, pipeline, branch) for branch in branches]
    return definition


def _branch(template: Any, pipeline: str, branch: Branch) -> dict[str, Any]:
    values = {"pipeline": pipeline, "ticker": branch.ticker, "drop": "Y" if branch.drop else "N"}
    rendered: dict[str, Any] = fill(template, values)
    return rendered


def fill(node: Any, values: Mapping[str, str]) -> Any:
    """Return a copy of parsed JSON with the placeholders filled in, also in keys."""
    match node:
        case str():
            return _PLACEHOLDER.sub(lambda found: values[found[1]], node)
        case list():
            return [fill(item, values) for item in node]
        case dict():
            return {fill(key, values): fill(value, values) for key, value in node.items()}
        case _:
            return node


def dumps(definition: Mapping[str, Any]) -> str:
    """Return the definition as it is deployed: compact JSON."""
    return json.dumps(definition, ensure_ascii=False, separators=(",", ":"))


def size(definition: Mapping[str, Any]) -> int:
    """Return the size of the definition as it is deployed, in bytes; `SIZE_LIMIT` is the largest."""
    return len(dumps(definition).encode())


def tickers(definition: Mapping[str, Any]) -> list[str]:
    """Return the tickers of a rendered machine, in order."""
    return [_ticker(branch) for branch in definition["States"][PARALLEL]["Branches"]]


def branch_of(definition: Mapping[str, Any], ticker: str) -> dict[str, Any]:
    """Return the currency's branch. Raise KeyError if the machine has none."""
    for branch in definition["States"][PARALLEL]["Branches"]:
        if _ticker(branch) == ticker:
            found: dict[str, Any] = branch
            return found
    raise KeyError(ticker)


def checked(definition: Any) -> dict[str, Any]:
    """Return the definition if it is a rendered machine.

    Raises:
        ValueError, LookupError, TypeError, AttributeError: It is not.
    """
    if EVERY_GROUP in definition["States"]:
        _ = str(definition["States"][EVERY_GROUP]["ItemBatcher"]["MaxItemsPerBatch"])
    else:
        for ticker in tickers(definition):
            silver_arguments(definition, ticker)
    machine: dict[str, Any] = definition
    return machine


def silver_arguments(definition: Mapping[str, Any], ticker: str) -> dict[str, str]:
    """Return the arguments that the currency's branch passes to bronze2silver, without the ticker.

    Raise KeyError if the machine has no such branch.
    """
    silver = branch_of(definition, ticker)["States"][state_name(ticker, "silver")]
    return {name: value for name, value in silver["Parameters"]["Arguments"].items() if name != "--TICKER"}


def _ticker(branch: Mapping[str, Any]) -> str:
    named = parse_state_name(branch["StartAt"])
    if named is None:
        raise ValueError(f"{branch['StartAt']!r} is not the first state of a currency's branch")
    return named[0]


def state_name(ticker: str, role: Role) -> str:
    """Return the name of the state with this role in the currency's branch."""
    return _STATE_NAMES[role].format(ticker)


def parse_state_name(name: str) -> tuple[str, Role] | None:
    """Return the ticker and role of a branch's state; None for a state outside the branches."""
    ticker, _, rest = name.partition(" ")
    role = _ROLES.get(rest)
    return (ticker, role) if role else None


def execution_name(started: datetime) -> str:
    """Return the name of an execution that starts at this time in UTC. Names sort by time."""
    return f"{started:%Y%m%dT%H%M%S}{started.microsecond // 1000:03}Z"


def execution_input(start: Mapping[str, Step], refused: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the input of an execution, given the step at which each currency begins.

    `refused` maps tickers to the reason why the check kept them out. The machine ignores it; `status` shows
    it. Reasons are cut to `REASON_LIMIT` characters.
    """
    input_data: dict[str, Any] = {"tickers": {ticker: {"from": step} for ticker, step in start.items()}}
    if refused:
        input_data["refused"] = {
            ticker: {"step": "check", "reason": one_line(reason, REASON_LIMIT)}
            for ticker, reason in refused.items()
        }
    return input_data
