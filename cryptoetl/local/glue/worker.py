"""The local Glue worker: the engine, the imported scripts, and the warehouse they load into."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from cryptoetl.config.models import COLUMNS
from cryptoetl.errors import CryptoetlError, EnvironmentFault
from cryptoetl.local.glue import runtime
from cryptoetl.local.glue.engine import Engine, load_script
from cryptoetl.local.glue.jobs import JobLogHandler, resolved_options
from cryptoetl.local.home import Home
from cryptoetl.local.redshift import database_file
from cryptoetl.local.redshift import view as all_currencies
from cryptoetl.local.redshift.sink import DuckDBSink
from cryptoetl.state_machine.bundle import Bundle

if TYPE_CHECKING:
    import duckdb


class Worker:
    """Prepares the engine, scripts and warehouse of one execution."""

    def __init__(self, home: Home, schema: str, engine_url: str | None, claim: Sequence[str] = ()) -> None:
        self._home = home
        self._claim = claim
        self._schema = schema
        self._engine = Engine(engine_url)
        self._engine_url = engine_url
        self._starting: threading.Thread | None = None
        self._failure: Exception | None = None
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._bundle: Bundle | None = None

    def warm_up(self) -> None:
        """Start the engine in the background, because that takes a second; return at once."""
        if self._starting is None:
            self._starting = threading.Thread(target=self._start, name="engine", daemon=True)
            self._starting.start()

    def _start(self) -> None:
        try:
            self._engine.session()
        except Exception as error:
            self._failure = error

    def load(self, bundle: Bundle, folder: Path) -> dict[str, ModuleType]:
        """Import the bundle's scripts from `folder` and open the warehouse; return the modules by file name.

        Raises EnvironmentFault if the engine does not start or a script cannot be imported, BusyError if
        another program has opened the warehouse.
        """
        self.warm_up()
        assert self._starting is not None
        self._starting.join()
        if self._failure is not None:
            raise self._unavailable(self._failure)
        self._connection = self._open()
        self._bundle = bundle
        if bundle.columns != COLUMNS:
            self._renew_view()  # which adds the columns, before a load needs them
        runtime.install(DuckDBSink(self._connection), resolved_options)
        handler = JobLogHandler()
        modules = {}
        for name in {job.script: None for job in bundle.jobs}:
            try:
                modules[name] = load_script(folder / name)
            except Exception as error:
                raise EnvironmentFault(
                    f"the deployed script {name} cannot be imported: {type(error).__name__}: {error}",
                    hint="Fix it in glue_scripts/ and run `cryptoetl deploy`.",
                ) from error
        for name in bundle.scripts:
            log = logging.getLogger(Path(name).stem)
            log.setLevel(logging.INFO)
            log.propagate = False
            log.handlers = [handler]
        return modules

    def _unavailable(self, error: Exception) -> CryptoetlError | Exception:
        if isinstance(error, ModuleNotFoundError):
            return error
        if self._engine_url is None:
            return EnvironmentFault(
                f"the engine does not start: {error}", hint="Run the same command with --debug."
            )
        reason = str(error).strip().splitlines()[0]
        return EnvironmentFault(
            f"no Spark Connect server answers at {self._engine_url}: {reason}",
            hint="Start it, or remove local.engine to use the embedded engine.",
        )

    def _open(self) -> duckdb.DuckDBPyConnection:
        connection = database_file.connect(self._home, read_only=False)
        with database_file.naming_damage(self._home):
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"')
            connection.begin()
            for statement in self._claim:  # by which the pipeline owns the schema
                connection.execute(statement)
            connection.commit()
        return connection

    def close(self) -> None:
        """Update the view of all currencies and close the warehouse, so that other processes can read it."""
        if self._connection is not None:
            self._renew_view()
            self._connection.close()
            self._connection = None

    def _renew_view(self) -> None:
        import duckdb

        assert self._connection is not None
        assert self._bundle is not None
        with suppress(duckdb.Error):  # such as a full disk: the previous view stays
            all_currencies.renew(self._connection, self._schema, self._bundle.tickers, self._bundle.columns)
