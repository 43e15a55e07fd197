"""Schedules and time zones that EventBridge Scheduler accepts, and messages for the others."""

from __future__ import annotations

import zoneinfo

import pytest

from cryptoetl.config import schedule


@pytest.mark.parametrize(
    "text",
    [
        "cron(0 6 * * ? *)",
        "cron(0/15 8-18 ? * MON-FRI *)",
        "cron(*/10 * * * ? *)",
        "cron(0 12,18 L * ? 2026-2030)",
        "cron(0 12 15W JAN,jul ? *)",
        "cron(0 12 1,15 */3 ? 2027/2)",
        "cron(15 10 ? * 6L *)",
        "cron(0 8 ? * 6#2 *)",
        "cron(0 22 ? * FRI-MON *)",
        "rate(1 day)",
        "rate(12 hours)",
        "rate(5 minutes)",
        "at(2030-01-31T06:00:00)",
    ],
)
def test_a_schedule_is_accepted(text: str) -> None:
    assert schedule.expression(text) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("daily", "'daily' is not a schedule: write cron(0 6 * * ? *), rate(1 day) or at("),
        ("0 6 * * *", "'0 6 * * *' is not a schedule"),
        (
            "cron(0 6 * * *)",
            "has 5 fields and needs six: minutes, hours, day of month, month, day of week, year",
        ),
        ("cron(0 6 * * * *)", "exactly one of day of month and day of week must be ?"),
        ("cron(0 6 ? * ? *)", "exactly one of day of month and day of week must be ?"),
        ("cron(60 6 * * ? *)", "'60' is not valid for the field minutes: 0 to 59"),
        ("cron(0 24 * * ? *)", "'24' is not valid for the field hours"),
        ("cron(0 6 32 * ? *)", "'32' is not valid for the field day of month: 1 to 31"),
        ("cron(0 6 * 13 ? *)", "'13' is not valid for the field month: 1 to 12 or JAN to DEC"),
        ("cron(0 6 ? * 0 *)", "6#2 (the second Friday); 1 is Sunday"),
        ("cron(0 6 ? * MONDAY *)", "'MONDAY' is not valid for the field day of week"),
        ("cron(0 6 ? * 2#1,3#2 *)", "'2#1' is not valid for the field day of week"),
        ("cron(0 6 ? * 6#6 *)", "'6#6' is not valid for the field day of week"),
        ("cron(0 6 ?,1 * ? *)", "'?' is not valid for the field day of month"),
        ("cron(0 6 * * ? 1969)", "'1969' is not valid for the field year: 1970 to 2199"),
        ("cron(0 6 * * ? 2030-2026)", "the range of years ends before it begins"),
        ("cron(0/0 6 * * ? *)", "'0/0': the step of minutes is 1 to 59"),
        ("cron(, 6 * * ? *)", "'' is not valid for the field minutes"),
        ("rate(1 days)", "rate(1 days): write rate(1 day)"),
        ("rate(5 minute)", "rate(5 minute): write rate(5 minutes)"),
        ("rate(0 days)", "is not a rate"),
        ("rate(90 seconds)", "is not a rate: write a whole number and minutes, hours or days"),
        ("at(2030-02-30T06:00:00)", "is not a moment"),
        ("at(2030-01-31T06:00:00Z)", "without a zone"),
    ],
)
def test_a_schedule_is_refused_with_what_is_wrong_in_it(text: str, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        schedule.expression(text)
    assert message in str(refused.value)


def test_a_time_zone_is_one_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoneinfo, "available_timezones", lambda: {"Europe/Berlin", "UTC"})
    assert schedule.timezone("Europe/Berlin") == "Europe/Berlin"
    with pytest.raises(ValueError, match="'Europe/Berln' is not a time zone, did you mean 'Europe/Berlin'"):
        schedule.timezone("Europe/Berln")
    with pytest.raises(ValueError, match="such as Europe/Berlin"):
        schedule.timezone("GMT+99")


def test_without_a_database_any_name_passes_that_could_be_a_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    assert schedule.timezone("Europe/Berlin") == "Europe/Berlin"
    with pytest.raises(ValueError):
        schedule.timezone("../etc/passwd")
