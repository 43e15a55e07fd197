"""What a webhook's secret may hold; no message repeats it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from cryptoetl.aws import webhook
from cryptoetl.config.notify import Webhook

URL = "https://hooks.slack.com/services/T0000/B0000/hush"


def problems(value: str | None) -> list[str]:
    """The errors for a secret with this value."""
    found: Any = {"SecretString": value} if value is not None else {"SecretBinary": b"hush"}
    client: Any = SimpleNamespace(get_secret_value=lambda SecretId: found)
    notices = list(webhook.check(client, Webhook(secret="crypto/chat")))
    assert {notice.severity for notice in notices} <= {"error"}
    return [notice.message for notice in notices]


@pytest.mark.parametrize("url", [URL, "https://x.logic.azure.com:443/a/invoke?sp=%2Ftriggers&sig=a_b-c"])
def test_a_url_is_accepted(url: str) -> None:
    assert problems(url) == []


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "holds no text"),
        ("", "holds no text"),
        (f'{{"url": "{URL}"}}', "holds JSON; the console stores plain text under the tab Plaintext"),
        ("hooks.slack.com/services/T/B/hush", "holds no URL that begins with https://"),
        ("http://chat.example.com/hush", "holds no URL that begins with https://"),
        (f"{URL}\n", "begins or ends with a space or a line break"),
        (f"{URL}/{'x' * 2048}", "characters, and EventBridge accepts 2,048"),
        ("https://chat.example.com/hush/ä", "holds a character that EventBridge does not accept in a URL"),
    ],
)
def test_anything_else_is_named_and_not_repeated(value: str | None, problem: str) -> None:
    (message,) = problems(value)
    assert message.startswith("the secret crypto/chat (aws.notify.webhook.secret) ")
    assert problem in message
    assert "hush" not in message
