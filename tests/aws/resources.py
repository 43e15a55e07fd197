"""How the emulator's CloudFormation makes each type of resource: by the SDK's calls to the same server."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from botocore.exceptions import ClientError
from moto.glue.models import glue_backends

from tests.aws.data_api import Redshift

Properties = Mapping[str, Any]
Made = tuple[str, Mapping[str, str]]
"""Physical id and attributes."""


class Handler(Protocol):
    def exists(self, p: Properties) -> bool: ...
    def create(self, p: Properties) -> Made: ...
    def adopt(self, p: Properties) -> Made: ...
    def update(self, name: str, p: Properties) -> None: ...
    def delete(self, name: str, p: Properties) -> None: ...


class Account(Protocol):
    """Where the resources are made; Redshift Serverless is what moto does not have."""

    redshift: Redshift
    namespaces: dict[str, str]

    def client(self, service: str) -> Any: ...


class _Base:
    """What most types have in common: they do not exist before, and are changed by replacement."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.client = account.client

    def exists(self, p: Properties) -> bool:
        return False

    def create(self, p: Properties) -> Made:
        raise NotImplementedError

    def adopt(self, p: Properties) -> Made:
        raise NotImplementedError

    def update(self, name: str, p: Properties) -> None:
        self.delete(name, p)
        self.create(p)

    def delete(self, name: str, p: Properties) -> None:
        raise NotImplementedError


class Bucket(_Base):
    def exists(self, p: Properties) -> bool:
        return _found(lambda: self.client("s3").head_bucket(Bucket=p["BucketName"]))

    def create(self, p: Properties) -> Made:
        location = {"LocationConstraint": "eu-central-1"}
        self.client("s3").create_bucket(Bucket=p["BucketName"], CreateBucketConfiguration=location)
        self.update(p["BucketName"], p)
        return self.adopt(p)

    def adopt(self, p: Properties) -> Made:
        """Import it as it is: an import changes no settings."""
        return p["BucketName"], {"Arn": f"arn:aws:s3:::{p['BucketName']}"}

    def update(self, name: str, p: Properties) -> None:
        s3 = self.client("s3")
        (rule,) = p["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        default = {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
        default |= {"BucketKeyEnabled": True} if rule.get("BucketKeyEnabled") else {}
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [default]})
        s3.put_public_access_block(
            Bucket=name, PublicAccessBlockConfiguration=p["PublicAccessBlockConfiguration"]
        )
        if "VersioningConfiguration" in p:
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=p["VersioningConfiguration"])

    def delete(self, name: str, p: Properties) -> None:
        self.client("s3").delete_bucket(Bucket=name)


class BucketPolicy(_Base):
    def exists(self, p: Properties) -> bool:
        return _found(lambda: self.client("s3").get_bucket_policy(Bucket=p["Bucket"]))

    def create(self, p: Properties) -> Made:
        self.client("s3").put_bucket_policy(Bucket=p["Bucket"], Policy=json.dumps(p["PolicyDocument"]))
        return p["Bucket"], {}

    def adopt(self, p: Properties) -> Made:
        return p["Bucket"], {}

    def update(self, name: str, p: Properties) -> None:
        self.create(p)

    def delete(self, name: str, p: Properties) -> None:
        self.client("s3").delete_bucket_policy(Bucket=name)


class Role(_Base):
    def exists(self, p: Properties) -> bool:
        return _found(lambda: self.client("iam").get_role(RoleName=p["RoleName"]))

    def create(self, p: Properties) -> Made:
        iam, name = self.client("iam"), p["RoleName"]
        role = iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps(p["AssumeRolePolicyDocument"])
        )["Role"]
        for policy in p["Policies"]:
            document = json.dumps(policy["PolicyDocument"])
            iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
        return name, {"Arn": role["Arn"]}

    def delete(self, name: str, p: Properties) -> None:
        iam = self.client("iam")
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)


