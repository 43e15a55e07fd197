"""The course of a trial: deploy, run, provoke faults, destroy and deploy again, and remove everything."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import BotoCoreError, ClientError

from tests.real_aws.account import Account
from tests.real_aws.doubts import Report

REPOSITORY = Path(__file__).parents[2]
DATA = REPOSITORY / "examples" / "data"
RUNS = 4
"""Executions that a trial pays for, at most; one of them is stopped."""
REDSHIFT_MINUTES = 10
"""Minutes of the workgroup's work beside the loads, with each statement billed for one."""
RETRIED = {
    "Glue.AWSGlueException",
    "Glue.ConcurrentRunsExceededException",
    "Glue.ResourceNumberLimitExceededException",
    "Glue.InternalServiceException",
    "Glue.OperationTimeoutException",
    "Glue.ThrottlingException",
}
Cli = Callable[[Sequence[str], Path], tuple[int, str, str]]
"""Runs cryptoetl with arguments in a folder: exit code, output, error output."""


class Failed(Exception):
    """A step without which the trial cannot go on."""


def command_line(arguments: Sequence[str], folder: Path) -> tuple[int, str, str]:
    """Run cryptoetl in a process of its own, whose messages are shown."""
    command = [sys.executable, "-m", "cryptoetl", *arguments]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout, ""


def configuration(pipeline: str, region: str, redshift: Mapping[str, Any]) -> dict[str, Any]:
    """Return the example's configuration for a trial.

    One run at a time without Glue's queue provokes the errors that are retried; the topic without subscribers
    shows whether EventBridge may publish.
    """
    made = {"workgroup": pipeline, "connection": f"{pipeline}-connection", "capacity": 4}
    if redshift.get("create"):
        redshift = made | dict(redshift)
    schema = {"schema": f"{pipeline.replace('-', '_')}_trial"}
    return {
        "pipeline": pipeline,
        "target": "aws",
        "max_age_days": None,
        "aws": {
            "region": region,
            "redshift": schema | dict(redshift),
            "glue": {"max_concurrent_runs": 1, "queuing": False, "timeout_minutes": 15},
            "notify": {},
            "log_retention_days": 1,
        },
        "currencies": [
            {
                "ticker": "BTC",
                "history": str(DATA / "BTC_EUR Historical Data.csv"),
                "trend": str(DATA / "google_trend_bitcoin.csv"),
                "drop": False,
            },
            {
                "ticker": "XMR",
                "history": str(DATA / "Monero Historical Data.csv"),
                "trend": str(DATA / "monero multiTimeline.csv"),
                "drop": True,
                "date_format": "MMM dd, yyyy",
            },
        ],
    }


