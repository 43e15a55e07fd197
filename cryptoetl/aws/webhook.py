"""The secret with the URL of the webhook that aws.notify names. Its value is in no message."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from cryptoetl.aws.errors import code, translate
from cryptoetl.config.notify import Webhook
from cryptoetl.target.deployment import Notice

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

LONGEST = 2048
"""Characters of a URL (EventBridge API, CreateApiDestination, InvocationEndpoint)."""

_ACCEPTED = re.compile(r"https://([-()_.!~*';/?:@&=+$,A-Za-z0-9]|%[0-9A-Fa-f]{2})+")
"""Characters of a URL (as above). API destinations are reached through HTTPS alone."""


def check(client: SecretsManagerClient, webhook: Webhook) -> Iterator[Notice]:
    """Yield why EventBridge could not post to the webhook; a note if the caller may not read the secret."""
    named = f"the secret {webhook.secret} (aws.notify.webhook.secret)"
    try:
        value = client.get_secret_value(SecretId=webhook.secret).get("SecretString")
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            yield Notice(
                "error", f"{named} does not exist in {client.meta.region_name}: create it there, with the "
                "webhook's URL as its plain text"
            )  # fmt: skip
        elif code(error) == "InvalidRequestException":
            yield Notice("error", f"{named} has no value that can be read: {translate(error).message}")
        else:
            yield Notice("note", f"{named} was not verified: {translate(error).message}")
    except BotoCoreError as error:
        yield Notice("note", f"{named} was not verified: {translate(error).message}")
    else:
        if problem := _problem(value):
            yield Notice("error", f"{named} {problem}: store the webhook's URL, and nothing else")


def _problem(value: str | None) -> str | None:
    """Return what makes the value of the secret unfit for an API destination."""
    if not value:
        return "holds no text"
    if value.lstrip().startswith("{"):
        return "holds JSON; the console stores plain text under the tab Plaintext"
    if value != value.strip():
        return "begins or ends with a space or a line break"
    if not value.startswith("https://"):
        return "holds no URL that begins with https://"
    if len(value) > LONGEST:
        return f"holds {len(value):,} characters, and EventBridge accepts {LONGEST:,}"
    if not _ACCEPTED.fullmatch(value):
        return "holds a character that EventBridge does not accept in a URL"
    return None
