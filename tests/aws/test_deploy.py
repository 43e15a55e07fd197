"""deploy and destroy through the real command line, against an emulated account."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cryptoetl.state_machine import assets
from cryptoetl.state_machine.definition import tickers
from tests.aws import notifications
from tests.aws.account import BUCKET, STACK, Account, notices
from tests.aws.cloudformation import Stack
from tests.aws.glue import Run
from tests.aws.notifications import delivered
from tests.local.cli import REPOSITORY, Outcome, ended, environment, wait_for

QUESTION = re.compile(rb"\[y/N\]|to continue:")
JOBS = ["crypto-bronze2silver", "crypto-clear-buckets", "crypto-redshift-upload", "crypto-silver2gold"]


def lines(text: str, sign: str) -> list[str]:
    """The lines of a plan with this sign, without the details."""
    found = [line for line in text.splitlines() if line.startswith(f"{sign} ")]
    return [line[9:].partition("  (")[0] for line in found]


def changed(outcome: Outcome) -> dict[str, str]:
    """The changed things of a plan in JSON, with the details of each."""
    assert outcome.code == 0, outcome.err
    return {
        f"{change['what']} {change['name']}": change["detail"]
        for change in outcome.data["changes"]
        if change["action"] == "change"
    }


# --- the first deploy ---------------------------------------------------------------------------------


def test_a_first_deploy_creates_everything_and_reports_each_part(account: Account) -> None:
    outcome = account.deploy()
    assert account.status == "CREATE_COMPLETE"
    assert account.jobs() == JOBS
    assert tickers(account.machine()) == ["BTC", "XMR"]
    assert account.buckets == {"raw", "silver", "gold", "temp", "artifacts"}
    assert account.emulator.redshift.workgroups["my-etl-workgroup"]["crypto"] == {"public", "market_data"}
    assert "created job crypto-silver2gold\n" in outcome.err
    assert {"branch BTC", "branch XMR", "job crypto-silver2gold", "state machine crypto"} <= set(
        lines(outcome.out, "+")
    )
    assert "deployed to stack cryptoetl-crypto in eu-central-1, account 123456789012." in outcome.out


def test_the_deployed_jobs_run_the_scripts_of_this_version(account: Account) -> None:
    account.deploy()
    for name in JOBS:
        location = account.job(name)["Command"]["ScriptLocation"]
        script = assets.glue_scripts() / location.rpartition("/")[2]
        assert account.object(location) == script.read_bytes()


def test_the_artifacts_bucket_is_private_encrypted_versioned_and_takes_tls_only(account: Account) -> None:
    account.configure(tags={"team": "data"})
    account.deploy()
    s3, bucket = account.emulator.client("s3"), BUCKET.format("artifacts")
    blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "team", "Value": "data"}]
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_buckets_are_encrypted_with_a_key_of_ones_own_that_only_the_roles_may_use(account: Account) -> None:
    key = account.emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    account.configure(kms_key=key)
    account.deploy()
    s3 = account.emulator.client("s3")
    for kind in ("artifacts", "raw", "silver", "gold", "temp"):
        answer = s3.get_bucket_encryption(Bucket=BUCKET.format(kind))
        (rule,) = answer["ServerSideEncryptionConfiguration"]["Rules"]
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        assert (rule["ApplyServerSideEncryptionByDefault"], rule["BucketKeyEnabled"]) == (default, True)
    run = Run("run", account.job("crypto-bronze2silver"), {"--RAW": f"s3://{BUCKET.format('raw')}"})
    account.emulator.glue.check_keys(run)
    account.emulator.client("iam").delete_role_policy(RoleName="crypto-glue-eu-central-1", PolicyName="data")
    with pytest.raises(PermissionError, match="not authorized to perform: kms:Decrypt"):
        account.emulator.glue.check_keys(run)


def test_a_named_bucket_under_another_key_is_an_error(account: Account) -> None:
    kms, s3 = account.emulator.client("kms"), account.emulator.client("s3")
    own, other = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    s3.create_bucket(Bucket="my-raw", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": other}
    s3.put_bucket_encryption(
        Bucket="my-raw",
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    account.configure(buckets={"raw": "my-raw"}, kms_key=own)
    (error,) = notices(account("deploy", "--dry-run", "--json"), "error")
    assert error.startswith(f"the bucket my-raw (aws.buckets.raw) is encrypted with the key {other}")


def test_a_second_deploy_reports_no_changes_and_touches_nothing(account: Account) -> None:
    account.deploy()
    account.emulator.calls.clear()
    outcome = account.deploy()
    assert outcome.out == (
        "No changes: stack cryptoetl-crypto in eu-central-1, account 123456789012 is up to date.\n"
    )
    assert account.emulator.calls != []
    assert account.emulator.writes == []


# --- before the confirmation --------------------------------------------------------------------------


def test_a_dry_run_only_reads(account: Account) -> None:
    outcome = account("deploy", "--dry-run")
    assert outcome.code == 0
    assert "22 changes to deploy to stack cryptoetl-crypto in eu-central-1, account" in outcome.out
    assert "A run of all currencies costs about $0.11:" in outcome.out
    assert account.emulator.writes == []
    assert account.buckets == set()


def test_without_a_terminal_a_deploy_needs_yes(account: Account) -> None:
    outcome = account("deploy")
    assert outcome.code == 2
    assert "--yes does it without asking" in outcome.err
    assert account.emulator.writes == []


def test_up_shows_its_plan_and_changes_nothing_without_a_yes(account: Account) -> None:
    refused = account("up")
    assert refused.code == 2
    assert "+ add    branch BTC" in refused.out
    assert "account 123456789012 in eu-central-1 (default credentials, target aws)" in refused.err
    looked = account("up", "--dry-run")
    assert looked.code == 0
    assert "22 changes to deploy to stack cryptoetl-crypto" in looked.out
    assert "4 files to upload" in looked.out
    assert "Would run and verify 2 currencies: BTC, XMR" in looked.out
    assert account.emulator.writes == []
    assert account.buckets == set()


def on_a_terminal(
    account: Account, *arguments: str, typed: str, meanwhile: Callable[[], None] = lambda: None
) -> tuple[int, str]:
    """The exit code and the screen of a command whose user types this, after `meanwhile` if it asks."""
    import os
    import pty

    master, slave = pty.openpty()
    process = subprocess.Popen(
        account.project.command(*arguments),
        cwd=account.project.folder,
        env=environment({"TERM": "xterm", "COLUMNS": "200", "NO_COLOR": "1"}),
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    shown, answered = b"", False
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        shown += part
        if not answered and QUESTION.search(shown):
            answered = True
            meanwhile()
            os.write(master, typed.encode())
    os.close(master)
    return process.wait(60), shown.decode()


def test_a_no_leaves_everything_as_it_was(account: Account) -> None:
    code, shown = on_a_terminal(account, "deploy", typed="n\n")
    assert code == 2
    assert "account 123456789012 in eu-central-1 (default credentials, target aws)? [y/N]" in shown
    assert "Nothing was deployed." in shown
    assert account.emulator.writes == []


def test_a_yes_deploys_what_was_shown(account: Account) -> None:
    code, shown = on_a_terminal(account, "deploy", typed="y\n")
    assert code == 0
    assert "22 changes deployed" in shown
    assert account.status == "CREATE_COMPLETE"


# --- a plan is applied as it was shown, or not at all -------------------------------------------------


def deployed_stack(account: Account) -> Stack:
    stack = account.emulator.cloudformation.find(STACK)
    assert stack is not None
    return stack


@pytest.fixture
def updated_once(account: Account) -> Account:
    """A deployed pipeline whose stack has the status that the next update leaves as well."""
    account.deploy()
    deployed_stack(account).status = "UPDATE_COMPLETE"
    return account


def updated(account: Account) -> None:
    account.add("ETH")
    account.deploy()


def destroyed(account: Account) -> None:
    assert account("destroy", "--yes").code == 0


def replaced(account: Account) -> None:
    destroyed(account)
    account.deploy()


def failed(account: Account) -> None:
    account.configure(glue={"workers": 7})
    account.emulator.cloudformation.failing["RedshiftUploadJob"] = "not today"
    assert account("deploy", "--yes").code == 2


def edited(account: Account) -> None:
    """The template differs although the stack reports no update."""
    stack = deployed_stack(account)
    stack.text = stack.text.replace("G.1X", "G.2X")


STACK_CHANGES = [
    (updated, "was updated (20"),
    (destroyed, "was deleted since"),
    (replaced, "was deleted and created again since"),
    (failed, "went from UPDATE_COMPLETE to UPDATE_ROLLBACK_COMPLETE since"),
]


def then_quiet(account: Account, meanwhile: Callable[[Account], object]) -> Callable[[], None]:
    """Another user's work, after which the calls are counted anew."""

    def work() -> None:
        meanwhile(account)
        account.emulator.calls.clear()

    return work


