"""Readable reasons from the causes of failed tasks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cryptoetl.util.text import one_line, parse_json

REASON_LIMIT = 500
"""Characters of a readable reason."""

_CUT_OFF_MESSAGE = re.compile(r'"ErrorMessage"\s*:\s*"((?:[^"\\]|\\.)*)')
_NOISE = re.compile(
    r"Error Category: \w+; |Failed Line Number: \d+; |An error occurred while calling \w+\.\w+\. "
)
_WRAPPER = "Exception thrown in awaitResult"
"""What Spark says of an error in another thread, as of each SQL error of the Redshift connector."""
_CAUSED = "Caused by: "
_EXCEPTION = re.compile(r"(?:\w+\.)*(\w*(?:Error|Exception|Fault)): (?=\S+ \S)")
_PROGRAMMING_ERRORS = frozenset(
    {"KeyError", "IndexError", "TypeError", "AttributeError", "NameError", "AssertionError"}
)
"""Exceptions whose message says little without their name."""


def readable(cause: str) -> str:
    """Return an error's cause as one line of at most `REASON_LIMIT` characters; "" for an empty cause."""
    lines = [line.strip() for line in unwrapped(cause).splitlines() if line.strip()] or [""]
    line = lines[-1] if lines[0].startswith("Traceback") else lines[0]
    if _WRAPPER in line:  # says nothing: the reason is the last of the causes below it
        causes = [text.removeprefix(_CAUSED) for text in lines if text.startswith(_CAUSED)]
        line = causes[-1] if causes else line
    return one_line(_without_noise(line), REASON_LIMIT)


def unwrapped(cause: str) -> str:
    """Return the whole readable text of an error's cause.

    Glue's cause is the JobRun as JSON, with the script's exception as `ErrorMessage`.
    """
    job_run = parse_json(cause)
    text = cause
    if isinstance(job_run, Mapping):
        text = str(job_run.get("ErrorMessage") or job_run.get("StateDetail") or _by_state(job_run) or cause)
    elif cause.lstrip().startswith("{") and (found := _CUT_OFF_MESSAGE.search(cause)):
        # Step Functions cuts long causes, so that the JSON may end inside the message.
        text = str(parse_json(f'"{found[1]}"') or found[1])
    return text.strip()


def _by_state(job_run: Mapping[str, Any]) -> str | None:
    match job_run.get("JobRunState"):
        case "STOPPED" | "STOPPING":
            return "the job run was stopped"
        case "TIMEOUT":
            minutes = job_run.get("Timeout")
            return (
                f"the job run exceeded its limit of {minutes} minutes" if minutes else "the job run timed out"
            )
        case str(state):
            return f"the job run ended as {state} without a message"
        case _:
            return None


def _without_noise(line: str) -> str:
    while True:
        found = _NOISE.match(line) or _EXCEPTION.match(line)
        if found is None or (found.re is _EXCEPTION and found[1] in _PROGRAMMING_ERRORS):
            return line
        line = line[found.end() :]
