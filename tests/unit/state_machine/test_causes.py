"""Readable reasons from the causes of failed tasks."""

from __future__ import annotations

import json

import pytest

from cryptoetl.state_machine.causes import readable


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        ("", ""),
        ("Rate exceeded", "Rate exceeded"),
        (json.dumps({"ErrorMessage": "ValueError: line 3: no price"}), "line 3: no price"),
        (json.dumps({"ErrorMessage": "KeyError: 'price'"}), "KeyError: 'price'"),
        (json.dumps({"ErrorMessage": "TypeError: can only add int"}), "TypeError: can only add int"),
        (json.dumps({"ErrorMessage": "SystemExit: 2"}), "SystemExit: 2"),
        (
            json.dumps(
                {"ErrorMessage": "Error Category: QUERY_ERROR; Failed Line Number: 12; ValueError: a b"}
            ),
            "a b",
        ),
        (
            json.dumps({"ErrorMessage": "pyspark.errors.AnalysisException: [PATH_NOT_FOUND] no path\nat x"}),
            "[PATH_NOT_FOUND] no path",
        ),
        (
            json.dumps({"ErrorMessage": "An error occurred while calling o95.pyWriteDynamicFrame. no table"}),
            "no table",
        ),
        (
            json.dumps(
                {
                    "ErrorMessage": "An error occurred while calling o9.a. Exception thrown in awaitResult: "
                    "\n\tat x.y(Z.scala:1)\nCaused by: a.SQLException: Exception thrown in awaitResult: "
                    "\nCaused by: com.amazon.redshift.util.RedshiftException: ERROR: no such schema\n"
                }
            ),
            "ERROR: no such schema",
        ),
        ("Exception thrown in awaitResult: ", "Exception thrown in awaitResult:"),
        (json.dumps({"JobRunState": "STOPPED"}), "the job run was stopped"),
        (
            json.dumps({"JobRunState": "TIMEOUT", "Timeout": 30}),
            "the job run exceeded its limit of 30 minutes",
        ),
        (json.dumps({"JobRunState": "FAILED"}), "the job run ended as FAILED without a message"),
        (json.dumps({"JobRunState": "ERROR", "StateDetail": "job deleted"}), "job deleted"),
        ("Traceback (most recent call last):\n  File x\nValueError: no such price\n", "no such price"),
        ('{"Id": "jr_1", "ErrorMessage": "ValueError: cut \\"off\\" in the mid', 'cut "off" in the mid'),
        ("{}", "{}"),
        ("[1]", "[1]"),
    ],
)
def test_a_cause_becomes_one_readable_line(cause: str, reason: str) -> None:
    assert readable(cause) == reason


def test_a_reason_is_cut_to_500_characters() -> None:
    assert len(readable("a " * 2000)) == 500
