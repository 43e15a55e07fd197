"""What a deployed template and its artifacts say: the bundle that they deploy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cryptoetl.aws.stack.template import GLUES_OWN, LIST_ARTIFACT, MACHINE_ARTIFACT
from cryptoetl.state_machine import bundle, groups
from cryptoetl.state_machine.bundle import Bundle


def deployed_bundle(template: Mapping[str, Any], artifacts: Mapping[str, bytes]) -> Bundle | None:
    """Return the bundle of a literal template, given its artifacts by name.

    None if the machine or its list is missing.

    Missing scripts are left out, so that a comparison adds them.
    """
    if MACHINE_ARTIFACT not in artifacts:
        return None
    jobs = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::Glue::Job"]
    machine = json.loads(artifacts[MACHINE_ARTIFACT])
    listed = None
    if groups.is_grouped(machine):
        if LIST_ARTIFACT not in artifacts:
            return None
        listed, _ = groups.loads(artifacts[LIST_ARTIFACT], groups.list_key(machine))
    return Bundle(
        machine,
        tuple(
            bundle.Job(
                job["Name"],
                job["Command"]["ScriptLocation"].rpartition("/")[2],
                {k: v for k, v in job["DefaultArguments"].items() if k not in GLUES_OWN},
            )
            for job in jobs
        ),
        {name: body for name, body in artifacts.items() if name not in (MACHINE_ARTIFACT, LIST_ARTIFACT)},
        listed,
    )


def artifact_keys(template: Mapping[str, Any]) -> Mapping[str, str]:
    """Return name → key in the artifacts bucket. Raises KeyError if cryptoetl did not render the template."""
    keys: Mapping[str, str] = template["Metadata"]["cryptoetl"]["Artifacts"]
    return keys
