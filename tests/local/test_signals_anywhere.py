"""Interruptions at any moment of a command: exit code 130 or the result, within seconds, no traceback."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import examples
from tests.local.cli import Project, ended

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MOMENTS = examples(200)
PROMPTLY = 5.0
"""Seconds within which an interrupted command must end."""


def taken_over(process: subprocess.Popen[str]) -> bool:
    """Return whether the command handles signals; before that, the Python interpreter is starting."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    blocked = next(line for line in status.splitlines() if line.startswith("SigBlk"))
    return bool(int(blocked.split()[1], 16) & 1 << (signal.SIGTERM - 1))


def interrupted(project: Project, moment: float, number: signal.Signals) -> tuple[int, float]:
    """Run `up` and interrupt it after some seconds; return its exit code and the seconds until it ended."""
    process = project.start("up")
    while process.poll() is None and not taken_over(process):
        time.sleep(0.001)
    time.sleep(moment)
    process.send_signal(number)
    begun = time.monotonic()
    outcome = ended(process, 60)
    if outcome.code == 130:
        assert "interrupted: " in outcome.err
    else:
        assert outcome.code == 0, outcome.err
    assert "panicked" not in outcome.err
    return outcome.code, time.monotonic() - begun


@pytest.mark.parametrize("part", range(4))
def test_an_interruption_at_any_moment_of_up_ends_it_promptly(part: int, tmp_path: Path) -> None:
    moments = [3.0 * number / MOMENTS for number in range(part, MOMENTS, 4)]
    ends = []
    for number, moment in enumerate(moments):
        project = Project(tmp_path / str(number))
        project.add_made("BTC", "XMR", days=500)
        ends.append(interrupted(project, moment, SIGNALS[number % len(SIGNALS)]))
    assert max(seconds for _, seconds in ends) < PROMPTLY
    assert 130 in {code for code, _ in ends}
