"""A shell in which `aws` and `cryptoetl` work on the emulated account, without new Python processes.

Both are scripts that send their arguments, folder and environment to this process: `aws` is
tests/aws/aws_cli.py, `cryptoetl` runs in a fork of the preloaded process.
"""

from __future__ import annotations

import io
import os
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from tests.aws import aws_cli
from tests.local.cli import SECONDS, SERVER, environment

END = "-- end --"
PROGRAM = """#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/{port}
{{ printf '%s\\0' {name} "$PWD" $# "$@"; env -0; printf %s '{end}'; }} >&3
read -r code <&3
read -r length <&3
head -c "$length" <&3
cat <&3 >&2
exit "$code"
"""


class _Command(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        text = b""
        while not text.endswith(END.encode()):
            received = self.request.recv(1 << 16)
            assert received, "the program has closed the connection"
            text += received
        program, folder, count, *rest = text.decode().removesuffix(END).split("\0")
        arguments, variables = rest[: int(count)], rest[int(count) : -1]
        env = dict(line.split("=", 1) for line in variables)
        if program == "aws":
            code, out, err = _aws(arguments, Path(folder), env)
        else:
            code, out, err = SERVER.run(
                arguments, folder=Path(folder), environment=env, stdin="", seconds=SECONDS
            )
        self.wfile.write(f"{code}\n{len(out.encode())}\n{out}{err}".encode())


def _aws(arguments: list[str], folder: Path, env: dict[str, str]) -> tuple[int, str, str]:
    with (
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
        patch.dict(os.environ, env),
    ):
        code = aws_cli.main(arguments, folder)
    return code, out.getvalue(), err.getvalue()


@contextmanager
def programs(folder: Path) -> Iterator[None]:
    """Make `aws` and `cryptoetl` in a new folder, and answer them until the end of the block."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Command) as server:
        server.daemon_threads = True
        folder.mkdir()
        for name in ("aws", "cryptoetl"):
            text = PROGRAM.format(port=server.server_address[1], name=name, end=END)
            (folder / name).write_text(text, encoding="utf-8")
            (folder / name).chmod(0o755)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def run(folder: Path, blocks: list[str]) -> list[str]:
    """Run blocks of commands in one shell and return what each has printed. Every command must succeed."""
    with programs(folder / "bin"):
        script = "".join(f"{block}\necho '{END}'\n" for block in blocks)
        done = subprocess.run(
            ["bash", "-e", "-u", "-o", "pipefail", "-c", script],
            cwd=folder,
            env=environment({"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert done.returncode == 0, done.stdout
    return done.stdout.split(f"{END}\n")[:-1]
