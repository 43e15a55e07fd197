"""What AWS answers to the questions that several checks have: each is asked once.

What does not exist is None. Every method raises AwsError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from cryptoetl.aws.cloudformation import Stack
from cryptoetl.aws.errors import code, translating
from cryptoetl.aws.session import Session
from cryptoetl.aws.stack import template as stacks
from cryptoetl.aws.stack.state import StackState
from cryptoetl.config.models import Config
from cryptoetl.util.concurrency import once

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import (
        RouteTableTypeDef,
        SecurityGroupTypeDef,
        SubnetTypeDef,
        VpcEndpointTypeDef,
    )

_ABSENT = {
    "EntityNotFoundException",
    "ResourceNotFoundException",
    "InvalidGroup.NotFound",
    "InvalidSubnetID.NotFound",
}

Answer = TypeVar("Answer")


class Facts:
    """The answers about the account of a session, for the checks of a configuration."""

    def __init__(self, config: Config, session: Session, sleep: Callable[[float], None]) -> None:
        self._config = config
        self._session = session
        self._sleep = sleep
        self.stack = once(self._stack)
        self.workgroup = once(self._workgroup)
        self.connection = once(self._connection)
        self.subnet = once(self._subnet)
        self.routes = once(self._routes)
        self.endpoints = once(self._endpoints)
        self.groups = once(self._groups)

    def to_come(self) -> bool:
        """Return whether the next deploy creates workgroup and connection."""
        return self._config.aws.redshift.create and not self.stack().exists

    def _stack(self) -> StackState:
        client = self._session.client("cloudformation")
        return Stack(client, stacks.stack_name(self._config), self._sleep).state()

    def _workgroup(self) -> Mapping[str, Any] | None:
        client, name = self._session.client("redshift-serverless"), self._config.aws.redshift.workgroup
        found = existing(lambda: client.get_workgroup(workgroupName=name))
        return found and found["workgroup"]

    def _connection(self) -> Mapping[str, Any] | None:
        client, name = self._session.client("glue"), self._config.aws.redshift.connection
        found = existing(lambda: client.get_connection(Name=name, HidePassword=True))
        return found and found["Connection"]

    def subnet_id(self) -> str | None:
        """Return the subnet that the load works in; None if the connection has none, or is missing."""
        connection = self.connection()
        if connection is not None:
            return subnet_of(connection)
        return self._config.aws.redshift.subnets[0] if self._config.aws.redshift.create else None

    def _subnet(self) -> SubnetTypeDef | None:
        subnet = self.subnet_id()
        if subnet is None:
            return None
        client = self._session.client("ec2")
        found = existing(lambda: client.describe_subnets(SubnetIds=[subnet]))
        return found and found["Subnets"][0]

    def _routes(self) -> RouteTableTypeDef | None:
        """Return the route table of the subnet: its own, or the main one of the VPC."""
        subnet = self.subnet()
        if subnet is None:
            return None
        with translating():
            tables = self._session.client("ec2").describe_route_tables(Filters=[_in_vpc(subnet)])
        main = None
        for table in tables["RouteTables"]:
            for association in table.get("Associations", ()):
                if association.get("SubnetId") == subnet["SubnetId"]:
                    return table
                if association.get("Main"):
                    main = table
        return main

    def _endpoints(self) -> Sequence[VpcEndpointTypeDef]:
        """Return the endpoints of the subnet's VPC that work."""
        subnet = self.subnet()
        if subnet is None:
            return ()
        with translating():
            found = self._session.client("ec2").describe_vpc_endpoints(Filters=[_in_vpc(subnet)])
        return [e for e in found["VpcEndpoints"] if str(e.get("State", "")).lower() == "available"]

    def _groups(self) -> Mapping[str, SecurityGroupTypeDef] | None:
        """Return the security groups of connection and workgroup by ID; None if one does not exist."""
        ids = set(groups_of(self.connection()))
        workgroup = self.workgroup()
        ids |= set(workgroup.get("securityGroupIds", ()) if workgroup else ())
        if not ids:
            return {}
        client = self._session.client("ec2")
        found = existing(lambda: client.describe_security_groups(GroupIds=sorted(ids)))
        return None if found is None else {group["GroupId"]: group for group in found["SecurityGroups"]}


def existing(ask: Callable[[], Answer]) -> Answer | None:
    """Return the answer; None if AWS says that the thing does not exist."""
    with translating():
        try:
            return ask()
        except ClientError as error:
            if code(error) in _ABSENT:
                return None
            raise


def subnet_of(connection: Mapping[str, Any]) -> str | None:
    """Return the ID of the subnet of a Glue connection."""
    found: str | None = connection.get("PhysicalConnectionRequirements", {}).get("SubnetId")
    return found


def groups_of(connection: Mapping[str, Any] | None) -> Sequence[str]:
    """Return the IDs of the security groups of a Glue connection."""
    found: Sequence[str] = (
        (connection or {}).get("PhysicalConnectionRequirements", {}).get("SecurityGroupIdList", ())
    )
    return found


def _in_vpc(subnet: SubnetTypeDef) -> Any:
    return {"Name": "vpc-id", "Values": [subnet["VpcId"]]}
