"""What the SDK raises, as one line that says which action on which resource, and what to do next.

The only place that knows the SDK's exceptions. `watch` makes a client note, on each call that fails, the
action and the resource: S3 says nothing but "Access Denied".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore import exceptions as sdk
from botocore.exceptions import BotoCoreError, ClientError

from cryptoetl.errors import AwsError, AwsUnreachable, CryptoetlError
from cryptoetl.util.text import one_line

_NOTE = "CalledBy"

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
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"}
_UNKNOWN_KEY = {"InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException", "AuthFailure"}
_WRONG_SECRET = {"SignatureDoesNotMatch", "InvalidSignatureException"}
_WRONG_CLOCK = {"RequestTimeTooSkewed", "RequestExpired"}
_THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "SlowDown",
    "TooManyRequestsException",
    "429",
}

_AUTHORIZATION = re.compile(
    r"User: (?P<user>\S+) is not authorized to perform: (?P<action>\S+)"
    r"(?: on resource: (?P<resource>\S+))?(?P<why> because [^(]+)?"
)


def watch(client: Any) -> None:
    """Let the client's errors carry the action and the resource of the call."""

    def remember(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_NOTE] = _resource(params)

    def note(
        parsed: dict[str, Any], model: Any, context: Mapping[str, Any], http_response: Any, **_: Any
    ) -> None:
        if http_response.status_code >= 300 and isinstance(parsed.get("Error"), dict):
            action = f"{model.service_model.signing_name}:{model.name}"
            parsed["Error"][_NOTE] = (_ACTIONS.get(action, action), context.get(_NOTE, ""))

    client.meta.events.register("before-parameter-build.*.*", remember)
    client.meta.events.register("after-call.*.*", note)


def _resource(params: Mapping[str, Any]) -> str:
    if bucket := params.get("Bucket"):
        return f"s3://{bucket}/{params['Key']}" if params.get("Key") else f"s3://{bucket}"
    return next((str(params[name]) for name in _RESOURCE_PARAMETERS if params.get(name)), "")


def code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def is_denied(error: ClientError) -> bool:
    return code(error) in _DENIED


def is_missing(error: ClientError) -> bool:
    """Whether S3 says that a bucket or an object is not there."""
    return code(error) in _MISSING_IN_S3


@contextmanager
def translating(doing: str = "") -> Iterator[None]:
    """Raise AwsError, with `doing` in front of its message, for whatever the SDK raises inside."""
    try:
        yield
    except CryptoetlError:
        raise
    except (BotoCoreError, ClientError, EOFError) as error:
        translated = translate(error)
        if doing:
            translated.message = f"{doing}: {translated.message}"
        raise translated from error


def translate(error: Exception) -> AwsError:
    """The SDK's exception as ours."""
    if isinstance(error, ClientError):
        translated = _client_error(error)
        translated.aws_code = code(error)
        return translated
    match error:
        case sdk.NoCredentialsError():
            return AwsError(
                "no AWS credentials were found",
                hint="Run `aws configure` or `aws sso login`, or set aws.profile or aws.credentials_file "
                "in the configuration.",
            )
        case sdk.PartialCredentialsError():
            missing = error.kwargs.get("cred_var", "a part")
            return AwsError(
                f"the AWS credentials are incomplete: {missing} is missing",
                hint="Set both the access key id and the secret access key.",
            )
        case sdk.ProfileNotFound():
            return AwsError(
                f"the AWS profile {error.kwargs.get('profile')!r} does not exist",
                hint="`aws configure list-profiles` shows those there are.",
            )
        case (
            sdk.SSOTokenLoadError()
            | sdk.UnauthorizedSSOTokenError()
            | sdk.TokenRetrievalError()
            | sdk.LoginError()
        ):
            return AwsError(
                "the AWS sign-in has expired or is missing",
                hint="Run `aws sso login` (with --profile, if you use one) and try again.",
            )
        case sdk.NoRegionError():
            return no_region()
        case sdk.InvalidRegionError() | sdk.UnknownRegionError():
            return AwsError(f"not an AWS region: {error}", hint="Regions look like eu-central-1.")
        case sdk.ConfigParseError() | sdk.InvalidConfigError():
            return AwsError(f"the AWS configuration file cannot be used: {error}")
        case sdk.CredentialRetrievalError() | sdk.MetadataRetrievalError():
            return AwsError(f"AWS credentials could not be obtained: {error}")
        case sdk.SSLError():
            return AwsError(
                f"the connection to AWS is not trusted: {error}",
                hint="Behind a proxy that inspects TLS, set AWS_CA_BUNDLE to its certificate.",
            )
        case sdk.ConnectionError() | sdk.HTTPClientError():
            where = error.kwargs.get("endpoint_url", "AWS")
            return AwsUnreachable(
                f"{where} cannot be reached",
                hint="Check the network, the region, and AWS_ENDPOINT_URL if it is set.",
            )
        case EOFError():
            return AwsError(
                "the AWS profile asks for an MFA code, and there is nobody to type it",
                hint="Run the command on a terminal, or use credentials of a session that has been started.",
            )
        case sdk.RefreshWithMFAUnsupportedError():
            return AwsError("the MFA session has expired", hint="Run the same command again.")
        case _:
            return AwsError(f"AWS: {error}")


def no_region() -> AwsError:
    return AwsError(
        "no AWS region is set",
        hint="Set aws.region in the configuration, --region, or AWS_REGION.",
    )


def _client_error(error: ClientError) -> AwsError:
    details: Mapping[str, Any] = error.response.get("Error", {})
    message = one_line(str(details.get("Message") or details.get("Code") or "no reason was given"), 500)
    noted = details.get(_NOTE)
    action, resource = noted if isinstance(noted, tuple) else (error.operation_name, "")
    name = code(error)
    if name in _DENIED:
        return _denied(message, action, resource)
    if name in _EXPIRED:
        return AwsError(
            "the AWS credentials have expired",
            hint="Sign in again (`aws sso login`), or get new session credentials.",
        )
    if name in _UNKNOWN_KEY:
        return AwsError(
            "AWS does not know the access key that was used",
            hint="It was deleted or deactivated, or belongs to another partition. `aws sts "
            "get-caller-identity` shows who you are.",
        )
    if name in _WRONG_SECRET:
        return AwsError(
            "the secret access key does not belong to the access key id",
            hint="Copy both again, without spaces or line breaks around them.",
        )
    if name in _WRONG_CLOCK:
        return AwsError("this machine's clock is wrong: AWS refuses its requests", hint="Set the clock.")
    if name in _THROTTLED:
        return AwsUnreachable(f"AWS asks to slow down ({action})", hint="Try again in a minute.")
    where = f" on {resource}" if resource else ""
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
        return AwsUnreachable(f"AWS has a fault ({action}{where}): {message}", hint="Try again in a minute.")
    return AwsError(f"{action}{where}: {message} ({name})")


def _denied(message: str, action: str, resource: str) -> AwsError:
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
        hint="Let an administrator allow it; docs/aws.md has a policy with all that is needed.",
    )
