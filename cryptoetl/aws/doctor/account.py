"""Whose account it is and whether it answers: SDK, endpoints, region, credentials, clock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import boto3
import botocore

from cryptoetl.aws.session import Session
from cryptoetl.config.models import Config
from cryptoetl.errors import AwsError, AwsUnreachable
from cryptoetl.target.diagnosis import Area, Diagnosis

SDK = Area("AWS SDK")
REGION = Area("region")
CREDENTIALS = Area("credentials")
CLOCK = Area("clock")

GLUE_VERSION = "6.0"
"""The version that the scripts are written for; Spark 4.1, as in the local engine."""
OLDER_GLUE_VERSIONS = ("4.0", "5.0", "5.1")

REFUSED = timedelta(minutes=5)
"""AWS refuses a signature whose time differs by more (IAM User Guide, AWS Signature Version 4)."""
SUSPICIOUS = timedelta(minutes=1)

_SOURCES: Mapping[str, str] = {
    "env": "environment variables",
    "explicit": "aws.credentials_file",
    "shared-credentials-file": "the shared credentials file",
    "config-file": "the AWS configuration file",
    "assume-role": "an assumed role",
    "assume-role-with-web-identity": "a role with a web identity",
    "sso": "IAM Identity Center (aws sso login)",
    "iam-role": "the role of the EC2 instance",
    "container-role": "the role of the container",
    "custom-process": "a credential process",
}
"""botocore's names of the providers of credentials."""


class Account:
    """The account of a session. `now` returns the time with its zone."""

    def __init__(
        self,
        config: Config,
        session: Session,
        now: Callable[[], datetime],
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._config = config
        self._session = session
        self._now = now
        self._environment = environment
        self._skew: timedelta | None = None
        self.error: AwsError | None = None
        """Why AWS does not accept the credentials, after `sign_in`."""

    def diagnose(self) -> Iterator[Diagnosis]:
        """Yield what is known of the SDK and the account; `error` is set if nothing more can be asked."""
        yield from self._sdk()
        self._sign_in()
        yield from self._region()
        yield from self._credentials()
        yield self._clock()

    def _sdk(self) -> Iterator[Diagnosis]:
        yield SDK.passed("versions", f"boto3 {boto3.__version__}, botocore {botocore.__version__}")
        overrides = [
            f"{name}={value}"
            for name, value in sorted(self._environment.items())
            if (name == "AWS_ENDPOINT_URL" or name.startswith("AWS_ENDPOINT_URL_")) and value
        ]
        if overrides:
            yield SDK.warned(
                "endpoints",
                f"requests do not go to AWS's own endpoints: {', '.join(overrides)}",
                "Unset the variable to work on AWS.",
            )
        else:
            yield SDK.passed("endpoints", "AWS's own")
        version = self._config.aws.glue.version
        if version == GLUE_VERSION:
            yield SDK.passed("Glue version", version)
        else:
            why = "older than" if version in OLDER_GLUE_VERSIONS else "not"
            yield SDK.warned(
                "Glue version",
                f"{version} is {why} {GLUE_VERSION}, which the scripts are tested with",
                f'Set aws.glue.version to "{GLUE_VERSION}", unless you have tested the scripts with yours.',
            )

    def _sign_in(self) -> None:
        """Ask AWS who the caller is, and note the time that the answer bears."""

        def note(http_response: Any, **_: Any) -> None:
            if sent := http_response.headers.get("Date"):
                self._skew = self._now() - parsedate_to_datetime(sent).astimezone(UTC)

        try:
            sts = self._session.client("sts")
            sts.meta.events.register("after-call.sts.GetCallerIdentity", note)
            self._session.sign_in()
        except AwsError as error:
            self.error = error

    def _region(self) -> Iterator[Diagnosis]:
        try:
            region = self._session.region
        except AwsError as error:
            yield REGION.failed("region", error.message, error.hint)
            return
        try:
            known = self._session.knows_region()
        except AwsError as error:  # such as a profile that does not exist
            yield REGION.skipped(region, f"not checked: {error.message}")
            return
        if isinstance(self.error, AwsUnreachable):
            yield REGION.failed(region, self.error.message, self.error.hint)
        elif not known:
            yield REGION.failed(
                region,
                f"is not a region that botocore {botocore.__version__} knows",
                "Correct aws.region, --region or AWS_REGION; if the region is new, update boto3.",
            )
        else:
            yield REGION.passed(region, f"{self._session.client('sts').meta.endpoint_url} answers")

    def _credentials(self) -> Iterator[Diagnosis]:
        try:
            source = self._session.source()
        except AwsError as error:
            self.error = self.error or error
            yield CREDENTIALS.failed("source", error.message, error.hint)
            return
        origin = _SOURCES.get(source.method, source.method)
        if source.expires is None:
            yield CREDENTIALS.passed("source", origin)
        else:
            ends = f"{source.expires.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            yield CREDENTIALS.passed("source", f"{origin}; valid until {ends}")
        if isinstance(self.error, AwsUnreachable):
            yield CREDENTIALS.skipped("identity", "not checked: AWS does not answer")
            return
        if self.error is not None:
            yield CREDENTIALS.failed("identity", self.error.message, self.error.hint)
            return
        identity = self._session.identity
        what = f"account {identity.account}"
        if identity.arn.endswith(":root"):
            yield CREDENTIALS.warned(
                what,
                f"{identity.arn} is the account's root user",
                "Use an IAM role or user with the policy that `cryptoetl render policies` prints.",
            )
        else:
            yield CREDENTIALS.passed(what, identity.arn)

    def _clock(self) -> Diagnosis:
        if self._skew is None:
            return CLOCK.skipped("difference to AWS", "AWS gave no answer that bears a time")
        seconds = round(abs(self._skew.total_seconds()))
        way = "ahead of" if self._skew > timedelta(0) else "behind"
        detail = f"this machine's clock is {seconds:,} s {way} AWS's"
        hint = "Set the clock, or start its synchronization (NTP)."
        if abs(self._skew) > REFUSED:
            return CLOCK.failed(
                "difference to AWS", f"{detail}, and AWS refuses requests from {REFUSED.seconds} s on", hint
            )
        if abs(self._skew) > SUSPICIOUS:
            return CLOCK.warned(
                "difference to AWS", f"{detail}; it refuses from {REFUSED.seconds} s on", hint
            )
        return CLOCK.passed("difference to AWS", f"{seconds} s")
