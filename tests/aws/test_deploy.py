"""deploy and destroy through the real command line, against an emulated account."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from cryptoetl.state_machine import assets
from cryptoetl.state_machine.definition import tickers
from tests.aws.account import BUCKET, Account
from tests.local.cli import REPOSITORY, Outcome, ended, environment, wait_for

JOBS = ["crypto-bronze2silver", "crypto-clear-buckets", "crypto-redshift-upload", "crypto-silver2gold"]


def lines(text: str, sign: str) -> list[str]:
    """What a plan says after this sign, the details left out."""
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


def test_a_first_deploy_makes_everything_and_tells_of_each_part(account: Account) -> None:
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


def test_a_second_deploy_says_that_nothing_changes_and_touches_nothing(account: Account) -> None:
    account.deploy()
    account.emulator.calls.clear()
    outcome = account.deploy()
    assert outcome.out == (
        "No changes: stack cryptoetl-crypto in eu-central-1, account 123456789012 is up to date.\n"
    )
    assert account.emulator.calls != []
    assert account.emulator.writes == []


# --- before the confirmation --------------------------------------------------------------------------


def test_a_dry_run_only_looks(account: Account) -> None:
    outcome = account("deploy", "--dry-run")
    assert outcome.code == 0
    assert "22 changes to deploy." in outcome.out
    assert "A run of all currencies costs about $0.14:" in outcome.out
    assert account.emulator.writes == []
    assert account.buckets == set()


def test_without_a_terminal_nothing_happens_unless_it_is_told_to(account: Account) -> None:
    outcome = account("deploy")
    assert outcome.code == 2
    assert "--yes applies it" in outcome.err
    assert account.emulator.writes == []


def on_a_terminal(account: Account, *arguments: str, typed: str) -> tuple[int, str]:
    """The exit code and what the screen shows of a command whose user types this."""
    import os
    import pty

    master, slave = pty.openpty()
    process = subprocess.Popen(
        account.project.command(*arguments),
        cwd=account.project.folder,
        env=environment({"TERM": "dumb", "COLUMNS": "200"}),
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    os.write(master, typed.encode())
    shown = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        shown += part
    os.close(master)
    return process.wait(60), shown.decode()


def test_a_no_leaves_everything_as_it_was(account: Account) -> None:
    code, shown = on_a_terminal(account, "deploy", typed="n\n")
    assert code == 2
    assert "22 changes to deploy." in shown
    assert "Deploy this? [y/N]" in shown
    assert "Nothing was deployed." in shown
    assert account.emulator.writes == []


def test_a_yes_deploys_what_was_shown(account: Account) -> None:
    code, shown = on_a_terminal(account, "deploy", typed="y\n")
    assert code == 0
    assert "22 changes deployed" in shown
    assert account.status == "CREATE_COMPLETE"


# --- changes ------------------------------------------------------------------------------------------


def test_a_changed_script_changes_its_job_and_no_other(account: Account, tmp_path: Path) -> None:
    account.deploy()
    before = account.job("crypto-silver2gold")["Command"]["ScriptLocation"]
    edition = tmp_path / "edition"
    for part in ("cryptoetl", "glue_scripts", "definitions"):
        shutil.copytree(REPOSITORY / part, edition / part)
    with (edition / "glue_scripts" / "silver2gold.py").open("a") as file:
        file.write("\n# a change\n# of two lines\n")
    plan = account("deploy", "--dry-run", "--json", PYTHONPATH=str(edition))
    details = changed(plan)
    assert set(details) == {"script silver2gold.py", "job crypto-silver2gold"}
    assert details["script silver2gold.py"] == "+3 −0 lines"
    assert details["job crypto-silver2gold"].startswith("Command.ScriptLocation s3://crypto-artifacts-123")
    outcome = account("deploy", "--yes", PYTHONPATH=str(edition))
    assert outcome.code == 0
    assert outcome.err.splitlines() == ["changed job crypto-silver2gold"]
    after = account.job("crypto-silver2gold")["Command"]["ScriptLocation"]
    assert after != before
    assert account.object(after).endswith(b"# of two lines\n")
    assert account.object(before)  # a rollback finds it


def test_an_added_currency_is_a_branch_more(account: Account) -> None:
    account.deploy()
    account.add("ETH")
    plan = account("deploy", "--dry-run")
    assert lines(plan.out, "+") == ["branch ETH"]
    assert lines(plan.out, "~") == ["state machine crypto"]
    account.deploy()
    assert tickers(account.machine()) == ["BTC", "XMR", "ETH"]


def test_a_removed_currency_is_a_branch_less_and_its_data_stays(account: Account) -> None:
    account.deploy()
    raw = BUCKET.format("raw")
    account.emulator.client("s3").put_object(Bucket=raw, Key="XMR/history.csv", Body=b"prices")
    account.remove("XMR")
    outcome = account.deploy()
    assert "- remove branch XMR  (its data stays)" in outcome.out
    assert tickers(account.machine()) == ["BTC"]
    assert account.object(f"s3://{raw}/XMR/history.csv") == b"prices"


def test_a_changed_worker_type_is_told_and_set(account: Account) -> None:
    account.deploy()
    account.configure(glue={"worker_type": "G.2X", "max_concurrent_runs": 10})
    details = changed(account("deploy", "--dry-run", "--json"))
    spark = [f"job {name}" for name in JOBS if name != "crypto-clear-buckets"]
    assert set(details) == {*spark, "job crypto-clear-buckets"}
    for name in spark:
        assert details[name] == "WorkerType G.1X → G.2X, ExecutionProperty.MaxConcurrentRuns 50 → 10"
    account.deploy()
    assert account.job("crypto-bronze2silver")["WorkerType"] == "G.2X"


def test_schedule_and_notifications_come_and_go(account: Account) -> None:
    account.configure(schedule="cron(0 6 * * ? *)", notify={"emails": ["ops@example.com"]})
    account.deploy()
    schedules = account.emulator.client("scheduler").list_schedules()["Schedules"]
    assert [schedule["Name"] for schedule in schedules] == ["crypto"]
    rules = account.emulator.client("events").list_rules()["Rules"]
    assert sorted(rule["Name"] for rule in rules) == ["crypto-ended-badly", "crypto-loaded-in-part"]
    (subscription,) = account.emulator.client("sns").list_subscriptions()["Subscriptions"]
    assert subscription["Endpoint"] == "ops@example.com"
    account.aws = {"region": "eu-central-1"}
    account.configure()
    outcome = account.deploy()
    assert "removed schedule crypto" in outcome.err
    assert account.emulator.client("events").list_rules()["Rules"] == []


def test_taking_a_bucket_with_data_out_of_the_stack_needs_its_own_word(account: Account) -> None:
    account.deploy()
    account.emulator.client("s3").create_bucket(
        Bucket="mine", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    account.configure(buckets={"raw": "mine"})
    account.emulator.calls.clear()
    refused = account("deploy", "--yes")
    assert refused.code == 2
    assert f"take what holds data out of the stack: bucket {BUCKET.format('raw')}" in refused.err
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
    told = emulated._changes
    monkeypatch.setattr(emulated, "_changes", lambda *arguments: [*told(*arguments), removal])
    refused = account("deploy", "--yes")
    assert refused.code == 2
    assert "take what holds data out of the stack: AWS::S3::Bucket RawBucket" in refused.err
    assert emulated.change_sets == {}
    assert account.job("crypto-bronze2silver")["NumberOfWorkers"] == 2


# --- when it goes wrong -------------------------------------------------------------------------------


def test_a_resource_that_fails_is_named_after_the_rollback(account: Account) -> None:
    account.emulator.cloudformation.failing["Silver2goldJob"] = "Glue says: Max jobs reached"
    outcome = account("deploy", "--yes")
    assert outcome.code == 2
    assert "failed job Silver2goldJob: Glue says: Max jobs reached" in outcome.err
    assert outcome.err.endswith(
        "error: job Silver2goldJob: Glue says: Max jobs reached\nWhat had been created was removed again.\n"
    )
    assert outcome.out == ""
    assert account.status == "ROLLBACK_COMPLETE"
    assert account.jobs() == []


def test_after_a_failed_first_deploy_the_next_one_begins_afresh(account: Account) -> None:
    account.emulator.cloudformation.failing["Silver2goldJob"] = "Max jobs reached"
    assert account("deploy", "--yes").code == 2
    account.emulator.cloudformation.failing.clear()
    plan = account("deploy", "--dry-run")
    assert "what is left of a failed deploy (ROLLBACK_COMPLETE) is removed first" in plan.out
    account.deploy()
    assert account.status == "CREATE_COMPLETE"
    assert account.jobs() == JOBS


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
    """A command that gets a signal when the stack has this status, and says that AWS goes on."""
    process = account.project.start(*command)
    wait_for(lambda: account.status == when, when)
    process.send_signal(number)
    outcome = ended(process)
    assert outcome.code == 130
    assert "interrupted: cryptoetl-crypto goes on changing in AWS" in outcome.err
    return outcome


def joined(account: Account, gate: threading.Event) -> Outcome:
    """Deploy again, and let the deploy that is under way go on once the new one follows it."""
    account.emulator.calls.clear()
    again = account.project.start("deploy", "--yes")
    wait_for(lambda: "DescribeStackEvents" in account.emulator.calls, "the deploy is followed")
    gate.set()
    return ended(again)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_an_interrupted_deploy_goes_on_and_is_joined_again(account: Account, number: signal.Signals) -> None:
    gate = account.emulator.cloudformation.held["StateMachine"] = threading.Event()
    outcome = interrupted(account, "deploy", "--yes", when="CREATE_IN_PROGRESS", number=number)
    assert "The same command again follows it to its end." in outcome.err

    plan = account("deploy", "--dry-run")
    assert "note: a deploy is under way (CREATE_IN_PROGRESS)" in plan.out
    outcome = joined(account, gate)
    assert outcome.code == 0
    assert "created state machine arn:aws:states:eu-central-1:123456789012:stateMachine:crypto" in outcome.err
    assert outcome.out.startswith("No changes:")


def test_a_joined_deploy_that_fails_is_told(account: Account) -> None:
    account.deploy()
    account.configure(glue={"workers": 5})
    gate = account.emulator.cloudformation.held["RedshiftUploadJob"] = threading.Event()
    account.emulator.cloudformation.failing["RedshiftUploadJob"] = "not today"
    interrupted(account, "deploy", "--yes", when="UPDATE_IN_PROGRESS")
    outcome = joined(account, gate)
    assert outcome.code == 2
    assert "error: job RedshiftUploadJob: not today\nEverything is as it was before.\n" in outcome.err


def test_drift_is_reported_when_it_is_asked_for(account: Account) -> None:
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


def notices(outcome: Outcome, severity: str) -> list[str]:
    return [item["message"] for item in outcome.data["notices"] if item["severity"] == severity]


def test_a_clean_account_has_nothing_to_remark(account: Account) -> None:
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
        f"the Glue connection 'other' leads to {url}, not to the database 'crypto' (aws.redshift.database)"
    ]
    assert "set aws.redshift.secret to its ARN" in notices(plan, "warning")[0]


def test_a_schema_that_may_not_be_created_stops_the_deploy_before_the_stack(account: Account) -> None:
    account.emulator.denied["ExecuteStatement"] = ("AccessDeniedException", "no")
    outcome = account("deploy", "--yes")
    assert outcome.code == 2
    assert outcome.err.startswith(
        "error: schema market_data: not allowed to do redshift-data:ExecuteStatement on my-etl-workgroup\n"
    )
    assert (account.status, account.buckets) == ("", set())
    account.emulator.denied.clear()
    account.deploy()
    assert "market_data" in account.emulator.redshift.workgroups["my-etl-workgroup"]["crypto"]


def test_names_that_are_taken_are_errors(account: Account) -> None:
    glue, iam = account.emulator.client("glue"), account.emulator.client("iam")
    glue.create_job(Name="crypto-silver2gold", Role="r", Command={"Name": "glueetl"})
    iam.create_role(RoleName="crypto-glue-eu-central-1", AssumeRolePolicyDocument="{}")
    plan = account("deploy", "--dry-run", "--json")
    assert plan.code == 1
    assert [message.partition(" exists")[0] for message in notices(plan, "error")] == [
        "a role named crypto-glue-eu-central-1",
        "a Glue job named crypto-silver2gold",
    ]


def test_buckets_and_roles_that_the_configuration_names_have_to_be_there(account: Account) -> None:
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


def test_what_iam_would_not_allow_is_a_warning(account: Account) -> None:
    account.emulator.simulated = {"glue:CreateJob", "iam:PassRole"}
    (warning,) = notices(account("deploy", "--dry-run", "--json"), "warning")
    assert "is not allowed iam:PassRole on *, glue:CreateJob on *" in warning


def test_the_simulation_asks_with_what_the_conditions_need(account: Account) -> None:
    assert account("deploy", "--dry-run").code == 0
    (asked,) = [q for q in account.emulator.simulations if ["iam:PassRole"] in q.values()]
    assert asked["ContextEntries.member.1.ContextKeyName"] == ["iam:PassedToService"]
    assert asked["ContextEntries.member.1.ContextKeyValues.member.1"] == ["glue.amazonaws.com"]
    assert asked["ResourceArns.member.1"] == ["arn:aws:iam::123456789012:role/crypto-glue-eu-central-1"]
    for query in account.emulator.simulations:
        assert not [value for value in query.values() if "*" in value[0] and value != ["*"]]


def test_more_currencies_than_may_run_at_once_are_told_of(account: Account) -> None:
    account.emulator.runs_quota = 1
    account.configure(glue={"max_concurrent_runs": 1})
    (warning,) = notices(account("deploy", "--dry-run", "--json"), "warning")
    assert warning.startswith("2 currencies share jobs that run 1 at once")
    account.configure(glue={"max_concurrent_runs": 50, "queuing": True})
    (warning,) = notices(account("deploy", "--dry-run", "--json"), "warning")
    assert warning.startswith("this account may run 1 Glue jobs at once: the others wait in Glue's queue")


def test_what_may_not_be_looked_at_is_a_note_and_no_obstacle(account: Account) -> None:
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
    ("arguments", "said"),
    [
        (["destroy"], "--yes removes it"),
        (["destroy", "--delete-data", "--yes"], "--confirm crypto"),
        (["destroy", "--delete-data", "--confirm", "other"], "--confirm crypto"),
    ],
)
def test_destroy_does_nothing_without_the_right_word(
    account: Account, arguments: list[str], said: str
) -> None:
    account.deploy()
    account.emulator.calls.clear()
    outcome = account(*arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert account.emulator.writes == []


def test_data_goes_only_when_the_pipelines_name_is_typed(account: Account) -> None:
    account.deploy()
    code, shown = on_a_terminal(account, "destroy", "--delete-data", typed="yes\n")
    assert code == 2
    assert "Type crypto to go on:" in shown
    assert "Nothing was removed." in shown
    assert "raw" in account.buckets
    code, _ = on_a_terminal(account, "destroy", "--delete-data", typed="crypto\n")
    assert code == 0
    assert account.buckets == set()


def test_a_deploy_after_a_destroy_takes_the_data_back(account: Account) -> None:
    filled(account)
    assert account("destroy", "--yes").code == 0
    plan = account("deploy", "--dry-run", "--json")
    assert f"the bucket {BUCKET.format('silver')} exists: it is taken back with what is in it" in notices(
        plan, "note"
    )
    outcome = account.deploy()
    assert f"taken back bucket {BUCKET.format('silver')}" in outcome.err
    assert account.object(f"s3://{BUCKET.format('silver')}/BTC/part") == b"1"


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
    assert "- remove stack cryptoetl-crypto  (announced, and never made)" in outcome.out
    wait_for(lambda: account.status == "", "the end of the stack")


def left_halfway(account: Account) -> threading.Event:
    """A stack whose removal goes on in AWS, while nobody watches, when the event is set."""
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


def test_a_stack_that_is_being_removed_is_deployed_no_longer(account: Account) -> None:
    gate = left_halfway(account)
    outcome = account("run")
    assert outcome.code == 2
    assert outcome.err == (
        "error: the stack cryptoetl-crypto is being removed\n"
        "`cryptoetl deploy` waits for that, and makes it again.\n"
    )
    plan = account("deploy", "--dry-run")
    assert {"job crypto-silver2gold", "state machine crypto"} <= set(lines(plan.out, "+"))
    assert "note: the stack is being removed: `cryptoetl deploy` waits for that first" in plan.out
    assert "error:" not in plan.out
    outcome = joined(account, gate)
    assert outcome.code == 0, outcome.err
    assert account.status == "CREATE_COMPLETE"
    assert account.buckets == {"raw", "silver", "gold", "temp", "artifacts"}


# --- a Redshift of its own ----------------------------------------------------------------------------


@pytest.fixture
def own_redshift(account: Account) -> Account:
    """The configuration creates a workgroup, in a VPC that is there."""
    ec2 = account.emulator.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    place = {
        "vpc": vpc,
        "subnets": [ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]],
        "availability_zone": "eu-central-1a",
        "route_tables": [tables[0]["RouteTableId"]],
    }
    account.configure(redshift={"create": True, "workgroup": "own", "connection": "own-connection", **place})
    return account


def test_a_redshift_of_its_own_is_made_with_all_that_glue_needs_to_reach_it(own_redshift: Account) -> None:
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


def test_a_namespace_is_data_and_outlives_a_destroy(own_redshift: Account) -> None:
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
    """A project of so many currencies, all with the files of the first."""
    history, trend = account.project.folder / "BTC.csv", account.project.folder / "BTC_trend.csv"
    account.project.add_alike([f"COIN{number}" for number in range(count - 2)], history, trend)
    account.configure(glue={"max_concurrent_runs": count})


def test_a_pipeline_of_250_currencies_deploys(account: Account) -> None:
    with_currencies(account, 250)
    account.deploy()
    assert len(tickers(account.machine())) == 250


def test_more_currencies_than_a_machine_holds_are_refused_before_anything_is_made(account: Account) -> None:
    with_currencies(account, 320)
    refused = account("deploy", "--yes")
    assert refused.code == 2
    assert "error: the state machine of 320 currencies has 1," in refused.err
    assert account.emulator.writes == []
    found = re.search(r"the first (\d+) currencies fit", refused.err)
    assert found is not None
    account.project.remove(*(f"COIN{number}" for number in range(int(found[1]) - 2, 318)))
    account.configure()
    assert account("deploy", "--dry-run").code == 0


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
