"""The modules that a Glue worker has and a laptop lacks: `awsglue`, and `pyspark.context` for Spark Connect.

The scripts in glue_scripts/ import these modules by name. `install` makes them importable, with the behaviour
of Glue 6.0 as far as the scripts use it; writes to Redshift go to a sink. This module imports nothing of
cryptoetl and needs only PySpark (classic or client) and PyArrow.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession


class RedshiftSink(Protocol):
    """Loads a table as the Redshift connector does. Several threads may call it."""

    def __call__(
        self, table: pa.Table, dbtable: str, preactions: Sequence[str], postactions: Sequence[str]
    ) -> None:
        """Create `dbtable` if missing, run preactions, append rows, run postactions, in one transaction."""


Resolve = Callable[[Sequence[str], Sequence[str]], dict[str, Any]]


class GlueArgumentError(ValueError):
    """A job argument is missing or has no value."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise GlueArgumentError(message)


RESERVED = ("job-bookmark-option", "job-bookmark-from", "job-bookmark-to", "JOB_ID", "JOB_RUN_ID", "TempDir")
"""Arguments that Glue itself resolves, and returns even if they were not requested."""


def get_resolved_options(args: Sequence[str], options: Sequence[str]) -> dict[str, Any]:
    """Return the values of `--<option>` in `args`, whose first element is the script.

    As on Glue 6.0 every option is required, names cannot be abbreviated, and arguments that were not
    requested are ignored. Raises GlueArgumentError.
    """
    parser = _Parser(prog=str(args[0]) if args else None, add_help=False, allow_abbrev=False)
    for name in options:
        parser.add_argument(f"--{name}", required=True)
    for name in RESERVED:
        if name not in options:
            parser.add_argument(f"--{name}")
    parsed, _ = parser.parse_known_args(list(args[1:]))
    return {
        name.replace("-", "_"): value
        for name, value in vars(parsed).items()
        if value is not None or name in options
    }


class DynamicFrame:
    """A DataFrame in the class that Glue's writers accept."""

    def __init__(self, frame: DataFrame, glue_ctx: GlueContext, name: str = "") -> None:
        self._frame = frame
        self.glue_ctx = glue_ctx
        self.name = name

    @classmethod
    def fromDF(cls, dataframe: DataFrame, glue_ctx: GlueContext, name: str) -> DynamicFrame:
        """Wrap a DataFrame."""
        return cls(dataframe, glue_ctx, name)

    def toDF(self) -> DataFrame:
        """Return the DataFrame."""
        return self._frame

    def count(self) -> int:
        """Return the number of rows."""
        return self._frame.count()


class GlueContext:
    """The session, and `write_dynamic_frame`, which writes to Redshift only."""

    sink: RedshiftSink
    """Set by `install` on the class that scripts import."""

    def __init__(self, spark_context: Any) -> None:  # noqa: ARG002 - a parameter of Glue's
        from pyspark.sql import SparkSession

        self.spark_session: SparkSession = SparkSession.builder.getOrCreate()
        self.write_dynamic_frame = SimpleNamespace(from_options=self._write)

    def _write(
        self, frame: DynamicFrame, connection_type: str, connection_options: Mapping[str, Any], **_: Any
    ) -> DynamicFrame:
        """Write a frame through the sink. Raises ValueError for options that the connector would refuse."""
        if connection_type != "redshift":
            raise ValueError(f"connection_type {connection_type!r}: only redshift can be written to locally")
        for name in ("dbtable", "redshiftTmpDir", "connectionName"):
            if not connection_options.get(name):
                raise ValueError(f"connection_options: {name!r} is missing")
        preactions = split_actions(connection_options.get("preactions", ""))
        postactions = split_actions(connection_options.get("postactions", ""))
        type(self).sink(arrow_table(frame.toDF()), connection_options["dbtable"], preactions, postactions)
        return frame


def split_actions(actions: str) -> list[str]:
    """Return the statements of pre- or postactions, split on every `;` as the connector does.

    Raises ValueError for actions that the connector cannot run, or that would end its transaction.
    """
    if "\n" in actions or "\r" in actions:
        raise ValueError("Redshift actions must not contain newlines")
    if "%s" in actions:
        raise ValueError("Redshift actions must not contain %s: the connector puts the table's name there")
    statements = [statement.strip() for statement in actions.split(";")]
    for statement in statements:
        word = statement.partition(" ")[0].upper()
        if word in ("TRUNCATE", "BEGIN", "START", "COMMIT", "ROLLBACK", "END", "ABORT"):
            raise ValueError(f"Redshift actions must not contain {word}: it ends the connector's transaction")
    return [statement for statement in statements if statement]


def arrow_table(frame: DataFrame) -> pa.Table:
    """Return the rows of a DataFrame with their types."""
    return frame.toArrow()


class Job:
    """Job bookmarks, without effect."""

    def __init__(self, glue_context: GlueContext) -> None:
        self.glue_context = glue_context

    def init(self, job_name: str, args: Mapping[str, Any] | None = None) -> None:
        """Begin a run."""

    def commit(self) -> None:
        """End a run."""


class SparkContext:
    """A placeholder: Spark Connect has no context, and the session needs none."""

    @classmethod
    def getOrCreate(cls) -> SparkContext:
        """Return a placeholder."""
        return cls()


def install(sink: RedshiftSink, resolve: Resolve = get_resolved_options) -> None:
    """Make `awsglue` importable in this process, with `sink` for writes to Redshift.

    `resolve` is called as getResolvedOptions. `pyspark.context` is added only if PySpark lacks it. Call it
    before scripts run, not while they do.
    """

    class InstalledGlueContext(GlueContext):
        pass

    InstalledGlueContext.sink = staticmethod(sink)  # keeps a plain function from becoming a method
    InstalledGlueContext.__name__ = InstalledGlueContext.__qualname__ = "GlueContext"
    _module("awsglue", __path__=[])
    _module("awsglue.utils", getResolvedOptions=resolve, GlueArgumentError=GlueArgumentError)
    _module("awsglue.context", GlueContext=InstalledGlueContext)
    _module("awsglue.dynamicframe", DynamicFrame=DynamicFrame)
    _module("awsglue.job", Job=Job)
    if "pyspark.context" not in sys.modules and importlib.util.find_spec("pyspark.context") is None:
        _module("pyspark.context", SparkContext=SparkContext)


def _module(name: str, **content: Any) -> None:
    module = ModuleType(name)
    vars(module).update(content)
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], child, module)
