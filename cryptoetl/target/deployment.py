"""Deployment: the contract, and what a plan says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from cryptoetl.events import Observe
from cryptoetl.state_machine.bundle import Bundle, Change, Layout


@dataclass(frozen=True)
class Part:
    """Something a destroy removes or leaves behind."""

    what: str
    name: str
    detail: str = ""


@dataclass(frozen=True)
class Removal:
    """What `destroy` would remove and what would stay; `deletes_data` if with all data."""

    location: str
    removed: tuple[Part, ...]
    kept: tuple[Part, ...]
    deletes_data: bool = False
    applied: bool = False
    exit_code = 0


Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Notice:
    """Something to know before a deploy; an error keeps it from beginning."""

    severity: Severity
    message: str


@dataclass(frozen=True)
class Cost:
    """US dollars of one run in which every currency is loaded: in parts, and what was assumed."""

    parts: Mapping[str, float]
    assumptions: tuple[str, ...]

    @property
    def total(self) -> float:
        return sum(self.parts.values())


@dataclass(frozen=True)
class Prediction:
    """How much of AWS's limits the state machine takes."""

    currencies: int
    definition_bytes: int
    history_events: int
    payload_bytes: int


@dataclass(frozen=True)
class Review:
    """What `deploy` shows beside the changes. `allowed` is False if a notice is an error."""

    account: str
    region: str
    notices: tuple[Notice, ...]
    prediction: Prediction
    cost: Cost

    @property
    def errors(self) -> tuple[str, ...]:
        return tuple(notice.message for notice in self.notices if notice.severity == "error")


class Deployment(Protocol):
    """The state machine, its jobs and their scripts."""

    def layout(self) -> Layout:
        """Where this target keeps the data; on AWS with CloudFormation's names for account and region."""

    def current(self) -> Bundle | None:
        """What is deployed now."""

    def join(self, observe: Observe) -> None:
        """Follow a deploy that is under way, begun elsewhere or before an interruption, to its end."""

    def changes(self, bundle: Bundle) -> tuple[Change, ...]:
        """What has to happen for it to be deployed; empty if nothing."""

    def review(self, bundle: Bundle, changes: Sequence[Change], *, drift: bool) -> Review | None:
        """What else to know before these changes: concerns, predictions, costs. Changes nothing."""

    def apply(self, bundle: Bundle, observe: Observe, *, allow_data_removal: bool) -> None:
        """Deploy it as a whole, or leave everything as it was. Raises DeployError."""

    def removal(self, *, delete_data: bool) -> Removal:
        """What `remove` would take down, and what it would leave."""

    def remove(self, removal: Removal, observe: Observe) -> None:
        """Take it down. What is gone already is no error."""

    def location(self) -> str:
        """Where it is, for people."""
