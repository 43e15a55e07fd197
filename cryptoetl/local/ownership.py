"""Which pipelines own a home and the schemas of its warehouse.

The owners are in a schema of their own, where each schema of tables has a table of its name. A program that
reads every table of a schema finds those of currencies alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptoetl.config.models import Config
from cryptoetl.local.home import Home
from cryptoetl.local.redshift.dialect import for_duckdb
from cryptoetl.target.deployment import Notice
from cryptoetl.warehouse import ownership

OWNERS = "_owners"
"""The schema of the tables of owners."""


def _table(schema: str) -> str:
    return f'"{OWNERS}"."{schema}"'


@dataclass(frozen=True)
class Ownership:
    """The place of a pipeline in a home: its schema, and whether it shares that with others."""

    home: Home
    pipeline: str
    schema: str
    share: bool
    tables: tuple[str, ...]

    @classmethod
    def of(cls, config: Config, home: Home) -> Ownership:
        """Return the place of a configuration's pipeline."""
        redshift = config.aws.redshift
        tables = tuple(currency.table for currency in config.currencies)
        return cls(home, config.pipeline, redshift.schema_name, redshift.share_schema, tables)

    def claim(self) -> list[str]:
        """Return the statements with which a run makes the pipeline an owner of its schema."""
        statements = ownership.claim(_table(self.schema), self.pipeline, share=self.share)
        return [f'CREATE SCHEMA IF NOT EXISTS "{OWNERS}"', *for_duckdb(statements)]

    def notices(self, deployed: str | None) -> list[Notice]:
        """Return what prevents a deploy, or a note on a schema without an owner.

        `deployed` is the pipeline whose machine is deployed in the home.
        """
        if deployed not in (None, self.pipeline) and not self.share:
            refused = (
                f"the home {self.home.path} belongs to the pipeline {deployed}: name another with "
                "local.home, or set aws.redshift.share_schema: true"
            )
            return [Notice("error", refused)]
        found, existing = self._found()
        where = f"{self.schema} in {self.home.warehouse}"
        owners = found.get(self.schema, set())
        if refusal := ownership.refusal(where, self.pipeline, owners, share=self.share):
            return [Notice("error", refusal)]
        adopted = None if owners else ownership.adoption(where, self.pipeline, existing)
        return [Notice("note", adopted)] if adopted else []

    def others(self) -> set[str]:
        """Return the other pipelines that own a schema of the warehouse."""
        return {name for names in self._found()[0].values() for name in names} - {self.pipeline}

    def own_tables(self) -> list[str]:
        """Return those tables of the pipeline that exist, if it is an owner of its schema."""
        owners, existing = self._found()
        mine = self.pipeline in owners.get(self.schema, set())
        return [table for table in self.tables if mine and table in existing]

    def drop(self, tables: list[str]) -> None:
        """Drop these tables, and take the pipeline out of the owners. Raises duckdb.Error."""
        import duckdb

        with duckdb.connect(self.home.warehouse) as connection:
            connection.begin()
            for table in tables:
                connection.execute(f'DROP TABLE IF EXISTS "{self.schema}"."{table}"')
            connection.execute(
                f'DELETE FROM {_table(self.schema)} WHERE "pipeline" = ?',  # noqa: S608
                [self.pipeline],
            )
            connection.commit()

    def _found(self) -> tuple[dict[str, set[str]], list[str]]:
        """Return schema → owners, and the tables of this pipeline's schema.

        Nothing is found in a warehouse that cannot be opened: the run that needs it says why.
        """
        if not self.home.warehouse.exists():
            return {}, []
        import duckdb

        try:
            with duckdb.connect(self.home.warehouse, read_only=True) as connection:
                tables = connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
                owners = {
                    name: {str(p) for (p,) in connection.execute(ownership.owners(_table(name))).fetchall()}
                    for schema, name in tables
                    if schema == OWNERS
                }
        except duckdb.Error:
            return {}, []
        return owners, [table for schema, table in tables if schema == self.schema]
