"""Each role of the stack may do what is used, and nothing else.

What is used is derived from the scripts, the state machine and the template; a permission too many fails like
one too few.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from cryptoetl.aws.stack import permissions
from cryptoetl.aws.stack import template as stack
from cryptoetl.config.models import Config
from cryptoetl.state_machine import assets, bundle
from tests.aws.cloudformation import schema
from tests.aws.test_template import (
    BUCKETS,
    CREATE,
    GROUPS,
    KEY,
    KMS,
    OTHERS,
    ROLES,
    SCHEDULE,
    SECRET,
    WEBHOOK,
    configured,
    everything,
)

Grants = set[tuple[str, str]]
"""Pairs of an action and the resource on which it is allowed."""

READ = {"s3:GetObject"}
LIST = {"s3:ListBucket", "s3:GetBucketLocation"}
UPLOADS = "s3:ListBucketMultipartUploads"
"""S3A's committers list what a failed attempt has left (Hadoop, Working with IAM Assumed Roles)."""
WRITE = {"s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject"}
"""Spark overwrites: it deletes what exists, writes in parts, and reads what it has written."""

USES: Mapping[tuple[str, str], set[str]] = {
    ("clear_buckets.py", "--SILVER"): LIST | {"s3:DeleteObject"},
    ("clear_buckets.py", "--GOLD"): LIST | {"s3:DeleteObject"},
    ("bronze2silver.py", "--RAW"): READ | LIST,
    ("bronze2silver.py", "--SILVER"): WRITE | LIST | {UPLOADS},
    ("silver2gold.py", "--SILVER"): READ | LIST,
    ("silver2gold.py", "--GOLD"): WRITE | LIST | {UPLOADS},
    ("redshift_upload.py", "--SILVER"): LIST,  # marks of what was made and loaded
    ("redshift_upload.py", "--GOLD"): READ | LIST | {"s3:PutObject", "s3:DeleteObject"},
    ("redshift_upload.py", "--TEMP"): WRITE | LIST | {UPLOADS},
}
OF_GROUPS: Mapping[tuple[str, str], set[str]] = {
    ("clear_buckets.py", "--RAW"): LIST,
    ("clear_buckets.py", "--LISTS"): READ,
    ("bronze2silver.py", "--OUTCOMES"): READ | {"s3:PutObject"},
    ("silver2gold.py", "--OUTCOMES"): READ | {"s3:PutObject"},
    ("redshift_upload.py", "--OUTCOMES"): READ | {"s3:PutObject"},
    ("summarize.py", "--LISTS"): READ,
    ("summarize.py", "--OUTCOMES"): READ | LIST | {"s3:PutObject"},
}
"""The same for the jobs of a machine of groups; `lists` are below the key of that name."""
"""What each script does with each location that it is given; a test below compares it with the scripts."""

BOTO3_ACTIONS = {
    "list_objects_v2": "s3:ListBucket",
    "delete_objects": "s3:DeleteObject",
}
OF_LISTS = {"get_object", "put_object", "exceptions"}
"""What clear_buckets calls for a list of currencies, which the machine with a branch per currency has not."""

NETWORK = {
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcEndpoints",
}
INTERFACES = {"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"}
DELIVERY = {
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
}
TRACES = {
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
}
SYNC = {"glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"}
"""What glue:startJobRun.sync needs (Step Functions developer guide, IAM policies for Glue)."""

ARN = "arn:aws:{}:eu-central-1:123456789012:{}"


def plain(node: Any) -> Any:
    return permissions.plain(node, account="123456789012", region="eu-central-1")


def rendered(config: Config) -> dict[str, Any]:
    template: dict[str, Any] = plain(stack.render(config).template)
    return template


def granted(config: Config, role: str) -> Grants:
    return set(_pairs(_statements(config, role)))


def _statements(config: Config, role: str) -> list[Mapping[str, Any]]:
    documents = permissions.roles(rendered(config))[role]["policies"].values()
    return [statement for document in documents for statement in document["Statement"]]