class LogGroup(_Base):
    def exists(self, p: Properties) -> bool:
        found = self.client("logs").describe_log_groups(logGroupNamePrefix=p["LogGroupName"])["logGroups"]
        return any(group["logGroupName"] == p["LogGroupName"] for group in found)

    def create(self, p: Properties) -> Made:
        logs, name = self.client("logs"), p["LogGroupName"]
        logs.create_log_group(logGroupName=name)
        self.update(name, p)
        return name, {"Arn": f"arn:aws:logs:eu-central-1:123456789012:log-group:{name}:*"}

    def update(self, name: str, p: Properties) -> None:
        self.client("logs").put_retention_policy(logGroupName=name, retentionInDays=p["RetentionInDays"])

    def delete(self, name: str, p: Properties) -> None:
        self.client("logs").delete_log_group(logGroupName=name)


class Job(_Base):
    def exists(self, p: Properties) -> bool:
        return _found(lambda: self.client("glue").get_job(JobName=p["Name"]))

    def create(self, p: Properties) -> Made:
        self.client("glue").create_job(**p)
        return p["Name"], {}

    def delete(self, name: str, p: Properties) -> None:
        self.client("glue").delete_job(JobName=name)


class Machine(_Base):
    def exists(self, p: Properties) -> bool:
        machines = self.client("stepfunctions").list_state_machines()["stateMachines"]
        return any(machine["name"] == p["StateMachineName"] for machine in machines)

    def create(self, p: Properties) -> Made:
        made = self.client("stepfunctions").create_state_machine(
            name=p["StateMachineName"], definition=self._definition(p), roleArn=p["RoleArn"]
        )
        return made["stateMachineArn"], {"Name": p["StateMachineName"]}

    def update(self, name: str, p: Properties) -> None:
        self.client("stepfunctions").update_state_machine(
            stateMachineArn=name, definition=self._definition(p), roleArn=p["RoleArn"]
        )

    def _definition(self, p: Properties) -> str:
        place = p["DefinitionS3Location"]
        body: bytes = self.client("s3").get_object(**place)["Body"].read()
        return body.decode()

    def delete(self, name: str, p: Properties) -> None:
        self.client("stepfunctions").delete_state_machine(stateMachineArn=name)


class Schedule(_Base):
    def exists(self, p: Properties) -> bool:
        return _found(lambda: self.client("scheduler").get_schedule(Name=p["Name"]))

    def create(self, p: Properties) -> Made:
        self.client("scheduler").create_schedule(**p)
        return p["Name"], {}

    def delete(self, name: str, p: Properties) -> None:
        self.client("scheduler").delete_schedule(Name=name)


class Topic(_Base):
    def exists(self, p: Properties) -> bool:
        arn = f"arn:aws:sns:eu-central-1:123456789012:{p['TopicName']}"
        return _found(lambda: self.client("sns").get_topic_attributes(TopicArn=arn))

    def create(self, p: Properties) -> Made:
        sns = self.client("sns")
        arn = sns.create_topic(Name=p["TopicName"])["TopicArn"]
        for item in p["Subscription"]:
            sns.subscribe(TopicArn=arn, **item)
        return arn, {"TopicArn": arn}

    def update(self, name: str, p: Properties) -> None:
        """Change its subscribers; its policy is another resource, and stays."""
        sns, wanted = self.client("sns"), {item["Endpoint"]: item for item in p["Subscription"]}
        for old in sns.list_subscriptions_by_topic(TopicArn=name)["Subscriptions"]:
            if wanted.pop(old["Endpoint"], None) is None:
                sns.unsubscribe(SubscriptionArn=old["SubscriptionArn"])
        for item in wanted.values():
            sns.subscribe(TopicArn=name, **item)

    def delete(self, name: str, p: Properties) -> None:
        self.client("sns").delete_topic(TopicArn=name)


class TopicPolicy(_Base):
    def create(self, p: Properties) -> Made:
        document = json.dumps(p["PolicyDocument"])
        for topic in p["Topics"]:
            self.client("sns").set_topic_attributes(
                TopicArn=topic, AttributeName="Policy", AttributeValue=document
            )
        return f"policy-of-{p['Topics'][0]}", {}

    def delete(self, name: str, p: Properties) -> None:
        pass  # goes with its topic


