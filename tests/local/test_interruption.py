"""Ctrl-C, SIGTERM, SIGKILL in the middle of a run: nothing half-written, a truthful record, a next run."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.local.shared import SECONDS, command, cryptoetl, environment, history, small, states, table

SLOW = "\n\n_quick = main\n\n\ndef main(argv):\n    import time\n\n    _quick(argv)\n    time.sleep({})\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Two loaded currencies, and new prices uploaded for both."""
    path = small(tmp_path, "BTC", "XMR")
    cryptoetl("up", "-c", path).expect(0)
    for ticker in ("BTC", "XMR"):
        (tmp_path / f"{ticker} prices.csv").write_text(history(price=5000.0))
    cryptoetl("upload", "-c", path).expect(0)
    return path


def slow_down(config: Path, script: str, seconds: float) -> bytes:
    """Make the deployed copy of a script linger after its work; returns the copy as it was."""
    copy = config.parent / "home" / "deployed" / "scripts" / script
    before = copy.read_bytes()
    copy.write_bytes(before + SLOW.format(seconds).encode())
    return before


@contextmanager
def running(config: Path, *arguments: str, until: str) -> Iterator[subprocess.Popen[str]]:
    """A run that has printed `until`."""
    with subprocess.Popen(
        command("run", "-c", config, *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    ) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if until in line:
                    break
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_so_and_leaves_every_table_whole(
    config: Path, number: signal.Signals
) -> None:
    home = config.parent / "home"
    before = table(home, "btc")
    script = slow_down(config, "silver2gold.py", 2)
    with running(config, until="BTC gold running") as process:
        begun = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 130, err
        assert time.monotonic() - begun < 20
    assert "is interrupted" in err
    assert "--retry-failed" in err
    assert "Traceback" not in err
    assert out == ""
    assert table(home, "btc") == before

    status = cryptoetl("status", "-c", config, "--json").expect(1)
    assert status.data["status"] == "INTERRUPTED"
    assert states(status)["BTC"][0] == "ABORTED"

    (home / "deployed" / "scripts" / "silver2gold.py").write_bytes(script)
    cryptoetl("run", "--retry-failed", "-c", config).expect(0)
    assert table(home, "btc")[0][1] == 5001.0
    assert table(home, "xmr")[0][1] == 5001.0


@pytest.mark.parametrize(("times", "seconds"), [(1, 10), (2, 2.5)])
def test_ctrl_c_does_not_wait_long_for_a_script_and_a_second_one_not_at_all(
    config: Path, times: int, seconds: float
) -> None:
    slow_down(config, "silver2gold.py", 60)
    with running(config, until="BTC gold running") as process:
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        for _ in range(times - 1):
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 130
        assert time.monotonic() - begun < seconds
    assert "is interrupted" in err
    assert err.splitlines()[-1].endswith("Continue with `cryptoetl run --retry-failed`.")
    assert cryptoetl("status", "-c", config, "--json").expect(1).data["status"] == "INTERRUPTED"


def test_a_killed_run_is_called_interrupted_and_the_next_one_works(config: Path) -> None:
    home = config.parent / "home"
    before = table(home, "xmr")
    script = slow_down(config, "silver2gold.py", 30)
    with running(config, until="XMR gold running") as process:
        process.kill()
        process.communicate(timeout=SECONDS)
    done = cryptoetl("status", "-c", config).expect(1)
    assert "INTERRUPTED" in done.out
    assert table(home, "xmr") == before
    (home / "deployed" / "scripts" / "silver2gold.py").write_bytes(script)
    cryptoetl("run", "-c", config).expect(0)
    assert table(home, "xmr")[0][1] == 5001.0


def test_other_processes_are_told_while_a_run_goes_on(config: Path) -> None:
    slow_down(config, "silver2gold.py", 6)
    with running(config, until="BTC gold running") as process:
        for arguments in (["run"], ["upload"], ["up"], ["deploy", "--yes"]):
            done = cryptoetl(*arguments, "-c", config)
            if arguments[0] == "deploy" and done.exit_code == 0:
                continue
            done.expect(2)
            assert "is in use by `cryptoetl run`" in done.err
        status = cryptoetl("status", "-c", config, "--json").expect(0)
        assert status.data["status"] == "RUNNING"
        assert states(status)["BTC"] == ("RUNNING", "gold")
        query = cryptoetl("query", "-c", config, "SELECT 1").expect(2)
        assert "is being written" in query.err
        watched = cryptoetl("status", "--watch", "-c", config, "--json").expect(0)
        assert states(watched)["BTC"] == ("LOADED", None)
        process.communicate(timeout=SECONDS)
        assert process.returncode == 0
