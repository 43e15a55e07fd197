"""The Deployment contract, and the data that its plans consist of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args

from cryptoetl.events import Observe
from cryptoetl.state_machine.bundle import Bundle, Change, Layout

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Notice:
    """Something to know before a deploy; an error prevents it."""

    severity: Severity
    message: str


@dataclass(frozen=True)
class Cost:
    """US dollars of one run in which every currency is loaded: its parts, and the assumptions made."""

    parts: Mapping[str, float]
    assumptions: tuple[str, ...]

    @property
    def total(self) -> float:
        """Return the sum of the parts."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class Prediction:
    """How much of AWS's limits the state machine uses."""

    currencies: int
    definition_bytes: int
    history_events: int
    payload_bytes: int
    groups: int = 0
    """Number of groups; 0 if each currency has a branch."""


@dataclass(frozen=True)
class Review:
    """What a plan shows in addition to its changes."""

    account: str
    region: str
    notices: tuple[Notice, ...]
    prediction: Prediction
    cost: Cost


@dataclass(frozen=True)
class Plan:
    """What `deploy` would do, or has done if `applied`: the bundle, and how it differs from what is deployed.

    `links` are pages about it in the AWS console. `basis` belongs to the target that made the plan: what it
    found, and what it needs to apply the plan. It is neither shown nor serialized.
    """

    bundle: Bundle
    changes: tuple[Change, ...]
    location: str
    applied: bool = False
    review: Review | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    basis: object = field(default=None, repr=False)
    concerns: tuple[Notice, ...] = ()
    """What the review does not contain, on either target."""
    scripts: str = ""
    """The folder of the scripts, in words."""
    tables: str = ""
    """Where the tables are loaded, in words, and which of the names are defaults."""

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Return all notices, errors first."""
        found = (*self.concerns, *(self.review.notices if self.review else ()))
        return tuple(sorted(found, key=lambda notice: get_args(Severity).index(notice.severity)))

    @property
    def errors(self) -> tuple[str, ...]:
        """Return the messages of the notices that prevent the deploy."""
        return tuple(notice.message for notice in self.notices if notice.severity == "error")

    @property
    def exit_code(self) -> int:
        """Return 1 if there are errors, so that the plan cannot be applied, else 0."""
        return 1 if self.errors else 0


@dataclass(frozen=True)
class Part:
    """Something that a destroy removes or keeps."""

    what: str
    name: str
    detail: str = ""


@dataclass(frozen=True)
class Removal:
    """What `destroy` would remove, or has removed if `applied`, and what stays.

    `deletes_data` says whether all data is removed too; for `basis` see `Plan`.
    """

    location: str
    removed: tuple[Part, ...]
    kept: tuple[Part, ...]
    deletes_data: bool = False
    applied: bool = False
    basis: object = field(default=None, repr=False)
    exit_code = 0


class Deployment(Protocol):
    """The state machine, its jobs and their scripts.

    Whatever a method needs to know from an earlier one is in the plan that it is given: implementations keep
    no state between calls.
    """

    def layout(self) -> Layout:
        """Return where this target keeps the data; on AWS with CloudFormation's `${AWS::…}` names in it."""

    def compared(self, wanted: Bundle | None) -> tuple[Bundle | None, Sequence[Change]]:
        """Return the bundle that is deployed, or None, and all in which the configuration differs from it.

        On AWS this includes settings that are in no bundle, such as the number of workers. If there is none
        to compare with, there are no differences.
        """

    def join(self, observe: Observe) -> None:
        """Follow a deploy that is in progress to its end. Raises DeployError if it fails."""

    def plan(self, bundle: Bundle, *, drift: bool) -> Plan:
        """Compare the bundle with what is deployed, without changing anything.

        With `drift`, the review also names resources that were changed outside of cryptoetl.
        """

    def verify_owner(self) -> None:
        """Raise DeployError if the tables belong to another pipeline, as far as asking costs nothing."""

    def apply(self, plan: Plan, observe: Observe, *, allow_data_removal: bool) -> None:
        """Carry out the plan as a whole, or leave everything as it was.

        Raises DeployError, with nothing changed, if the deployment has changed since the plan was made.
        """

    def removal(self, *, delete_data: bool) -> Removal:
        """Return what `remove` would remove and what it would keep."""

    def remove(self, removal: Removal, observe: Observe) -> None:
        """Remove what the removal lists; parts that no longer exist are no error.

        Raises DeployError, with nothing removed, if something else has been deployed since it was listed.
        """
