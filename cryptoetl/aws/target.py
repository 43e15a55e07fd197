"""Assemble the Target on AWS."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from cryptoetl.aws.console import AwsLinks
from cryptoetl.aws.deployment import AwsDeployment
from cryptoetl.aws.doctor.checks import AwsDoctor
from cryptoetl.aws.executions import AwsExecutions
from cryptoetl.aws.publishing import Publisher
from cryptoetl.aws.session import Session
from cryptoetl.aws.storage import AwsStorage
from cryptoetl.aws.warehouse import AwsWarehouse
from cryptoetl.config.models import Config
from cryptoetl.target import Target
from cryptoetl.util import interruption


def aws_target(
    config: Config,
    *,
    region: str | None,
    profile: str | None,
    warn: Callable[[str], None],
    sleep: Callable[[float], None] = interruption.sleep,
) -> Target:
    """Return the pipeline in the configured account and region, without any request to AWS.

    `region` and `profile` are the command line's, and take precedence. Two deploys at once need no lock here:
    CloudFormation runs one operation on a stack at a time.
    """
    session = Session(config.aws, region=region, profile=profile, warn=warn)
    warehouse = AwsWarehouse(config, session, sleep)
    return Target(
        name="aws",
        storage=AwsStorage(config, session),
        deployment=AwsDeployment(config, session, sleep, warehouse),
        executions=AwsExecutions(config, session, sleep=sleep),
        warehouse=warehouse,
        exclusive=lambda _: nullcontext(),
        diagnose=AwsDoctor(config, session, sleep).diagnose,
        links=AwsLinks(config, session),
        publish=Publisher(config, session),
    )
