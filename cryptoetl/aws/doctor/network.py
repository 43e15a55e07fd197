"""What the load reaches from its subnet: S3, Redshift, and the APIs that Glue uses inside a VPC.

Glue gives its workers private addresses only: an internet gateway does not serve them (AWS Knowledge Center,
"How do I troubleshoot a failed test connection in AWS Glue"). They need a NAT gateway, or endpoints.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from cryptoetl.aws.doctor.facts import Facts, groups_of
from cryptoetl.aws.doctor.warehouse import covers
from cryptoetl.aws.session import Session
from cryptoetl.config.models import Config
from cryptoetl.state_machine import bundle
from cryptoetl.target.diagnosis import Area, Check, Diagnosis

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import RouteTypeDef, SubnetTypeDef

NETWORK = Area("network")

EVERYWHERE = "0.0.0.0/0"
REDSHIFT_PORT = 5439


class NetworkChecks:
    """The checks of the subnet that the Glue connection names, or that a deploy is going to use."""

    def __init__(self, config: Config, session: Session, facts: Facts) -> None:
        self._config = config
        self._session = session
        self._facts = facts

    def checks(self) -> list[Check]:
        """Return the checks in the order of their lines."""
        return [
            Check(NETWORK, "subnet", self._subnet),
            Check(NETWORK, "way to S3", self._s3),
            Check(NETWORK, "way to Secrets Manager", self._secrets_manager),
            Check(NETWORK, "way to Glue", lambda: self._api("glue", "Glue")),
            Check(NETWORK, "way to STS", lambda: self._api("sts", "STS")),
            Check(NETWORK, "way to Redshift", self._redshift),
        ]

    def _subnet(self) -> Iterator[Diagnosis]:
        name, found = self._facts.subnet_id(), self._facts.subnet()
        if name is None:
            yield NETWORK.skipped("subnet", "the connection names none, so that no way from it was checked")
            return
        if found is None:
            yield NETWORK.failed(name, "the subnet does not exist", "Correct the subnet of the connection.")
            return
        # Each worker has an address in the subnet.
        free, glue = found.get("AvailableIpAddressCount", 0), self._config.aws.glue
        runs = min(bundle.runs_of_a_step(self._config), glue.max_concurrent_runs)
        needed = runs * glue.workers
        if free < needed:
            make = NETWORK.failed if free < glue.workers else NETWORK.warned
            yield make(
                name,
                f"{free:,} addresses are free, and {runs:,} runs of {glue.workers} workers use {needed:,}",
                "Use a larger subnet, or lower aws.glue.max_concurrent_runs.",
            )
        else:
            yield NETWORK.passed(name, f"{found.get('AvailabilityZone')}, {free:,} addresses are free")

    def _s3(self) -> Iterator[Diagnosis]:
        table = self._facts.routes()
        if table is None:
            return
        own = table.get("RouteTableId", "")
        redshift = self._config.aws.redshift
        for endpoint in self._facts.endpoints():
            routed = own in endpoint.get("RouteTableIds", ())
            if routed and self._serves(endpoint.get("ServiceName", ""), "s3"):
                yield NETWORK.passed("way to S3", f"gateway endpoint {endpoint.get('VpcEndpointId')}")
                return
        if found := self._endpoint("s3") or self._exit():
            yield NETWORK.passed("way to S3", found)
        elif self._facts.to_come() and own in redshift.route_tables:
            yield NETWORK.passed("way to S3", "deploy creates a gateway endpoint")
        else:
            yield NETWORK.failed(
                "way to S3",
                f"the route table {own} has neither a gateway endpoint for S3 nor a NAT gateway"
                f"{self._obstacle()}",
                f"Create a gateway endpoint for S3 (free of charge) with the route table {own}.",
            )

    def _secrets_manager(self) -> Iterator[Diagnosis]:
        connection, create = self._facts.connection(), self._config.aws.redshift.create
        if self._facts.routes() is None:
            return
        if not create and not (connection or {}).get("ConnectionProperties", {}).get("SECRET_ID"):
            yield NETWORK.skipped("way to Secrets Manager", "not needed: the connection names no secret")
            return
        if found := self._endpoint("secretsmanager") or self._exit():
            yield NETWORK.passed("way to Secrets Manager", found)
        else:
            yield NETWORK.failed(
                "way to Secrets Manager",
                "the connection's password is in a secret, and there is neither an interface endpoint for "
                f"secretsmanager nor a NAT gateway{self._obstacle()}",
                "Create an interface endpoint for secretsmanager with private DNS, or a NAT gateway; both "
                "are billed by the hour.",
            )

    def _api(self, service: str, name: str) -> Iterator[Diagnosis]:
        if self._facts.routes() is None:
            return
        if found := self._endpoint(service) or self._exit():
            yield NETWORK.passed(f"way to {name}", found)
        else:
            yield NETWORK.warned(
                f"way to {name}",
                f"there is neither an interface endpoint for {service} nor a NAT gateway{self._obstacle()}",
                f"If the load waits for {name} in vain, create an interface endpoint for {service}.",
            )

    def _redshift(self) -> Iterator[Diagnosis]:
        subnet, workgroup, groups = self._facts.subnet(), self._facts.workgroup(), self._facts.groups()
        if subnet is None or workgroup is None or not groups or not workgroup.get("securityGroupIds"):
            return
        port = workgroup.get("port") or workgroup.get("endpoint", {}).get("port") or REDSHIFT_PORT
        sources = set(groups_of(self._facts.connection()))
        for group in workgroup["securityGroupIds"]:
            for rule in groups[group].get("IpPermissions", ()) if group in groups else ():
                pairs = {pair.get("GroupId") for pair in rule.get("UserIdGroupPairs", ())}
                ranges = [r["CidrIp"] for r in rule.get("IpRanges", ()) if "CidrIp" in r]
                if covers(rule, port, port) and (pairs & sources or _contained(subnet, ranges)):
                    yield NETWORK.passed("way to Redshift", f"{group} admits the connection on port {port}")
                    return
        yield NETWORK.warned(
            "way to Redshift",
            f"no rule of the workgroup's security groups admits the connection's on port {port}",
            f"Add an inbound rule: TCP {port}, source: {' or '.join(sorted(sources))}.",
        )

    # --- ways out of the subnet

    def _endpoint(self, service: str) -> str | None:
        """Return the interface endpoint that serves the API under its own name."""
        for endpoint in self._facts.endpoints():
            serves = self._serves(endpoint.get("ServiceName", ""), service)
            private = endpoint.get("VpcEndpointType") == "Interface" and endpoint.get("PrivateDnsEnabled")
            if serves and private:
                return f"interface endpoint {endpoint.get('VpcEndpointId')}"
        return None

    def _serves(self, name: str, service: str) -> bool:
        return name.endswith(f".{self._session.region}.{service}")

    def _exit(self) -> str | None:
        """Return the NAT gateway, or what else leads out of the subnet and can serve private addresses."""
        route = self._default_route()
        if route is None or _useless(route):
            return None
        if nat := route.get("NatGatewayId"):
            return f"NAT gateway {nat}"
        hop = route.get("TransitGatewayId") or route.get("NetworkInterfaceId") or route.get("GatewayId")
        return f"{hop or 'another route'} (what is behind it was not checked)"

    def _obstacle(self) -> str:
        """Return why the default route, if there is one, does not help."""
        route = self._default_route()
        if route is None:
            return ""
        if route.get("State") == "blackhole":
            return "; the target of its default route no longer exists"
        return "; its internet gateway does not serve the private addresses of Glue's workers"

    def _default_route(self) -> RouteTypeDef | None:
        table = self._facts.routes()
        routes = table.get("Routes", ()) if table else ()
        return next((r for r in routes if r.get("DestinationCidrBlock") == EVERYWHERE), None)


def _useless(route: RouteTypeDef) -> bool:
    return route.get("State") == "blackhole" or route.get("GatewayId", "").startswith("igw-")


def _contained(subnet: SubnetTypeDef, ranges: list[str]) -> bool:
    block = IPv4Network(subnet["CidrBlock"])
    return any(block.subnet_of(IPv4Network(item)) for item in ranges)
