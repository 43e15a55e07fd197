"""The Spark engine for the scripts: Sail inside this process, or a Spark Connect server.

All branches, each in its own thread, share one server and one session per process.
"""

from __future__ import annotations

import builtins
import importlib.util
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Engine:
    """Sail on a free loopback port, or the server at `url` (`sc://host:port`).

    It starts with the first `session()`. While it runs, SPARK_REMOTE directs every
    `SparkSession.builder.getOrCreate()` of the process to it, including those of the scripts.

    Run queries outside the main thread: a KeyboardInterrupt during a gRPC call can leave gRPC's locks
    acquired, so that the process never ends.
    """

    def __init__(self, url: str | None = None) -> None:
        self._url = url
        self._server: Any = None
        self._session: SparkSession | None = None
        self._before: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def session(self) -> SparkSession:
        """Return the session, starting it in the first call, which takes 1 to 2 s. Any thread may call it."""
        with self._lock:
            if self._session is None:
                self._session = self._start()
            return self._session

    def stop(self) -> None:
        """End the session and the server, and restore the environment variables."""
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

            # Read by Sail when the server starts; its log would mix with the progress on stderr.
            self._set("RUST_LOG", os.environ.get("RUST_LOG", "off"))
            # One partition per query: a currency is one sorted series, and currencies run in parallel.
            parallelism = "SAIL_EXECUTION__DEFAULT_PARALLELISM"
            self._set(parallelism, os.environ.get(parallelism, "1"))
            self._server = SparkConnectServer(port=0)
            self._server.start(background=True)
            host, port = self._server.listening_address
            url = f"sc://{host}:{port}"
        self._set("SPARK_REMOTE", url)

        from pyspark.sql import SparkSession

        # Otherwise the client determines the caller of every column function, which takes most of the time
        # of building a plan.
        builder = SparkSession.builder.remote(url).config(
            "spark.python.sql.dataFrameDebugging.enabled", "false"
        )
        session = builder.getOrCreate()
        if self._server is not None:
            # If a server inside this process does not answer, retries (ten minutes of them) cannot help; nor
            # does it need to keep results for a client that reconnects.
            client = cast(Any, session).client  # the stubs are those of the classic session
            client.set_retry_policies([])
            client.disable_reattachable_execute()
        return session

    def _set(self, name: str, value: str) -> None:
        self._before.setdefault(name, os.environ.get(name))
        os.environ[name] = value


def load_script(path: Path) -> ModuleType:
    """Import the script at `path` as a new module, without changing sys.modules and sys.path.

    Its imports find the modules beside it first, as on Glue with `--extra-py-files`. These are the script's
    own, so that scripts of several folders, with different versions of a module, can run in one process.
    """
    return _load(path, f"glue_script_{path.stem}", _Imports(path.parent))


class _Imports:
    """The import statement of a script and of the modules beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.loaded: dict[str, ModuleType] = {}
        self._lock = threading.RLock()

    def __call__(
        self,
        name: str,
        namespace: Mapping[str, object] | None = None,
        local_names: Mapping[str, object] | None = None,
        names: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        path = self._folder / f"{name}.py"
        if level or "." in name or not path.is_file():
            return builtins.__import__(name, namespace, local_names, names or (), level)
        with self._lock:
            if name not in self.loaded:
                _load(path, name, self)
            return self.loaded[name]


def _load(path: Path, name: str, imports: _Imports) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python script", path=str(path))
    module = importlib.util.module_from_spec(spec)
    # The import statement calls the `__import__` of its module's builtins (Python reference, "import").
    vars(module)["__builtins__"] = {**vars(builtins), "__import__": imports}
    imports.loaded[name] = module  # before it runs: modules may import each other
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del imports.loaded[name]
        raise
    return module


def run_script(script: Path | ModuleType, argv: Sequence[str]) -> None:
    """Run a script's `main` as a job run would. `argv` holds the arguments without the script's name.

    Call `runtime.install` first. Raises whatever the script raises.
    """
    module = script if isinstance(script, ModuleType) else load_script(script)
    module.main([str(module.__file__), *argv])