class Rule(_Base):
    def exists(self, p: Properties) -> bool:
        return _found(lambda: self.client("events").describe_rule(Name=p["Name"]))

    def create(self, p: Properties) -> Made:
        events = self.client("events")
        arn = events.put_rule(Name=p["Name"], EventPattern=json.dumps(p["EventPattern"]))["RuleArn"]
        events.put_targets(Rule=p["Name"], Targets=p["Targets"])
        return p["Name"], {"Arn": arn}

    def delete(self, name: str, p: Properties) -> None:
        events = self.client("events")
        targets = events.list_targets_by_rule(Rule=name)["Targets"]
        events.remove_targets(Rule=name, Ids=[target["Id"] for target in targets])
        events.delete_rule(Name=name)


class EventConnection(_Base):
    def exists(self, p: Properties) -> bool:
        return _found(lambda: self.client("events").describe_connection(Name=p["Name"]))

    def create(self, p: Properties) -> Made:
        return p["Name"], {"Arn": self.client("events").create_connection(**p)["ConnectionArn"]}

    def delete(self, name: str, p: Properties) -> None:
        self.client("events").delete_connection(Name=name)


class ApiDestination(_Base):
    def exists(self, p: Properties) -> bool:
        return _found(lambda: self.client("events").describe_api_destination(Name=p["Name"]))

    def create(self, p: Properties) -> Made:
        if not p["InvocationEndpoint"].startswith("https://"):
            raise RuntimeError("Parameter InvocationEndpoint is not valid. Reason: Invalid URL.")
        return p["Name"], {"Arn": self.client("events").create_api_destination(**p)["ApiDestinationArn"]}

    def update(self, name: str, p: Properties) -> None:
        self.client("events").update_api_destination(**p)

    def delete(self, name: str, p: Properties) -> None:
        self.client("events").delete_api_destination(Name=name)


class SecurityGroup(_Base):
    def create(self, p: Properties) -> Made:
        group = self.client("ec2").create_security_group(
            GroupName=f"group-of-{p['VpcId']}", Description=p["GroupDescription"], VpcId=p["VpcId"]
        )["GroupId"]
        return group, {"GroupId": group}

    def delete(self, name: str, p: Properties) -> None:
        self.client("ec2").delete_security_group(GroupId=name)


class _GroupRule(_Base):
    """`operation` is ingress or egress, `other` the property with the group on the other side."""

    operation = ""
    other = ""

    def _call(self, verb: str, p: Properties) -> None:
        getattr(self.client("ec2"), f"{verb}_security_group_{self.operation}")(
            GroupId=p["GroupId"],
            IpPermissions=[
                {
                    "IpProtocol": p["IpProtocol"],
                    "FromPort": p["FromPort"],
                    "ToPort": p["ToPort"],
                    "UserIdGroupPairs": [{"GroupId": p[self.other]}],
                }
            ],
        )

    def create(self, p: Properties) -> Made:
        self._call("authorize", p)
        return f"{self.operation}-of-{p['GroupId']}", {}

    def delete(self, name: str, p: Properties) -> None:
        self._call("revoke", p)


class Ingress(_GroupRule):
    operation = "ingress"
    other = "SourceSecurityGroupId"


class Egress(_GroupRule):
    operation = "egress"
    other = "DestinationSecurityGroupId"


class Endpoint(_Base):
    def create(self, p: Properties) -> Made:
        endpoint = self.client("ec2").create_vpc_endpoint(**p)["VpcEndpoint"]["VpcEndpointId"]
        return endpoint, {}

    def delete(self, name: str, p: Properties) -> None:
        self.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[name])


class Namespace(_Base):
    def exists(self, p: Properties) -> bool:
        return p["NamespaceName"] in self.account.namespaces

    def create(self, p: Properties) -> Made:
        assert p["ManageAdminPassword"] is True
        self.account.namespaces[p["NamespaceName"]] = p["DbName"]
        return p["NamespaceName"], {}

    def adopt(self, p: Properties) -> Made:
        return p["NamespaceName"], {}

    def update(self, name: str, p: Properties) -> None:
        assert name in self.account.namespaces

    def delete(self, name: str, p: Properties) -> None:
        del self.account.namespaces[name]


