"""`target.Links`: pages of the AWS console.

The console's host has the region in front, and belongs to the partition (AWS General Reference, "AWS
Management Console endpoints"; for China "Getting started with AWS services in China").
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from cryptoetl.aws.session import Session
from cryptoetl.aws.stack import template as stacks
from cryptoetl.config.models import Config

_HOSTS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


class AwsLinks:
    """Addresses of the stack, the state machine and its executions."""

    def __init__(self, config: Config, session: Session) -> None:
        self._config = config
        self._session = session

    def deployment(self) -> Mapping[str, str]:
        """Return the addresses of the stack and the state machine."""
        stack = quote(stacks.stack_name(self._config))
        return {
            "stack": self._page("cloudformation", f"/stacks/stackinfo?stackId={stack}"),
            "state machine": self._page("states", f"/statemachines/view/{self._arn('stateMachine')}"),
        }

    def execution(self, name: str) -> str | None:
        """Return the address of an execution."""
        return self._page("states", f"/v2/executions/details/{self._arn('execution')}:{quote(name)}")

    def _page(self, service: str, place: str) -> str:
        region = self._session.region
        host = _HOSTS.get(self._session.identity.partition, "console.aws.amazon.com")
        return f"https://{region}.{host}/{service}/home?region={region}#{place}"

    def _arn(self, kind: str) -> str:
        identity = self._session.identity
        return (
            f"arn:{identity.partition}:states:{self._session.region}:{identity.account}"
            f":{kind}:{self._config.pipeline}"
        )
