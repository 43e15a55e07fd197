"""A user's project with an emulated account: runs commands as processes and reads the account's contents."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.aws.emulator import Emulator
from tests.local.cli import Outcome, Project

STACK = "cryptoetl-crypto"
BUCKET = "crypto-{}-123456789012-eu-central-1"


class Account:
    """`aws` is the configuration's section of that name; `configure` writes it."""

    def __init__(self, emulator: Emulator, folder: Path) -> None:
        self.emulator = emulator
        self.project = Project(folder)
        self.aws: dict[str, Any] = {"region": "eu-central-1"}
        self.top: dict[str, Any] = {}
        """More keys of the configuration's top level."""
        self.project.add_made("BTC", "XMR")
        self.configure()

    def configure(self, **settings: Any) -> None:
        """Write the configuration with these settings added to `aws`."""
        self.aws |= settings
        self.project.configure(target="aws", aws=self.aws, **self.top)

    def add(self, *tickers: str) -> None:
        self.project.add_made(*tickers)
        self.configure()

    def remove(self, ticker: str) -> None:
        self.project.remove(ticker)
        self.configure()

    def __call__(self, *arguments: str, **env: str) -> Outcome:
        return self.project.run(*arguments, biggest_file=None, **env)

    def deploy(self, *arguments: str) -> Outcome:
        """Deploy, which must succeed."""
        outcome = self("deploy", "--yes", *arguments)
        assert outcome.code == 0, outcome.err
        return outcome

    @property
    def status(self) -> str:
        stack = self.emulator.cloudformation.find(STACK, missing_ok=True)
        return stack.status if stack else ""

    @property
    def buckets(self) -> set[str]:
        """The kinds of the existing buckets."""
        names = [bucket["Name"] for bucket in self.emulator.client("s3").list_buckets()["Buckets"]]
        ours = re.compile("crypto-([a-z]+)-123456789012-eu-central-1")
        return {found[1] if (found := ours.fullmatch(name)) else name for name in names}

    def job(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.emulator.client("glue").get_job(JobName=name)["Job"]
        return found

    def jobs(self) -> list[str]:
        return sorted(job["Name"] for job in self.emulator.client("glue").get_jobs()["Jobs"])

    def machine(self) -> dict[str, Any]:
        """The definition of the deployed state machine."""
        states = self.emulator.client("stepfunctions")
        (machine,) = states.list_state_machines()["stateMachines"]
        definition: dict[str, Any] = json.loads(
            states.describe_state_machine(stateMachineArn=machine["stateMachineArn"])["definition"]
        )
        return definition

    def object(self, uri: str) -> bytes:
        """Return the object at an s3:// URI."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body: bytes = self.emulator.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body


def notices(outcome: Outcome, severity: str) -> list[str]:
    """Return the messages of a plan's notices of this severity."""
    return [item["message"] for item in outcome.data["notices"] if item["severity"] == severity]
