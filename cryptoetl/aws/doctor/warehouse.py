"""Where the tables are loaded: the workgroup, the Glue connection, its secret, the database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from cryptoetl.aws.data_api import place
from cryptoetl.aws.doctor.facts import Facts, existing, groups_of, subnet_of
from cryptoetl.aws.errors import translating
from cryptoetl.aws.redshift_setup import RedshiftSetup
from cryptoetl.aws.session import Session
from cryptoetl.config.models import Config
from cryptoetl.errors import AwsError
from cryptoetl.target.diagnosis import Area, Check, Diagnosis

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import IpPermissionOutputTypeDef, SecurityGroupTypeDef

WORKGROUP = Area("workgroup")
CONNECTION = Area("connection")
SECRET = Area("secret")
DATABASE = Area("database")

_ALL_PORTS = (0, 65535)


class WarehouseChecks:
    """The checks that concern Redshift. With `connect`, a question goes through the Data API."""

    def __init__(
        self,
        config: Config,
        session: Session,
        facts: Facts,
        sleep: Callable[[float], None],
        *,
        connect: bool,
    ) -> None:
        self._settings = config.aws.redshift
        self._config = config
        self._session = session
        self._facts = facts
        self._setup = RedshiftSetup(config, session, sleep)
        self._connect = connect

    def checks(self) -> list[Check]:
        """Return the checks in the order of their lines."""
        return [
            Check(WORKGROUP, self._settings.workgroup, self._workgroup),
            Check(CONNECTION, self._settings.connection, self._connection),
            Check(CONNECTION, "security groups", self._security_groups),
            Check(SECRET, "password", self._secret),
            Check(DATABASE, self._settings.database, self._database),
        ]

    def _workgroup(self) -> Iterator[Diagnosis]:
        name, found = self._settings.workgroup, self._facts.workgroup()
        if found is None and self._facts.to_come():
            yield WORKGROUP.passed(name, "does not exist yet: deploy creates it")
        elif found is None:
            yield WORKGROUP.failed(
                name,
                "the Redshift Serverless workgroup does not exist",
                "Create it, name another with aws.redshift.workgroup, or set aws.redshift.create.",
            )
        elif (status := found.get("status")) != "AVAILABLE":
            yield WORKGROUP.warned(name, f"is {status}", "Wait until it is AVAILABLE.")
        else:
            yield WORKGROUP.passed(name, "is available")

    def _connection(self) -> Iterator[Diagnosis]:
        name, found = self._settings.connection, self._facts.connection()
        if found is None and self._facts.to_come():
            yield CONNECTION.passed(name, "does not exist yet: deploy creates it")
            return
        if found is None:
            yield CONNECTION.failed(
                name,
                "the Glue connection does not exist",
                "Create it, name another with aws.redshift.connection, or set aws.redshift.create.",
            )
            return
        sound = True
        if (kind := found.get("ConnectionType")) != "JDBC":
            sound = False
            yield CONNECTION.failed(
                name, f"has the type {kind}, and not JDBC", "Create one of type JDBC, to Redshift."
            )
        for notice in self._setup.of_connection(found):
            sound = False
            yield CONNECTION.noticed(name, notice, "Correct the connection in Glue, or the configuration.")
        if sound:
            yield CONNECTION.passed(name, f"JDBC to {self._settings.database}, subnet {subnet_of(found)}")

    def _security_groups(self) -> Iterator[Diagnosis]:
        """Check the rules that Glue's workers need (Glue guide, Connecting to a JDBC data store in a VPC)."""
        connection = self._facts.connection()
        if connection is None:
            to_come = "deploy creates it" if self._facts.to_come() else "there is no connection"
            yield CONNECTION.skipped("security group", f"not checked: {to_come}")
            return
        ids = groups_of(connection)
        if not ids:
            yield CONNECTION.failed(
                "security group", "the connection has none", "Give it one with a self-referencing rule."
            )
            return
        groups = self._facts.groups()
        if groups is None:
            yield CONNECTION.failed(
                ", ".join(ids), "a security group of the connection or workgroup does not exist"
            )
            return
        own = [groups[group] for group in ids if group in groups]
        if any(_admits_itself(group) for group in own):
            yield CONNECTION.passed(", ".join(ids), "admits itself on all TCP ports")
        else:
            yield CONNECTION.failed(
                ", ".join(ids),
                "has no inbound rule for all TCP ports from itself, and Glue's workers could not reach each "
                "other",
                "Add an inbound rule: all TCP (0-65535), source: this same security group.",
            )
        if not any(_lets_out(group) for group in own):
            yield CONNECTION.failed(
                ", ".join(ids),
                "has no outbound rule for all TCP ports, to itself or everywhere",
                "Add an outbound rule: all TCP (0-65535), to itself or to 0.0.0.0/0.",
            )

    def _secret(self) -> Iterator[Diagnosis]:
        arn = self._settings.secret
        if self._settings.create:
            if self._facts.to_come():
                yield SECRET.passed("password", "does not exist yet: deploy has Redshift create it")
                return
            client = self._session.client("redshift-serverless")
            namespace = existing(lambda: client.get_namespace(namespaceName=self._config.pipeline))
            arn = namespace["namespace"].get("adminPasswordSecretArn") if namespace else None
        if arn is None:
            yield SECRET.skipped("password", "none is configured (aws.redshift.secret)")
            return
        secrets, secret_id = self._session.client("secretsmanager"), arn
        try:
            found = existing(lambda: secrets.get_secret_value(SecretId=secret_id))
        except AwsError as error:
            if error.aws_code != "InvalidRequestException":
                raise
            yield SECRET.failed(
                arn,
                f"has no value that can be read: {error.message}",
                "If it is about to be deleted: aws secretsmanager restore-secret.",
            )
            return
        if found is None:
            yield SECRET.failed(arn, "the secret does not exist", "Correct aws.redshift.secret.")
        elif missing := _missing_keys(found.get("SecretString")):
            yield SECRET.failed(
                arn,
                f"its value has no {' and no '.join(missing)}",
                'Glue and the Data API read JSON such as {"username": …, "password": …}.',
            )
        else:
            yield SECRET.passed(arn, "is readable, and has a user name and a password")

    def _database(self) -> Iterator[Diagnosis]:
        name = self._settings.database
        if not self._connect:
            yield DATABASE.skipped(
                name, "not asked: a question wakes the workgroup, which is billed", "Use --connect to ask it."
            )
            return
        if self._facts.workgroup() is None:
            yield DATABASE.skipped(name, "there is no workgroup")
            return
        schema = self._settings.schema_name
        try:
            client = self._session.client("redshift-data")
            found = client.list_schemas(**place(self._config, self._session), SchemaPattern=schema)
        except ClientError as error:
            if "does not exist" in str(error.response["Error"].get("Message", "")):
                yield DATABASE.failed(
                    name,
                    "the database does not exist in the workgroup",
                    f"Create it (CREATE DATABASE {name}), or name another with aws.redshift.database.",
                )
                return
            with translating():
                raise
        if schema in found["Schemas"]:
            yield DATABASE.passed(name, f"answers, and has the schema {schema}")
        elif self._facts.stack().exists:
            yield DATABASE.failed(
                name, f"answers, and has no schema {schema}", f"Run: CREATE SCHEMA {schema}"
            )
        else:
            yield DATABASE.passed(name, f"answers; deploy creates the schema {schema}")


