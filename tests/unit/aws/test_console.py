"""Addresses of pages of the AWS console, in each partition."""

from __future__ import annotations

import pytest

from cryptoetl.aws.console import AwsLinks
from cryptoetl.aws.session import Identity, Session
from cryptoetl.config.models import Config


def links(partition: str, region: str) -> AwsLinks:
    config = Config.model_validate(
        {"pipeline": "crypto", "currencies": [{"ticker": "BTC", "history": "h.csv", "trend": "t.csv"}]}
    )
    session = Session(config.aws, region=region, profile=None, warn=lambda _: None)
    session.identity = Identity("123456789012", f"arn:{partition}:iam::123456789012:user/me")
    return AwsLinks(config, session)


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-central-1", "eu-central-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_a_page_has_the_host_of_its_partition_and_region(partition: str, region: str, host: str) -> None:
    found = links(partition, region)
    arn = f"arn:{partition}:states:{region}:123456789012"
    assert found.deployment() == {
        "stack": f"https://{host}/cloudformation/home?region={region}"
        "#/stacks/stackinfo?stackId=cryptoetl-crypto",
        "state machine": f"https://{host}/states/home?region={region}"
        f"#/statemachines/view/{arn}:stateMachine:crypto",
    }
    assert found.execution("e 1") == (
        f"https://{host}/states/home?region={region}#/v2/executions/details/{arn}:execution:crypto:e%201"
    )
