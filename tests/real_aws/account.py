"""The account of a trial, through the SDK: what is in it, what happened in it, and experiments of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import boto3
from botocore.exceptions import ClientError

SHELL_LOGS = "/aws-glue/python-jobs/"


class Account:
    """Clients of one region, and what a trial asks them. `pipeline` is the name whose resources are meant."""

    def __init__(self, region: str, pipeline: str, sleep: Callable[[float], None]) -> None:
        self.region = region
        self.pipeline = pipeline
        self.sleep = sleep
        self._session = boto3.Session(region_name=region)
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        if service not in self._clients:
            make: Any = self._session.client
            self._clients[service] = make(service)
        return self._clients[service]

    def pages(self, service: str, operation: str, key: str, **parameters: Any) -> list[Any]:
        """Return all items of a listing."""
        pages = self.client(service).get_paginator(operation).paginate(**parameters)
        return [item for page in pages for item in page.get(key, ())]

    @property
    def number(self) -> str:
        account: str = self.client("sts").get_caller_identity()["Account"]
        return account

    # --- executions

    def history(self, execution: str) -> list[dict[str, Any]]:
        """Return the events of an execution."""
        arn = f"arn:aws:states:{self.region}:{self.number}:execution:{self.pipeline}:{execution}"
        return self.pages("stepfunctions", "get_execution_history", "events", executionArn=arn)

    def stop_a_run(self, job: str, seconds: float = 300) -> str | None:
        """Stop the first run of a job that is seen running and return its ID; None after `seconds`."""
        glue, limit = self.client("glue"), time.monotonic() + seconds
        while time.monotonic() < limit:
            for run in glue.get_job_runs(JobName=job)["JobRuns"]:
                if run["JobRunState"] == "RUNNING":
                    glue.batch_stop_job_run(JobName=job, JobRunIds=[run["Id"]])
                    identifier: str = run["Id"]
                    return identifier
            self.sleep(2)
        return None

    # --- Redshift

    def statement(self, place: Mapping[str, Any], sql: str) -> list[list[Any]]:
        """Run a statement and return its rows. Raises RuntimeError with Redshift's reason."""
        client = self.client("redshift-data")
        sent = client.execute_statement(Sql=sql, **place)["Id"]
        while (done := client.describe_statement(Id=sent))["Status"] not in ("FINISHED", "FAILED", "ABORTED"):
            self.sleep(1)
        if done["Status"] != "FINISHED":
            raise RuntimeError(done.get("Error", done["Status"]))
        if not done.get("HasResultSet"):
            return []
        records = client.get_statement_result(Id=sent)["Records"]
        return [[next(iter(cell.values())) for cell in row] for row in records]

    # --- network

    def subnets(self, ids: list[str]) -> dict[str, int]:
        """Return the free addresses of subnets."""
        found = self.pages("ec2", "describe_subnets", "Subnets", SubnetIds=ids)
        return {subnet["SubnetId"]: subnet["AvailableIpAddressCount"] for subnet in found}

    def has_nat(self, subnet: str) -> bool:
        """Return whether the subnet's route table leads to a NAT gateway or instance."""
        (found,) = self.pages("ec2", "describe_subnets", "Subnets", SubnetIds=[subnet])
        tables = self.pages(
            "ec2", "describe_route_tables", "RouteTables",
            Filters=[{"Name": "vpc-id", "Values": [found["VpcId"]]}],
        )  # fmt: skip
        mine = [t for t in tables if any(a.get("SubnetId") == subnet for a in t["Associations"])]
        main = [t for t in tables if any(a.get("Main") for a in t["Associations"])]
        routes = [route for table in (mine or main) for route in table["Routes"]]
        return any("NatGatewayId" in route or "InstanceId" in route for route in routes)

    # --- the experiment with a rollback

    def import_and_fail(self) -> dict[str, bool]:
        """Import two buckets in a change set that fails, and return whether each is there after the rollback.

        A wait condition that gets no signal fails without any cost. Everything is removed again.
        """
        cloudformation, s3 = self.client("cloudformation"), self.client("s3")
        policies = {"Retain": "Retain", "Except": "RetainExceptOnCreate"}
        buckets = {key: f"{self.pipeline}-rollback-{key.lower()}-{self.number}" for key in policies}
        where = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
        for bucket in buckets.values():
            s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": where} if where else {}))
        resources: dict[str, Any] = {
            key: {"Type": "AWS::S3::Bucket", "DeletionPolicy": policies[key], "UpdateReplacePolicy": "Retain",
                  "Properties": {
                      "BucketName": bucket,
                      "PublicAccessBlockConfiguration": {
                          "BlockPublicAcls": True, "BlockPublicPolicy": True,
                          "IgnorePublicAcls": True, "RestrictPublicBuckets": True,
                      }}}
            for key, bucket in buckets.items()
        }  # fmt: skip
        resources["Handle"] = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
        resources["Never"] = {
            "Type": "AWS::CloudFormation::WaitCondition",
            "DependsOn": [*buckets, "Handle"],
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "1"},
        }
        made = cloudformation.create_change_set(
            StackName=self.rollback_stack, ChangeSetName="import", ChangeSetType="CREATE",
            ImportExistingResources=True, TemplateBody=json.dumps({"Resources": resources}),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )  # fmt: skip
        self._until(
            lambda: cloudformation.describe_change_set(ChangeSetName=made["Id"])["Status"], "CREATE_COMPLETE"
        )
        cloudformation.execute_change_set(ChangeSetName=made["Id"])
        self._until(lambda: self.stack(made["StackId"]), "ROLLBACK_COMPLETE")
        return {policies[key]: self._bucket(bucket) for key, bucket in buckets.items()}

    @property
    def rollback_stack(self) -> str:
        return f"{self.pipeline}-rollback"

    def stack(self, name: str) -> str:
        """Return the status of a stack; "" if there is none."""
        try:
            status: str = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0][
                "StackStatus"
            ]
        except ClientError:
            return ""
        return "" if status == "DELETE_COMPLETE" else status

    def _until(self, status: Callable[[], str], wanted: str, seconds: float = 900) -> None:
        limit = time.monotonic() + seconds
        while (found := status()) != wanted:
            if time.monotonic() > limit or found.endswith("FAILED"):
                raise RuntimeError(f"{found} instead of {wanted}")
            self.sleep(3)

    def _bucket(self, name: str) -> bool:
        try:
            self.client("s3").head_bucket(Bucket=name)
        except ClientError:
            return False
        return True

    # --- what is left

    def forget_the_experiment(self) -> None:
        """Remove the stack and the buckets of `import_and_fail`."""
        if self.stack(self.rollback_stack):
            self.client("cloudformation").delete_stack(StackName=self.rollback_stack)
            self._until(lambda: self.stack(self.rollback_stack), "")
        for key in ("retain", "except"):
            with suppress(ClientError):
                self.client("s3").delete_bucket(Bucket=f"{self.pipeline}-rollback-{key}-{self.number}")

    def forget_the_secret(self, name: str) -> None:
        """Delete a secret, if it is there, for good."""
        with suppress(ClientError):
            self.client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    def log_groups(self) -> set[str]:
        """Return the log groups that a trial writes to."""
        groups = self.pages("logs", "describe_log_groups", "logGroups")
        prefixes = (
            SHELL_LOGS,
            f"/aws-glue/{self.pipeline}/",
            f"/aws/vendedlogs/states/{self.pipeline}",
            f"/aws/redshift/{self.pipeline}/",
        )
        return {group["logGroupName"] for group in groups if group["logGroupName"].startswith(prefixes)}

    def left(self, before: set[str]) -> Iterator[str]:
        """Yield what is there of the trial; `before` are log groups that were there already."""
        name = self.pipeline
        for stack in (f"cryptoetl-{name}", self.rollback_stack):
            if status := self.stack(stack):
                yield f"stack {stack} ({status})"
        for group in sorted(self.log_groups() - before):
            yield f"log group {group}"
        for bucket in self.client("s3").list_buckets()["Buckets"]:
            if bucket["Name"].startswith(f"{name}-"):
                yield f"bucket {bucket['Name']}"
        yield from self._webhooks()
        for service, operation, key, field in (
            ("iam", "list_roles", "Roles", "RoleName"),
            ("glue", "get_jobs", "Jobs", "Name"),
            ("glue", "get_connections", "ConnectionList", "Name"),
            ("stepfunctions", "list_state_machines", "stateMachines", "name"),
            ("events", "list_rules", "Rules", "Name"),
            ("sns", "list_topics", "Topics", "TopicArn"),
            ("secretsmanager", "list_secrets", "SecretList", "Name"),
            ("redshift-serverless", "list_namespaces", "namespaces", "namespaceName"),
            ("redshift-serverless", "list_snapshots", "snapshots", "snapshotName"),
            ("ec2", "describe_security_groups", "SecurityGroups", "Description"),
        ):
            for item in self.pages(service, operation, key):
                text = str(item[field])
                if self._ours(text.rpartition(":")[2] if field == "TopicArn" else text):
                    yield f"{key.removesuffix('s')} {text}"

    def _webhooks(self) -> Iterator[str]:
        events = self.client("events")  # which has no paginators for these
        for found in events.list_api_destinations(NamePrefix=self.pipeline)["ApiDestinations"]:
            yield f"API destination {found['Name']}"
        for found in events.list_connections(NamePrefix=self.pipeline)["Connections"]:
            yield f"connection {found['Name']}"

    def _ours(self, name: str) -> bool:
        return (
            name == self.pipeline
            or name.startswith((f"{self.pipeline}-", f"redshift!{self.pipeline}-"))
            or name.endswith(f" of {self.pipeline}")
        )
