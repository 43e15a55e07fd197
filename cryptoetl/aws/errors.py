"""Translation of the SDK's exceptions into AwsError.

Every message names the action and the resource, which S3's "Access Denied" leaves out: `watch` makes a
client record both on each call that fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore import exceptions as sdk
from botocore.exceptions import BotoCoreError, ClientError

from cryptoetl.errors import AwsError, AwsUnreachable, CryptoetlError
from cryptoetl.util.text import one_line

if TYPE_CHECKING:
    from botocore.client import BaseClient

_CALL = "CryptoetlCall"
"""Where `watch` records action and resource in the parsed error."""

_ACTIONS: Mapping[str, str] = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:DeleteObjects": "s3:DeleteObject, s3:DeleteObjectVersion",
    "s3:DeleteBucketTagging": "s3:PutBucketTagging",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
}
"""Operations whose permission has another name (Service Authorization Reference, Amazon S3)."""

_RESOURCE_PARAMETERS = (
    "StackName",
    "RoleName",
    "JobName",
    "stateMachineArn",
    "executionArn",
    "workgroupName",
    "WorkgroupName",
    "namespaceName",
    "SecretId",
    "logGroupName",
    "Name",
)

_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "UnauthorizedOperation",
    "Forbidden",
    "403",
}
_MISSING_IN_S3 = {"404", "NoSuchBucket", "NoSuchKey", "NotFound"}

_SKEWED = ("Signature expired", "Signature not yet current")
"""How SignatureDoesNotMatch and InvalidSignatureException begin if the clock is the reason, not the key."""

_AUTHORIZATION = re.compile(
    r"User: (?P<user>\S+) is not authorized to perform: (?P<action>\S+)"
    r"(?: on resource: (?P<resource>\S+))?(?P<why> because [^(]+)?"
)


_HTML = re.compile(r"<!doctype html|<html|<head|<body", re.IGNORECASE)
_PROXY = "A proxy on the way probably answered instead of AWS: check HTTPS_PROXY and AWS_ENDPOINT_URL."


def without_html(text: str) -> str:
    """Return a text with the page of a proxy or load balancer in it replaced by the page's title."""
    if not _HTML.search(text):
        return text
    title = re.search(r"<(title|h1)[^>]*>(.*?)</\1>", text, re.IGNORECASE | re.DOTALL)
    named = re.sub(r"<[^>]+>|\\[nrt]", " ", title[2]) if title else ""
    return "the answer was a web page" + (f": {one_line(named, 100)}" if named.strip() else "")


@dataclass(frozen=True)
class _Error:
    """An error to raise; `message` is a format string."""

    message: str
    hint: str | None = None
    kind: type[AwsError] = AwsError

    def fill(self, *values: object, aws_code: str | None = None, **named: object) -> AwsError:
        return self.kind(self.message.format(*values, **named), hint=self.hint, aws_code=aws_code)


_BY_TYPE: Mapping[tuple[type[Exception], ...], _Error] = {
    (sdk.NoCredentialsError,): _Error(
        "no AWS credentials were found",
        "Run `aws configure` or `aws sso login`, or set aws.profile or aws.credentials_file "
        "in the configuration.",
    ),
    (sdk.PartialCredentialsError,): _Error(
        "the AWS credentials are incomplete: {cred_var} is missing",
        "Set both the access key id and the secret access key.",
    ),
    (sdk.ProfileNotFound,): _Error(
        "the AWS profile {profile!r} does not exist",
        "`aws configure list-profiles` lists the existing ones.",
    ),
    (
        sdk.SSOTokenLoadError,
        sdk.UnauthorizedSSOTokenError,
        sdk.TokenRetrievalError,
        sdk.LoginError,
    ): _Error(
        "the AWS sign-in has expired or is missing",
        "Run `aws sso login` (with --profile, if you use one) and try again.",
    ),
    (sdk.NoRegionError,): _Error(
        "no AWS region is set",
        "Set aws.region in the configuration, --region, or AWS_REGION.",
    ),
    (sdk.InvalidRegionError, sdk.UnknownRegionError): _Error(
        "not an AWS region: {0}",
        "Regions look like eu-central-1.",
    ),
    (sdk.ConfigParseError, sdk.InvalidConfigError): _Error("the AWS configuration file cannot be used: {0}"),
    (sdk.CredentialRetrievalError, sdk.MetadataRetrievalError): _Error(
        "AWS credentials could not be obtained: {0}"
    ),
    (sdk.SSLError,): _Error(
        "the connection to AWS is not trusted: {0}",
        "Behind a proxy that inspects TLS, set AWS_CA_BUNDLE to its certificate.",
    ),
    (sdk.ConnectionError, sdk.HTTPClientError): _Error(
        "{endpoint_url} cannot be reached",
        "Check the network, the region, and AWS_ENDPOINT_URL if it is set.",
        AwsUnreachable,
    ),
    (EOFError,): _Error(
        "the AWS profile asks for an MFA code, but there is no terminal to enter it",
        "Run the command on a terminal, or use the credentials of an existing session.",
    ),
    (sdk.RefreshWithMFAUnsupportedError,): _Error(
        "the MFA session has expired", "Run the same command again."
    ),
    (Exception,): _Error("AWS: {0}"),
}
"""The first entry that matches applies. `{0}` is the exception; the names are its own arguments."""

