"""The subnets of a created workgroup: in three zones, in the VPC, with room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cryptoetl.aws.network import Subnet, check, free_addresses, place, read_subnets, room
from cryptoetl.config.aws import Redshift
from cryptoetl.config.models import Config
from cryptoetl.target.deployment import Notice

VPC = "vpc-11111111"
IDS = ("subnet-11111111", "subnet-22222222", "subnet-33333333")
SETTINGS = Redshift(create=True, vpc=VPC, subnets=IDS, availability_zone="eu-central-1a")


def subnets(zones: str = "abc", *, vpc: str = VPC, free: int = 251) -> tuple[Subnet, ...]:
    return tuple(Subnet(one, vpc, f"eu-central-1{zone}", free) for one, zone in zip(IDS, zones, strict=False))


def errors(notices: Sequence[Notice]) -> list[str]:
    assert {notice.severity for notice in notices} <= {"error"}
    return [notice.message for notice in notices]


class Ec2:
    """Describes the subnets that exist, in another order, in two pages."""

    def __init__(self, existing: Sequence[Subnet]) -> None:
        self.existing = existing

    def get_paginator(self, operation: str) -> Ec2:
        assert operation == "describe_subnets"
        return self

    def paginate(self, **query: Any) -> list[dict[str, Any]]:
        ((_, ids),) = ((one["Name"], one["Values"]) for one in query["Filters"])
        described = [
            {
                "SubnetId": one.id,
                "VpcId": one.vpc,
                "AvailabilityZone": one.zone,
                "AvailableIpAddressCount": one.free,
            }
            for one in reversed(self.existing)
            if one.id in ids
        ]
        return [{"Subnets": described[:1]}, {"Subnets": described[1:]}]


def found(existing: Sequence[Subnet], needed: int = 9, **glue: Any) -> list[Notice]:
    redshift = SETTINGS.model_dump(by_alias=True, exclude_defaults=True)
    named = [{"ticker": f"C{n}", "history": "h.csv", "trend": "t.csv"} for n in range(30)]
    config = Config.model_validate({"aws": {"redshift": redshift, "glue": glue}, "currencies": named})
    client: Any = Ec2(existing)
    return list(check(client, config, "eu-central-1", needed))


@pytest.mark.parametrize(
    ("capacity", "grown_from", "needed"),
    [
        (4, None, 9),
        (8, None, 9),
        (16, None, 13),
        (24, None, 13),
        (32, None, 13),
        (40, None, 21),
        (512, None, 133),
        (1024, None, 261),
        (8, 8, 0),
        (8, 16, 0),
        (8, 4, 10),
        (16, 8, 10),
        (128, 64, 28),
        (1024, 512, 197),
    ],
)
def test_the_free_addresses_are_those_of_redshifts_guide(
    capacity: int, grown_from: int | None, needed: int
) -> None:
    assert free_addresses(capacity, grown_from) == needed


def test_subnets_are_read_in_the_configured_order_without_those_that_do_not_exist() -> None:
    client: Any = Ec2(subnets("ab"))
    assert read_subnets(client, IDS) == subnets("ab")


def test_three_subnets_in_three_zones_of_the_vpc_are_fine() -> None:
    assert found(subnets()) == []


def test_two_zones_are_too_few_except_where_there_are_no_more() -> None:
    (error,) = errors(list(place(subnets("aab"), SETTINGS, "eu-central-1")))
    assert error.startswith(
        "the subnets are in eu-central-1a, eu-central-1b: Redshift requires 3 subnets in 3"
    )
    assert list(place(subnets("aab"), SETTINGS, "us-west-1")) == []


def test_a_missing_subnet_is_named_and_nothing_else_is_said_of_the_zones() -> None:
    (error,) = errors(found(subnets("ab")))
    assert error == "the subnet subnet-33333333 (aws.redshift.subnets) does not exist in eu-central-1"


def test_subnets_of_another_vpc_are_errors() -> None:
    messages = errors(found(subnets(vpc="vpc-22222222")))
    assert len(messages) == 3
    assert messages[0] == (
        "the subnet subnet-11111111 is in vpc-22222222, and aws.redshift.vpc is vpc-11111111: "
        "name subnets of that VPC"
    )


def test_the_zone_must_be_that_of_the_first_subnet() -> None:
    (error,) = errors(found(subnets("bac")))
    assert error == (
        "the first subnet subnet-11111111 is in eu-central-1b, and aws.redshift.availability_zone is "
        "eu-central-1a: Glue works in that subnet, so set it to eu-central-1b"
    )


def test_the_free_addresses_and_the_needed_ones_are_named() -> None:
    messages = errors(list(room(subnets(free=8), 9)))
    assert messages[0].startswith(
        "the subnet subnet-11111111 has 8 free addresses, and Redshift needs 9 in each"
    )
    assert list(room(subnets(free=9), 9)) == []


def test_a_first_subnet_without_room_for_glues_workers_is_a_warning() -> None:
    (warning,) = found(subnets(free=40), needed=9)  # 30 runs × 2 workers
    assert warning.severity == "warning"
    assert "30 Glue runs at once with 2 workers each need 60" in warning.message
    assert found(subnets(free=40), max_concurrent_runs=15) == []
