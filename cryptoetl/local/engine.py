"""The Spark that runs the scripts on this machine: Sail inside this process, or a Spark Connect server.

One server and one session per process serve all branches, each in its own thread.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib.util
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, cast

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SIGNAL_SECONDS = 2.0
"""How long to wait for Sail to take SIGINT, which it does within milliseconds of its start."""


class Engine:
    """Sail on a free loopback port, or the server at `url` (`sc://host:port`).

    Nothing happens before the first `session()`. While the engine runs, SPARK_REMOTE leads every
    `SparkSession.builder.getOrCreate()` of the process to it, the scripts' own ones included.

    Queries belong in threads other than the main one: a KeyboardInterrupt amid a gRPC call can leave gRPC's
    locks taken, and then nothing ends any more.
    """

    _has_taken_ctrl_c: ClassVar = False

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
                self.leave_ctrl_c_alone()
            return self._session

    def leave_ctrl_c_alone(self) -> None:
        """Give SIGINT back to Python: Sail would end on it, under job runs that are to be ended in order.

        Does nothing outside the main thread, where signals cannot be set.
        """
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.getsignal(signal.SIGINT))

    def stop(self) -> None:
        """End the session and the server, and leave the environment as it was."""
        with self._lock:
            atexit.unregister(self.stop)
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
        handler = _sigint_handler()
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
            self._await_sail_has_ctrl_c(handler)
            # A server inside this process that does not answer will not come back: no ten minutes of retries,
            # and no calls that keep each result for a client that might lose its connection.
            client = cast(Any, session).client  # the classic session's stub is in the way
            client.set_retry_policies([])
            client.disable_reattachable_execute()
        # Registered after the client's own exit handler, hence run before it: that one calls the server,
        # and goes on trying for ten minutes if Sail has gone with the interpreter.
        atexit.register(self.stop)
        return session

    @classmethod
    def _await_sail_has_ctrl_c(cls, handler: int | None) -> None:
        """Wait until SIGINT is no longer with `handler`: what Sail took later could not be given back.

        Sail takes it in a thread of its own, once per process.
        """
        deadline = time.monotonic() + SIGNAL_SECONDS
        while not cls._has_taken_ctrl_c and time.monotonic() < deadline:
            if _sigint_handler() != handler:
                cls._has_taken_ctrl_c = True
            else:
                time.sleep(0.001)

    def _set(self, name: str, value: str) -> None:
        self._before.setdefault(name, os.environ.get(name))
        os.environ[name] = value


def _sigint_handler() -> int | None:
    """The address of what handles SIGINT, which Python's `signal` module knows only of its own."""
    address = ctypes.pythonapi.PyOS_getsig
    address.argtypes, address.restype = [ctypes.c_int], ctypes.c_void_p
    return cast("int | None", address(signal.SIGINT))


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
