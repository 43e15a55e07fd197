"""What AWS's documentation leaves open, and what a trial has seen of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["confirmed", "refuted", "not seen"]

DOUBTS: Mapping[str, str] = {
    "job-arns": "the ARNs of the jobs are enough for glue:startJobRun.sync (else machine.any_job)",
    "machine-trust": "Step Functions assumes a role that requires aws:SourceAccount and aws:SourceArn",
    "spark-functions": "try_validate_utf8, raise_error and \\z in rlike work on Glue's own Spark",
    "bad-file-message": "a raw file in another form fails its currency with the script's own message",
    "redshift-reason": "the reason of a failed load is in the status, behind the connector's awaitResult",
    "postactions": "COMMENT and SELECT run among the connector's actions, and a quoted SORTKEY is accepted",
    "copy-role": "Redshift can assume the role for COPY with the trust policy of the template",
    "admin-secret": "the secret of a managed password is named redshift!<namespace>-<user>",
    "s3a-region": "without a NAT gateway the redshift step reaches S3 through the gateway endpoint",
    "vpc-addresses": "with enhanced VPC routing the workgroup takes at most nine addresses of a subnet",
    "log-groups": "the jobs log to /aws-glue/<pipeline>/output and /error, not to Glue's default groups",
    "throttling": "errors of concurrency and throttling have the names that are retried",
    "stopped-run": "a job run that is stopped by hand is States.TaskFailed for Step Functions",
    "eventbridge-sns": "EventBridge may publish to the topic with its policy",
    "webhook-url": "an API destination takes its URL from a dynamic reference to a secret",
    "read-only": "a query in a read-only transaction works over a session of the Data API",
    "import": "deploy after destroy takes the kept buckets back, with their objects",
    "rollback-retain": "a bucket imported with Retain survives a rollback",
    "rollback-except-on-create": "a bucket imported with RetainExceptOnCreate survives a rollback",
    "quota-name": "Service Quotas calls Glue's limit 'Max concurrent job runs per account'",
    "prices": "the bill agrees with the estimate",
}
"""Each as the statement that the pipeline relies on, or would like to rely on."""


@dataclass
class Finding:
    """The verdict on a doubt, with what was observed."""

    verdict: Verdict = "not seen"
    evidence: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What a trial has seen. `steps` are the names of what was done, with their results."""

    about: dict[str, str]
    findings: dict[str, Finding] = field(default_factory=lambda: {name: Finding() for name in DOUBTS})
    steps: list[tuple[str, str]] = field(default_factory=list)
    left: list[str] | None = None
    """What is left in the account; None before that was looked for."""

    def see(self, doubt: str, holds: bool | None, evidence: object) -> None:
        """Note an observation: for the statement, against it, or neither (None). One against it is final."""
        found = self.findings[doubt]
        found.evidence.append(str(evidence)[:2000])
        if holds is not None and found.verdict != "refuted":
            found.verdict = "confirmed" if holds else "refuted"

    def adopt(self, earlier: Mapping[str, Any]) -> None:
        """Take over what an earlier trial has settled."""
        for name, finding in earlier.get("findings", {}).items():
            if name in DOUBTS and finding["verdict"] != "not seen":
                evidence = [f"earlier: {text.removeprefix('earlier: ')}" for text in finding["evidence"]]
                self.findings[name] = Finding(finding["verdict"], evidence)

    @property
    def json(self) -> str:
        findings = {
            name: {"statement": DOUBTS[name], "verdict": found.verdict, "evidence": found.evidence}
            for name, found in self.findings.items()
        }
        return json.dumps(
            {"about": self.about, "steps": self.steps, "findings": findings, "left": self.left}, indent=2
        )

    @property
    def markdown(self) -> str:
        lines = ["# A trial in a real AWS account", ""]
        lines += [f"- {key}: {value}" for key, value in self.about.items()]
        lines += ["", "## What was seen", ""]
        for verdict in ("refuted", "not seen", "confirmed"):
            for name, found in self.findings.items():
                if found.verdict == verdict:
                    lines += [f"- **{verdict}**: {DOUBTS[name]} (`{name}`)"]
                    lines += [f"  - {' '.join(text.split())}" for text in found.evidence]
        lines += ["", "## What was done", "", *(f"- {name}: {result}" for name, result in self.steps)]
        lines += ["", "## What is left in the account", ""]
        left = ["it was not looked for"] if self.left is None else self.left or ["nothing"]
        return "\n".join([*lines, *(f"- {item}" for item in left), ""])
