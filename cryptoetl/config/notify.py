"""The models of `aws.notify`: who is notified of executions that fail, or that load only some currencies."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from cryptoetl.config.fields import Model, Text, listed, matching


class Webhook(Model):
    """A chat channel: EventBridge posts each message to its webhook.

    The URL of a webhook lets everybody who knows it write into the channel, so it stays in a secret of AWS
    Secrets Manager, in the deployed region, whose plain text is the URL.
    """

    secret: Annotated[
        Text,
        matching(
            r"(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:)?[A-Za-z0-9/_+=.@-]{1,512}",
            "the name or ARN of a secret",
        ),
    ]
    """Name or ARN of the secret. A deploy reads it if it creates or changes the webhook: store a new URL in a
    secret of another name."""
    format: Literal["slack", "teams"] = "slack"
    """slack: {"text": …}, as Slack and Mattermost read it. teams: an Adaptive Card, for a Teams workflow."""


def _not_a_url(value: object) -> object:
    """Refuse the URL itself, without repeating it."""
    if isinstance(value, str):
        raise ValueError(  # noqa: TRY004 - pydantic wants ValueError
            "the URL of a webhook is a secret: store it in AWS Secrets Manager as plain text, and write "
            "webhook: {secret: NAME}"
        )
    return value


class Notify(Model):
    """Notices of executions that fail, or that load only some of their currencies, through an SNS topic."""

    emails: Annotated[
        tuple[Annotated[Text, matching(r"[!-?A-~]+@[!-?A-~]+", "an e-mail address")], ...],
        BeforeValidator(listed),
    ] = ()
    """Subscribers; each has to confirm once, from the message that AWS sends."""
    webhook: Annotated[Webhook | None, BeforeValidator(_not_a_url)] = None
    """A channel of Slack or Teams."""
