"""The deployed template: linted for every combination of options, and compared with AWS's schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from cryptoetl.aws.stack import changes as stack_changes
from cryptoetl.aws.stack import template as stack
from cryptoetl.aws.stack.deployed import deployed_bundle
from cryptoetl.config.models import Config
from cryptoetl.state_machine import bundle
from cryptoetl.state_machine.bundle import Layout
from cryptoetl.state_machine.definition import SIZE_LIMIT, Branch, dumps, render, size
from tests.aws.cloudformation import create_only, schema, static_identifier

REGIONS = ["eu-central-1", "us-east-1", "ap-southeast-2"]

BUCKETS = {"buckets": {kind: f"my-{kind}-bucket" for kind in stack.KINDS}}
ROLES = {"glue": {"role": "MyETLGlue"}, "machine": {"role": "arn:aws:iam::123456789012:role/service/M"}}
CREATE = {
    "redshift": {
        "create": True,
        "vpc": "vpc-0123456789abcdef0",
        "subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1", "subnet-0123456789abcdef2"],
        "availability_zone": "eu-central-1a",
        "route_tables": ["rtb-0123456789abcdef0"],
    }
}
SECRET = {
    "redshift": {
        "secret": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:mine-AbCdEf",
        "copy_role": "MyCopyRole",
    }
}
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0123abcd-0123-abcd-0123-0123456789ab"
KMS = {"kms_key": KEY}
SCHEDULE = {"schedule": "cron(0 6 * * ? *)", "timezone": "Europe/Berlin"}
NOTIFY = {"notify": {"emails": ["ops@example.com", "data@example.com"]}}
WEBHOOK = {"notify": {"emails": ["ops@example.com"], "webhook": {"secret": "crypto/slack"}}}
GROUPS = {"currencies_per_run": 2}
"""A setting of the top level, not of `aws`."""
OTHERS = {"tags": {"team": "data", "cost center": "42"}, "log_retention_days": 365}

CHOICES: tuple[Mapping[str, Mapping[str, Any]], ...] = (
    {"own buckets": {}, "existing buckets": BUCKETS},
    {"own roles": {}, "existing roles": ROLES},
    {"existing Redshift": {}, "with its secret": SECRET, "own Redshift": CREATE},
    {"by hand": {}, "on schedule": SCHEDULE},
    {"quiet": {}, "notifying": NOTIFY, "posting": WEBHOOK},
)


def configured(aws: Mapping[str, Any], currencies: int = 2) -> Config:
    names = [{"ticker": f"COIN{n}", "history": f"{n}.csv", "trend": f"{n}t.csv"} for n in range(currencies)]
    top = {"currencies_per_run": aws.get("currencies_per_run", 1), "currencies": names}
    settings = {key: value for key, value in aws.items() if key != "currencies_per_run"}
    return Config.model_validate({"aws": settings, **top})


def combinations() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for names in product(*CHOICES):
        merged: dict[str, Any] = {}
        for choice, name in zip(CHOICES, names, strict=True):
            merged |= choice[name]
        yield ", ".join(names), merged
    yield "large workers, no queue", {"glue": {"queuing": False, "worker_type": "R.2X", "workers": 10}}
    flex = {"glue": {"flex": True, "worker_type": "G.2X"}}
    yield "flex", flex | {"machine": {"xray": True, "any_job": True}} | OTHERS
    yield "tags on everything", OTHERS | CREATE | SCHEDULE | NOTIFY
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:chat-AbCdEf"
    yield "posting to Teams", {"notify": {"webhook": {"secret": arn, "format": "teams"}}}
    yield "groups", GROUPS
    changed = SCHEDULE | {"schedule_changed": True}
    yield (
        "groups with everything",
        GROUPS | OTHERS | CREATE | changed | NOTIFY | KMS | {"machine": {"xray": True}},
    )
    yield "own key", KMS
    yield "own key, own Redshift", KMS | CREATE
    yield "own key, existing buckets", KMS | BUCKETS


ALL = dict(combinations())


def literal(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template as it is deployed."""
    place = {"account": "123456789012", "region": "eu-central-1", "partition": "aws"}
    found: dict[str, Any] = stack.literal(template, **place)
    return found


