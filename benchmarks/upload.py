"""Time and requests of `cryptoetl upload` compared with `aws s3 sync`, against the same loopback server.

    make bench-upload

Creates synthetic currencies (fixed seed) with two files of 100 KB each. Both tools upload them to an empty
bucket, and again without changes; `cryptoetl upload` once more to an empty bucket with the results of its
check in the cache, since `aws s3 sync` does not check files. The server is moto's, in a separate process that
counts the requests. The tools run alternately and several times, so that the ratios are valid on a machine of
any speed; quote the medians. `aws s3 sync` copies files that differ in size or are newer.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import boto3

REPOSITORY = Path(__file__).parents[1]
AWS = "CRYPTOETL_AWS_CLI"
REGION: Final = "eu-central-1"
ACCOUNT = "123456789012"
BYTES = 100_000
LAST = date(2022, 11, 19)
COUNTED = "counted "


def make_currency(folder: Path, number: int) -> dict[str, str]:
    """Write a history and a trend of about 100 KB each; return the currency's part of the configuration."""
    generator = random.Random(number)
    price, size, day, lines = 100.0, 0, LAST, ['"Date","Price","Open","High","Low","Vol.","Change %"']
    while size < BYTES:
        price *= 1 + generator.gauss(0, 0.01)
        shown = f"{price:,.3f}"
        lines.append(f'"{day:%m/%d/%Y}","{shown}","{shown}","{shown}","{shown}","1.00K","0.10%"')
        size, day = size + len(lines[-1]) + 1, day - timedelta(days=1)
    first = LAST - timedelta(weeks=BYTES // len('"2022-11-13","57"\n'))
    weeks = (first + timedelta(weeks=week) for week in range((LAST - first).days // 7))
    trend = ["Week,interest", *(f'"{week}","{generator.randint(10, 99)}"' for week in weeks)]
    names = {"history": f"{number} history.csv", "trend": f"{number} trend.csv"}
    for name, content in zip(names.values(), (lines, trend), strict=True):
        (folder / name).write_text("\n".join(content), encoding="utf-8")
    return {"ticker": f"C{number}", **names}


# --- the server ---------------------------------------------------------------------------------------


def serve() -> None:
    """Run moto's server: print its port, then for each line of input the requests since the last one."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    counts: Counter[str] = Counter()
    moto = DomainDispatcherApplication(create_backend_app)

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps connections alive, as S3 does

        def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - an override
            pass

    def app(environ: dict[str, Any], respond: Callable[..., Any]) -> Any:
        counts[f"{environ['REQUEST_METHOD']}"] += 1
        return moto(environ, respond)

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    for _ in sys.stdin:
        print(COUNTED + json.dumps(counts), flush=True)
        counts.clear()


class Server(NamedTuple):
    """The server's process and URL."""

    process: subprocess.Popen[str]
    url: str

    def counted(self) -> Counter[str]:
        """Return the requests since the last call, by method."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(file=self.process.stdin, flush=True)
        while not (line := self.process.stdout.readline()).startswith(COUNTED):
            if not line:
                raise RuntimeError("the server has ended")
        return Counter(json.loads(line.removeprefix(COUNTED)))


@contextmanager
def server() -> Iterator[Server]:
    """Run a server until the end of the block."""
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield Server(process, f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.kill()
        process.wait()


# --- the two tools ------------------------------------------------------------------------------------


class Upload(NamedTuple):
    """The figures of a whole process: wall-clock seconds and requests."""

    seconds: float
    requests: Counter[str]


def measure(command: Sequence[str], environment: Mapping[str, str], server: Server) -> Upload:
    """Run a command to its end. Raises RuntimeError if it fails."""
    server.counted()
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{command} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return Upload(seconds, server.counted())


OURS = "cryptoetl upload"
FIRST, UNCHANGED, CHECKED = "first upload", "nothing changed", "first upload of files checked before"
Round = dict[str, dict[str, Upload]]
"""One round: for each tool, its uploads by name."""


def named(aws: str) -> str:
    """Return `aws s3 sync` with the command's version, such as aws-cli/2.9.19. Raises CalledProcessError."""
    version = subprocess.run([aws, "--version"], capture_output=True, text=True, check=True)
    return f"aws s3 sync ({version.stdout.split()[0]})"


def measure_round(folder: Path, tools: Mapping[str, str], files: int) -> Round:
    """Run every tool with a new server. Raises RuntimeError if a file was not stored."""
    environment = {
        **os.environ, "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "PYTHONPATH": str(REPOSITORY),
    }  # fmt: skip
    figures: Round = {}
    for name, program in tools.items():
        with server() as running, tempfile.TemporaryDirectory() as cache:
            where = {**environment, "AWS_ENDPOINT_URL": running.url, "CRYPTOETL_CACHE": cache}
            bucket = f"bench-raw-{ACCOUNT}-{REGION}"
            s3 = boto3.client(
                "s3", REGION, endpoint_url=running.url, aws_access_key_id="a", aws_secret_access_key="b"
            )
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
            sync = ["--endpoint-url", running.url, "s3", "sync", str(folder / "files"), f"s3://{bucket}/raw"]
            upload = ["-m", "cryptoetl", "upload", "-c", str(folder / "config.yaml")]
            command = [program, *(upload if name == OURS else sync)]
            figures[name] = {FIRST: measure(command, where, running)}
            figures[name][UNCHANGED] = measure(command, where, running)
            if name == OURS:
                for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                    s3.delete_objects(
                        Bucket=bucket, Delete={"Objects": [{"Key": item["Key"]} for item in page["Contents"]]}
                    )
                figures[name][CHECKED] = measure(command, where, running)
            pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            if (stored := sum(page["KeyCount"] for page in pages)) != files:
                raise RuntimeError(f"{stored} objects of {files} files ({name})")
    return figures


def show(name: str, uploads: Sequence[Upload]) -> None:
    """Print the median of the seconds, the seconds of each round, and the requests."""
    seconds = [upload.seconds for upload in uploads]
    listed = "  ".join(f"{figure:.2f}" for figure in seconds)
    requests = ", ".join(f"{count} {method}" for method, count in sorted(uploads[-1].requests.items()))
    print(f"  {name:32} {statistics.median(seconds):6.2f} s  ({listed})  {requests}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Compare uploads with `aws s3 sync`.")
    parser.add_argument("--currencies", type=int, default=250)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve()
    programs = os.environ.get(AWS, "").split()
    if not programs:
        sys.exit(f"{AWS} names no `aws`: run `make bench-upload`")
    tools = {OURS: sys.executable} | {named(program): program for program in programs}

    with tempfile.TemporaryDirectory(prefix="cryptoetl benchmark ") as name:
        folder = Path(name)
        (folder / "files").mkdir()
        currencies = [make_currency(folder / "files", number) for number in range(options.currencies)]
        for currency in currencies:
            currency.update({kind: f"files/{currency[kind]}" for kind in ("history", "trend")})
        content = {"pipeline": "bench", "target": "aws", "aws": {"region": REGION}, "max_age_days": None}
        (folder / "config.yaml").write_text(json.dumps({**content, "currencies": currencies}))
        files = 2 * len(currencies)
        size = sum(file.stat().st_size for file in (folder / "files").iterdir())
        rounds = [measure_round(folder, tools, files) for _ in range(options.rounds)]
    print(
        f"{platform.platform()}, {os.cpu_count()} processors, Python {platform.python_version()}; "
        f"{files} files, {size / 1e6:.1f} MB; median (each round)  requests"
    )
    for what in (FIRST, UNCHANGED, CHECKED):
        print(what)
        other = FIRST if what == CHECKED else what
        for name in tools:
            show(name, [r[name][what if name == OURS else other] for r in rounds])
        for name in tools:
            if name != OURS:
                ratios = [r[name][other].seconds / r[OURS][what].seconds for r in rounds]
                listed = "  ".join(f"{ratio:.2f}" for ratio in ratios)
                print(f"  ratio to {name:23} {statistics.median(ratios):6.2f}    ({listed})")
    return None


if __name__ == "__main__":
    main()
