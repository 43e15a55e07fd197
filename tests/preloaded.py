"""A server that runs commands in forked processes with all modules imported.

Importing takes longer than most commands do. One server per test process imports the package and its heavy
libraries once and forks for each command. The child takes the caller's files, folder and environment
and calls `cryptoetl.__main__.main`. Tests of start-up, signals and limits start real processes.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import NoReturn

HEAVY = ("boto3", "pandas", "pyarrow.parquet", "pysail.spark", "pyspark.sql.connect.session")
MESSAGE = 1 << 20
"""Bytes of the largest request: an environment and arguments."""


class Server:
    """The client: it starts the server at the first use."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    def run(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        stdin: str,
        seconds: float,
    ) -> tuple[int, str, str]:
        """Run a command and return its exit code, output and error output.

        The exit code is negative for a command that a signal ended. Raises subprocess.TimeoutExpired.
        """
        with self._lock, TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
            connection = self._connection()
            given.write(stdin.encode())
            given.seek(0)
            request = {"arguments": list(arguments), "folder": str(folder), "environment": dict(environment)}
            files = [file.fileno() for file in (given, out, err)]
            socket.send_fds(connection, [json.dumps(request).encode()], files)
            pid = int(connection.recv(64))
            connection.settimeout(seconds)
            try:
                status = int(connection.recv(64))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                connection.settimeout(None)
                connection.recv(64)
                raise subprocess.TimeoutExpired(list(arguments), seconds) from None
            finally:
                connection.settimeout(None)
            for file in (out, err):
                file.seek(0)
            return os.waitstatus_to_exitcode(status), out.read().decode(), err.read().decode()

    def _connection(self) -> socket.socket:
        if self._socket is None:
            self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                process = subprocess.Popen(
                    [sys.executable, "-m", __name__, str(theirs.fileno())],
                    cwd=Path(__file__).parents[1],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    # Threads started by an import would not exist after a fork.
                    env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                )
            atexit.register(self._stop, process)
        return self._socket

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        """End the server by closing its connection."""
        if self._socket is not None:
            self._socket.close()
        process.wait()


def serve(connection: socket.socket) -> None:
    """Answer each request with a process ID, then with its wait status, until the client closes."""
    import_everything()
    wakeup, woken = socket.socketpair()
    wakeup.setblocking(False)
    woken.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is woken:
                    woken.recv(4096)
                    while (ended := _ended())[0]:
                        connection.send(str(ended[1]).encode())
                    continue
                request, files, _, _ = socket.recv_fds(connection, MESSAGE, 3)
                if not request:
                    return
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for end in (connection, wakeup, woken):
                        end.close()
                    become(json.loads(request), files)
                connection.send(str(pid).encode())
                for file in files:
                    os.close(file)


def _ended() -> tuple[int, int]:
    try:
        return os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return 0, 0


def import_everything() -> None:
    for name in HEAVY:
        importlib.import_module(name)
    package = importlib.import_module("cryptoetl")
    for module in pkgutil.walk_packages(package.__path__, "cryptoetl."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert "duckdb" not in sys.modules, "it reports frozen or running objects as leaks when a process ends"
    gc.freeze()  # collections in a child would copy every page


def become(request: Mapping[str, object], files: Sequence[int]) -> NoReturn:
    """Run the requested command in this process."""
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(str(request["folder"]))
    environment = request["environment"]
    assert isinstance(environment, Mapping)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    arguments = request["arguments"]
    assert isinstance(arguments, Sequence)
    sys.argv = ["cryptoetl", *arguments]
    from cryptoetl.__main__ import main

    main()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