def findings(template: Mapping[str, Any], *ignored: str) -> list[str]:
    settings = ManualArgs(regions=REGIONS, include_checks=["I"], ignore_checks=list(ignored))
    matches = lint(json.dumps(template), config=settings)
    return [f"{match.rule.id} {'/'.join(map(str, match.path))}: {match.message}" for match in matches]


@pytest.mark.parametrize("options", ALL.values(), ids=ALL.keys())
def test_cfn_lint_finds_nothing_at_any_severity(options: Mapping[str, Any]) -> None:
    assert findings(stack.render(configured(options)).template) == []


@pytest.mark.parametrize(
    "options", [CREATE | SCHEDULE | WEBHOOK | OTHERS | KMS, BUCKETS], ids=["all", "named"]
)
def test_cfn_lint_finds_nothing_in_the_deployed_form_but_literal_places(options: Mapping[str, Any]) -> None:
    # I3042 and W3010: partition and availability zone are literal on purpose.
    assert findings(literal(stack.render(configured(options)).template), "I3042", "W3010") == []


def test_cfn_lint_would_find_something() -> None:
    template = json.loads(stack.render(configured({})).text)
    template["Resources"]["Silver2goldJob"]["Properties"]["Command"]["PythonVersion"] = "4"
    template["Resources"]["MachineRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0][
        "Action"
    ] = "glue:BeginJob"
    assert {finding.partition(" ")[0] for finding in findings(template)} == {"E3031", "W3037"}


def branch(number: int) -> Branch:
    return Branch(f"COIN{number}")


def largest() -> int:
    low, high = 1, 1000
    while low < high:
        middle = (low + high + 1) // 2
        fits = size(render("crypto", [branch(n) for n in range(middle)])) <= SIZE_LIMIT
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


@pytest.mark.parametrize("currencies", [1, 2, 50, None], ids=["1", "2", "50", "largest"])
def test_cfn_lints_checks_of_state_machines_pass(currencies: int | None) -> None:
    count = largest() if currencies is None else currencies
    definition = render("crypto", [branch(number) for number in range(count)])
    template = json.loads(stack.render(configured({})).text)
    properties = template["Resources"]["StateMachine"]["Properties"]
    del properties["DefinitionS3Location"]
    properties["DefinitionString"] = dumps(definition)
    found = findings(template)
    # A template of more than 1 MB is rejected, which is why the definition is an object of its own.
    assert [item for item in found if not item.startswith(("E1002", "I1002"))] == []


@pytest.mark.parametrize("options", ALL.values(), ids=ALL.keys())
def test_a_template_never_needs_more_than_a_request_holds(options: Mapping[str, Any]) -> None:
    assert len(stack.render(configured(options, 250)).text.encode()) < stack.INLINE_LIMIT


# --- the schemas --------------------------------------------------------------------------------------


def everything() -> Mapping[str, Any]:
    """Each resource that any combination renders."""
    found: dict[str, Any] = {}
    for options in ALL.values():
        found |= stack.render(configured(options)).template["Resources"]
    return found


def paths(node: Any, before: str = "") -> Iterator[str]:
    for key, value in node.items():
        yield f"{before}{key}"
        if isinstance(value, dict):
            yield from paths(value, f"{before}{key}.")


def test_the_properties_that_cause_a_replacement_are_those_of_the_schemas() -> None:
    for logical_id, resource in everything().items():
        used = set(paths(resource["Properties"]))
        expected = create_only(resource["Type"]) & used
        assert stack_changes.CREATE_ONLY[resource["Type"]] & used == expected, logical_id


def test_every_resource_that_can_have_tags_has_them() -> None:
    rendered: dict[str, Any] = {}
    for options in (OTHERS | CREATE | SCHEDULE | NOTIFY, OTHERS):
        rendered |= stack.render(configured(options)).template["Resources"]
    for logical_id, resource in rendered.items():
        tagged = resource["Properties"].get("Tags")
        if not schema(resource["Type"]).get("tagging", {}).get("taggable"):
            assert tagged is None, logical_id
        elif isinstance(tagged, dict):
            assert tagged == {"team": "data", "cost center": "42"}
        else:
            assert tagged == [{"Key": "cost center", "Value": "42"}, {"Key": "team", "Value": "data"}]


