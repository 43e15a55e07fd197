"""The AWS target: S3, Glue, Step Functions and Redshift, as one CloudFormation stack."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, NoReturn, cast

from cryptoetl.aws.deployment import AwsDeployment
from cryptoetl.aws.executions import AwsExecutions
from cryptoetl.aws.session import Session
from cryptoetl.aws.storage import AwsStorage
from cryptoetl.config import Config
from cryptoetl.errors import UsageError
from cryptoetl.target import Target


def target(
    config: Config,
    *,
    region: str | None,
    profile: str | None,
    warn: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Target:
    """The pipeline in the configured account and region; nobody is asked anything yet.

    `region` and `profile` are the command line's, and win. CloudFormation is what keeps two deploys apart.
    """
    session = Session(config.aws, region=region, profile=profile, warn=warn)
    return Target(
        name="aws",
        storage=AwsStorage(config, session),
        deployment=AwsDeployment(config, session, sleep),
        executions=AwsExecutions(config, session, sleep=sleep),
        warehouse=cast("Any", _Later()),
        exclusive=lambda _: nullcontext(),
    )


class _Later:
    """A room of the target that is not built: whoever enters it is told so."""

    def __getattr__(self, name: str) -> NoReturn:
        raise UsageError(
            "on the aws target this version has no verify and no query yet",
            hint="The tables are in Redshift; with --target local everything runs on this machine.",
        )
