"""Redshift as far as a deploy needs it: whether what the configuration names exists, and the tables' schema.

Statements go through the Redshift Data API, which needs no network path to the workgroup. Each one starts a
paused workgroup, which is billed for at least a minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from cryptoetl.aws.data_api import DataApi, place
from cryptoetl.aws.errors import code, is_denied, translate, translating
from cryptoetl.aws.session import Session
from cryptoetl.config.models import Config
from cryptoetl.errors import AwsError, DeployError, QueryError
from cryptoetl.target.deployment import Notice
from cryptoetl.warehouse import ownership

_ABSENT = {"ResourceNotFoundException", "EntityNotFoundException"}


@dataclass(frozen=True)
class RedshiftFindings:
    """What was found of a workgroup that a deploy does not create."""

    notices: tuple[Notice, ...]
    has_schema: bool
    claim: bool = True
    """Whether the pipeline has to become an owner of the schema."""


class RedshiftSetup:
    """The workgroup, database and connection that the configuration names. Methods raise AwsError."""

    def __init__(
        self,
        config: Config,
        session: Session,
        sleep: Callable[[float], None],
    ) -> None:
        self._config = config
        self._settings = config.aws.redshift
        self._session = session
        self._sleep = sleep

    def verify(self) -> RedshiftFindings:
        """Read all three; what is missing is an error, what the caller may not read a note."""
        notices = [*self._workgroup(), *self._connection()]
        has_schema = False
        if not any(notice.severity == "error" for notice in notices):
            has_schema, concern = self._schema()
            notices += [concern] if concern else [*self._owner()] if has_schema else []
        return RedshiftFindings(tuple(notices), has_schema)

    def _workgroup(self) -> Iterator[Notice]:
        name = self._settings.workgroup
        try:
            self._session.client("redshift-serverless").get_workgroup(workgroupName=name)
        except ClientError as error:
            yield _concern(
                error,
                f"the Redshift workgroup {name!r} does not exist: create it, name another with "
                "aws.redshift.workgroup, or set aws.redshift.create",
            )

    def _connection(self) -> Iterator[Notice]:
        name = self._settings.connection
        try:
            found = self._session.client("glue").get_connection(Name=name, HidePassword=True)["Connection"]
        except ClientError as error:
            yield _concern(
                error,
                f"the Glue connection {name!r} does not exist: create it, name another with "
                "aws.redshift.connection, or set aws.redshift.create",
            )
            return
        yield from self.of_connection(found)

    def of_connection(self, connection: Mapping[str, Any]) -> Iterator[Notice]:
        """Yield what of a Glue connection does not fit the configuration, or keeps the load from working."""
        name, properties = self._settings.connection, connection.get("ConnectionProperties", {})
        url = str(properties.get("JDBC_CONNECTION_URL", ""))
        if url and url.partition("?")[0].rpartition("/")[2] != self._settings.database:
            yield Notice(
                "error",
                f"the Glue connection {name!r} points to {url}, not to the database "
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
            found = self._session.client("redshift-data").list_schemas(
                **place(self._config, self._session), SchemaPattern=schema
            )
        except ClientError as error:
            absent = f"the database {database!r} does not exist in the workgroup (aws.redshift.database)"
            missing = "does not exist" in str(error.response["Error"].get("Message", ""))
            return True, Notice("error", absent) if missing else _concern(error, absent)
        return schema in found["Schemas"], None

    def _owner(self) -> Iterator[Notice]:
        """Yield an error if another pipeline owns the schema, a note if it has tables and no owner."""
        settings, pipeline = self._settings, self._config.pipeline
        where = f"{settings.database}.{settings.schema_name}"
        try:
            names = [str(name) for (name,) in self._api().run(ownership.tables(settings.schema_name)).rows()]
            found = self._owners(settings.schema_name) if ownership.OWNER in names else set()
        except (AwsError, QueryError) as error:
            yield Notice("note", f"the owner of the schema {where} is not verified: {error.message}")
            return
        if refused := ownership.refusal(where, pipeline, found, share=settings.share_schema):
            yield Notice("error", refused)
        elif not found and (adopted := ownership.adoption(where, pipeline, names)):
            yield Notice("note", adopted)

    def _owners(self, schema: str) -> set[str]:
        return {str(name) for (name,) in self._api().run(ownership.owners(ownership.table(schema))).rows()}

    def other_owners(self) -> set[str]:
        """Return the other pipelines that load tables of the database; none if it cannot be asked."""
        try:
            schemas = [str(name) for (name,) in self._api().run(ownership.schemas()).rows()]
            found = {name for schema in schemas for name in self._owners(schema)}
        except (AwsError, QueryError):  # such as a workgroup that an interrupted destroy has removed
            return set()
        return found - {self._config.pipeline}

    def claim(self) -> None:
        """Make the pipeline an owner of the schema. Raises AwsError and QueryError."""
        settings = self._settings
        table = ownership.table(settings.schema_name)
        self._api().run_all(ownership.claim(table, self._config.pipeline, share=settings.share_schema))

    def _api(self) -> DataApi:
        client = self._session.client("redshift-data")
        return DataApi(client, place(self._config, self._session), sleep=self._sleep)

    def namespace_exists(self) -> bool:
        """Return whether the namespace that `aws.redshift.create` makes exists."""
        client = self._session.client("redshift-serverless")
        return self._call_namespace(lambda: client.get_namespace(namespaceName=self._config.pipeline))

    def delete_namespace(self) -> bool:
        """Delete that namespace with all tables; return False if it does not exist."""
        client = self._session.client("redshift-serverless")
        return self._call_namespace(lambda: client.delete_namespace(namespaceName=self._config.pipeline))

    def _call_namespace(self, call: Callable[[], object]) -> bool:
        """Make the call; return False if the namespace does not exist."""
        with translating():
            try:
                call()
            except ClientError as error:
                if code(error) in _ABSENT:
                    return False
                raise
        return True

    def create_schema(self) -> None:
        """Create the schema if it is absent. Raises DeployError."""
        schema = self._settings.schema_name
        try:
            self._api().run(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        except QueryError as error:
            raise DeployError(
                f"the schema {schema} could not be created: {error.message}",
                hint=f"Ask an administrator to run: CREATE SCHEMA {schema}, and deploy again.",
            ) from error


def _concern(error: ClientError, absent: str) -> Notice:
    """Return an error if the thing is missing, a note if the caller may not read it."""
    if code(error) in _ABSENT:
        return Notice("error", absent)
    if is_denied(error):
        return Notice("note", f"not verified: {translate(error).message}")
    raise translate(error) from error
