"""`doctor` on the emulated account: a sound pipeline passes, and each fault is named."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import create_loader

from cryptoetl import config as configuration
from cryptoetl import pipeline
from cryptoetl.aws.target import aws_target
from cryptoetl.config.environments import Source
from cryptoetl.config.models import Config
from cryptoetl.pipeline.doctor import installed
from cryptoetl.target.diagnosis import Check, Diagnosis, Verdict, carry_out
from tests.aws.account import BUCKET, STACK, Account
from tests.aws.conftest import isolate
from tests.aws.emulator import Emulator, running

APIS = ("secretsmanager", "glue", "sts")
SERVICE = "com.amazonaws.eu-central-1.{}"
EVERYWHERE = "0.0.0.0/0"
_numbers = itertools.count(1)


@dataclass
class Case:
    """The account, with a configuration that a fault may change; `versions` are those of packages."""

    account: Account
    config: Config
    region: str | None = None
    versions: dict[str, str | None] = field(default_factory=dict)

    @property
    def emulator(self) -> Emulator:
        return self.account.emulator

    def redshift(self, **settings: Any) -> None:
        redshift = self.config.aws.redshift.model_copy(update=settings)
        self.aws(redshift=redshift)

    def aws(self, **settings: Any) -> None:
        self.config = self.config.model_copy(update={"aws": self.config.aws.model_copy(update=settings)})

    def secret(self, value: str = '{"username": "loader", "password": "not-a-password"}') -> str:
        secrets = self.emulator.client("secretsmanager")
        arn: str = secrets.create_secret(Name=f"redshift-{next(_numbers)}", SecretString=value)["ARN"]
        self.redshift(secret=arn)
        return arn

    def connection(self, place: Any, **properties: str) -> None:
        """Create a connection in this subnet, and configure it."""
        name = f"connection-{next(_numbers)}"
        properties = {"SECRET_ID": self.config.aws.redshift.secret or ""} | properties
        self.emulator.connection(name, place, **properties)
        self.redshift(connection=name)

    def network(
        self,
        *,
        s3: bool = True,
        apis: tuple[str, ...] = APIS,
        way_out: str | None = None,
        self_referencing: bool = True,
        block: str = "10.0.0.0/24",
    ) -> dict[str, Any]:
        """Create a VPC, and return what a connection names of it. `way_out` is nat, internet or None."""
        ec2 = self.emulator.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone="eu-central-1a")
        subnet_id = subnet["Subnet"]["SubnetId"]
        tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
        table = tables[0]["RouteTableId"]
        group = ec2.create_security_group(GroupName="glue", Description="Glue", VpcId=vpc)["GroupId"]
        if self_referencing:
            everything = {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535}
            rule = everything | {"UserIdGroupPairs": [{"GroupId": group}]}
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        if s3:
            ec2.create_vpc_endpoint(
                VpcId=vpc,
                ServiceName=SERVICE.format("s3"),
                VpcEndpointType="Gateway",
                RouteTableIds=[table],
            )
        for api in apis:
            ec2.create_vpc_endpoint(
                VpcId=vpc,
                ServiceName=SERVICE.format(api),
                VpcEndpointType="Interface",
                SubnetIds=[subnet_id],
                PrivateDnsEnabled=True,
            )
        if way_out == "nat":
            nat = ec2.create_nat_gateway(SubnetId=subnet_id)["NatGateway"]["NatGatewayId"]
            ec2.create_route(RouteTableId=table, DestinationCidrBlock=EVERYWHERE, NatGatewayId=nat)
        if way_out == "internet":
            gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
            ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
            ec2.create_route(RouteTableId=table, DestinationCidrBlock=EVERYWHERE, GatewayId=gateway)
        self.emulator.workgroup["securityGroupIds"] = [group]
        return {"SubnetId": subnet_id, "SecurityGroupIdList": [group]}

    def diagnose(self, *, connect: bool = False) -> list[Diagnosis]:
        def target(config: Config) -> Any:
            return aws_target(config, region=self.region, profile=None, warn=pytest.fail)

        return list(
            pipeline.diagnose(
                Source(Path("config.yaml")),
                lambda: self.config,
                target,
                connect=connect,
                version=lambda package: self.versions.get(package, installed(package)),
            )
        )


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """An account in which the pipeline of BTC and XMR is deployed, with a secret and a sound network."""
    folder = tmp_path_factory.mktemp("doctor")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder)
        with running(patch, folder) as emulator:
            patch.setenv("AWS_ENDPOINT_URL", emulator.url)
            loader = create_loader()  # each session would parse the models of all services again
            patch.setattr("botocore.session.create_loader", lambda _: loader)
            emulator.connection()
            account = Account(emulator, folder / "project")
            account.deploy()
            case = Case(account, configuration.load(account.project.folder / "config.yaml"))
            case.secret()
            case.connection(case.network())
            yield case


@pytest.fixture
def case(sound: Case, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    """The sound pipeline, whose faults end with the test."""
    emulator, workgroup = sound.emulator, dict(sound.emulator.workgroup)
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
    case = Case(sound.account, sound.config)
    emulator.calls.clear()
    stack = emulator.cloudformation.find(STACK)
    assert stack is not None
    status = stack.status
    yield case
    stack.status = status
    emulator.denied.clear()
    emulator.simulated.clear()
    emulator.runs_quota, emulator.dpus_quota, emulator.ahead = 50, 1000, timedelta(0)
    emulator.workgroup = workgroup


def of(found: list[Diagnosis], verdict: Verdict) -> list[tuple[str, str, str]]:
    return [(item.area, item.what, item.detail) for item in found if item.verdict == verdict]


def test_a_deployed_pipeline_passes(case: Case) -> None:
    found = case.diagnose(connect=True)
    assert of(found, "failed") == []
    assert of(found, "skipped") == []
    assert [area for area, _, _ in of(found, "warned")] == ["AWS SDK"]  # the emulator's own AWS_ENDPOINT_URL
    areas = {item.area for item in found}
    assert {"credentials", "region", "clock", "permissions", "quotas", "stack", "buckets"} <= areas
    assert {"workgroup", "connection", "secret", "database", "network"} <= areas


def test_it_changes_nothing_and_asks_each_question_once(case: Case) -> None:
    case.diagnose()
    assert case.emulator.writes == []
    asked = [call for call in case.emulator.calls if call != "SimulatePrincipalPolicy"]
    assert sorted(asked) == sorted(set(asked))


def test_it_does_not_wake_the_workgroup_unless_it_is_to_connect(case: Case) -> None:
    found = case.diagnose()
    assert [area for area, _, _ in of(found, "skipped")] == ["database"]
    assert "ListSchemas" not in case.emulator.calls
    case.diagnose(connect=True)
    assert "ListSchemas" in case.emulator.calls


def test_no_secret_is_shown(case: Case) -> None:
    assert "not-a-password" not in repr(case.diagnose())


# --- faults -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """What is wrong, and the line that names it."""

    inject: Callable[[Case], object]
    area: str
    verdict: Verdict
    words: str
    connect: bool = False


def deny(pattern: str, code: str = "AccessDeniedException", message: str = "no") -> Callable[[Case], None]:
    def inject(case: Case) -> None:
        case.emulator.denied[pattern] = (code, message)

    return inject


def network(**flaws: Any) -> Callable[[Case], None]:
    def inject(case: Case) -> None:
        case.connection(case.network(**flaws))

    return inject


def stack(status: str) -> Callable[[Case], None]:
    def inject(case: Case) -> None:
        found = case.emulator.cloudformation.find(STACK)
        assert found is not None
        found.status = status

    return inject


def _unfit_workgroup(case: Case) -> None:
    ec2 = case.emulator.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="closed", Description="closed", VpcId=vpc)["GroupId"]
    case.emulator.workgroup["securityGroupIds"] = [group]


def _delete_secret(case: Case) -> None:
    case.emulator.client("secretsmanager").delete_secret(SecretId=case.secret())


def _attribute(name: str, value: Any) -> Callable[[Case], None]:
    return lambda case: setattr(case.emulator, name, value)


FAULTS: dict[str, Fault] = {
    "expired token": Fault(
        deny("GetCallerIdentity", "ExpiredToken", "expired"), "credentials", "failed", "have expired"
    ),
    "unknown key": Fault(
        deny("GetCallerIdentity", "InvalidClientTokenId", "?"), "credentials", "failed", "does not know the"
    ),
    "profile missing": Fault(
        lambda case: case.aws(profile="nope"), "credentials", "failed", "profile 'nope' does not exist"
    ),
    "wrong region": Fault(
        lambda case: setattr(case, "region", "eu-central-9"), "region", "failed", "not a region that botocore"
    ),
    "clock behind by 10 minutes": Fault(
        _attribute("ahead", timedelta(minutes=10)), "clock", "failed", "s behind AWS's, and AWS refuses"
    ),
    "clock ahead by 10 minutes": Fault(
        _attribute("ahead", timedelta(minutes=-10)), "clock", "failed", "s ahead of AWS's, and AWS refuses"
    ),
    "clock behind by 2 minutes": Fault(
        _attribute("ahead", timedelta(minutes=2)), "clock", "warned", "s behind AWS's"
    ),
    "missing bucket permission": Fault(
        lambda case: case.emulator.simulated.add("s3:CreateBucket"),
        "permissions",
        "warned",
        "is not allowed s3:CreateBucket",
    ),
    "no simulation": Fault(
        deny("SimulatePrincipalPolicy", "AccessDenied"), "permissions", "warned", "not known"
    ),
    "low quota of runs": Fault(
        _attribute("runs_quota", 1), "quotas", "warned", "1 at once, and a run of all currencies uses 2"
    ),
    "low quota of DPUs": Fault(
        _attribute("dpus_quota", 3), "quotas", "warned", "3 at once, and a run of all currencies uses 4"
    ),
    "quotas not readable": Fault(
        deny("ListServiceQuotas"), "quotas", "warned", "not allowed to do servicequotas:ListServiceQuotas"
    ),
    "deploy in progress": Fault(stack("UPDATE_IN_PROGRESS"), "stack", "warned", "in progress"),
    "failed first deploy": Fault(stack("ROLLBACK_COMPLETE"), "stack", "failed", "the first deploy failed"),
    "failed deploy": Fault(stack("UPDATE_ROLLBACK_COMPLETE"), "stack", "warned", "the last deploy failed"),
    "failed rollback": Fault(stack("UPDATE_ROLLBACK_FAILED"), "stack", "failed", "and so did its rollback"),
    "foreign bucket": Fault(
        deny(f"Head /{BUCKET.format('gold')}", "403"), "buckets", "failed", "belongs to another account"
    ),
    "missing bucket": Fault(
        lambda case: case.aws(buckets=case.config.aws.buckets.model_copy(update={"raw": "not-there"})),
        "buckets",
        "failed",
        "does not exist (aws.buckets.raw)",
    ),
    "workgroup missing": Fault(
        lambda case: case.redshift(workgroup="other"), "workgroup", "failed", "does not exist"
    ),
    "workgroup not ready": Fault(
        _attribute("workgroup", {"status": "MODIFYING"}), "workgroup", "warned", "is MODIFYING"
    ),
    "database missing": Fault(
        lambda case: case.redshift(database="other"), "database", "failed", "the database does not", True
    ),
    "schema missing": Fault(
        lambda case: case.redshift(schema_name="other"), "database", "failed", "has no schema other", True
    ),
    "connection missing": Fault(
        lambda case: case.redshift(connection="other"), "connection", "failed", "connection does not exist"
    ),
    "connection to another database": Fault(
        lambda case: case.redshift(database="other"), "connection", "failed", "not to the database 'other'"
    ),
    "connection without a security group": Fault(
        lambda case: case.connection({"SubnetId": case.network()["SubnetId"]}),
        "connection",
        "failed",
        "the connection has none",
    ),
    "security group that does not admit itself": Fault(
        network(self_referencing=False), "connection", "failed", "has no inbound rule for all TCP ports"
    ),
    "security group missing": Fault(
        lambda case: case.connection(case.network() | {"SecurityGroupIdList": ["sg-0123456789abcdef0"]}),
        "connection",
        "failed",
        "does not exist",
    ),
    "secret missing": Fault(
        lambda case: case.redshift(
            secret="arn:aws:secretsmanager:eu-central-1:123456789012:secret:no-AbCdEf"
        ),
        "secret",
        "failed",
        "does not exist",
    ),
    "secret about to be deleted": Fault(_delete_secret, "secret", "failed", "marked deleted"),
    "secret not readable": Fault(
        deny("GetSecretValue"), "secret", "warned", "not allowed to do secretsmanager:GetSecretValue"
    ),
    "secret without a password": Fault(
        lambda case: case.secret('{"username": "loader"}'), "secret", "failed", "has no password"
    ),
    "secret that is no JSON": Fault(
        lambda case: case.secret("hunter2"), "secret", "failed", "no username and no password"
    ),
    "subnet missing": Fault(
        lambda case: case.connection(case.network() | {"SubnetId": "subnet-0123456789abcdef0"}),
        "network",
        "failed",
        "the subnet does not exist",
    ),
    "connection without a subnet": Fault(
        lambda case: case.connection({"SecurityGroupIdList": case.network()["SecurityGroupIdList"]}),
        "connection",
        "warned",
        "has no subnet",
    ),
    "subnet without a route to S3": Fault(
        network(s3=False), "network", "failed", "has neither a gateway endpoint for S3 nor a NAT gateway"
    ),
    "only an internet gateway": Fault(
        network(s3=False, way_out="internet"),
        "network",
        "failed",
        "its internet gateway does not serve the private addresses",
    ),
    "no route to Secrets Manager": Fault(
        network(apis=("glue", "sts")), "network", "failed", "neither an interface endpoint for secretsmanager"
    ),
    "no route to STS": Fault(
        network(apis=("glue", "secretsmanager")), "network", "warned", "an interface endpoint for sts"
    ),
    "network not readable": Fault(
        deny("DescribeRouteTables", "UnauthorizedOperation"),
        "network",
        "warned",
        "not allowed to do ec2:DescribeRouteTables",
    ),
    "workgroup that does not admit the connection": Fault(
        _unfit_workgroup, "network", "warned", "no rule of the workgroup's security groups admits"
    ),
    "old Glue version": Fault(
        lambda case: case.aws(glue=case.config.aws.glue.model_copy(update={"version": "5.0"})),
        "AWS SDK",
        "warned",
        "5.0 is older than 6.0",
    ),
    "extra missing": Fault(
        lambda case: case.versions.update(pyarrow=None), "Python", "warned", "not installed: pyarrow"
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_each_fault_is_named(case: Case, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    def of_its_area(checks: Sequence[Check]) -> Iterator[Diagnosis]:  # the others take most of the time
        return carry_out([check for check in checks if check.area.name == fault.area])

    monkeypatch.setattr("cryptoetl.aws.doctor.checks.carry_out", of_its_area)
    fault.inject(case)
    found = case.diagnose(connect=fault.connect)
    named = [item for item in found if item.area == fault.area and fault.words in item.detail]
    assert [item.verdict for item in named[:1]] == [fault.verdict], found
    assert named[0].hint or fault.area in ("stack", "connection")
    assert of(found, "failed" if fault.verdict == "failed" else "warned")


def test_a_small_subnet_is_named(case: Case) -> None:
    # 16 addresses, of which AWS uses 5 and the endpoints 3, for the workers of two currencies.
    glue = case.config.aws.glue.model_copy(update={"workers": 5})
    case.connection(case.network(block="10.0.1.0/28"))
    case.aws(glue=glue)
    assert [what for _, what, detail in of(case.diagnose(), "warned") if "addresses are free" in detail]
    case.aws(glue=glue.model_copy(update={"workers": 20}))
    assert [what for _, what, detail in of(case.diagnose(), "failed") if "addresses are free" in detail]


def test_a_nat_gateway_is_a_way_to_everything(case: Case) -> None:
    case.connection(case.network(s3=False, apis=(), way_out="nat"))
    ways = [
        item for item in case.diagnose() if item.what.startswith("way to") and item.what != "way to Redshift"
    ]
    assert [(item.verdict, item.detail[:11]) for item in ways] == [("passed", "NAT gateway")] * 4


def test_without_credentials_the_rest_is_named_as_not_checked(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    found = case.diagnose()
    assert [area for area, _, _ in of(found, "failed")] == ["credentials"]
    assert {"permissions", "stack", "network"} <= {area for area, _, _ in of(found, "skipped")}


def test_a_region_that_does_not_answer_is_named(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    found = case.diagnose()
    assert [area for area, _, _ in of(found, "failed")] == ["region"]
    assert {"credentials", "clock", "stack"} <= {area for area, _, _ in of(found, "skipped")}


def test_before_the_first_deploy_nothing_is_missing(case: Case) -> None:
    case.config = case.config.model_copy(update={"pipeline": "other"})
    found = case.diagnose(connect=True)
    assert of(found, "failed") == []
    details = [item.detail for item in found]
    assert "is not deployed yet" in details
    assert details.count("the name is free, and deploy creates the bucket") == 5


def test_what_a_deploy_is_going_to_create_is_not_missing(case: Case) -> None:
    place = case.network(s3=False)
    ec2 = case.emulator.client("ec2")
    vpc = ec2.describe_subnets(SubnetIds=[place["SubnetId"]])["Subnets"][0]["VpcId"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    case.config = case.config.model_copy(update={"pipeline": "other"})
    case.redshift(
        create=True,
        secret=None,
        workgroup="other",
        connection="other",
        subnets=(place["SubnetId"],),
        route_tables=(tables[0]["RouteTableId"],),
    )
    found = case.diagnose()
    assert of(found, "failed") == []
    assert "deploy creates a gateway endpoint" in [item.detail for item in found]


def test_the_command_prints_a_line_for_each_and_one_object_as_json(case: Case) -> None:
    deployed, url = case.account, case.emulator.url
    read = deployed("doctor", AWS_ENDPOINT_URL=url)
    assert "  passed   account 123456789012: arn:aws:iam::" in read.out
    assert read.code == 1, read.out  # the connection that the account's user has made has no security group
    outcome = deployed("doctor", "--json", AWS_ENDPOINT_URL=url)
    assert outcome.code == 1
    assert outcome.data["status"] == "failed"
    failed = [item["what"] for item in outcome.data["diagnoses"] if item["verdict"] == "failed"]
    assert json.dumps(failed) in ('["security group", "subnet-12345678"]',)