def test_every_resource_has_a_name_for_people() -> None:
    for logical_id, resource in everything().items():
        what, name = stack_changes.describe(logical_id, resource)
        assert not what.startswith("AWS::")
        assert name


# --- the intent ---------------------------------------------------------------------------------------


def test_what_can_hold_data_is_always_kept() -> None:
    for resource in everything().values():
        name = resource["Properties"].get("BucketName", {}).get("Fn::Sub", "")
        holds = any(f"-{kind}-" in name for kind in stack.DATA)
        # Not RetainExceptOnCreate, which may delete an imported resource in a rollback.
        if holds or resource["Type"] == "AWS::RedshiftServerless::Namespace":
            assert resource["DeletionPolicy"] == "Retain"
            assert resource["UpdateReplacePolicy"] == "Retain"
            assert stack_changes.holds_data(resource)
        else:
            assert not stack_changes.holds_data(resource)


IMPORTED = ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::RedshiftServerless::Namespace")


def test_what_is_kept_can_be_imported_again() -> None:
    """Its identifier is plain text in the deployed form (User Guide, Import … automatically)."""
    kept = [
        resource
        for resource in literal({"Resources": everything()})["Resources"].values()
        if resource.get("DeletionPolicy") == "Retain"
    ]
    assert {resource["Type"] for resource in kept} == set(IMPORTED)
    for resource in kept:
        assert static_identifier(resource["Type"], resource["Properties"]) is not None


def test_a_literal_template_names_account_region_and_own_buckets() -> None:
    earlier = {
        "Resources": {
            "Raw": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"BucketName": {"Fn::Sub": "b-${AWS::AccountId}"}},
            },
            "Policy": {
                "Type": "AWS::S3::BucketPolicy",
                "Properties": {
                    "Bucket": {"Ref": "Raw"},
                    "PolicyDocument": [{"Fn::GetAtt": ["Raw", "Arn"]}, {"Fn::Sub": "${Raw.Arn}/*"}],
                    "Others": [{"Ref": "AWS::Region"}, {"Fn::GetAtt": ["Role", "Arn"]}, {"Ref": "Role"}],
                    "Mixed": {"Fn::Sub": "${AWS::Partition} ${Workgroup.Workgroup.Endpoint.Address}"},
                },
            },
        }
    }
    found = literal(earlier)["Resources"]
    assert found["Raw"]["Properties"] == {"BucketName": "b-123456789012"}
    assert found["Policy"]["Properties"] == {
        "Bucket": "b-123456789012",
        "PolicyDocument": ["arn:aws:s3:::b-123456789012", "arn:aws:s3:::b-123456789012/*"],
        "Others": ["eu-central-1", {"Fn::GetAtt": ["Role", "Arn"]}, {"Ref": "Role"}],
        "Mixed": {"Fn::Sub": "aws ${Workgroup.Workgroup.Endpoint.Address}"},
    }


def test_a_template_that_differs_in_its_form_alone_has_no_changes() -> None:
    rendered = json.loads(stack.render(configured(CREATE)).text)
    bucket = rendered["Resources"]["RawBucketPolicy"]
    del bucket["DependsOn"]  # earlier versions had a reference instead
    bucket["Properties"]["Bucket"] = {"Ref": "RawBucket"}
    wanted = literal(stack.render(configured(CREATE)).template)
    assert stack_changes.compare(literal(rendered), wanted) == ()


