"""Errors as Py4J raises them, in the shape of the Redshift connector's (spark-redshift, redshift-jdbc42)."""

from __future__ import annotations

from dataclasses import dataclass

DETAIL = """\
ERROR: Invalid digit, Value '{first}', Pos 0, Type: Integer \n\
  Detail: \n\
  -----------------------------------------------
  error:  Invalid digit, Value '{first}', Pos 0, Type: Integer \n\
  code:      1207
  context:   {quoted} \n\
  query:     1184
  location:  :0
  process:   query0_118_1184 [pid=0]
  -----------------------------------------------
"""
"""What Redshift says of text that it cannot cast to INTEGER."""


@dataclass
class JavaException:
    """A java.lang.Throwable behind Py4J's gateway."""

    name: str
    message: str | None
    cause: JavaException | None = None

    def getCause(self) -> JavaException | None:
        return self.cause

    def getMessage(self) -> str | None:
        return self.message

    def toString(self) -> str:
        return f"{self.name}: {self.message}" if self.message else self.name


class Py4JJavaError(Exception):
    """py4j.protocol.Py4JJavaError: its text is the trace of the outermost exception."""

    def __init__(self, java_exception: JavaException) -> None:
        super().__init__(f"An error occurred while calling o95.write.\n: {java_exception.toString()}")
        self.java_exception = java_exception


def connector_error(cause: JavaException | None) -> Py4JJavaError:
    """Return the connector's error for a failed statement: it says nothing, its last cause does."""
    said = "Exception thrown in awaitResult: "
    inner = JavaException("org.apache.spark.SparkException", said, cause)
    return Py4JJavaError(JavaException("java.sql.SQLException", said, inner))


def refused_cast(quoted: str) -> Py4JJavaError:
    """Return the connector's error for a cast of text to INTEGER."""
    message = DETAIL.format(first=quoted[:1], quoted=quoted)
    return connector_error(JavaException("com.amazon.redshift.util.RedshiftException", message))