def words(shown: str) -> str:
    """Return what a terminal shows in one line, without styles."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", shown).split())


@pytest.mark.parametrize(("meanwhile", "change"), [*STACK_CHANGES, (edited, "has another template since")])
def test_a_plan_of_a_stack_that_has_changed_since_is_refused_and_nothing_is_touched(
    updated_once: Account, meanwhile: Callable[[Account], None], change: str
) -> None:
    account = updated_once
    account.configure(glue={"workers": 5})
    code, shown = on_a_terminal(account, "deploy", typed="y\n", meanwhile=then_quiet(account, meanwhile))
    assert code == 2
    assert f"error: the stack cryptoetl-crypto {change}" in words(shown)
    assert "since the plan was made; nothing was touched" in shown
    assert "Run `cryptoetl deploy` again to see the new plan." in shown
    assert account.emulator.writes == []


def test_a_first_deploy_that_another_one_has_overtaken_is_refused(account: Account) -> None:
    meanwhile = then_quiet(account, Account.deploy)
    code, shown = on_a_terminal(account, "deploy", typed="y\n", meanwhile=meanwhile)
    assert code == 2
    created = "error: the stack cryptoetl-crypto was created (CREATE_COMPLETE) since the plan was made"
    assert created in words(shown)
    assert account.emulator.writes == []


@pytest.mark.parametrize(("meanwhile", "change"), STACK_CHANGES)
def test_a_destroy_of_a_stack_that_has_changed_since_it_was_listed_is_refused(
    updated_once: Account, meanwhile: Callable[[Account], None], change: str
) -> None:
    account = updated_once
    code, shown = on_a_terminal(
        account, "destroy", "--delete-data", typed="crypto\n", meanwhile=then_quiet(account, meanwhile)
    )
    assert code == 2
    assert f"error: the stack cryptoetl-crypto {change}" in words(shown)
    assert "since it was listed; nothing was removed" in shown
    assert account.emulator.writes == []
    assert "raw" in account.buckets


def test_a_bucket_that_was_not_listed_is_not_deleted(account: Account) -> None:
    account.deploy()
    s3, raw = account.emulator.client("s3"), BUCKET.format("raw")

    def recreated() -> None:
        s3.create_bucket(Bucket=raw, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})

    s3.delete_bucket(Bucket=raw)
    code, _ = on_a_terminal(account, "destroy", "--delete-data", typed="crypto\n", meanwhile=recreated)
    assert code == 0
    assert account.buckets == {"raw"}


def test_a_deploy_reads_the_deployed_artifacts_once(account: Account) -> None:
    account.deploy()
    account.configure(glue={"workers": 5})
    account.emulator.calls.clear()
    account.deploy()
    reads = [call for call in account.emulator.calls if call.startswith("Get /crypto-artifacts-")]
    assert len(reads) == 6  # the machine, four scripts and the module that they share


def test_up_does_not_begin_while_another_deploy_is_in_progress(account: Account) -> None:
    account.deploy()
    account.configure(glue={"workers": 5})
    gate = account.emulator.cloudformation.held["RedshiftUploadJob"] = threading.Event()
    interrupted(account, "deploy", "--yes", when="UPDATE_IN_PROGRESS")
    account.configure(glue={"workers": 6})
    account.emulator.calls.clear()
    refused = account("up", "--yes")
    assert refused.code == 2
    assert "error: another operation on the stack cryptoetl-crypto is in progress" in refused.err
    assert account.emulator.writes == []
    gate.set()


# --- changes ------------------------------------------------------------------------------------------


def test_a_changed_script_changes_its_job_and_the_version_in_others(account: Account, tmp_path: Path) -> None:
    account.deploy()
    before = account.job("crypto-silver2gold")["Command"]["ScriptLocation"]
    edition = tmp_path / "edition"
    for part in ("cryptoetl", "glue_scripts", "definitions"):
        shutil.copytree(REPOSITORY / part, edition / part)
    with (edition / "glue_scripts" / "silver2gold.py").open("a") as file:
        file.write("\n# a change\n# of two lines\n")
    plan = account("deploy", "--dry-run", "--json", PYTHONPATH=str(edition))
    details = changed(plan)
    marked = {"job crypto-bronze2silver", "job crypto-redshift-upload"}  # with the version of the scripts
    assert set(details) == {"script silver2gold.py", "job crypto-silver2gold"} | marked
    assert all(details[job].startswith("DefaultArguments.--SCRIPTS ") for job in marked)
    assert details["script silver2gold.py"] == "+3 −0 lines"
    assert details["job crypto-silver2gold"].startswith("Command.ScriptLocation s3://crypto-artifacts-123")
    outcome = account("deploy", "--yes", PYTHONPATH=str(edition))
    assert outcome.code == 0
    assert "changed job crypto-silver2gold" in outcome.err
    after = account.job("crypto-silver2gold")["Command"]["ScriptLocation"]
    assert after != before
    assert account.object(after).endswith(b"# of two lines\n")
    assert account.object(before)  # a rollback finds it


def test_an_added_currency_adds_a_branch(account: Account) -> None:
    account.deploy()
    account.add("ETH")
    plan = account("deploy", "--dry-run")
    assert lines(plan.out, "+") == ["branch ETH"]
    assert lines(plan.out, "~") == ["state machine crypto"]
    account.deploy()
    assert tickers(account.machine()) == ["BTC", "XMR", "ETH"]


def test_a_removed_currency_removes_its_branch_and_keeps_its_data(account: Account) -> None:
    account.deploy()
    raw = BUCKET.format("raw")
    account.emulator.client("s3").put_object(Bucket=raw, Key="XMR/history.csv", Body=b"prices")
    account.remove("XMR")
    outcome = account.deploy()
    assert "- remove branch XMR  (its data stays)" in outcome.out
    assert tickers(account.machine()) == ["BTC"]
    assert account.object(f"s3://{raw}/XMR/history.csv") == b"prices"


def test_a_changed_worker_type_is_shown_and_set(account: Account) -> None:
    account.deploy()
    account.configure(glue={"worker_type": "G.2X", "max_concurrent_runs": 10})
    details = changed(account("deploy", "--dry-run", "--json"))
    spark = [f"job {name}" for name in JOBS if name != "crypto-clear-buckets"]
    assert set(details) == {*spark, "job crypto-clear-buckets"}
    for name in spark:
        assert details[name] == "WorkerType G.1X → G.2X, ExecutionProperty.MaxConcurrentRuns 50 → 10"
    account.deploy()
    assert account.job("crypto-bronze2silver")["WorkerType"] == "G.2X"


def mails(account: Account, **detail: str) -> list[str]:
    """The messages for a change of an execution's status."""
    return delivered(account.emulator.client, notifications.ended(**detail))


