"""Pages about a deployment and its executions: the contract. The local target has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Links(Protocol):
    """Addresses of pages in the AWS console."""

    def deployment(self) -> Mapping[str, str]:
        """Return what → address of the parts of a deployment."""

    def execution(self, name: str) -> str | None:
        """Return the address of an execution; None if it has no page."""


class NoLinks:
    """The links of a target that has no pages."""

    def deployment(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    def execution(self, name: str) -> str | None:  # noqa: ARG002 - the contract's
        """Return None."""
        return None
