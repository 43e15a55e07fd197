"""Date formats: letters as Spark writes them, matched strictly."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoetl.raw_files import dates

DAY = date(2024, 3, 9)


@pytest.mark.parametrize(
    ("date_format", "text"),
    [
        ("MM/dd/yyyy", "03/09/2024"),
        ("M/d/yyyy", "3/9/2024"),
        ("M/d/yyyy", "03/09/2024"),
        ("dd.MM.yyyy", "09.03.2024"),
        ("yyyyMMdd", "20240309"),
        ("MMM dd, yyyy", "Mar 09, 2024"),
        ("MMM dd, yyyy", "mAR 09, 2024"),
        ("dMMMyyyy", "9Mar2024"),
        ("yyyy年M月d日", "2024年3月9日"),
        ("'['yyyy']'.*(MM|dd)", "[2024].*(03|09)"),
        ("yyyy\\MM\\dd", "2024\\03\\09"),
    ],
)
def test_a_date_is_read_as_its_format_says(date_format: str, text: str) -> None:
    assert dates.parse(text, date_format) == DAY


@pytest.mark.parametrize(
    ("date_format", "text"),
    [
        ("MM/dd/yyyy", "3/09/2024"),
        ("MM/dd/yyyy", "03/09/24"),
        ("MM/dd/yyyy", "03/09/2024 "),
        ("MM/dd/yyyy", "03/09/2024\n"),
        ("MM/dd/yyyy", "03/09/2024 00:00"),
        ("MM/dd/yyyy", "03-09-2024"),
        ("MM/dd/yyyy", "09/31/2024"),
        ("MM/dd/yyyy", "02/29/2023"),
        ("MM/dd/yyyy", "00/09/2024"),
        ("MM/dd/yyyy", "03/09/1899"),
        ("MM/dd/yyyy", "٠٣/٠٩/٢٠٢٤"),
        ("MM/dd/yyyy", ""),
        ("M/d/yyyy", "003/9/2024"),
        ("MMM dd, yyyy", "Mär 09, 2024"),
        ("MMM dd, yyyy", "March 09, 2024"),
        ("MMM dd, yyyy", "03 09, 2024"),
        ("MMM dd, yyyy", "anf 09, 2024"),
        ("d.M.yyyy", "9-3-2024"),
    ],
)
def test_what_is_not_written_in_the_format_is_no_date(date_format: str, text: str) -> None:
    assert dates.parse(text, date_format) is None


@pytest.mark.parametrize(
    ("date_format", "complaint"),
    [
        ("dd/mm/yyyy", "must hold year, month and day once each, such as MM/dd/yyyy (mm are minutes"),
        ("yyyy-MM-dd'T", "a single quote is not closed"),
        ("Unix", "'U' is not one of yyyy, yy, MMMM, MMM, MM, M, dd, d"),
        ("DD/MM/YYYY", "'DD' is not one of"),
        ("MMMMM d, yyyy", "'MMMMM' is not one of"),
        ("MM/dd/y", "'y' is not one of"),
        ("yyyy-MM-dd[ HH:mm", "the square brackets around an optional part do not match"),
        ("yyyy-MM-dd] HH:mm[", "the square brackets around an optional part do not match"),
        ("EEE EEE dd/MM/yyyy", "holds the day of the week twice"),
        ("yyyy-MM-ddTHH", "'T' is not one of"),
        ("MM/yyyy", "must hold year, month and day once each"),
        ("MM/MMM/dd/yyyy", "must hold year, month and day once each"),
        ("", "must hold year, month and day once each"),
        ("%m/%d/%Y", "'m' is not one of"),
    ],
)
def test_a_format_that_cannot_be_a_date_is_refused_with_its_reason(date_format: str, complaint: str) -> None:
    with pytest.raises(ValueError) as refusal:
        dates.pattern(date_format)
    assert repr(date_format) in str(refusal.value)
    assert complaint in str(refusal.value)


@given(
    st.dates(date(dates.FIRST_YEAR, 1, 1), date.max),
    st.sampled_from(["/", ".", "-", " ", ", ", "", "^$"]),
)
def test_every_day_of_the_calendar_is_read_back(day: date, mark: str) -> None:
    # The files hold English names of months; strftime would use the locale's.
    name = dates.MONTHS[day.month - 1].title()
    assert dates.parse(f"{day.day:02}{mark}{day.month:02}{mark}{day.year}", f"dd{mark}MM{mark}yyyy") == day
    assert dates.parse(f"{day.year}{mark}{name}{mark}{day.day:02}", f"yyyy{mark}MMM{mark}dd") == day


@given(st.text())
def test_any_text_at_all_may_be_asked(text: str) -> None:
    found = dates.parse(text, "MM/dd/yyyy")
    assert found is None or f"{found:%m/%d/%Y}" == text


def test_ordinals_are_those_of_the_dates_and_remembered_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dates, "REMEMBERED", 3)
    found = dates.Ordinals("yyyy-MM-dd")
    for day in ("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-01"):
        assert found[day] == date.fromisoformat(day).toordinal()
    assert len(found) <= 3


@pytest.mark.parametrize(
    ("date_format", "text"),
    [("yyyy-MM-dd", "2024-02-30"), (" yyyy-MM-dd", " 2024-01-01"), ("yyyy-MM-dd' '", "2024-01-01 ")],
)
def test_what_is_no_date_has_no_ordinal(date_format: str, text: str) -> None:
    with pytest.raises(KeyError):
        dates.Ordinals(date_format)[text]
