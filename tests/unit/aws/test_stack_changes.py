"""How two templates differ, in words."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from cryptoetl.aws.stack.changes import ResourceChange, compare

JOB: dict[str, Any] = {
    "Type": "AWS::Glue::Job",
    "Properties": {
        "Name": "crypto-silver2gold",
        "WorkerType": "G.1X",
        "Command": {"ScriptLocation": f"s3://b-eu-central-1/scripts/{'ab' * 16}/x.py"},
    },
}
BUCKET: dict[str, Any] = {
    "Type": "AWS::S3::Bucket",
    "DeletionPolicy": "Retain",
    "Properties": {"BucketName": "crypto-raw-123456789012"},
}
ROLE: dict[str, Any] = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "RoleName": "crypto-glue",
        "Policies": [
            {
                "PolicyName": "data",
                "PolicyDocument": {
                    "Statement": [
                        {"Sid": "Bronze", "Action": "s3:GetObject"},
                        {"Sid": "Listing", "Action": ["s3:ListBucket"]},
                    ]
                },
            }
        ],
    },
}


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": deepcopy(resources)}


def one(before: dict[str, Any], after: dict[str, Any]) -> ResourceChange:
    (change,) = compare(template(It=before), template(It=after))
    return change


def edited(resource: dict[str, Any], *path: Any, to: Any) -> dict[str, Any]:
    copy = deepcopy(resource)
    node: Any = copy["Properties"]
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = to
    return copy


def test_nothing_deployed_means_that_everything_is_added() -> None:
    added = compare(None, template(Job=JOB, Bucket=BUCKET))
    assert [(change.action, change.what, change.name) for change in added] == [
        ("add", "job", "crypto-silver2gold"),
        ("add", "bucket", "crypto-raw-123456789012"),
    ]


def test_equal_templates_have_no_changes() -> None:
    assert compare(template(Job=JOB, Role=ROLE), template(Job=JOB, Role=ROLE)) == ()


def test_a_changed_property_is_named_with_both_values() -> None:
    change = one(JOB, edited(JOB, "WorkerType", to="G.2X"))
    assert (change.action, change.detail) == ("change", "WorkerType G.1X → G.2X")
    assert [(item.path, item.before, item.after) for item in change.properties] == [
        ("Properties.WorkerType", "G.1X", "G.2X")
    ]


def test_hashes_in_values_are_short() -> None:
    new = f"s3://b-eu-central-1/scripts/{'cd' * 16}/x.py"
    change = one(JOB, edited(JOB, "Command", "ScriptLocation", to=new))
    assert change.detail == (
        "Command.ScriptLocation s3://b-eu-central-1/scripts/abababab…/x.py → "
        "s3://b-eu-central-1/scripts/cdcdcdcd…/x.py"
    )


def test_a_statement_is_identified_by_its_name() -> None:
    statements = ("Policies", 0, "PolicyDocument", "Statement")
    wider = one(ROLE, edited(ROLE, *statements, 0, "Action", to="s3:*"))
    assert wider.detail == "Policies.data.PolicyDocument.Statement.Bronze.Action s3:GetObject → s3:*"
    fewer = one(
        ROLE,
        edited(ROLE, *statements, to=ROLE["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][:1]),
    )
    assert fewer.detail.startswith(
        'Policies.data.PolicyDocument.Statement.Listing removed: {"Sid": "Listing"'
    )


def test_an_added_or_removed_property_is_shown_with_its_value() -> None:
    more = edited(JOB, "Timeout", to=30)
    assert one(JOB, more).detail == "Timeout added: 30"
    assert one(more, JOB).detail == "Timeout removed: 30"


def test_a_name_cannot_change_without_a_replacement() -> None:
    change = one(BUCKET, edited(BUCKET, "BucketName", to="mine"))
    assert (change.action, change.holds_data) == ("replace", True)
    assert one(JOB, edited(JOB, "Name", to="other")).action == "replace"


def test_what_is_removed_says_whether_it_stays() -> None:
    (bucket,) = compare(template(Job=JOB, Bucket=BUCKET), template(Job=JOB))
    assert (bucket.action, bucket.holds_data) == ("remove", True)
    assert bucket.detail == "leaves the stack, but is not deleted"
    (job,) = compare(template(Job=JOB, Bucket=BUCKET), template(Bucket=BUCKET))
    assert (job.action, job.holds_data, job.detail) == ("remove", False, "")


@pytest.mark.parametrize("key", ["DeletionPolicy", "UpdateReplacePolicy"])
def test_a_deletion_policy_is_compared_too(key: str) -> None:
    change = one(BUCKET, BUCKET | {key: "Delete"})
    assert change.action == "change"
    assert change.detail.startswith(key)


def test_only_metadata_of_cryptoetl_is_compared() -> None:
    assert compare(template(It=JOB), template(It=JOB | {"Metadata": {"checkov": {}}})) == ()
    assert one(JOB, JOB | {"Metadata": {"cryptoetl": {"Schema": "x"}}}).detail == (
        'cryptoetl added: {"Schema": "x"}'
    )


def test_long_values_are_cut() -> None:
    change = one(JOB, edited(JOB, "Description", to="x" * 100))
    assert change.detail == f"Description added: {'x' * 59}…"
