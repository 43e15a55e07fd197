"""Credentials, region and refusals: one clear message for each reason why AWS cannot be used."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions as sdk
from botocore.exceptions import ClientError

from cryptoetl.aws.errors import translate
from cryptoetl.aws.session import Keys, Session, read_keys
from cryptoetl.config.aws import Aws
from cryptoetl.errors import AwsError
from tests.aws.account import Account
from tests.local.cli import Outcome

KEY_FILE = "\ufeffAccess key ID,Secret access key\r\nAKIAIOSFODNN7EXAMPLE,wJalr/XUtnFEMI+K7MDENG\r\n"


def first_line(outcome: Outcome) -> str:
    """Return the error's message, which a hint follows; the exit code is 2."""
    assert outcome.code == 2
    assert outcome.out == ""
    message, hint = outcome.err.splitlines()
    assert hint
    return message


# --- through the command line -------------------------------------------------------------------------


def test_no_credentials(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert first_line(account("deploy", "--dry-run")) == "error: no AWS credentials were found"


def test_a_read_timeout_that_is_no_number(account: Account) -> None:
    for given in ("soon", "0", "-1"):
        outcome = account("deploy", "--dry-run", CRYPTOETL_READ_TIMEOUT=given)
        assert first_line(outcome) == f"error: CRYPTOETL_READ_TIMEOUT is '{given}'"


def test_half_of_the_credentials(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert first_line(account("deploy", "--dry-run")) == (
        "error: the AWS credentials are incomplete: AWS_SECRET_ACCESS_KEY is missing"
    )


def test_a_profile_that_is_not_there(account: Account) -> None:
    said = first_line(account("--profile", "elsewhere", "deploy", "--dry-run"))
    assert said == "error: the AWS profile 'elsewhere' does not exist"


def test_no_region(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    account.aws = {}
    account.configure()
    assert first_line(account("deploy", "--dry-run")) == "error: no AWS region is set"
    for env in ({"AWS_REGION": "eu-central-1"}, {"AWS_DEFAULT_REGION": "eu-central-1"}):
        assert account("deploy", "--dry-run", **env).code == 0


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ExpiredToken", "the AWS credentials have expired"),
        ("InvalidClientTokenId", "AWS does not know the access key that was used"),
        ("SignatureDoesNotMatch", "the secret access key does not belong to the access key id"),
        ("RequestExpired", "this machine's clock is wrong: AWS refuses its requests"),
    ],
)
def test_credentials_that_aws_refuses(account: Account, code: str, said: str) -> None:
    account.emulator.denied["GetCallerIdentity"] = (code, "The token is no good")
    assert first_line(account("deploy", "--dry-run")) == f"error: {said}"


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_clock_that_is_wrong_is_not_taken_for_a_wrong_key(account: Account, minutes: int) -> None:
    account.emulator.ahead = timedelta(minutes=minutes)
    assert first_line(account("deploy", "--dry-run")).startswith("error: this machine's clock is wrong")


def test_what_is_denied_is_named_with_action_and_resource(account: Account) -> None:
    account.emulator.denied["DescribeStacks"] = (
        "AccessDenied",
        "User: arn:aws:iam::123456789012:user/me is not authorized to perform: "
        "cloudformation:DescribeStacks on resource: arn:aws:cloudformation:eu-central-1:123456789012:"
        "stack/cryptoetl-crypto/* because no identity-based policy allows the "
        "cloudformation:DescribeStacks action",
    )
    assert first_line(account("deploy", "--dry-run")) == (
        "error: arn:aws:iam::123456789012:user/me is not allowed to do cloudformation:DescribeStacks on "
        "arn:aws:cloudformation:eu-central-1:123456789012:stack/cryptoetl-crypto/*, because no "
        "identity-based policy allows the cloudformation:DescribeStacks action"
    )


def test_s3_that_says_nothing_but_no_is_named_with_action_and_resource_too(account: Account) -> None:
    account.emulator.denied["Put /crypto-artifacts-123456789012-eu-central-1$"] = (
        "AccessDenied",
        "Access Denied",
    )
    outcome = account("deploy", "--yes")
    assert outcome.code == 2  # after the plan
    assert outcome.err.splitlines()[0] == (
        "error: not allowed to do s3:CreateBucket on s3://crypto-artifacts-123456789012-eu-central-1"
    )
    assert account.status == ""


def test_an_endpoint_that_does_not_answer(account: Account) -> None:
    said = first_line(account("deploy", "--dry-run", AWS_ENDPOINT_URL="http://127.0.0.1:9"))
    assert said == "error: http://127.0.0.1:9/ cannot be reached"


def test_an_error_in_json_has_its_hint_and_exit_code(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    outcome = account("deploy", "--dry-run", "--json")
    assert outcome.data["error"]["message"] == "no AWS credentials were found"
    assert outcome.data["exit_code"] == 2


# --- credentials_file ---------------------------------------------------------------------------------


def test_the_consoles_key_file_is_read_and_its_secret_is_never_shown(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    file = account.project.folder / "secret.key"
    file.write_text(KEY_FILE, encoding="utf-8", newline="")
    file.chmod(0o600)
    account.configure(credentials_file="secret.key")
    outcome = account("deploy", "--dry-run", "-v")
    assert (outcome.code, outcome.err) == (0, "")
    assert "wJalr" not in outcome.out
    account.deploy()
    for call in account.emulator.calls:
        assert "wJalr" not in call


@pytest.mark.parametrize(("mode", "who"), [(0o644, "all users of this machine"), (0o640, "its whole group")])
def test_a_key_file_that_others_can_read_is_a_warning(account: Account, mode: int, who: str) -> None:
    file = account.project.folder / "secret.key"
    file.write_text(KEY_FILE, encoding="utf-8")
    file.chmod(mode)
    account.configure(credentials_file="secret.key")
    outcome = account("deploy", "--dry-run")
    assert outcome.code == 0
    assert outcome.err == f"warning: {file} holds a secret and is readable by {who}: run chmod 600 on it\n"


def test_a_profile_on_the_command_line_wins_over_the_key_file(account: Account) -> None:
    account.configure(credentials_file="secret.key")
    assert "profile 'other'" in first_line(account("--profile", "other", "deploy", "--dry-run"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        ("", "its first line does not name"),
        ("User name,Password\nme,secret", "its first line does not name"),
        ("Access key ID,Secret access key\n", "its second line does not hold both keys"),
        ("Access key ID,Secret access key\nAKIA,\n", "its second line does not hold both keys"),
        ("Access key ID,Secret access key\nAKIA\n", "its second line does not hold both keys"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
    ],
)
def test_a_key_file_that_is_none(tmp_path: Path, content: str | bytes | None, said: str) -> None:
    file = tmp_path / "secret.key"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(AwsError) as refusal:
        read_keys(file)
    assert str(file) in refusal.value.message
    assert said in refusal.value.message
    assert "secret" not in refusal.value.message.replace(str(file), "").lower() or "name" in said


def test_columns_may_stand_in_any_order_among_others(tmp_path: Path) -> None:
    file = tmp_path / "keys.csv"
    file.write_text("User name, Secret access key , Access key ID\nme, s/+x ,AKIA\n\n", encoding="utf-8")
    assert read_keys(file) == Keys("AKIA", "s/+x")
    assert "s/+x" not in repr(read_keys(file))


# --- region and profile -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "configured", "env", "expected"),
    [
        ("eu-west-1", "eu-west-2", {"AWS_REGION": "eu-west-3"}, "eu-west-1"),
        (None, "eu-west-2", {"AWS_REGION": "eu-west-3"}, "eu-west-2"),
        (None, None, {"AWS_REGION": "eu-west-3", "AWS_DEFAULT_REGION": "eu-north-1"}, "eu-west-3"),
        (None, None, {"AWS_DEFAULT_REGION": "eu-north-1"}, "eu-north-1"),
    ],
)
def test_the_most_specific_region_wins(
    monkeypatch: pytest.MonkeyPatch,
    option: str | None,
    configured: str | None,
    env: dict[str, str],
    expected: str,
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    session = Session(Aws(region=configured), region=option, profile=None, warn=print)
    assert session.region == expected
    assert session.client("sts").meta.region_name == expected


def test_the_profiles_region_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    (tmp_path / "aws-config").write_text("[profile work]\nregion = eu-south-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    session = Session(Aws(profile="work"), region=None, profile=None, warn=print)
    assert session.region == "eu-south-1"


def test_clients_retry_and_name_cryptoetl_as_their_user_agent() -> None:
    session = Session(Aws(region="eu-central-1"), region=None, profile=None, warn=print)
    client = session.client("s3")
    assert client is session.client("s3")
    config: Any = client.meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 5}
    assert "cryptoetl/" in config.user_agent_extra


# --- each of the SDK's exceptions ---------------------------------------------------------------------

EXCEPTIONS: list[tuple[Exception, str]] = [
    (sdk.NoCredentialsError(), "no AWS credentials"),
    (sdk.SSOTokenLoadError(error_msg="gone"), "sign-in has expired"),
    (sdk.UnauthorizedSSOTokenError(), "sign-in has expired"),
    (sdk.TokenRetrievalError(provider="sso", error_msg="expired"), "sign-in has expired"),
    (sdk.CredentialRetrievalError(provider="process", error_msg="exit 1"), "could not be obtained"),
    (sdk.ConfigParseError(path="/x"), "configuration file cannot be used"),
    (sdk.NoRegionError(), "no AWS region"),
    (sdk.InvalidRegionError(region_name="no where"), "not an AWS region"),
    (sdk.EndpointConnectionError(endpoint_url="https://sts"), "https://sts cannot be reached"),
    (sdk.ConnectTimeoutError(endpoint_url="https://sts"), "https://sts cannot be reached"),
    (sdk.ReadTimeoutError(endpoint_url="https://sts"), "https://sts cannot be reached"),
    (sdk.SSLError(endpoint_url="https://sts", error=ValueError("self-signed")), "not trusted"),
    (sdk.RefreshWithMFAUnsupportedError(), "MFA session has expired"),
    (EOFError(), "asks for an MFA code"),
    (
        ClientError({"Error": {"Code": "Throttling", "Message": "Rate"}}, "DescribeStacks"),
        "throttles the requests",
    ),
]


@pytest.mark.parametrize(("error", "said"), EXCEPTIONS, ids=lambda value: type(value).__name__)
def test_every_way_to_fail_has_its_line_and_a_next_step(error: Exception, said: str) -> None:
    translated = translate(error)
    assert said in translated.message
    assert "\n" not in translated.message
    if not isinstance(error, sdk.CredentialRetrievalError | sdk.ConfigParseError):
        assert translated.hint


def test_a_role_with_mfa_without_a_terminal(account: Account, tmp_path: Path) -> None:
    config = tmp_path / "aws-config"
    config.write_text(
        "[profile base]\naws_access_key_id = AKIA\naws_secret_access_key = x\n"
        "[profile mfa]\nsource_profile = base\nrole_arn = arn:aws:iam::123456789012:role/x\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    outcome = account("--profile", "mfa", "deploy", "--dry-run", AWS_CONFIG_FILE=str(config), HOME=str(home))
    assert outcome.code == 2
    assert "error: the AWS profile asks for an MFA code, but there is no terminal" in outcome.err
