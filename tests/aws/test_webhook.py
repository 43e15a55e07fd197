"""Notices to a webhook: posted as Slack and Teams read them, and its URL is nowhere but in its secret."""

from __future__ import annotations

from typing import Any

from tests.aws.account import STACK, Account, notices
from tests.aws.notifications import delivered, ended, posted

URL = "https://hooks.slack.com/services/T0000/B0000/not-a-secret"
PARTLY = '[{"ticker":"BTC","status":"LOADED"},{"ticker":"XMR","status":"FAILED"}]'


def store(account: Account, value: str, name: str = "crypto/chat") -> None:
    account.emulator.client("secretsmanager").create_secret(Name=name, SecretString=value)


def configure(account: Account, form: str = "slack", secret: str = "crypto/chat") -> None:
    account.configure(notify={"webhook": {"secret": secret, "format": form}})


def sent(account: Account, **detail: str) -> list[tuple[str, Any]]:
    return posted(account.emulator.client, ended(**detail))


def test_a_slack_channel_is_notified_of_what_ended_badly(account: Account) -> None:
    store(account, URL)
    configure(account)
    account.deploy()
    ((url, body),) = sent(account, status="FAILED")
    assert url == URL
    assert body == {
        "text": "crypto: execution monday ended FAILED. `cryptoetl status monday` shows which step of which "
        "currency failed, and why."
    }
    assert delivered(account.emulator.client, ended(status="FAILED")) == [body["text"]]
    ((_, body),) = sent(account, status="SUCCEEDED", output=PARTLY)
    assert body["text"].startswith("crypto: execution monday loaded some currencies, but not all.")
    assert sent(account, status="SUCCEEDED", output="[]") == []


def test_a_teams_workflow_gets_an_adaptive_card(account: Account) -> None:
    url = "https://prod-1.westeurope.logic.azure.com:443/workflows/0a/triggers/manual/paths/invoke?sp=%2Frun&sig=x"
    store(account, url)
    configure(account, "teams")
    account.deploy()
    ((posted_to, body),) = sent(account, status="TIMED_OUT")
    assert posted_to == url
    (attachment,) = body["attachments"]
    assert (body["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    (block,) = attachment["content"]["body"]
    assert block["text"].startswith("crypto: execution monday ended TIMED_OUT.")
    assert block["wrap"] is True


def test_the_url_is_in_no_output_template_or_artifact(account: Account) -> None:
    store(account, URL)
    configure(account)
    said = [account("deploy", "--dry-run", "--json"), account.deploy("-v"), account("render", "stack")]
    said.append(account("config", "show"))
    stack = account.emulator.cloudformation.find(STACK)
    assert stack is not None
    s3 = account.emulator.client("s3")
    bucket = "crypto-artifacts-123456789012-eu-central-1"
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    texts = [outcome.out + outcome.err for outcome in said]
    texts += [stack.text, repr(stack.events), repr([item.properties for item in stack.resources.values()])]
    texts += [account.object(f"s3://{bucket}/{key}").decode() for key in keys]
    assert "{{resolve:secretsmanager:crypto/chat}}" in stack.text
    assert not [text for text in texts if "not-a-secret" in text]


def test_another_secret_changes_the_webhook_in_place(account: Account) -> None:
    store(account, URL)
    configure(account)
    account.deploy()
    store(account, f"{URL}-2", "crypto/chat-2")
    configure(account, secret="crypto/chat-2")
    plan = account("deploy", "--dry-run", "--json")
    assert [f"{item['action']} {item['what']} {item['name']}" for item in plan.data["changes"]] == [
        "change webhook crypto-webhook"
    ]
    account.deploy()
    assert sent(account, status="FAILED")[0][0] == f"{URL}-2"


def test_a_webhook_that_is_taken_out_leaves_nothing(account: Account) -> None:
    store(account, URL)
    configure(account)
    account.deploy()
    account.configure(notify={"emails": ["ops@example.com"]})
    outcome = account.deploy()
    assert "removed webhook crypto-webhook" in outcome.err
    assert "removed role crypto-webhook-eu-central-1" in outcome.err
    events = account.emulator.client("events")
    assert events.list_api_destinations()["ApiDestinations"] == []
    assert events.list_connections()["Connections"] == []
    assert sent(account, status="FAILED") == []
    assert len(delivered(account.emulator.client, ended(status="FAILED"))) == 1


def test_a_secret_that_holds_no_url_is_an_error_before_anything_is_touched(account: Account) -> None:
    store(account, '{"url": "https://hooks.slack.com/services/T/B/hush"}')
    configure(account)
    refused = account("deploy", "--yes")
    assert refused.code == 2
    assert "(aws.notify.webhook.secret) holds JSON; the console stores plain text" in refused.err
    assert account.emulator.writes == []
    assert "hush" not in refused.out + refused.err


def test_a_secret_that_does_not_exist_is_an_error(account: Account) -> None:
    configure(account)
    (message,) = notices(account("deploy", "--dry-run", "--json"), "error")
    assert message == (
        "the secret crypto/chat (aws.notify.webhook.secret) does not exist in eu-central-1: create it there, "
        "with the webhook's URL as its plain text"
    )


def test_who_may_not_read_the_secret_learns_from_cloudformation_what_is_wrong(account: Account) -> None:
    store(account, "https://chat.example.com/ä")
    configure(account)
    account.emulator.denied["GetSecretValue"] = ("AccessDeniedException", "no")
    plan = account("deploy", "--dry-run", "--json")
    (note,) = notices(plan, "note")
    assert note.startswith("the secret crypto/chat (aws.notify.webhook.secret) was not verified: ")
    failed = account("deploy", "--yes")
    assert failed.code == 2
    assert "error: webhook Webhook: Model validation failed (#/InvocationEndpoint: " in failed.err
    assert account.status == "ROLLBACK_COMPLETE"
    assert account.emulator.client("events").list_connections()["Connections"] == []


def test_names_that_are_taken_are_errors(account: Account) -> None:
    store(account, URL)
    events = account.emulator.client("events")
    key = {"ApiKeyAuthParameters": {"ApiKeyName": "X", "ApiKeyValue": "x"}}
    made = events.create_connection(Name="crypto-webhook", AuthorizationType="API_KEY", AuthParameters=key)
    events.create_api_destination(
        Name="crypto-webhook",
        ConnectionArn=made["ConnectionArn"],
        InvocationEndpoint="https://example.com",
        HttpMethod="POST",
    )
    configure(account)
    found = notices(account("deploy", "--dry-run", "--json"), "error")
    assert [message.partition(" exists")[0] for message in found] == [
        "a webhook connection named crypto-webhook",
        "a webhook named crypto-webhook",
    ]


def test_a_url_in_the_configuration_is_refused_and_not_repeated(account: Account) -> None:
    account.configure(notify={"webhook": URL})
    refused = account("deploy", "--dry-run")
    assert refused.code == 2
    assert "aws.notify.webhook: the URL of a webhook is a secret" in refused.err
    assert "not-a-secret" not in refused.err


def test_doctor_verifies_the_secret(account: Account) -> None:
    configure(account)
    assert "aws.notify.webhook.secret) does not exist" in account("doctor").out
    store(account, URL)
    outcome = account("doctor", "--json")
    assert ("webhook", "passed") in {(item["area"], item["verdict"]) for item in outcome.data["diagnoses"]}
    assert "not-a-secret" not in outcome.out
