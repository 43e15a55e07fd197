"""The Target: a place where pipelines run, as four narrow Protocols with what `pipeline` needs.

`local` and `aws` implement them in modules of the same names: storage, deployment, executions, warehouse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from cryptoetl.config.models import TargetName
from cryptoetl.target.deployment import Deployment
from cryptoetl.target.diagnosis import Diagnosis
from cryptoetl.target.executions import Executions
from cryptoetl.target.links import Links, NoLinks
from cryptoetl.target.storage import Storage
from cryptoetl.target.warehouse import Warehouse


@dataclass(frozen=True)
class Link:
    """A link to a published page, and when it ends; with temporary credentials it may end before."""

    url: str
    expires: datetime


@dataclass(frozen=True)
class Target:
    """A place where pipelines run. `exclusive` holds it for a command, or raises BusyError.

    `diagnose` finds out what can be known without changing anything, and yields it as it becomes known; True
    allows it to connect to the warehouse, which may be billed.
    """

    name: TargetName
    storage: Storage
    deployment: Deployment
    executions: Executions
    warehouse: Warehouse
    exclusive: Callable[[str], AbstractContextManager[None]]
    diagnose: Callable[[bool], Iterator[Diagnosis]]
    links: Links = field(default_factory=NoLinks)
    publish: Callable[[str, bytes, int], Link] | None = None
    """Store a page under a name where others can open it for some seconds; None if the target cannot."""