@pytest.mark.parametrize("options", [KMS, {}], ids=["own key", "S3's key"])
def test_every_bucket_is_encrypted_with_the_key_of_the_configuration(options: Mapping[str, Any]) -> None:
    rendered = stack.render(configured(options)).template["Resources"]
    rules = [
        item["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        for item in rendered.values()
        if item["Type"] == "AWS::S3::Bucket"
    ]
    own = {
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
        "BucketKeyEnabled": True,
    }
    s3s = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert rules == [[own if options else s3s]] * 4


def test_every_bucket_is_private_encrypted_and_takes_tls_only() -> None:
    rendered = stack.render(configured({})).template["Resources"]
    buckets = {key: item for key, item in rendered.items() if item["Type"] == "AWS::S3::Bucket"}
    assert len(buckets) == 4
    for logical_id, item in buckets.items():
        properties = item["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        (policy,) = rendered[f"{logical_id}Policy"]["Properties"]["PolicyDocument"]["Statement"]
        assert (policy["Effect"], policy["Action"]) == ("Deny", "s3:*")
        assert policy["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert buckets["RawBucket"]["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    rule, *_ = buckets["TempBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == 2


def test_the_jobs_are_as_configured() -> None:
    glue = {
        "version": "6.0",
        "worker_type": "G.2X",
        "workers": 3,
        "max_concurrent_runs": 7,
        "timeout_minutes": 45,
        "flex": True,
    }
    rendered = stack.render(configured({"glue": glue})).template["Resources"]
    spark = rendered["Silver2goldJob"]["Properties"]
    assert {key: spark[key] for key in ("GlueVersion", "WorkerType", "NumberOfWorkers", "Timeout")} == {
        "GlueVersion": "6.0",
        "WorkerType": "G.2X",
        "NumberOfWorkers": 3,
        "Timeout": 45,
    }
    assert (spark["ExecutionClass"], spark["JobRunQueuingEnabled"]) == ("FLEX", False)
    assert spark["ExecutionProperty"] == {"MaxConcurrentRuns": 7}
    assert spark["DefaultArguments"]["--enable-continuous-cloudwatch-log"] == "true"
    region = {"Fn::Sub": "spark.hadoop.fs.s3a.endpoint.region=${AWS::Region}"}
    for name in ("Bronze2silverJob", "Silver2goldJob", "RedshiftUploadJob"):
        assert rendered[name]["Properties"]["DefaultArguments"]["--conf"] == region
    shell = rendered["ClearBucketsJob"]["Properties"]
    assert "--conf" not in shell["DefaultArguments"]
    usual = stack.render(configured({})).template["Resources"]["Silver2goldJob"]["Properties"]
    assert (usual["ExecutionClass"], usual["JobRunQueuingEnabled"]) == ("STANDARD", True)
    assert shell["Command"]["Name"] == "pythonshell"
    assert shell["Command"]["PythonVersion"] == "3.9"


def test_executions_are_logged_without_their_payloads() -> None:
    machine = stack.render(configured({})).template["Resources"]["StateMachine"]["Properties"]
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert machine["TracingConfiguration"] == {"Enabled": False}


def test_the_template_names_no_account_and_no_region() -> None:
    text = stack.render(configured({})).text
    assert "123456789012" not in text
    assert "eu-central-1" not in text


def test_artifacts_are_stored_under_the_hash_of_their_content() -> None:
    rendered = stack.render(configured({}))
    again = stack.render(configured({}))
    assert (rendered.text, rendered.artifacts) == (again.text, again.artifacts)
    more = stack.render(configured({}, 3))
    scripts = {key for key in rendered.artifacts if key.startswith("scripts/")}
    assert scripts < set(more.artifacts)
    assert set(rendered.artifacts) - set(more.artifacts) == {
        rendered.template["Metadata"]["cryptoetl"]["Artifacts"]["state_machine.json"]
    }
    assert rendered.template_key != more.template_key


def test_the_bundle_can_be_read_back_from_a_deployed_template() -> None:
    config = configured({})
    built = bundle.build(config, Layout("s3://raw", "s3://silver", "s3://gold", "s3://temp"))
    rendered = stack.of_bundle(config, built)
    deployed = literal(rendered.template)
    by_name = {key.rpartition("/")[2]: body for key, body in rendered.artifacts.items()}
    assert deployed_bundle(deployed, by_name) == built
    del by_name["state_machine.json"]
    assert deployed_bundle(deployed, by_name) is None