class Workgroup(_Base):
    def exists(self, p: Properties) -> bool:
        return p["WorkgroupName"] in self.account.redshift.workgroups

    def _verify(self, p: Properties) -> None:
        """Refuse what CreateWorkgroup does with enhanced VPC routing."""
        subnets = self.client("ec2").describe_subnets(SubnetIds=p["SubnetIds"])["Subnets"]
        zones = {subnet["AvailabilityZone"] for subnet in subnets}
        capacity = p["BaseCapacity"]
        if p["EnhancedVpcRouting"] and (len(subnets) < 3 or len(zones) < 3):
            raise RuntimeError("There must be at least three subnets in three Availability Zones.")
        if capacity != 4 and (capacity % (8 if capacity <= 512 else 32) or not 8 <= capacity <= 1024):
            raise RuntimeError(f"{capacity} is not a valid base capacity.")
        if small := [s["SubnetId"] for s in subnets if s["AvailableIpAddressCount"] < 9]:
            raise RuntimeError(f"Insufficient free IP addresses found in subnets: {small}.")

    def create(self, p: Properties) -> Made:
        self._verify(p)
        name, database = p["WorkgroupName"], self.account.namespaces[p["NamespaceName"]]
        self.account.redshift.workgroups[name] = {database: {"public"}}
        return name, {"Workgroup.Endpoint.Address": f"{name}.123456789012.eu-central-1.example"}

    def update(self, name: str, p: Properties) -> None:
        self._verify(p)
        assert name in self.account.redshift.workgroups

    def delete(self, name: str, p: Properties) -> None:
        del self.account.redshift.workgroups[name]


class Connection(_Base):
    def exists(self, p: Properties) -> bool:
        name = p["ConnectionInput"]["Name"]
        return name in glue_backends["123456789012"]["eu-central-1"].connections

    def create(self, p: Properties) -> Made:
        place = p["ConnectionInput"]["PhysicalConnectionRequirements"]
        (subnet,) = self.client("ec2").describe_subnets(SubnetIds=[place["SubnetId"]])["Subnets"]
        if subnet["AvailabilityZone"] != place["AvailabilityZone"]:
            raise RuntimeError(f"The subnet is not in {place['AvailabilityZone']}.")
        self.client("glue").create_connection(**p)
        return p["ConnectionInput"]["Name"], {}

    def delete(self, name: str, p: Properties) -> None:
        del glue_backends[p["CatalogId"]]["eu-central-1"].connections[name]


HANDLERS: Mapping[str, type[_Base]] = {
    "AWS::S3::Bucket": Bucket,
    "AWS::S3::BucketPolicy": BucketPolicy,
    "AWS::IAM::Role": Role,
    "AWS::Logs::LogGroup": LogGroup,
    "AWS::Glue::Job": Job,
    "AWS::StepFunctions::StateMachine": Machine,
    "AWS::Scheduler::Schedule": Schedule,
    "AWS::SNS::Topic": Topic,
    "AWS::SNS::TopicPolicy": TopicPolicy,
    "AWS::Events::Rule": Rule,
    "AWS::Events::Connection": EventConnection,
    "AWS::Events::ApiDestination": ApiDestination,
    "AWS::EC2::SecurityGroup": SecurityGroup,
    "AWS::EC2::SecurityGroupIngress": Ingress,
    "AWS::EC2::SecurityGroupEgress": Egress,
    "AWS::EC2::VPCEndpoint": Endpoint,
    "AWS::RedshiftServerless::Namespace": Namespace,
    "AWS::RedshiftServerless::Workgroup": Workgroup,
    "AWS::Glue::Connection": Connection,
}


def _found(read: Callable[[], Any]) -> bool:
    try:
        read()
    except ClientError:
        return False
    return True