def conditioned(account: Account) -> None:
    """Give the topic's policy a condition."""
    sns = account.emulator.client("sns")
    topic = sns.list_topics()["Topics"][0]["TopicArn"]
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    policy["Statement"][0]["Condition"] = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))


def test_schedule_and_notifications_are_added_and_removed(account: Account) -> None:
    account.configure(schedule="cron(0 6 * * ? *)", notify={"emails": ["ops@example.com"]})
    account.deploy()
    schedules = account.emulator.client("scheduler").list_schedules()["Schedules"]
    assert [schedule["Name"] for schedule in schedules] == ["crypto"]
    rules = account.emulator.client("events").list_rules()["Rules"]
    assert sorted(rule["Name"] for rule in rules) == ["crypto-ended-badly", "crypto-loaded-in-part"]
    (subscription,) = account.emulator.client("sns").list_subscriptions()["Subscriptions"]
    assert subscription["Endpoint"] == "ops@example.com"
    assert mails(account, status="FAILED")[0].startswith("crypto: execution monday ended FAILED.")
    partly = '[{"ticker":"BTC","status":"LOADED"},{"ticker":"XMR","status":"FAILED"}]'
    assert mails(account, status="SUCCEEDED", output=partly)[0].startswith(
        "crypto: execution monday loaded some"
    )
    assert mails(account, status="SUCCEEDED", output='[{"ticker":"BTC","status":"LOADED"}]') == []
    assert mails(account, status="RUNNING") == []
    conditioned(account)
    assert mails(account, status="FAILED") == []
    account.aws = {"region": "eu-central-1"}
    account.configure()
    outcome = account.deploy()
    assert "removed schedule crypto" in outcome.err
    assert account.emulator.client("events").list_rules()["Rules"] == []


