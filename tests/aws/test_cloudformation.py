"""The emulated CloudFormation refuses what the service refuses when it meets resources that exist."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.aws.emulator import Emulator, running

BUCKET = "data-123456789012"
LOCATION: Any = {"LocationConstraint": "eu-central-1"}


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Emulator]:
    """An account with a bucket, its policy and a log group."""
    with running(monkeypatch, tmp_path) as emulator:
        s3 = emulator.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=LOCATION)
        s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(document()))
        emulator.client("logs").create_log_group(logGroupName="/jobs")
        yield emulator


def document() -> dict[str, Any]:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def bucket(name: Any = BUCKET, policy: str = "Retain") -> dict[str, Any]:
    rules = [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    return {
        "Type": "AWS::S3::Bucket",
        "DeletionPolicy": policy,
        "Properties": {
            "BucketName": name,
            "BucketEncryption": {"ServerSideEncryptionConfiguration": rules},
            "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
        },
    }


def bucket_policy(of: Any = BUCKET) -> dict[str, Any]:
    return {
        "Type": "AWS::S3::BucketPolicy",
        "DeletionPolicy": "Retain",
        "Properties": {"Bucket": of, "PolicyDocument": document()},
    }


def log_group() -> dict[str, Any]:
    return {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Delete",
        "Properties": {"LogGroupName": "/jobs", "RetentionInDays": 30},
    }


def deployed(emulator: Emulator, **resources: Any) -> tuple[str, str]:
    """The status of the stack and of its change set's reason after importing what exists."""
    client = emulator.client("cloudformation")
    made = client.create_change_set(
        StackName="cryptoetl-data",
        ChangeSetName="it",
        ChangeSetType="CREATE",
        Capabilities=["CAPABILITY_NAMED_IAM"],
        TemplateBody=json.dumps({"Resources": resources}),
        ImportExistingResources=True,
    )
    described = client.describe_change_set(ChangeSetName=made["Id"])
    if described["Status"] == "FAILED":
        return "", described["StatusReason"]
    client.execute_change_set(ChangeSetName=made["Id"])
    emulator.cloudformation.finish()
    return client.describe_stacks(StackName=made["StackId"])["Stacks"][0]["StackStatus"], ""


def buckets(emulator: Emulator) -> list[str]:
    return [found["Name"] for found in emulator.client("s3").list_buckets()["Buckets"]]


def test_what_has_a_static_name_and_is_retained_is_imported(emulator: Emulator) -> None:
    assert deployed(emulator, Bucket=bucket(), Policy=bucket_policy())[0] == "CREATE_COMPLETE"


@pytest.mark.parametrize("name", [{"Fn::Sub": "data-${AWS::AccountId}"}, {"Fn::Sub": BUCKET}])
def test_a_name_with_a_function_is_not_recognized_and_its_creation_fails(
    emulator: Emulator, name: Any
) -> None:
    assert deployed(emulator, Bucket=bucket(name))[0] == "ROLLBACK_COMPLETE"


def test_a_policy_that_refers_to_its_bucket_is_not_recognized(emulator: Emulator) -> None:
    policy = bucket_policy({"Ref": "Bucket"})
    assert deployed(emulator, Bucket=bucket(), Policy=policy)[0] == "ROLLBACK_COMPLETE"
    assert buckets(emulator) == [BUCKET]


def test_what_exists_and_is_not_retained_fails_the_change_set(emulator: Emulator) -> None:
    status, reason = deployed(emulator, Bucket=bucket(), Logs=log_group())
    assert status == ""
    assert reason.endswith("The affected resources are Logs ({LogGroupName=/jobs})")


def test_an_imported_resource_survives_a_rollback_only_with_retain(emulator: Emulator) -> None:
    emulator.cloudformation.failing["Policy"] = "not today"
    assert deployed(emulator, Bucket=bucket(), Policy=bucket_policy())[0] == "ROLLBACK_COMPLETE"
    assert buckets(emulator) == [BUCKET]
    stack = emulator.cloudformation.find("cryptoetl-data")
    assert stack is not None
    stack.status = "DELETE_COMPLETE"
    excepted = bucket(policy="RetainExceptOnCreate")
    assert deployed(emulator, Bucket=excepted, Policy=bucket_policy())[0] == "ROLLBACK_COMPLETE"
    assert buckets(emulator) == []
