"""Security scanners find nothing in the templates and policies that is not accepted with a reason."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cryptoetl.aws.stack import permissions
from cryptoetl.aws.stack import template as stack
from tests.aws.test_template import BUCKETS, CREATE, KMS, OTHERS, ROLES, SCHEDULE, WEBHOOK, configured

pytestmark = pytest.mark.security

STACKS: Mapping[str, Mapping[str, Any]] = {
    "small": {},
    "everything": CREATE | SCHEDULE | WEBHOOK | OTHERS | {"machine": {"xray": True}},
    "existing": BUCKETS | ROLES,
    "own key": CREATE | KMS,
    "own key, existing": BUCKETS | KMS,
}

ACCEPTED: Mapping[str, str] = {
    "RESOURCE_POLICY_PRIVILEGE_ESCALATION": "who makes buckets with policies can write policies",
    "RESOURCE_MISMATCH redshift-data:ListSchemas": "parliament knows clusters, and not workgroups",
    "RESOURCE_MISMATCH states:ListExecutions": "a state machine is enough; parliament wants a map run too",
    "RESOURCE_MISMATCH states:DescribeExecution": "an execution is enough; parliament wants express too",
}
"""Accepted findings of parliament, with the reason."""

PARLIAMENT = """
import json, sys, parliament
for finding in parliament.analyze_policy_string(sys.stdin.read()).findings:
    detail = finding.detail
    actions = [item["action"] for item in detail] if finding.issue == "RESOURCE_MISMATCH" else [str(detail)]
    for action in actions:
        print(finding.issue, action)
"""


@pytest.fixture(scope="module")
def scanners() -> Path:
    """The folder with the scanners' programs; without them these tests fail instead of being skipped."""
    folder = os.environ.get("CRYPTOETL_SECURITY_BIN")
    assert folder, "set CRYPTOETL_SECURITY_BIN, or use `make test-security`"
    return Path(folder)


@pytest.mark.parametrize("options", STACKS.values(), ids=STACKS.keys())
def test_checkov_has_no_failed_check_and_each_skipped_one_has_its_reason(
    options: Mapping[str, Any], scanners: Path, tmp_path: Path
) -> None:
    file = tmp_path / "stack.json"
    file.write_text(json.dumps(stack.render(configured(options)).template, indent=1), encoding="utf-8")
    found = checkov(scanners, file)
    assert [f"{check['check_id']} {check['resource']}" for check in found["failed_checks"]] == []
    assert found["passed_checks"]
    for check in found["skipped_checks"]:
        assert len(check["check_result"]["suppress_comment"]) > 20, check["check_id"]


def test_checkov_finds_a_violation(scanners: Path, tmp_path: Path) -> None:
    template = json.loads(stack.render(configured({})).text)
    del template["Resources"]["RawBucket"]["Properties"]["PublicAccessBlockConfiguration"]
    file = tmp_path / "stack.json"
    file.write_text(json.dumps(template, indent=1), encoding="utf-8")
    failed = {check["check_id"] for check in checkov(scanners, file)["failed_checks"]}
    assert {"CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56"} <= failed


def checkov(scanners: Path, file: Path) -> dict[str, Any]:
    options = ["--framework", "cloudformation", "--output", "json", "--skip-download"]
    done = subprocess.run(
        [scanners / "checkov", *options, "-f", file],
        capture_output=True,
        text=True,
        check=False,
    )
    results: dict[str, Any] = json.loads(done.stdout)["results"]
    return results


@pytest.mark.parametrize("options", STACKS.values(), ids=STACKS.keys())
def test_parliament_finds_nothing_that_is_not_accepted(options: Mapping[str, Any], scanners: Path) -> None:
    for name, policy in documents(options).items():
        found = {
            finding
            for finding in parliament(scanners, policy)
            if not any(finding.startswith(accepted) for accepted in ACCEPTED)
        }
        assert found == set(), name


def test_parliament_finds_a_violation(scanners: Path) -> None:
    statement = {"Effect": "Allow", "Action": "glue:BeginJob", "Resource": "*"}
    assert parliament(scanners, {"Version": "2012-10-17", "Statement": [statement]})


def documents(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return every policy of a configuration as deployed."""
    rendered = permissions.all_policies(configured(options))
    plain = permissions.plain(rendered, account="123456789012", region="eu-central-1")
    machine = "arn:aws:states:eu-central-1:123456789012:stateMachine:crypto"
    known = json.loads(json.dumps(plain).replace("${StateMachine}", machine))
    found = {name: known.pop(name) for name in ("deployer", "operator")}
    for role, parts in known.items():
        found |= {f"{role} {name}": document for name, document in parts["policies"].items()}
    return found


def parliament(scanners: Path, policy: Mapping[str, Any]) -> list[str]:
    done = subprocess.run(
        [scanners / "python", "-W", "ignore", "-c", PARLIAMENT],
        input=json.dumps(policy),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()