class Trial:
    """A trial in one account, with its files in a folder. `say` shows progress."""

    def __init__(
        self,
        account: Account,
        config: Mapping[str, Any],
        folder: Path,
        report: Report,
        *,
        cli: Cli = command_line,
        say: Callable[[str], None] = print,
    ) -> None:
        self.account = account
        self.config = config
        self.webhook = f"{config['pipeline']}-webhook"
        self.redshift: Mapping[str, Any] = config["aws"]["redshift"]
        self.folder = folder
        self.report = report
        self.cli = cli
        self.say = say
        self.groups_before = account.log_groups()
        self.began = datetime.now(UTC)
        self._write(config)

    # --- what costs nothing

    def cents(self) -> int:
        """Return what the trial costs at most, from the plan's estimate of a run. Raises Failed."""
        plan: dict[str, Any] = self.run("deploy", "--dry-run")
        for notice in plan["notices"]:
            self.say(f"  {notice['severity']}: {notice['message']}")
        redshift = self.redshift.get("capacity", 8) * 0.375 / 60 * REDSHIFT_MINUTES
        dollars: float = RUNS * plan["cost"]["total_usd"] + redshift
        return round(100 * dollars) + 1

    def save(self) -> None:
        """Write the report as it is now."""
        (self.folder / "report.json").write_text(self.report.json + "\n", encoding="utf-8")
        (self.folder / "report.md").write_text(self.report.markdown, encoding="utf-8")

    # --- the course

    def all(self) -> None:
        """Carry out everything but the cleaning. Raises Failed if deploy or the first run fails."""
        with self.step("deploy", needed=True):
            self.addresses = self._addresses()
            self.run("deploy", "--yes")
            self._observe_the_deploy()
        with self.step("upload, run, verify", needed=True):
            self.run("upload")
            self._observe_a_load(self.run("run", codes=(0, 1)))
        with self.step("query"):
            rows = self.run("query", f"SELECT count(*) AS days FROM {self.redshift['schema']}.btc")["rows"]
            self.report.see("read-only", rows[0]["days"] > 0, f"query returned {rows}")
        with self.step("a broken file and a table of another form"):
            self._provoke_failures()
        with self.step("a job run stopped by hand"):
            self._stop_a_run()
        with self.step("destroy, and deploy again"):
            self._import()
        with self.step("an import that is rolled back"):
            for policy, there in self.account.import_and_fail().items():
                name = "rollback-retain" if policy == "Retain" else "rollback-except-on-create"
                self.report.see(
                    name, there, f"after the rollback the bucket {'exists' if there else 'is gone'}"
                )
        with self.step("a webhook"):
            self._deploy_a_webhook()
        with self.step("what AWS has counted"):
            self._count()

    def clean_up(self) -> list[str]:
        """Remove everything and return what is left. May be called at any time, and again."""
        name = self.config["pipeline"]
        if self.account.stack(f"cryptoetl-{name}") and not self.redshift.get("create"):
            with self.step("drop the schema"):
                self.account.statement(
                    self._place(), f'DROP SCHEMA IF EXISTS "{self.redshift["schema"]}" CASCADE'
                )
        with self.step("stop, destroy"):
            self.cli(self._arguments("stop"), self.folder)  # fails if nothing is deployed
            for _ in range(60):
                code, out, _ = self.cli(
                    self._arguments("destroy", "--yes", "--delete-data", "--confirm", name), self.folder
                )
                if code == 0:
                    break
                if "in progress" not in out:
                    raise Failed(out)
                self.account.sleep(15)  # a deploy that was interrupted is still in progress
            else:
                raise Failed(out)
        with self.step("remove the experiment and the log groups"):
            self.account.forget_the_experiment()
            self.account.forget_the_secret(self.webhook)
            for group in self.account.log_groups() - self.groups_before:
                self.account.client("logs").delete_log_group(logGroupName=group)
        self.report.left = list(self.account.left(self.groups_before))
        self.save()
        return self.report.left

    @contextmanager
    def step(self, name: str, *, needed: bool = False) -> Iterator[None]:
        """Note a step's result and save the report. A failure ends the trial only if the step is needed."""
        self.say(f"{datetime.now(UTC):%H:%M:%S} {name}")
        result = "interrupted"
        try:
            yield
            result = "done"
        except (Failed, ClientError, BotoCoreError, RuntimeError, LookupError) as error:
            result = f"failed: {type(error).__name__}: {str(error)[:1500]}"
            self.say(f"  {result}")
            if needed:
                raise Failed(f"{name}: {error}") from error
        finally:
            self.report.steps.append((name, result))
            self.save()

    def run(self, *arguments: str, codes: Sequence[int] = (0,)) -> Any:
        """Run cryptoetl and return its last JSON object. Raises Failed for any other exit code."""
        code, out, err = self.cli(self._arguments(*arguments), self.folder)
        with (self.folder / "output.log").open("a", encoding="utf-8") as log:
            log.write(f"$ cryptoetl {' '.join(arguments)}  # exit code {code}\n{out}{err}\n")
        if code not in codes:
            raise Failed(f"cryptoetl {arguments[0]} ended with {code}: {out[-1500:]}{err[-500:]}")
        try:
            return json.loads(out)
        except ValueError:
            return json.loads(out.splitlines()[-1])

    def _write(self, config: Mapping[str, Any]) -> None:
        text = yaml.safe_dump(config, sort_keys=False)
        (self.folder / "config.yaml").write_text(text, encoding="utf-8")

    def _arguments(self, *arguments: str) -> list[str]:
        return [*arguments, "-c", str(self.folder / "config.yaml"), "--json"]

    def _place(self) -> dict[str, str]:
        """Return where statements run, as the user who owns the schema."""
        place = {
            "WorkgroupName": self.redshift["workgroup"],
            "Database": self.redshift.get("database", "crypto"),
        }
        secret = self.redshift.get("secret")
        if self.redshift.get("create"):
            client = self.account.client("redshift-serverless")
            namespace = client.get_namespace(namespaceName=self.config["pipeline"])["namespace"]
            secret = namespace.get("adminPasswordSecretArn")
        return place | ({"SecretArn": secret} if secret else {})

    # --- observations

    def _addresses(self) -> dict[str, int]:
        return self.account.subnets(self.redshift["subnets"]) if self.redshift.get("create") else {}

    def _observe_the_deploy(self) -> None:
        see, name = self.report.see, self.config["pipeline"]
        if self.redshift.get("create"):
            arn = str(self._place().get("SecretArn"))
            see("admin-secret", f":redshift!{name}-etladmin-" in arn, arn)
            after = self._addresses()
            taken = {subnet: free - after[subnet] for subnet, free in self.addresses.items()}
            see(
                "vpc-addresses",
                max(taken.values()) <= 9,
                f"addresses taken at {self.redshift['capacity']} RPU: {taken}",
            )
        quotas = self.account.pages("service-quotas", "list_service_quotas", "Quotas", ServiceCode="glue")
        runs = [f"{q['QuotaName']}: {q['Value']:g}" for q in quotas if "concurrent" in q["QuotaName"].lower()]
        see("quota-name", any(r.startswith("Max concurrent job runs per account:") for r in runs), runs)

    def _observe_a_load(self, ran: Mapping[str, Any]) -> None:
        execution, see = ran["execution"], self.report.see
        states = {currency["ticker"]: currency["status"] for currency in execution["currencies"]}
        loaded = list(states.values()) == ["LOADED", "LOADED"]
        events = self._errors(execution["name"])
        denied = [text for _, text in events if "AccessDenied" in text or "not authorized" in text]
        see("machine-trust", bool(states), f"{execution['name']} ran: {states}")
        see("job-arns", False if denied else loaded or None, denied or states)
        if not loaded:
            raise Failed(f"{states}: {json.dumps(execution)[:1000]}")
        see("spark-functions", None, f"both currencies passed the silver step: {states}")
        see("postactions", True, "both loads have been committed with all actions")
        for row in self._rows(
            'SELECT "table", sortkey1, diststyle, tbl_rows FROM svv_table_info '
            f"WHERE \"schema\" = '{self.redshift['schema']}'"
        ):
            see("postactions", None, row)
        if self.redshift.get("create") or self.redshift.get("copy_role"):
            see("copy-role", True, "both loads staged through the temp bucket")
        subnet = self._subnet_of_the_connection()
        if self.account.has_nat(subnet):
            see("s3a-region", None, f"{subnet} has a route to a NAT gateway: this was not tried")
        else:
            see("s3a-region", True, f"{subnet} has no route to a NAT gateway, and the step has loaded")
        verified = self.run("verify", codes=(0, 1))
        self.report.steps.append(("verify", verified["status"]))
        self._observe_the_logs()

    def _observe_the_logs(self) -> None:
        logs, prefix = self.account.client("logs"), f"/aws-glue/{self.config['pipeline']}"
        counts = {}
        for group in (f"{prefix}/output", f"{prefix}/error", "/aws-glue/jobs/output", "/aws-glue/jobs/error"):
            try:
                streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
            except ClientError:
                streams = []
            since = self.began.timestamp() * 1000
            counts[group] = sum(stream.get("creationTime", 0) >= since - 1000 for stream in streams)
        own = counts[f"{prefix}/output"] > 0
        elsewhere = counts["/aws-glue/jobs/output"] + counts["/aws-glue/jobs/error"]
        self.report.see("log-groups", own and not elsewhere, f"new streams: {counts}")

    def _errors(self, execution: str) -> list[tuple[str, str]]:
        """Return error and cause of every event of an execution that has them; notes errors of Glue."""
        found = []
        for event in self.account.history(execution):
            details = [
                value for key, value in event.items() if key.endswith("EventDetails") and "error" in value
            ]
            found += [(str(d["error"]), str(d.get("cause", ""))) for d in details]
        names = {(name, cause[:200]) for name, cause in found if name.startswith("Glue.")}
        for name, cause in sorted(names):
            self.report.see("throttling", name in RETRIED, f"{name}: {cause}")
        return found

    def _rows(self, sql: str) -> list[list[Any]]:
        try:
            return self.account.statement(self._place(), sql)
        except (ClientError, RuntimeError) as error:
            return [[f"not readable: {error}"]]

    def _subnet_of_the_connection(self) -> str:
        name = self.redshift.get("connection", "crypto-connection")
        found = self.account.client("glue").get_connection(Name=name, HidePassword=True)["Connection"]
        subnet: str = found["PhysicalConnectionRequirements"]["SubnetId"]
        return subnet

    def _provoke_failures(self) -> None:
        """Run BTC into a table of another form, and XMR with a file that is not UTF-8."""
        schema, place = self.redshift["schema"], self._place()
        self.account.statement(place, f'DROP TABLE "{schema}"."btc" CASCADE')
        self.account.statement(place, f'CREATE TABLE "{schema}"."btc" (wrong INTEGER)')
        bucket = f"{self.config['pipeline']}-raw-{self.account.number}-{self.account.region}"
        self.account.client("s3").put_object(
            Bucket=bucket, Key="XMR/history.csv", Body=b"Date,Price\n2024-01-01,1\n2024-01-02,\xff\xfe\n"
        )
        execution = self.run("run", codes=(0, 1))["execution"]
        self._errors(execution["name"])
        errors = {currency["ticker"]: str(currency["reason"]) for currency in execution["currencies"]}
        self.report.see("redshift-reason", "does not" in errors["BTC"], errors["BTC"])
        own = "cryptoetl upload" in errors["XMR"]
        self.report.see("bad-file-message", own, errors["XMR"])
        self.report.see("spark-functions", True if own else None, errors["XMR"])
        self.account.statement(place, f'DROP TABLE "{schema}"."btc"')
        self.run("upload")

    def _stop_a_run(self) -> None:
        name = self.run("run", "--detach", "--tickers", "BTC")["execution"]["name"]
        stopped = self.account.stop_a_run(f"{self.config['pipeline']}-bronze2silver")
        self.run("status", name, "--watch", codes=(0, 1))
        self._errors(name)
        for event in self.account.history(name):
            if event["type"] not in ("TaskSucceeded", "TaskFailed", "TaskTimedOut"):
                continue
            details = next(value for key, value in event.items() if key.endswith("EventDetails"))
            if stopped and stopped in str(details):
                error = details.get("error")
                shown = str(details.get("cause", details.get("output")))[:300]
                self.report.see(
                    "stopped-run", error == "States.TaskFailed", f"{event['type']} {error}: {shown}"
                )
                return
        self.report.see("stopped-run", None, f"the history has no end of the stopped run {stopped}")

    def _import(self) -> None:
        s3, name = self.account.client("s3"), self.config["pipeline"]
        bucket = f"{name}-raw-{self.account.number}-{self.account.region}"
        before = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]}
        self.run("destroy", "--yes")
        try:
            self.run("deploy", "--yes")
        except Failed as error:
            self.report.see("import", False, error)
            raise
        after = {item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", ())}
        events = self.account.pages(
            "cloudformation", "describe_stack_events", "StackEvents", StackName=f"cryptoetl-{name}"
        )
        imported = sorted(e["LogicalResourceId"] for e in events if e["ResourceStatus"] == "IMPORT_COMPLETE")
        self.report.see("import", before == after and "RawBucket" in imported, f"imported: {imported}")

    def _deploy_a_webhook(self) -> None:
        """Deploy a webhook to which nothing is posted, because nothing runs any more."""
        url = "https://example.com/cryptoetl?sig=a%2Fb"
        self.account.client("secretsmanager").create_secret(Name=self.webhook, SecretString=url)
        aws = {**self.config["aws"], "notify": {"webhook": {"secret": self.webhook}}}
        self._write({**self.config, "aws": aws})
        try:
            self.run("deploy", "--yes")
        except Failed as error:
            self.report.see("webhook-url", False, error)
            raise
        found = self.account.client("events").describe_api_destination(Name=self.webhook)
        seen = found["InvocationEndpoint"]
        self.report.see("webhook-url", seen == url, f"{found['ApiDestinationState']}: {seen}")

    def _count(self) -> None:
        """Read metrics of the rules, seconds of Glue, and of Redshift."""
        name, sums = self.config["pipeline"], Counter[str]()
        for metric in ("Invocations", "FailedInvocations"):
            for rule in ("ended-badly", "loaded-in-part"):
                found = self.account.client("cloudwatch").get_metric_statistics(
                    Namespace="AWS/Events", MetricName=metric, Period=3600, Statistics=["Sum"],
                    Dimensions=[{"Name": "RuleName", "Value": f"{name}-{rule}"}],
                    StartTime=self.began, EndTime=datetime.now(UTC) + timedelta(hours=1),
                )  # fmt: skip
                sums[metric] += sum(point["Sum"] for point in found["Datapoints"])
        holds = None if not sums["Invocations"] else not sums["FailedInvocations"]
        self.report.see("eventbridge-sns", holds, dict(sums))
        usage = self._rows("SELECT sum(charged_seconds), max(compute_capacity) FROM sys_serverless_usage")
        self.report.see("prices", None, f"seconds charged and RPU of Redshift: {usage}")
        self.report.see(
            "prices", None,
            "tomorrow: aws ce get-cost-and-usage --granularity DAILY --metrics UnblendedCost --group-by "
            f"Type=DIMENSION,Key=SERVICE --time-period Start={self.began:%Y-%m-%d},"
            f"End={self.began + timedelta(days=2):%Y-%m-%d}",
        )  # fmt: skip