def _missing_keys(value: str | None) -> list[str]:
    """Return what a secret lacks of user name and password; its value appears nowhere."""
    try:
        found = json.loads(value or "")
    except ValueError:
        found = None
    keys: Mapping[str, object] = found if isinstance(found, dict) else {}
    return [key for key in ("username", "password") if not keys.get(key)]


def _admits_itself(group: SecurityGroupTypeDef) -> bool:
    return any(covers(rule, *_ALL_PORTS) and _names(rule, group) for rule in group.get("IpPermissions", ()))


def _lets_out(group: SecurityGroupTypeDef) -> bool:
    return any(
        covers(rule, *_ALL_PORTS)
        and (_names(rule, group) or any(r.get("CidrIp") == "0.0.0.0/0" for r in rule.get("IpRanges", ())))
        for rule in group.get("IpPermissionsEgress", ())
    )


def _names(rule: IpPermissionOutputTypeDef, group: SecurityGroupTypeDef) -> bool:
    return any(pair.get("GroupId") == group["GroupId"] for pair in rule.get("UserIdGroupPairs", ()))


def covers(rule: IpPermissionOutputTypeDef, first: int, last: int) -> bool:
    """Return whether a rule covers these TCP ports; protocol -1 is all of all protocols."""
    if rule.get("IpProtocol") == "-1":
        return True
    return (
        rule.get("IpProtocol") in ("tcp", "6")
        and rule.get("FromPort", 1) <= first
        and rule.get("ToPort", 0) >= last
    )