_DEFAULTS = {"cred_var": "a part", "endpoint_url": "AWS", "profile": ""}
"""For exceptions that lack an argument."""

_BY_CODE: Mapping[tuple[str, ...], _Error] = {
    ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"): _Error(
        "the AWS credentials have expired",
        "Sign in again (`aws sso login`), or get new session credentials.",
    ),
    (
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "UnrecognizedClientException",
        "AuthFailure",
    ): _Error(
        "AWS does not know the access key that was used",
        "It was deleted or deactivated, or belongs to another partition. `aws sts "
        "get-caller-identity` shows who you are.",
    ),
    ("SignatureDoesNotMatch", "InvalidSignatureException"): _Error(
        "the secret access key does not belong to the access key id",
        "Copy both again, without spaces or line breaks around them.",
    ),
    ("RequestTimeTooSkewed", "RequestExpired"): _Error(
        "this machine's clock is wrong: AWS refuses its requests",
        "Set the clock.",
    ),
    (
        "Throttling",
        "ThrottlingException",
        "RequestLimitExceeded",
        "SlowDown",
        "TooManyRequestsException",
        "429",
    ): _Error("AWS throttles the requests ({action})", "Try again in a minute.", AwsUnreachable),
}
"""Error codes that say the same of every call."""


def watch(client: BaseClient) -> None:
    """Make the client's errors carry the action and the resource of the call."""

    def remember(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_CALL] = _resource(params)

    def note(
        parsed: dict[str, Any], model: Any, context: Mapping[str, Any], http_response: Any, **_: Any
    ) -> None:
        if http_response.status_code >= 300 and isinstance(parsed.get("Error"), dict):
            action = f"{model.service_model.signing_name}:{model.name}"
            parsed["Error"][_CALL] = (_ACTIONS.get(action, action), context.get(_CALL, ""))

    client.meta.events.register("before-parameter-build.*.*", remember)
    client.meta.events.register("after-call.*.*", note)


def _resource(params: Mapping[str, Any]) -> str:
    if bucket := params.get("Bucket"):
        return f"s3://{bucket}/{params['Key']}" if params.get("Key") else f"s3://{bucket}"
    return next((str(params[name]) for name in _RESOURCE_PARAMETERS if params.get(name)), "")


def code(error: ClientError) -> str:
    """Return the service's error code, such as AccessDeniedException."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_denied(error: ClientError) -> bool:
    """Return whether the service denied the call."""
    return code(error) in _DENIED


def is_missing(error: ClientError) -> bool:
    """Return whether S3 does not find the bucket or the object."""
    return code(error) in _MISSING_IN_S3


@contextmanager
def translating(doing: str = "") -> Iterator[None]:
    """Raise AwsError, its message preceded by `doing`, for an exception of the SDK in the block."""
    try:
        yield
    except CryptoetlError:
        raise
    except (BotoCoreError, ClientError, EOFError) as error:
        translated = translate(error)
        raise (
            translated.replace(message=f"{doing}: {translated.message}") if doing else translated
        ) from error


def translate(error: Exception) -> AwsError:
    """Return the AwsError for an exception of the SDK."""
    if isinstance(error, ClientError):
        return _client_error(error)
    found = next(made for types, made in _BY_TYPE.items() if isinstance(error, types))
    if _HTML.search(str(error)):
        return AwsUnreachable(f"AWS: {without_html(str(error))}", hint=_PROXY)
    return found.fill(error, **{**_DEFAULTS, **getattr(error, "kwargs", {})})


def _client_error(error: ClientError) -> AwsError:
    details: Mapping[str, Any] = error.response.get("Error", {})
    text = str(details.get("Message") or details.get("Code") or "no reason was given")
    message = one_line(without_html(text), 500)
    recorded = details.get(_CALL)
    action, resource = recorded if isinstance(recorded, tuple) else (error.operation_name, "")
    aws_code = code(error)
    if aws_code in _DENIED:
        return _denied(message, action, resource, aws_code)
    if message.startswith(_SKEWED):
        aws_code = "RequestTimeTooSkewed"
    for codes, made in _BY_CODE.items():
        if aws_code in codes:
            return made.fill(action=action, aws_code=aws_code)
    where = f" on {resource}" if resource else ""
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
        return AwsUnreachable(
            f"AWS has an internal error ({action}{where}): {message}",
            hint="Try again in a minute.",
            aws_code=aws_code,
        )
    return AwsError(f"{action}{where}: {message} ({aws_code})", aws_code=aws_code)


def _denied(message: str, action: str, resource: str, aws_code: str) -> AwsError:
    user = why = ""
    if found := _AUTHORIZATION.search(message):
        user, action = found["user"], found["action"]
        resource = found["resource"] or resource
        why = (found["why"] or "").strip().rstrip(".")
    who = f"{user} is not allowed" if user else "not allowed"
    where = f" on {resource}" if resource else ""
    because = f", {why}" if why else ""
    return AwsError(
        f"{who} to do {action}{where}{because}",
        hint="Ask an administrator for the permission; docs/aws.md has a policy with everything needed.",
        aws_code=aws_code,
    )
