"""Redshift as far as a deploy needs it: is what the configuration names there, and the schema for the tables.

Statements go through the Redshift Data API, which needs no network path to the workgroup. Asking wakes a
workgroup, which bills at least a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cryptoetl.aws.errors import code, is_denied, translate, translating
from cryptoetl.config.models import Config
from cryptoetl.errors import DeployError
from cryptoetl.target.deployment import Notice

_ABSENT = {"ResourceNotFoundException", "EntityNotFoundException"}
_ENDED = {"FINISHED", "FAILED", "ABORTED"}
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Found:
    """What was found of a warehouse that is not created: concerns; and whether the schema is there."""

    notices: tuple[Notice, ...]
    has_schema: bool


class Warehouse:
    """The workgroup, database and connection that the configuration names. Methods raise AwsError."""

    def __init__(
        self,
        config: Config,
        client: Callable[[str], Any],
        sleep: Callable[[float], None],
    ) -> None:
        self._namespace = config.pipeline
        self._settings = config.aws.redshift
        self._client = client
        self._sleep = sleep

    def verify(self) -> Found:
        """Look at all three; what is missing is an error, what cannot be seen a note."""
        notices = [*self._workgroup(), *self._connection()]
        has_schema = False
        if not any(notice.severity == "error" for notice in notices):
            has_schema, concern = self._schema()
            notices += [concern] if concern else []
        return Found(tuple(notices), has_schema)

    def _workgroup(self) -> Iterator[Notice]:
        name = self._settings.workgroup
        try:
            self._client("redshift-serverless").get_workgroup(workgroupName=name)
        except ClientError as error:
            yield _concern(
                error,
                f"the Redshift workgroup {name!r} does not exist: create it, name another with "
                "aws.redshift.workgroup, or set aws.redshift.create",
            )

    def _connection(self) -> Iterator[Notice]:
        name = self._settings.connection
        try:
            found = self._client("glue").get_connection(Name=name, HidePassword=True)["Connection"]
        except ClientError as error:
            yield _concern(
                error,
                f"the Glue connection {name!r} does not exist: create it, name another with "
                "aws.redshift.connection, or set aws.redshift.create",
            )
            return
        yield from self._judge(found)

    def _judge(self, connection: Mapping[str, Any]) -> Iterator[Notice]:
        name, properties = self._settings.connection, connection.get("ConnectionProperties", {})
        url = str(properties.get("JDBC_CONNECTION_URL", ""))
        if url and url.partition("?")[0].rpartition("/")[2] != self._settings.database:
            yield Notice(
                "error",
                f"the Glue connection {name!r} leads to {url}, not to the database "
                f"{self._settings.database!r} (aws.redshift.database)",
            )
        secret = properties.get("SECRET_ID")
        if secret and self._settings.secret is None:
            yield Notice(
                "warning",
                f"the Glue connection {name!r} takes its password from the secret {secret}: "
                "set aws.redshift.secret to its ARN, so that the Glue role may read it",
            )
        if not connection.get("PhysicalConnectionRequirements", {}).get("SubnetId"):
            yield Notice(
                "warning", f"the Glue connection {name!r} has no subnet: jobs may not reach Redshift"
            )

    def _schema(self) -> tuple[bool, Notice | None]:
        schema, database = self._settings.schema_name, self._settings.database
        try:
            found = self._client("redshift-data").list_schemas(**self._where(), SchemaPattern=schema)
        except ClientError as error:
            absent = f"the database {database!r} does not exist in the workgroup (aws.redshift.database)"
            missing = "does not exist" in str(error.response["Error"].get("Message", ""))
            return True, Notice("error", absent) if missing else _concern(error, absent)
        return schema in found["Schemas"], None

    def namespace_exists(self) -> bool:
        """Whether there is the namespace that `create` makes."""
        try:
            self._client("redshift-serverless").get_namespace(namespaceName=self._namespace)
        except ClientError as error:
            if code(error) in _ABSENT:
                return False
            raise translate(error) from error
        return True

    def create_schema(self) -> None:
        """Create the schema if it is absent. Raises DeployError."""
        schema = self._settings.schema_name
        data = self._client("redshift-data")
        with translating(f"schema {schema}"):
            id = data.execute_statement(
                **self._where(), Sql=f'CREATE SCHEMA IF NOT EXISTS "{schema}"', StatementName="cryptoetl"
            )["Id"]
            while (found := data.describe_statement(Id=id))["Status"] not in (
                "FINISHED",
                "FAILED",
                "ABORTED",
            ):
                self._sleep(POLL_SECONDS)
        if found["Status"] != "FINISHED":
            raise DeployError(
                f"the schema {schema} could not be created: {found.get('Error', found['Status'])}",
                hint=f"Let somebody who may run: CREATE SCHEMA {schema}, and deploy again.",
            )

    def _where(self) -> dict[str, str]:
        """As whom and where statements run: with the password that the connection uses, so that the same
        database user owns the schema and fills it; as whoever deploys if that is not known."""
        secret = self._settings.secret
        if self._settings.create:
            namespace = self._client("redshift-serverless").get_namespace(namespaceName=self._namespace)
            secret = namespace["namespace"].get("adminPasswordSecretArn")
        where = {"WorkgroupName": self._settings.workgroup, "Database": self._settings.database}
        return where | ({"SecretArn": secret} if secret else {})


def _concern(error: ClientError, absent: str) -> Notice:
    """An error if the thing is missing; a note if it cannot be seen."""
    if code(error) in _ABSENT:
        return Notice("error", absent)
    if is_denied(error):
        return Notice("note", f"not verified: {translate(error).message}")
    raise translate(error) from error
