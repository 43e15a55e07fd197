"""The part `aws` of the configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from cryptoetl.config.aws import Glue, Redshift
from cryptoetl.config.loading import load
from tests.unit.config.configs import GOOD, refusal, written


def in_aws(file: Path, setting: str) -> str:
    """Return the only problem of a configuration with these lines under `aws`."""
    lines = "".join(f"  {line}\n" for line in setting.splitlines())
    (problem,) = refusal(file, f"{GOOD}aws:\n{lines}")
    assert problem.line is not None
    return f"{problem.line} {problem.field}: {problem.message}"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("glue: {worker_type: G.3X}", "7 aws.glue.worker_type: must be one of G.1X, G.2X"),
        ("glue: {version: six}", "7 aws.glue.version: 'six' is not a Glue version such as 6.0"),
        ("glue: {role: 'my role'}", "7 aws.glue.role: 'my role' is not the name or ARN of a role"),
        ("buckets: {raw: My_Bucket}", "7 aws.buckets.raw: 'My_Bucket' is not a bucket name"),
        ("kms_key: alias/data", "7 aws.kms_key: 'alias/data' is not the ARN of a KMS key"),
        ("schedule: daily", "7 aws.schedule: 'daily' is not a schedule: write cron("),
        ("notify: {emails: [me]}", "7 aws.notify.emails[0]: 'me' is not an e-mail address"),
        ("notify: {email: a@b.c}", "7 aws.notify.email: unknown key, did you mean 'emails'?"),
        ("tags: {'aws:team': data}", "7 aws.tags: 'aws:team' is not a tag's key"),
        ("tags: {team: 'a;b'}", "7 aws.tags: team: 'a;b' is not a tag's value"),
        ("log_retention_days: 31", "7 aws.log_retention_days: must be one of 1, 3, 5"),
        (
            "glue: {flex: true, worker_type: G.4X}",
            "7 aws.glue: flex: true takes the worker types G.1X",
        ),
        ("glue: {flex: true, version: '2.0'}", "7 aws.glue: flex: true needs version 3.0 or newer"),
        ("glue: {flex: true, queuing: true}", "7 aws.glue: flex: true has no queue: leave queuing out"),
        (
            "redshift: {capacity: 12}",
            "7 aws.redshift.capacity: 12 is not a capacity: 4, a multiple",
        ),
        ("redshift: {create: yes}", "7 aws.redshift: with create: true it also needs vpc, subnets"),
        ("redshift: {vpc: mine}", "7 aws.redshift.vpc: 'mine' is not an id such as vpc-0123456789abcdef0"),
        ("redshift: {workgroup: 'a b'}", "7 aws.redshift.workgroup: 'a b' is not a name"),
        ("notify: {emails: 3}", "7 aws.notify.emails: must be a list"),
        ("glue: {workers: 1}", "7 aws.glue.workers: input should be greater than or equal to 2"),
        ("machine: {xrays: true}", "7 aws.machine.xrays: unknown key, did you mean 'xray'?"),
    ],
)
def test_a_wrong_setting_of_aws_is_named_with_its_line(file: Path, setting: str, said: str) -> None:
    assert in_aws(file, setting).startswith(said)


def test_a_created_redshift_has_its_place(file: Path) -> None:
    place = (
        "vpc: vpc-12345678, availability_zone: eu-central-1a, "
        "subnets: [subnet-11111111, subnet-22222222, subnet-33333333]"
    )
    written(file, f"{GOOD}aws:\n  redshift: {{create: true, {place}}}\n")
    assert load(file).aws.redshift.subnets == ("subnet-11111111", "subnet-22222222", "subnet-33333333")
    for more, said in (
        ("workgroup: My_Group", "with create: true the workgroup is 3 to 64 lowercase letters"),
        ("copy_role: mine", "with create: true copy_role and secret are created too"),
    ):
        (problem,) = refusal(file, f"{GOOD}aws:\n  redshift: {{create: true, {place}, {more}}}\n")
        assert problem.message.startswith(said)


@pytest.mark.parametrize(
    ("subnets", "said"),
    [
        (
            "subnet-11111111",
            "with create: true it needs 3 subnets in as many availability zones, and",
        ),
        ("[subnet-11111111, subnet-22222222]", "with create: true it needs 3 subnets"),
        ("[subnet-11111111, subnet-22222222, subnet-11111111]", "subnet-11111111 is named more than once"),
    ],
)
def test_a_created_redshift_needs_three_subnets(file: Path, subnets: str, said: str) -> None:
    place = f"vpc: vpc-12345678, availability_zone: eu-central-1a, subnets: {subnets}"
    (problem,) = refusal(file, f"{GOOD}aws:\n  redshift: {{create: true, {place}}}\n")
    assert problem.line == 7
    assert problem.message.startswith(said)


def test_the_capacities_are_those_of_redshift_serverless() -> None:
    def accepted(capacity: int) -> bool:
        try:
            return Redshift(capacity=capacity).capacity == capacity
        except ValueError:
            return False

    expected = {4, *range(8, 513, 8), *range(544, 1025, 32)}
    assert {capacity for capacity in range(-8, 1100) if accepted(capacity)} == expected


@pytest.mark.parametrize(
    ("flex", "queuing", "queues"),
    [(None, None, True), (True, None, False), (None, False, False), (True, False, False), (None, True, True)],
)
def test_runs_wait_in_a_queue_unless_it_is_off_or_flex_has_none(
    flex: bool | None, queuing: bool | None, queues: bool
) -> None:
    given = {"flex": flex, "queuing": queuing}
    assert (
        Glue.model_validate({key: value for key, value in given.items() if value is not None}).queues
        is queues
    )
