"""The subnets of a Redshift workgroup that a deploy creates: where they are, and whether they have room.

Rules and numbers: Amazon Redshift guide, Considerations when using Amazon Redshift Serverless, for workgroups
with enhanced VPC routing, as the stack creates them. Functions that call EC2 raise the SDK's exceptions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptoetl.config.aws import CREATED_SUBNETS, Glue, Redshift
from cryptoetl.config.models import Config
from cryptoetl.state_machine import bundle
from cryptoetl.target.deployment import Notice

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

ZONES = 3
"""Availability zones that the subnets must be in, at least."""
FEWER_ZONES: Mapping[str, int] = {"us-west-1": 2}
"""Regions that offer fewer zones: an earlier edition of the page accepts three subnets in two zones there."""

_TO_CREATE: Mapping[int, int] = {
    4: 9, 8: 9, 16: 13, 32: 13, 64: 21, 128: 37, 256: 69, 512: 133, 1024: 261,
}  # fmt: skip
"""Base capacity → free addresses that each subnet needs when the workgroup is created."""
_TO_GROW: Mapping[int, int] = {
    8: 10, 16: 10, 32: 13, 64: 16, 128: 28, 256: 52, 512: 100, 1024: 197,
}  # fmt: skip
"""New base capacity → free addresses that each subnet needs when a workgroup gets more of it."""


@dataclass(frozen=True)
class Subnet:
    """A subnet as EC2 describes it; `free` counts its free IPv4 addresses."""

    id: str
    vpc: str
    zone: str
    free: int


def free_addresses(capacity: int, grown_from: int | None = None) -> int:
    """Return how many free addresses each subnet needs for a base capacity in RPU.

    `grown_from` is the capacity of an existing workgroup. Capacities between two documented ones need what
    the larger one does; a workgroup that keeps its capacity, or loses some, needs none.
    """
    if grown_from is not None and capacity <= grown_from:
        return 0
    table = _TO_CREATE if grown_from is None else _TO_GROW
    return next(needed for documented, needed in table.items() if capacity <= documented)


def read_subnets(ec2: EC2Client, ids: Sequence[str]) -> tuple[Subnet, ...]:
    """Return the subnets that exist, in the order of `ids`."""
    # By a filter: with SubnetIds, one that does not exist would fail the call.
    pages = ec2.get_paginator("describe_subnets").paginate(
        Filters=[{"Name": "subnet-id", "Values": list(ids)}]
    )
    found = {subnet["SubnetId"]: subnet for page in pages for subnet in page["Subnets"]}
    return tuple(
        Subnet(
            one, found[one]["VpcId"], found[one]["AvailabilityZone"], found[one]["AvailableIpAddressCount"]
        )
        for one in ids
        if one in found
    )


def place(subnets: Sequence[Subnet], settings: Redshift, region: str) -> Iterator[Notice]:
    """Yield an error for each subnet that is missing or elsewhere, and if they are in too few zones."""
    known = {subnet.id for subnet in subnets}
    for missing in (one for one in settings.subnets if one not in known):
        yield Notice("error", f"the subnet {missing} (aws.redshift.subnets) does not exist in {region}")
    for subnet in subnets:
        if subnet.vpc != settings.vpc:
            yield Notice(
                "error",
                f"the subnet {subnet.id} is in {subnet.vpc}, and aws.redshift.vpc is {settings.vpc}: name "
                "subnets of that VPC",
            )
    zones, needed = sorted({subnet.zone for subnet in subnets}), FEWER_ZONES.get(region, ZONES)
    if len(zones) < needed and len(subnets) == len(settings.subnets):
        yield Notice(
            "error",
            f"the subnets are in {', '.join(zones)}: Redshift requires {CREATED_SUBNETS} subnets in {needed} "
            "availability zones for enhanced VPC routing. Name others in aws.redshift.subnets",
        )
    first = next((subnet for subnet in subnets if subnet.id == settings.subnets[0]), None)
    if first is not None and first.zone != settings.availability_zone:
        yield Notice(
            "error",
            f"the first subnet {first.id} is in {first.zone}, and aws.redshift.availability_zone is "
            f"{settings.availability_zone}: Glue works in that subnet, so set it to {first.zone}",
        )


def room(subnets: Sequence[Subnet], needed: int) -> Iterator[Notice]:
    """Yield an error for each subnet with fewer free addresses than Redshift needs in it."""
    for subnet in subnets:
        if subnet.free < needed:
            yield Notice(
                "error",
                f"the subnet {subnet.id} has {subnet.free} free addresses, and Redshift needs {needed} in "
                "each subnet: name a larger one in aws.redshift.subnets, or lower aws.redshift.capacity",
            )


def workers(subnets: Sequence[Subnet], needed: int, glue: Glue, runs: int) -> Iterator[Notice]:
    """Yield a warning if `runs` Glue runs at once find too few addresses: each worker takes one.

    They work in the first subnet, beside the workgroup, which takes `needed` (Glue guide, Setting up a VPC to
    connect to JDBC data stores).
    """
    for first in subnets[:1]:
        if needed <= first.free < needed + runs * glue.workers:
            yield Notice(
                "warning",
                f"the first subnet {first.id} has {first.free} free addresses, of which Redshift takes "
                f"{needed}: {runs} Glue runs at once with {glue.workers} workers each need "
                f"{runs * glue.workers}, one for each worker. Name a larger subnet first, or lower "
                "aws.glue.max_concurrent_runs",
            )


def check(ec2: EC2Client, config: Config, region: str, needed: int) -> Iterator[Notice]:
    """Yield everything that is wrong with the configured subnets; each needs `needed` free addresses."""
    glue, redshift = config.aws.glue, config.aws.redshift
    subnets = read_subnets(ec2, redshift.subnets)
    yield from place(subnets, redshift, region)
    yield from room(subnets, needed)
    yield from workers(
        subnets, needed, glue, runs=min(bundle.runs_of_a_step(config), glue.max_concurrent_runs)
    )
