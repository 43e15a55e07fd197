"""The messages of the stack's rules about executions that ended badly, and where they go (aws.notify).

The messages are templates of EventBridge: it fills in `<name>` and `<status>`, also inside of JSON strings
(EventBridge User Guide, Amazon EventBridge input transformation).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from cryptoetl.config.models import Config

_MESSAGES: Mapping[str, str] = {
    "ended_badly": "execution <name> ended <status>. `cryptoetl status <name>` shows which step of which "
    "currency failed, and why.",
    "loaded_in_part": "execution <name> loaded some currencies, but not all. `cryptoetl status <name>` shows "
    "which, and `cryptoetl run --retry-failed` resumes them.",
}


def values(config: Config) -> dict[str, Any]:
    """Return the values of the placeholders in stack.yaml that concern notices.

    The URL of a webhook is a dynamic reference, which CloudFormation resolves when it creates or changes the
    destination: neither the template nor an event of the stack has it (User Guide, Get a secret or secret
    value from Secrets Manager).
    """
    notify, webhook = config.aws.notify, config.aws.webhook
    texts = {name: f"{config.pipeline}: {message}" for name, message in _MESSAGES.items()}
    return {
        "subscriptions": [
            {"Protocol": "email", "Endpoint": email} for email in (notify.emails if notify else ())
        ],
        "webhook_url": webhook and f"{{{{resolve:secretsmanager:{webhook.secret}}}}}",
        **{f"mail_{name}": json.dumps(text) for name, text in texts.items()},
        **{f"chat_{name}": webhook and _chat(webhook.format, text) for name, text in texts.items()},
    }


def secret_arn(secret: str) -> str:
    """Return the ARN of the webhook's secret for a policy; AWS appends six characters to its name."""
    if secret.startswith("arn:"):
        return secret
    place = "${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}"
    return f"arn:{place}:secret:{secret}-??????"


def _chat(form: Literal["slack", "teams"], text: str) -> str:
    """Return the body of a request: as Slack's incoming webhooks read it, or the workflows of Teams."""
    if form == "slack":
        return json.dumps({"text": text})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "TextBlock", "text": text, "wrap": True}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return json.dumps({"type": "message", "attachments": [attachment]})