def test_taking_a_bucket_with_data_out_of_the_stack_needs_its_own_option(account: Account) -> None:
    account.deploy()
    account.emulator.client("s3").create_bucket(
        Bucket="mine", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    account.configure(buckets={"raw": "mine"})
    account.emulator.calls.clear()
    refused = account("deploy", "--yes")
    assert refused.code == 2
    assert f"take resources that hold data out of the stack: bucket {BUCKET.format('raw')}" in refused.err
    assert "--allow-data-removal" in refused.err
    assert account.emulator.writes == []
    account.deploy("--allow-data-removal")
    assert "raw" in account.buckets
    assert account.job("crypto-bronze2silver")["DefaultArguments"]["--RAW"] == "s3://mine"


def test_a_change_set_that_would_do_more_to_data_than_was_shown_is_discarded(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.deploy()
    account.configure(glue={"workers": 5})
    emulated = account.emulator.cloudformation
    removal = {"Action": "Remove", "LogicalResourceId": "RawBucket", "ResourceType": "AWS::S3::Bucket"}
    changes = emulated._changes
    monkeypatch.setattr(emulated, "_changes", lambda *arguments: [*changes(*arguments), removal])
    refused = account("deploy", "--yes")
    assert refused.code == 2
    assert "take resources that hold data out of the stack: AWS::S3::Bucket RawBucket" in refused.err
    assert emulated.change_sets == {}
    assert account.job("crypto-bronze2silver")["NumberOfWorkers"] == 2


# --- failures -----------------------------------------------------------------------------------------


def test_a_resource_that_fails_is_named_after_the_rollback(account: Account) -> None:
    account.emulator.cloudformation.failing["Silver2goldJob"] = "Max jobs reached"
    outcome = account("deploy", "--yes")
    assert outcome.code == 2
    assert "failed job Silver2goldJob: Max jobs reached" in outcome.err
    assert outcome.err.endswith(
        "error: job Silver2goldJob: Max jobs reached\n"
        "What had been created was removed again, except what is for data: the next deploy takes it back.\n"
    )
    assert "deployed to" not in outcome.out
    assert account.status == "ROLLBACK_COMPLETE"
    assert account.jobs() == []
    assert account.buckets == {"raw", "silver", "gold", "artifacts"}


def test_after_a_failed_first_deploy_the_next_one_starts_from_nothing(account: Account) -> None:
    account.emulator.cloudformation.failing["Silver2goldJob"] = "Max jobs reached"
    assert account("deploy", "--yes").code == 2
    account.emulator.cloudformation.failing.clear()
    plan = account("deploy", "--dry-run")
    assert "what a failed deploy left (ROLLBACK_COMPLETE) is removed first" in plan.out
    outcome = account.deploy()
    assert f"taken back bucket {BUCKET.format('raw')}" in outcome.err
    assert account.status == "CREATE_COMPLETE"
    assert account.jobs() == JOBS


def test_what_a_failed_first_deploy_left_is_deleted_with_the_data(account: Account) -> None:
    account.emulator.cloudformation.failing["Silver2goldJob"] = "Max jobs reached"
    assert account("deploy", "--yes").code == 2
    assert account("destroy", "--delete-data", "--confirm", "crypto").code == 0
    assert (account.status, account.buckets) == ("", set())


def test_a_change_that_fails_is_undone(account: Account) -> None:
    account.deploy()
    account.configure(glue={"workers": 5})
    account.emulator.cloudformation.failing["RedshiftUploadJob"] = "not today"
    outcome = account("deploy", "--yes")
    assert outcome.code == 2
    assert "error: job RedshiftUploadJob: not today\nEverything is as it was before.\n" in outcome.err
    assert account.status == "UPDATE_ROLLBACK_COMPLETE"
    assert account.job("crypto-bronze2silver")["NumberOfWorkers"] == 2
    account.emulator.cloudformation.failing.clear()
    account.deploy()
    assert account.job("crypto-bronze2silver")["NumberOfWorkers"] == 5


def interrupted(
    account: Account, *command: str, when: str, number: signal.Signals = signal.SIGINT
) -> Outcome:
    """A command that gets a signal when the stack has this status, and reports that AWS continues."""
    process = account.project.start(*command)
    wait_for(lambda: account.status == when, when)
    process.send_signal(number)
    outcome = ended(process)
    assert outcome.code == 130
    assert "interrupted: AWS continues to change cryptoetl-crypto" in outcome.err
    return outcome


def joined(account: Account, gate: threading.Event) -> Outcome:
    """Deploy again, and let the deploy in progress continue once the new one follows it."""
    account.emulator.calls.clear()
    again = account.project.start("deploy", "--yes")
    wait_for(lambda: "DescribeStackEvents" in account.emulator.calls, "the deploy is followed")
    gate.set()
    return ended(again)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_an_interrupted_deploy_continues_and_is_joined_again(
    account: Account, number: signal.Signals
) -> None:
    gate = account.emulator.cloudformation.held["StateMachine"] = threading.Event()
    outcome = interrupted(account, "deploy", "--yes", when="CREATE_IN_PROGRESS", number=number)
    assert "Run the same command again to follow it to its end." in outcome.err

    plan = account("deploy", "--dry-run")
    assert "note: a deploy is in progress (CREATE_IN_PROGRESS)" in plan.out
    outcome = joined(account, gate)
    assert outcome.code == 0
    assert "created state machine arn:aws:states:eu-central-1:123456789012:stateMachine:crypto" in outcome.err
    assert outcome.out.startswith("No changes:")


def test_a_joined_deploy_that_fails_is_an_error(account: Account) -> None:
    account.deploy()
    account.configure(glue={"workers": 5})
    gate = account.emulator.cloudformation.held["RedshiftUploadJob"] = threading.Event()
    account.emulator.cloudformation.failing["RedshiftUploadJob"] = "not today"
    interrupted(account, "deploy", "--yes", when="UPDATE_IN_PROGRESS")
    outcome = joined(account, gate)
    assert outcome.code == 2
    assert "error: job RedshiftUploadJob: not today\nEverything is as it was before.\n" in outcome.err


def test_drift_is_reported_on_request(account: Account) -> None:
    account.deploy()
    account.emulator.cloudformation.drifted = [
        {
            "LogicalResourceId": "Silver2goldJob",
            "PhysicalResourceId": "crypto-silver2gold",
            "ResourceType": "AWS::Glue::Job",
            "StackResourceDriftStatus": "MODIFIED",
            "PropertyDifferences": [
                {
                    "PropertyPath": "/Timeout",
                    "ExpectedValue": "30",
                    "ActualValue": "60",
                    "DifferenceType": "X",
                }
            ],
        }
    ]
    assert "drift" not in account("deploy", "--dry-run").out
    outcome = account("deploy", "--dry-run", "--drift")
    assert outcome.code == 0
    assert "warning: job crypto-silver2gold was changed outside of cryptoetl: Timeout\n" in outcome.out


# --- preflight ----------------------------------------------------------------------------------------


def test_a_clean_account_has_no_notices(account: Account) -> None:
    assert account("deploy", "--dry-run", "--json").data["notices"] == []


def test_a_workgroup_a_database_and_a_connection_that_are_missing_are_errors(account: Account) -> None:
    account.configure(redshift={"workgroup": "elsewhere", "connection": "other"})
    plan = account("deploy", "--dry-run", "--json")
    assert plan.code == 1
    first, second = notices(plan, "error")
    assert first.startswith("the Redshift workgroup 'elsewhere' does not exist")
    assert second.startswith("the Glue connection 'other' does not exist")
    account.emulator.redshift.workgroups["elsewhere"] = {"dev": {"public"}}
    account.configure(redshift={"workgroup": "elsewhere"})
    plan = account("deploy", "--dry-run", "--json")
    assert notices(plan, "error") == [
        "the database 'crypto' does not exist in the workgroup (aws.redshift.database)"
    ]
    account.emulator.calls.clear()
    refused = account("deploy", "--yes")
    assert refused.code == 2
    assert "error: the database 'crypto' does not exist" in refused.err
    assert account.emulator.writes == []


def test_a_connection_to_another_database_is_an_error_and_its_secret_a_warning(account: Account) -> None:
    url = "jdbc:redshift://somewhere:5439/dev"
    account.emulator.connection("other", JDBC_CONNECTION_URL=url, SECRET_ID="redshift!x")
    account.configure(redshift={"connection": "other"})
    plan = account("deploy", "--dry-run", "--json")
    assert notices(plan, "error") == [
        f"the Glue connection 'other' points to {url}, not to the database 'crypto' (aws.redshift.database)"
    ]
    assert "set aws.redshift.secret to its ARN" in notices(plan, "warning")[0]


def test_a_schema_that_may_not_be_created_stops_the_deploy_before_the_stack(account: Account) -> None:
    account.emulator.denied["ExecuteStatement"] = ("AccessDeniedException", "no")
    outcome = account("deploy", "--yes")
    assert outcome.code == 2
    assert outcome.err.startswith(
        "error: Redshift: not allowed to do redshift-data:ExecuteStatement on my-etl-workgroup\n"
    )
    assert (account.status, account.buckets) == ("", set())
    account.emulator.denied.clear()
    account.deploy()
    assert "market_data" in account.emulator.redshift.workgroups["my-etl-workgroup"]["crypto"]


def test_names_that_exist_already_are_errors(account: Account) -> None:
    client = account.emulator.client
    client("glue").create_job(Name="crypto-silver2gold", Role="r", Command={"Name": "glueetl"})
    client("iam").create_role(RoleName="crypto-glue-eu-central-1", AssumeRolePolicyDocument="{}")
    client("logs").create_log_group(logGroupName="/aws-glue/crypto/error")
    client("scheduler").create_schedule(
        Name="crypto",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:states:::x", "RoleArn": "arn:aws:iam::123456789012:role/x"},
    )
    client("sns").create_topic(Name="crypto-executions")
    client("events").put_rule(Name="crypto-ended-badly", ScheduleExpression="rate(1 day)")
    client("s3").create_bucket(
        Bucket=BUCKET.format("temp"), CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    account.configure(schedule="cron(0 6 * * ? *)", notify={"emails": ["ops@example.com"]})
    plan = account("deploy", "--dry-run", "--json")
    assert plan.code == 1
    assert [message.partition(" exists")[0] for message in notices(plan, "error")] == [
        f"the bucket {BUCKET.format('temp')}",
        "a role named crypto-glue-eu-central-1",
        "a log group named /aws-glue/crypto/error",
        "a job named crypto-silver2gold",
        "a schedule named crypto",
        "a topic named crypto-executions",
        "a rule named crypto-ended-badly",
    ]


def test_buckets_and_roles_that_the_configuration_names_must_exist(account: Account) -> None:
    account.configure(buckets={"gold": "my-gold"}, glue={"role": "MyETLGlue"}, machine={"role": "MyMachine"})
    plan = account("deploy", "--dry-run", "--json")
    assert notices(plan, "error") == [
        "the bucket my-gold (aws.buckets.gold) does not exist",
        "the role MyETLGlue (aws.glue.role) does not exist",
        "the role MyMachine (aws.machine.role) does not exist",
    ]


def test_existing_roles_and_buckets_are_used_and_never_removed(account: Account) -> None:
    s3, iam = account.emulator.client("s3"), account.emulator.client("iam")
    location: Any = {"LocationConstraint": "eu-central-1"}
    for name in ("my-raw", "my-silver", "my-gold", "my-temp", "my-artifacts"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration=location)
    for name in ("MyETLGlue", "MyMachine"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    names = {kind: f"my-{kind}" for kind in ("raw", "silver", "gold", "temp", "artifacts")}
    account.configure(buckets=names, glue={"role": "MyETLGlue"}, machine={"role": "MyMachine"})
    account.deploy()
    assert account.job("crypto-silver2gold")["Role"] == "arn:aws:iam::123456789012:role/MyETLGlue"
    assert account.buckets == set(names.values())
    outcome = account("destroy", "--delete-data", "--confirm", "crypto")
    assert outcome.code == 0
    assert account.buckets == set(names.values())
    assert len(iam.list_roles()["Roles"]) == 2
    assert "  stays  role MyETLGlue  (named in the configuration, not made by a deploy)" in outcome.out


def test_a_permission_that_iam_would_deny_is_a_warning(account: Account) -> None:
    account.emulator.simulated = {"glue:CreateJob", "iam:PassRole"}
    (warning,) = notices(account("deploy", "--dry-run", "--json"), "warning")
    assert "is not allowed iam:PassRole on *, glue:CreateJob on *" in warning


SSO = "AWSReservedSSO_Admin_0123456789abcdef"
SSO_PATH = "/aws-reserved/sso.amazonaws.com/eu-central-1/"


@pytest.mark.parametrize(("role", "path"), [("Deployer", "/"), ("Deployer", "/team/data/"), (SSO, SSO_PATH)])
def test_the_permissions_of_a_role_are_simulated_by_the_arn_that_iam_has(
    account: Account, role: str, path: str
) -> None:
    account.emulator.client("iam").create_role(RoleName=role, Path=path, AssumeRolePolicyDocument="{}")
    account.emulator.caller = f"arn:aws:sts::123456789012:assumed-role/{role}/ada"
    plan = account("deploy", "--dry-run", "--json")
    assert plan.code == 0
    assert notices(plan, "note") == []
    sources = {source for query in account.emulator.simulations for source in query["PolicySourceArn"]}
    assert sources == {f"arn:aws:iam::123456789012:role{path}{role}"}


@pytest.mark.parametrize(
    ("caller", "notes"),
    [
        ("iam::123456789012:root", []),
        (
            "sts::123456789012:federated-user/ada",
            [
                "your permissions were not simulated: IAM cannot, for "
                "arn:aws:sts::123456789012:federated-user/ada"
            ],
        ),
    ],
)
def test_the_permissions_of_the_root_user_and_of_federated_users_are_not_simulated(
    account: Account, caller: str, notes: list[str]
) -> None:
    account.emulator.caller = f"arn:aws:{caller}"
    plan = account("deploy", "--dry-run", "--json")
    assert plan.code == 0
    assert notices(plan, "note") == notes
    assert account.emulator.simulations == []


def test_a_role_with_a_path_must_be_written_as_its_arn(account: Account) -> None:
    iam = account.emulator.client("iam")
    arn = {
        name: iam.create_role(RoleName=name, Path="/service/", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        for name in ("MyETLGlue", "MyMachine")
    }
    account.configure(glue={"role": "MyETLGlue"}, machine={"role": arn["MyMachine"]})
    refused = account("deploy", "--yes")
    assert refused.code == 2
    assert (
        "error: the role MyETLGlue (aws.glue.role) has another ARN than "
        "arn:aws:iam::123456789012:role/MyETLGlue: write arn:aws:iam::123456789012:role/service/MyETLGlue"
    ) in refused.err
    assert account.emulator.writes == []
    account.configure(glue={"role": arn["MyETLGlue"]})
    account.deploy()
    assert account.job("crypto-silver2gold")["Role"] == arn["MyETLGlue"]


def test_each_diagnostic_of_step_functions_is_shown_with_code_and_place(account: Account) -> None:
    account.emulator.doubts = [
        {
            "severity": "WARNING",
            "code": "NO_DOLLAR",
            "message": "The field name does not end in .$",
            "location": "/States/Parallel/InputPath",
        },
        {"severity": "WARNING", "code": "OTHER", "message": "Something else"},
    ]
    assert notices(account("deploy", "--dry-run", "--json"), "warning") == [
        "the state machine at /States/Parallel/InputPath: The field name does not end in .$ (NO_DOLLAR)",
        "the state machine: Something else (OTHER)",
    ]


def test_the_simulation_has_the_context_that_the_conditions_need(account: Account) -> None:
    assert account("deploy", "--dry-run").code == 0
    (asked,) = [q for q in account.emulator.simulations if ["iam:PassRole"] in q.values()]
    assert asked["ContextEntries.member.1.ContextKeyName"] == ["iam:PassedToService"]
    assert asked["ContextEntries.member.1.ContextKeyValues.member.1"] == ["glue.amazonaws.com"]
    assert asked["ResourceArns.member.1"] == ["arn:aws:iam::123456789012:role/crypto-glue-eu-central-1"]
    for query in account.emulator.simulations:
        assert not [value for value in query.values() if "*" in value[0] and value != ["*"]]


def test_more_currencies_than_may_run_at_once_are_a_warning(account: Account) -> None:
    account.emulator.runs_quota = 1
    account.configure(glue={"max_concurrent_runs": 1})
    (warning,) = notices(account("deploy", "--dry-run", "--json"), "warning")
    assert warning.startswith("2 currencies or groups share jobs that run 1 at once")
    account.configure(glue={"max_concurrent_runs": 50, "queuing": False})
    (warning,) = notices(account("deploy", "--dry-run", "--json"), "warning")
    assert warning.startswith(
        "this account may run 1 such Glue jobs at once: the others are rejected and retried"
    )
    account.configure(glue={"max_concurrent_runs": 50})
    (warning,) = notices(account("deploy", "--dry-run", "--json"), "warning")
    assert warning.startswith(
        "this account may run 1 such Glue jobs at once: the others wait in Glue's queue"
    )


def test_what_the_caller_may_not_read_is_a_note_and_no_obstacle(account: Account) -> None:
    for operation in ("GetConnection", "ListServiceQuotas", "ValidateStateMachineDefinition"):
        account.emulator.denied[operation] = ("AccessDeniedException", "no")
    account.emulator.denied["SimulatePrincipalPolicy"] = ("AccessDenied", "no")
    plan = account("deploy", "--dry-run", "--json")
    assert plan.code == 0
    assert [note.partition(":")[0] for note in notices(plan, "note")] == [
        "not verified",
        "the definition was not validated",
        "your permissions were not simulated",
    ]


# --- destroy ------------------------------------------------------------------------------------------


def filled(account: Account) -> None:
    """A deployed pipeline with data: also old versions, a deletion, and more keys than one request takes."""
    account.deploy()
    s3 = account.emulator.client("s3")
    for kind in ("raw", "silver", "gold", "temp"):
        s3.put_object(Bucket=BUCKET.format(kind), Key="BTC/part", Body=b"1")
    s3.put_object(Bucket=BUCKET.format("raw"), Key="BTC/part", Body=b"2")
    s3.delete_object(Bucket=BUCKET.format("raw"), Key="BTC/part")
    for number in range(1005):
        s3.put_object(Bucket=BUCKET.format("temp"), Key=f"part-{number}", Body=b"")


def test_destroy_removes_all_but_the_data_and_lists_what_stays(account: Account) -> None:
    filled(account)
    outcome = account("destroy", "--yes")
    assert outcome.code == 0
    assert account.status == ""
    assert account.buckets == {"raw", "silver", "gold"}
    assert account.jobs() == []
    assert account.emulator.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert account.emulator.client("iam").list_roles()["Roles"] == []
    assert account.emulator.client("logs").describe_log_groups()["logGroups"] == []
    for kind in ("raw", "silver", "gold"):
        assert (
            f"  stays  bucket {BUCKET.format(kind)}  (with all {kind} data, in every version)" in outcome.out
        )
    assert "  stays  schema crypto.market_data  (with its tables, in the workgroup my-etl-workgroup)" in (
        outcome.out
    )


def test_destroy_with_data_leaves_nothing(account: Account) -> None:
    filled(account)
    outcome = account("destroy", "--delete-data", "--confirm", "crypto")
    assert outcome.code == 0
    assert account.buckets == set()
    again = account("destroy", "--delete-data", "--confirm", "crypto")
    assert again.code == 0
    assert again.out.startswith("Nothing is deployed in stack cryptoetl-crypto")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["destroy"], "--yes removes it"),
        (["destroy", "--delete-data", "--yes"], "--confirm crypto"),
        (["destroy", "--delete-data", "--confirm", "other"], "--confirm crypto"),
    ],
)
def test_destroy_does_nothing_without_the_right_option(
    account: Account, arguments: list[str], hint: str
) -> None:
    account.deploy()
    account.emulator.calls.clear()
    outcome = account(*arguments)
    assert outcome.code == 2
    assert hint in outcome.err
    assert account.emulator.writes == []


def test_data_is_deleted_only_if_the_pipelines_name_is_typed(account: Account) -> None:
    account.deploy()
    code, shown = on_a_terminal(account, "destroy", "--delete-data", typed="yes\n")
    assert code == 2
    assert "Type crypto to continue:" in shown
    assert "Nothing was removed." in shown
    assert "raw" in account.buckets
    code, _ = on_a_terminal(account, "destroy", "--delete-data", typed="crypto\n")
    assert code == 0
    assert account.buckets == set()


def test_a_deploy_after_a_destroy_takes_the_data_back(account: Account) -> None:
    account.deploy()
    s3, silver = account.emulator.client("s3"), BUCKET.format("silver")
    s3.put_object(Bucket=silver, Key="BTC/part", Body=b"1")
    assert account("destroy", "--yes").code == 0
    policy = s3.get_bucket_policy(Bucket=silver)["Policy"]
    plan = account("deploy", "--dry-run", "--json")
    note = f"the bucket {silver} exists, and is imported with its contents and settings"
    assert note in notices(plan, "note")

    # The change set is rejected because of something that the checks before it did not find.
    group = "/aws-glue/crypto/error"
    account.emulator.client("logs").create_log_group(logGroupName=group)
    account.emulator.denied["DescribeLogGroups"] = ("AccessDeniedException", "no")
    refused = account("deploy", "--yes")
    assert refused.code == 2
    assert (
        "error: CloudFormation rejects the change set: CloudFormation is attempting to import" in refused.err
    )
    assert f"The affected resources are GlueErrorLogs ({{LogGroupName={group}}})" in refused.err
    assert (account.status, s3.get_bucket_policy(Bucket=silver)["Policy"]) == ("", policy)
    account.emulator.client("logs").delete_log_group(logGroupName=group)
    account.emulator.cloudformation.failing["Silver2goldJob"] = "Max jobs reached"
    assert account("deploy", "--yes").code == 2
    assert (account.status, account.object(f"s3://{silver}/BTC/part")) == ("ROLLBACK_COMPLETE", b"1")
    account.emulator.cloudformation.failing.clear()

    account.emulator.calls.clear()
    outcome = account.deploy()
    assert f"taken back bucket {silver}" in outcome.err
    assert f"taken back bucket policy {silver}" in outcome.err
    assert account.object(f"s3://{silver}/BTC/part") == b"1"
    assert s3.get_bucket_policy(Bucket=silver)["Policy"] == policy
    assert [call for call in account.emulator.writes if f"/{silver}" in call] == []


def test_a_stack_that_was_only_announced_is_used_by_a_deploy_and_removed_by_a_destroy(
    account: Account,
) -> None:
    client = account.emulator.client("cloudformation")

    def announce() -> None:
        client.create_change_set(
            StackName="cryptoetl-crypto",
            ChangeSetName="left",
            ChangeSetType="CREATE",
            Capabilities=["CAPABILITY_NAMED_IAM"],
            TemplateBody=json.dumps({"Resources": {}}),
        )

    announce()
    assert account("deploy", "--dry-run").code == 0
    account.deploy()
    assert account.status == "CREATE_COMPLETE"
    assert account("destroy", "--yes").code == 0
    announce()
    outcome = account("destroy", "--yes")
    assert "- remove stack cryptoetl-crypto  (announced, but never created)" in outcome.out
    wait_for(lambda: account.status == "", "the end of the stack")


def left_halfway(account: Account) -> threading.Event:
    """A stack whose deletion continues in AWS, unwatched, when the event is set."""
    account.deploy()
    account.emulator.client("s3").put_object(Bucket=BUCKET.format("temp"), Key="part", Body=b"1")
    gate = account.emulator.cloudformation.held["StateMachine"] = threading.Event()
    interrupted(account, "destroy", "--yes", when="DELETE_IN_PROGRESS")
    return gate


@pytest.mark.parametrize(
    "moment",
    ["ListStackResources", "Get /crypto-temp-", "DescribeStackEvents"],
    ids=["planning", "emptying a bucket", "following"],
)
def test_an_interrupted_destroy_is_finished_by_the_next_wherever_it_ends(
    account: Account, moment: str
) -> None:
    gate = left_halfway(account)

    def end(operation: str) -> None:
        if operation.startswith(moment) and not gate.is_set():
            gate.set()
            wait_for(lambda: account.status == "", "the end of the stack")

    account.emulator.fault = end
    outcome = account("destroy", "--yes")
    assert outcome.code == 0, outcome.err
    assert gate.is_set()
    assert account.status == ""
    assert account.buckets == {"raw", "silver", "gold"}


def test_a_stack_that_is_being_deleted_does_not_count_as_deployed(account: Account) -> None:
    gate = left_halfway(account)
    outcome = account("run")
    assert outcome.code == 2
    assert outcome.err == (
        "error: the stack cryptoetl-crypto is being deleted\n"
        "`cryptoetl deploy` waits for that, and creates it again.\n"
    )
    plan = account("deploy", "--dry-run")
    assert {"job crypto-silver2gold", "state machine crypto"} <= set(lines(plan.out, "+"))
    assert "note: the stack is being deleted: `cryptoetl deploy` waits for that first" in plan.out
    assert "error:" not in plan.out
    outcome = joined(account, gate)
    assert outcome.code == 0, outcome.err
    assert account.status == "CREATE_COMPLETE"
    assert account.buckets == {"raw", "silver", "gold", "temp", "artifacts"}


# --- a Redshift of its own ----------------------------------------------------------------------------


def subnet(account: Account, vpc: str, number: int, zone: str, size: int = 25) -> str:
    """Create a subnet with 2**(32 - size) addresses, of which AWS takes five; return its id."""
    made = account.emulator.client("ec2").create_subnet(
        VpcId=vpc, CidrBlock=f"10.0.{number}.0/{size}", AvailabilityZone=f"eu-central-1{zone}"
    )
    found: str = made["Subnet"]["SubnetId"]
    return found


@pytest.fixture
def own_redshift(account: Account) -> Account:
    """The configuration creates a workgroup, in a VPC that is there."""
    ec2 = account.emulator.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    place = {
        "vpc": vpc,
        "subnets": [subnet(account, vpc, number, zone) for number, zone in enumerate("abc", 1)],
        "availability_zone": "eu-central-1a",
        "route_tables": [tables[0]["RouteTableId"]],
    }
    account.configure(redshift={"create": True, "workgroup": "own", "connection": "own-connection", **place})
    return account


def test_a_redshift_of_its_own_has_all_that_glue_needs_to_reach_it(own_redshift: Account) -> None:
    account = own_redshift
    outcome = account.deploy()
    assert "created workgroup own\n" in outcome.err
    assert account.emulator.namespaces == {"crypto": "crypto"}
    assert account.emulator.redshift.workgroups["own"] == {"crypto": {"public", "market_data"}}
    (statement,) = account.emulator.redshift.statements
    assert statement["SecretArn"].endswith("secret:redshift!crypto-etladmin-AbCdEf")
    glue, ec2 = account.emulator.client("glue"), account.emulator.client("ec2")
    connection = glue.get_connection(Name="own-connection")["Connection"]
    url = "jdbc:redshift://own.123456789012.eu-central-1.example:5439/crypto"
    assert connection["ConnectionProperties"] == {
        "JDBC_CONNECTION_URL": url,
        "JDBC_ENFORCE_SSL": "true",
        "SECRET_ID": "redshift!crypto-etladmin",
    }
    (group,) = connection["PhysicalConnectionRequirements"]["SecurityGroupIdList"]
    (rule,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 0, 65535)
    assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [group]
    (endpoint,) = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    assert endpoint["ServiceName"] == "com.amazonaws.eu-central-1.s3"
    copy_role = account.job("crypto-redshift-upload")["DefaultArguments"]["--COPY_ROLE"]
    assert copy_role == "arn:aws:iam::123456789012:role/crypto-copy-eu-central-1"
    assert account.deploy().out.startswith("No changes:")
    assert len(account.emulator.redshift.statements) == 1


def test_subnets_in_which_redshift_would_fail_are_refused_before_anything_is_created(
    own_redshift: Account,
) -> None:
    account = own_redshift
    settings = account.aws["redshift"]
    vpc = settings["vpc"]
    small = subnet(account, vpc, 4, "b", size=28)  # 11 free addresses
    twice = subnet(account, vpc, 5, "a")
    bad = {"subnets": [settings["subnets"][1], twice, small], "capacity": 16}
    account.configure(redshift=settings | bad)
    refused = account("deploy", "--yes")
    assert refused.code == 2
    for message in (
        "error: the subnets are in eu-central-1a, eu-central-1b: Redshift requires 3 subnets in 3",
        f"the first subnet {settings['subnets'][1]} is in eu-central-1b, and",
        f"the subnet {small} has 11 free addresses, and Redshift needs 13 in each subnet",
    ):
        assert message in refused.err
    assert account.emulator.writes == []
    account.emulator.denied["DescribeSubnets"] = ("UnauthorizedOperation", "no")
    plan = account("deploy", "--dry-run", "--json")
    assert [note for note in notices(plan, "note") if note.startswith("the subnets were not verified")]
    account.emulator.denied.clear()
    account.configure(redshift=settings)
    account.deploy()
    account.configure(redshift=settings | {"capacity": 1024})
    (error, *others) = notices(account("deploy", "--dry-run", "--json"), "error")
    assert "has 123 free addresses, and Redshift needs 197 in each subnet" in error
    assert len(others) == 2


def test_redshift_itself_refuses_such_subnets(own_redshift: Account) -> None:
    # Minutes after the deploy began, and so does the emulated account.
    account = own_redshift
    account.aws["redshift"]["subnets"][2] = subnet(account, account.aws["redshift"]["vpc"], 6, "a")
    account.configure()
    account.emulator.denied["DescribeSubnets"] = ("UnauthorizedOperation", "no")
    failed = account("deploy", "--yes")
    assert failed.code == 2
    assert "There must be at least three subnets in three Availability Zones." in failed.err


def test_a_namespace_holds_data_and_survives_a_destroy(own_redshift: Account) -> None:
    account = own_redshift
    account.deploy()
    outcome = account("destroy", "--yes")
    assert outcome.code == 0
    assert "  stays  namespace crypto  (with its database and all tables)" in outcome.out
    assert account.emulator.namespaces == {"crypto": "crypto"}
    assert "own" not in account.emulator.redshift.workgroups
    assert "taken back namespace crypto" in account.deploy().err
    assert account("destroy", "--delete-data", "--confirm", "crypto").code == 0
    assert account.emulator.namespaces == {}


# --- large --------------------------------------------------------------------------------------------


def with_currencies(account: Account, count: int) -> None:
    """A project with `count` currencies, all with the files of the first."""
    history, trend = account.project.folder / "BTC.csv", account.project.folder / "BTC_trend.csv"
    account.project.add_alike([f"COIN{number}" for number in range(count - 2)], history, trend)
    account.configure(glue={"max_concurrent_runs": count})


def test_a_pipeline_of_250_currencies_deploys(account: Account) -> None:
    with_currencies(account, 250)
    account.deploy()
    assert len(tickers(account.machine())) == 250


def test_more_currencies_than_a_machine_holds_run_in_groups(account: Account) -> None:
    with_currencies(account, 320)
    plan = account("deploy", "--dry-run")
    assert plan.code == 0
    found = " ".join(plan.out.split())
    assert "320 currencies run in 13 groups of 25 (they do not fit into a branch each): as branches" in found
    assert account.emulator.writes == []


# --- without deploy -----------------------------------------------------------------------------------


def test_the_rendered_stack_deploys_with_cloudformation_alone(account: Account) -> None:
    rendered = account("render", "stack", "--artifacts", "build")
    s3, stacks = account.emulator.client("s3"), account.emulator.client("cloudformation")
    bucket, build = BUCKET.format("artifacts"), account.project.folder / "build"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    for path in build.rglob("*"):
        if path.is_file():
            s3.put_object(Bucket=bucket, Key=path.relative_to(build).as_posix(), Body=path.read_bytes())
    made = stacks.create_change_set(
        StackName="cryptoetl-crypto",
        ChangeSetName="by-hand",
        ChangeSetType="CREATE",
        Capabilities=["CAPABILITY_NAMED_IAM"],
        TemplateBody=rendered.out,
    )
    stacks.execute_change_set(ChangeSetName=made["Id"])
    wait_for(lambda: account.status == "CREATE_COMPLETE", "the stack")
    assert account.jobs() == JOBS
    assert tickers(account.machine()) == ["BTC", "XMR"]
    assert account.deploy().out.startswith("No changes:")