def _pairs(statements: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for statement in statements:
        assert statement["Effect"] == "Allow"
        for action in _list(statement["Action"]):
            for resource in _list(statement["Resource"]):
                yield action, resource


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def on_bucket(uri: str, actions: set[str], key: str | None) -> Grants:
    """The grants that these actions need on a bucket, and on the key that encrypts it.

    Reading decrypts; a write in parts needs both (S3 User Guide, Multipart upload API and permissions).
    """
    name = plain({"Fn::Sub": uri.removeprefix("s3://").partition("/")[0]})
    whole = LIST | {UPLOADS}
    grants = {
        (action, f"arn:aws:s3:::{name}" if action in whole else f"arn:aws:s3:::{name}/*")
        for action in actions
    }
    if key is not None and "s3:GetObject" in actions:
        grants.add(("kms:Decrypt", key))
    if key is not None and "s3:PutObject" in actions:
        grants |= {("kms:Decrypt", key), ("kms:GenerateDataKey", key)}
    return grants


def places(config: Config) -> dict[tuple[str, str], str]:
    """(script, argument) → URI, of each location that a deployed job is given."""
    return {
        (job.script, name): uri
        for job in bundle.build(config, stack.layout(config)).jobs
        for name, uri in job.arguments.items()
        if uri.startswith("s3://")
    }


def needed_by_jobs(config: Config) -> Grants:
    """What the four scripts and the properties of their jobs use."""
    grants: Grants = set()
    for place, uri in places(config).items():
        if place[1] == "--LISTS":
            lists = f"arn:aws:s3:::{plain({'Fn::Sub': uri.removeprefix('s3://')})}/lists"
            grants |= {("s3:GetObject", f"{lists}/*"), ("s3:PutObject", f"{lists}/executions/*")}
        else:
            grants |= on_bucket(uri, {**USES, **OF_GROUPS}[place], config.aws.kms_key)
    template = rendered(config)
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::Glue::Job":
            continue
        properties = resource["Properties"]
        bucket, _, key = properties["Command"]["ScriptLocation"].removeprefix("s3://").partition("/")
        grants.add(("s3:GetObject", f"arn:aws:s3:::{bucket}/{key.partition('/')[0]}/*"))
        groups = properties["DefaultArguments"].get("--custom-logGroup-prefix")
        streams = {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"}
        if groups is None:  # a Python shell job, whose log groups are not in the stack
            groups = "/aws-glue/python-jobs"
        grants |= {(action, ARN.format("logs", f"log-group:{groups}/*")) for action in streams}
        for connection in properties.get("Connections", {}).get("Connections", ()):
            grants |= {
                ("glue:GetConnection", ARN.format("glue", "catalog")),
                ("glue:GetConnection", ARN.format("glue", f"connection/{connection}")),
            }
            grants |= {(action, "*") for action in NETWORK}
            grants.add(("ec2:DescribeVpcAttribute", ARN.format("ec2", "vpc/*")))
            grants |= {
                (action, ARN.format("ec2", f"{kind}/*"))
                for action in INTERFACES
                for kind in ("network-interface", "security-group", "subnet")
            }
            grants |= {
                (action, ARN.format("ec2", "network-interface/*"))
                for action in ("ec2:CreateTags", "ec2:DeleteTags")
            }
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Glue::Connection":
            secret = resource["Properties"]["ConnectionInput"]["ConnectionProperties"]["SECRET_ID"]
            arn = ARN.format("secretsmanager", f"secret:{secret}-??????")
            grants.add(("secretsmanager:GetSecretValue", arn))
    if config.aws.redshift.secret:
        grants.add(("secretsmanager:GetSecretValue", config.aws.redshift.secret))
    return grants


def states(definition: Any) -> Iterator[Mapping[str, Any]]:
    for state in definition["States"].values():
        yield state
        for branch in (*state.get("Branches", ()), *filter(None, [state.get("ItemProcessor")])):
            yield from states(branch)


def needed_by_machine(config: Config) -> Grants:
    """What its tasks, its logging and its tracing use."""
    grants: Grants = set()
    built = bundle.build(config, stack.layout(config))
    for state in states(built.machine):
        if state.get("Label"):
            grants |= of_map(config, state["Label"])
        if state["Type"] == "Task" and state["Resource"] == "arn:aws:states:::glue:startJobRun.sync":
            job = ARN.format("glue", f"job/{state['Parameters']['JobName']}")
            grants |= {(action, "*" if config.aws.machine.any_job else job) for action in SYNC}
    machine = rendered(config)["Resources"]["StateMachine"]["Properties"]
    if machine["LoggingConfiguration"]["Level"] != "OFF":
        grants |= {(action, "*") for action in DELIVERY}
    if machine["TracingConfiguration"]["Enabled"]:
        grants |= {(action, "*") for action in TRACES}
    return grants


def of_map(config: Config, label: str) -> Grants:
    """What a Distributed Map needs (Developer Guide, IAM policies for using Distributed Map states), and its
    notes of failures and the verdict."""
    name, own = config.pipeline, "execution"
    artifacts, temp = (
        f"arn:aws:s3:::{plain({'Fn::Sub': stack.bucket(config, k)})}" for k in ("artifacts", "temp")
    )
    grants = {
        ("states:StartExecution", ARN.format("states", f"stateMachine:{name}")),
        ("states:RedriveExecution", ARN.format("states", f"{own}:{name}/{label}:*")),
        ("s3:GetObject", f"{artifacts}/lists/*"),
        ("s3:GetObject", f"{temp}/outcomes/*/verdict.json"),
        ("s3:PutObject", f"{temp}/outcomes/*/failures/*"),
        *(
            (f"states:{action}", ARN.format("states", f"{own}:{of}:*"))
            for action in ("DescribeExecution", "StopExecution")
            for of in (name, f"{name}/{label}")
        ),
    }
    if key := config.aws.kms_key:
        grants |= {("kms:Decrypt", key), ("kms:GenerateDataKey", key)}
    return grants


OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "defaults": {},
    "existing buckets": BUCKETS,
    "own Redshift": CREATE,
    "existing secret": SECRET,
    "tracing": {"machine": {"xray": True}},
    "any job": {"machine": {"any_job": True}},
    "own key": KMS,
    "own key, existing buckets": KMS | BUCKETS,
    "own key, own Redshift": KMS | CREATE,
    "groups": GROUPS,
    "groups, own key": GROUPS | KMS,
    "groups, existing buckets": GROUPS | BUCKETS,
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_the_glue_role_may_do_what_the_scripts_use_and_no_more(options: Mapping[str, Any]) -> None:
    config = configured(options)
    assert granted(config, "GlueRole") == needed_by_jobs(config)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_the_machines_role_may_do_what_its_states_use_and_no_more(options: Mapping[str, Any]) -> None:
    config = configured(options)
    assert granted(config, "MachineRole") == needed_by_machine(config)


def test_the_schedules_role_may_start_the_machine_and_no_more() -> None:
    config = configured(SCHEDULE)
    target = rendered(config)["Resources"]["Schedule"]["Properties"]["Target"]
    assert granted(config, "ScheduleRole") == {("states:StartExecution", target["Arn"])}


@pytest.mark.parametrize("options", [CREATE, CREATE | KMS], ids=["S3's key", "own key"])
def test_the_copy_role_may_read_the_temp_bucket_and_no_more(options: Mapping[str, Any]) -> None:
    config = configured(options)
    temp = f"s3://{stack.bucket(config, 'temp')}"
    assert granted(config, "CopyRole") == on_bucket(temp, READ | LIST, config.aws.kms_key)


def test_the_key_is_used_through_s3_only() -> None:
    config = configured(CREATE | KMS)
    deployer = plain(permissions.deployer(config))["Statement"]
    statements = [*_statements(config, "GlueRole"), *_statements(config, "CopyRole"), *deployer]
    using = [item for item in statements if "kms:Decrypt" in _list(item["Action"])]
    assert len(using) == 3
    for statement in using:
        assert statement["Resource"] == KEY
        assert statement["Condition"] == {"StringLike": {"kms:ViaService": "s3.*.amazonaws.*"}}
    assert not [item for item in _statements(configured(CREATE), "GlueRole") if "kms" in str(item)]


def test_the_table_of_uses_names_every_place_and_agrees_with_the_scripts() -> None:
    assert USES.keys() == places(configured({})).keys()
    assert {**USES, **OF_GROUPS}.keys() == places(configured(GROUPS)).keys()
    for script in bundle.SCRIPTS.values():
        text = (assets.glue_scripts() / script).read_text(encoding="utf-8")
        uses = {action for (name, _), actions in USES.items() if name == script for action in actions}
        calls = set(re.findall(r"s3\.(?:get_paginator\(\")?([a-z_0-9]+)", text)) - {"get_paginator"}
        if calls:
            assert {BOTO3_ACTIONS[call] for call in calls - OF_LISTS} == uses - {"s3:GetBucketLocation"}
        writes = ".write." in text or "write_dynamic_frame" in text or "groups.mark(" in text
        assert writes == ("s3:PutObject" in uses), script


def test_data_is_reached_in_this_account_only() -> None:
    for role in ("GlueRole", "CopyRole"):
        for statement in _statements(configured(CREATE), role):
            if any(action.startswith("s3:") for action in _list(statement["Action"])):
                assert statement["Condition"] == {"StringEquals": {"aws:ResourceAccount": "123456789012"}}


def test_services_assume_their_roles_for_this_account_only() -> None:
    roles = permissions.roles(rendered(configured(CREATE | SCHEDULE)))
    for name, role in roles.items():
        (statement,) = role["trust"]["Statement"]
        if name in ("GlueRole", "CopyRole"):  # neither Glue nor Redshift documents the condition
            assert "Condition" not in statement
            assert set(statement["Principal"]) == {"Service"}
        else:
            assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}, name


# --- the deployer -------------------------------------------------------------------------------------

EVERYTHING = CREATE | SCHEDULE | WEBHOOK | OTHERS | KMS
WITHOUT_RESOURCE = {"redshift-data:CancelStatement", "sns:Unsubscribe"}
"""Actions that do more than read and that take no resource (Service Authorization Reference)."""


@pytest.mark.parametrize("options", [{}, EVERYTHING, BUCKETS | ROLES], ids=["small", "all", "existing"])
def test_the_deployer_may_only_read_on_all_resources(options: Mapping[str, Any]) -> None:
    for statement in permissions.deployer(configured(options))["Statement"]:
        if "*" in _list(statement["Resource"]):
            for action in _list(statement["Action"]):
                reads = r"\w[\w-]*:(Describe|List|Get|Validate|Simulate)\w*"
                assert re.fullmatch(reads, action) or action in WITHOUT_RESOURCE, action


def test_the_deployer_may_only_list_buckets_that_the_configuration_names() -> None:
    names = set(BUCKETS["buckets"].values())
    for statement in plain(permissions.deployer(configured(BUCKETS)))["Statement"]:
        buckets = {resource.partition(":::")[2] for resource in _list(statement["Resource"])}
        if buckets & names:
            assert statement["Action"] == ["s3:GetEncryptionConfiguration", "s3:ListBucket"]
        if any(name.partition("/")[0] in names for name in buckets - names):
            assert statement["Sid"] == "Artifacts"


def test_the_deployer_may_pass_its_roles_to_their_services_only() -> None:
    policy = plain(permissions.deployer(configured({})))
    (statement,) = [item for item in policy["Statement"] if item["Action"] == "iam:PassRole"]
    assert statement["Condition"] == {
        "StringEquals": {"iam:PassedToService": ["glue.amazonaws.com", "states.amazonaws.com"]}
    }
    assert statement["Resource"] == [
        "arn:aws:iam::123456789012:role/crypto-glue-eu-central-1",
        "arn:aws:iam::123456789012:role/crypto-machine-eu-central-1",
    ]


OPERATIONS = {
    "ListObjectVersions": "s3:ListBucketVersions",
    "ListObjectsV2": "s3:ListBucket",
    "DeleteObjects": "s3:DeleteObject",
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "DeleteBucketTagging": "s3:PutBucketTagging",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
}
PREFIXES = {
    "service-quotas": "servicequotas",
    "stepfunctions": "states",
    "logs": "logs",
}


DEPLOYING = {
    "cloudformation.py": ["cloudformation"],
    "buckets.py": ["s3"],
    "preflight.py": ["iam", "stepfunctions", "service-quotas"],
    "existing.py": [
        *("glue", "iam", "stepfunctions", "logs", "scheduler", "sns", "events", "redshift-serverless")
    ],
    "encryption.py": ["kms", "s3"],
    "webhook.py": ["secretsmanager"],
    "network.py": ["ec2"],
    "doctor/deployment.py": ["service-quotas"],
    "doctor/facts.py": ["redshift-serverless", "glue", "ec2"],
    "doctor/warehouse.py": ["redshift-serverless", "redshift-data", "secretsmanager"],
    "redshift_setup.py": ["redshift-serverless", "redshift-data", "glue"],
    "removal.py": ["redshift-serverless", "logs"],
}
OPERATING = {
    "storage.py": ["s3"],
    "executions.py": ["stepfunctions"],
    "job_runs.py": ["glue"],
    "logs.py": ["logs"],
    "map_runs.py": ["stepfunctions"],
    "outcomes.py": ["s3"],
    "publishing.py": ["s3"],
}
BOTH = {"data_api.py": ["redshift-data", "redshift-serverless"], "warehouse.py": ["s3"]}
"""The services whose clients each module uses; modules that are not named make no calls of their own."""
WITHOUT_CALLS = {
    "console.py",
    "deployment.py",
    "planning.py",
    "target.py",
    "session.py",
    "errors.py",
    "__init__.py",
    "doctor/__init__.py",
    "doctor/account.py",  # asks STS who the caller is, which is always allowed
    "doctor/checks.py",
    "doctor/network.py",
}


def called(services: Mapping[str, list[str]]) -> set[str]:
    """The actions of every SDK call of these modules."""
    from botocore import xform_name
    from botocore.session import get_session

    session, found = get_session(), set()
    for name, of_module in services.items():
        text = (Path("cryptoetl/aws") / name).read_text(encoding="utf-8")
        for service in of_module:
            for operation in session.get_service_model(service).operation_names:
                if re.search(rf"[.\"]{xform_name(operation)}[(\"]", text):
                    action = f"{PREFIXES.get(service, service)}:{operation}"
                    found.add(OPERATIONS.get(operation, action) if service == "s3" else action)
    return found - {"glue:ListSchemas"}  # it is redshift-data's of the same name


def test_every_module_that_makes_calls_is_read() -> None:
    folder = Path("cryptoetl/aws")
    sources = (*folder.glob("*.py"), *folder.glob("doctor/*.py"))
    modules = {path.relative_to(folder).as_posix() for path in sources}
    assert modules == {*DEPLOYING, *OPERATING, *BOTH, *WITHOUT_CALLS}


def test_the_deployer_may_do_every_call_that_deploy_and_destroy_make() -> None:
    actions = called(DEPLOYING | BOTH)
    assert {"cloudformation:ExecuteChangeSet", "s3:PutObject", "redshift-data:ExecuteStatement"} <= actions
    assert {action for action in actions if not may_deploy(action)} == set()


def test_the_deployer_may_read_of_the_network_what_doctor_reads_and_no_more() -> None:
    statements = permissions.deployer(configured({}))["Statement"]
    (doctor,) = [statement for statement in statements if statement["Sid"] == "Doctor"]
    assert set(doctor["Action"]) == {action for action in called(DEPLOYING) if action.startswith("ec2:")}


def may_deploy(action: str) -> bool:
    """Whether the deployer of all options is allowed the action on some resource."""
    return allows(permissions.deployer(configured(EVERYTHING)), action)


def allows(policy: Mapping[str, Any], action: str) -> bool:
    patterns = (pattern for statement in policy["Statement"] for pattern in _list(statement["Action"]))
    return any(fnmatchcase(action, pattern) for pattern in patterns)


NOT_USED = (
    "kms:*",
    "s3tables:*",
    "firehose:*",
    "vpc-lattice:*",
    "vpce:*",
    "redshift:PutResourcePolicy",
    "redshift:DeleteResourcePolicy",
    "*:*MetadataTableConfiguration",
    "*:UpdateBucketMetadata*",
    "*:*DataProtectionPolicy",
    "*:*IndexPolicy",
    "*:*SnapshotCopyConfiguration",
    "*:RestoreFrom*",
    "*:*PermissionsBoundary",
    "iam:AttachRolePolicy",
    "iam:DetachRolePolicy",
    "ec2:DescribeInstances",
    "logs:*KmsKey",
    "logs:PutBearerTokenAuthentication",
    "logs:PutLogGroupDeletionProtection",
    "logs:*LogDelivery",
    "logs:PutResourcePolicy",
    "logs:DeleteResourcePolicy",
    "s3:PutAccelerateConfiguration",
    "s3:PutAnalyticsConfiguration",
    "s3:PutBucketAbac",
    "s3:PutBucketAcl",
    "s3:PutBucketCORS",
    "s3:PutBucketLogging",
    "s3:PutBucketNotification",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketReplication",
    "s3:PutBucketWebsite",
    "s3:PutIntelligentTieringConfiguration",
    "s3:PutInventoryConfiguration",
    "s3:PutMetricsConfiguration",
    "s3:PutObjectAcl",
    "s3:PutObjectLockConfiguration",
    "s3:PutReplicationConfiguration",
    "s3:DeleteBucket[!P]*",
    "s3:REST.PUT.OBJECT",
    "s3:GetObjectVersion",
)
"""Permissions for properties that the template does not set, and for customer-managed keys."""


def test_the_deployer_may_do_what_cloudformation_does_for_each_type_of_resource() -> None:
    for kind in sorted({resource["Type"] for resource in everything().values()}):
        handlers = schema(kind)["handlers"]
        done = [handlers[name] for name in ("create", "read", "update", "delete") if name in handlers]
        needed = {action for handler in done for action in handler["permissions"]}
        assert needed, kind
        used = {action for action in needed if not any(fnmatchcase(action, item) for item in NOT_USED)}
        assert {action for action in used if not may_deploy(action)} == set(), kind


def test_policies_stay_within_iams_limits() -> None:
    # 10,240 characters of all inline policies of a role, 6,144 of a managed one, without white space. A
    # deployer's that is longer is split (the next test).
    for options in (EVERYTHING, CREATE):
        for role in permissions.roles(rendered(configured(options))).values():
            assert len(json.dumps(role["policies"], separators=(",", ":"))) < 10_240
    deployer = json.dumps(plain(permissions.deployer(configured({}))), separators=(",", ":"))
    assert len(deployer) < 6_144


def test_a_policy_too_long_for_one_document_is_split_and_loses_nothing() -> None:
    lengths = []
    for options in (EVERYTHING, CREATE, {}):
        for policy in plain(permissions.people(configured(options))).values():
            documents = permissions.managed(policy)
            lengths.append(len(documents))
            assert [item for document in documents for item in document["Statement"]] == policy["Statement"]
            for document in documents:
                assert document["Version"] == policy["Version"]
                assert len("".join(json.dumps(document, indent=2).split())) <= 6_144
    assert lengths == [2, 1, 2, 1, 1, 1]


# --- the operator -------------------------------------------------------------------------------------

READ_THE_DEPLOYMENT = {"cloudformation:DescribeStacks", "cloudformation:GetTemplate"}
"""What `run` compares the configuration with, in addition to the artifacts."""
INDIRECT = {
    "secretsmanager:GetSecretValue",
    "redshift-serverless:GetCredentials",
    "s3:AbortMultipartUpload",
}
"""Checked by a service when it is called, or by s3transfer."""


@pytest.mark.parametrize(
    "options", [{}, EVERYTHING, SECRET, EVERYTHING | GROUPS], ids=["small", "all", "secret", "groups"]
)
def test_the_operator_may_do_every_call_of_its_commands_and_no_more(options: Mapping[str, Any]) -> None:
    config = configured(options)
    policy = permissions.operator(config)
    needed = called(OPERATING | BOTH) | READ_THE_DEPLOYMENT
    if not config.aws.redshift.create:
        needed -= {"redshift-serverless:GetNamespace"}
    if config.currencies_per_run == 1:
        needed -= {"states:ListMapRuns"}
    assert {"states:StartExecution", "s3:PutObject", "logs:FilterLogEvents"} <= needed
    assert {action for action in needed if not allows(policy, action)} == set()
    allowed = {action for statement in policy["Statement"] for action in _list(statement["Action"])}
    assert allowed - needed - INDIRECT == set()


def test_the_operator_may_not_change_what_a_deploy_makes() -> None:
    policy = plain(permissions.operator(configured(EVERYTHING)))
    for statement in policy["Statement"]:
        if "s3:PutObject" in statement["Action"]:
            assert statement["Resource"] in (
                "arn:aws:s3:::crypto-raw-123456789012-eu-central-1/*",
                "arn:aws:s3:::crypto-artifacts-123456789012-eu-central-1/lists/executions/*",
                "arn:aws:s3:::crypto-artifacts-123456789012-eu-central-1/reports/*",
            )
        if statement["Resource"] == "*":
            assert statement["Sid"] == "OwnStatements"


def test_no_statement_is_wider_than_its_service() -> None:
    for options in (EVERYTHING, {}):
        for role in permissions.roles(rendered(configured(options))):
            for action, _ in granted(configured(options), role):
                assert not fnmatchcase(action, "*[*]*"), action
