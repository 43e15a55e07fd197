"""The Spark that runs the scripts on this machine: Sail inside this process, or a Spark Connect server.

One server and one session per process serve all branches, each in its own thread.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Engine:
    """Sail on a free loopback port, or the server at `url` (`sc://host:port`).

    Nothing happens before the first `session()`. While the engine runs, SPARK_REMOTE leads every
    `SparkSession.builder.getOrCreate()` of the process to it, the scripts' own ones included.

    Queries belong in threads other than the main one: a KeyboardInterrupt amid a gRPC call can leave gRPC's
    locks taken, and then nothing ends any more.
    """

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._server: Any = None
        self._session: SparkSession | None = None
        self._before: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def session(self) -> SparkSession:
        """The session, started if need be; the first call takes a second or two. Any thread may call it."""
        with self._lock:
            if self._session is None:
                self._session = self._start()
            return self._session

    def stop(self) -> None:
        """End the session and the server, and leave the environment as it was."""
        with self._lock:
            session, self._session = self._session, None
            server, self._server = self._server, None
            try:
                if session is not None:
                    session.stop()
            finally:
                if server is not None:
                    server.stop()
                for name, value in self._before.items():
                    if value is None:
                        os.environ.pop(name, None)
                    else:
                        os.environ[name] = value
                self._before.clear()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> SparkSession:
        url = self._url
        if url is None:
            from pysail.spark import SparkConnectServer

            # Sail reads it when the server starts; its log would run through the progress on stderr.
            self._set("RUST_LOG", os.environ.get("RUST_LOG", "off"))
            # One partition a query: the currencies are what runs side by side, and each is one sorted series.
            parallelism = "SAIL_EXECUTION__DEFAULT_PARALLELISM"
            self._set(parallelism, os.environ.get(parallelism, "1"))
            self._server = SparkConnectServer(port=0)
            self._server.start(background=True)
            host, port = self._server.listening_address
            url = f"sc://{host}:{port}"
        self._set("SPARK_REMOTE", url)

        from pyspark.sql import SparkSession

        # The client would look up the caller of every column function, most of the time a plan takes.
        builder = SparkSession.builder.remote(url).config(
            "spark.python.sql.dataFrameDebugging.enabled", "false"
        )
        session = builder.getOrCreate()
        if self._server is not None:
            # A server inside this process that does not answer will not come back: no ten minutes of retries,
            # and no calls that keep each result for a client that might lose its connection.
            client = cast(Any, session).client  # the classic session's stub is in the way
            client.set_retry_policies([])
            client.disable_reattachable_execute()
        return session

    def _set(self, name: str, value: str) -> None:
        self._before.setdefault(name, os.environ.get(name))
        os.environ[name] = value


def load_script(path: Path) -> ModuleType:
    """The script at `path` as a module of its own, read anew; sys.modules and sys.path stay as they are."""
    spec = importlib.util.spec_from_file_location(f"glue_script_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python script", path=str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_script(script: Path | ModuleType, argv: Sequence[str]) -> None:
    """Run a script's `main` as a job run would. `argv` holds the arguments without the script's name.

    `glue_runtime.install` comes first. Raises whatever the script raises.
    """
    module = script if isinstance(script, ModuleType) else load_script(script)
    module.main([str(module.__file__), *argv])
