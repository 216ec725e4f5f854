"""Lists from outside, as CSV: bad lines are named by number and quoted nowhere."""

import csv
import io
from datetime import UTC, date, datetime

import pytest

from edu_pipeline.mail.lists import (
    BadLine,
    HistoryLine,
    ListError,
    SuppressionLine,
    read_history,
    read_suppressions,
    write_csv,
)

NOW = datetime(2026, 10, 5, 8, tzinfo=UTC)


def test_an_address_alone_has_unsubscribed_from_everything_now() -> None:
    read = read_suppressions(b"email\n Ada.Moss@X.example \n", now=NOW)
    assert read.rows == [SuppressionLine("ada.moss@x.example", "*", "unsubscribe", NOW)]
    assert read.bad == []


def test_all_columns_in_any_order_with_columns_that_nobody_asked_for() -> None:
    content = (
        b"Reason,Note,AT,email,scope\r\n"
        b"Bounce,x,2026-09-28T10:00:00+02:00,a@x.example,teachers\r\n"
        b"complaint,,2026-09-28,b@x.example,*\r\n"
    )
    assert read_suppressions(content, now=NOW).rows == [
        SuppressionLine("a@x.example", "teachers", "bounce", datetime(2026, 9, 28, 8, tzinfo=UTC)),
        SuppressionLine("b@x.example", "*", "complaint", datetime(2026, 9, 28, tzinfo=UTC)),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffemail;scope\r\na@x.example;teachers\r\n",
        "email,scope\ra@x.example,teachers",
        'email,scope\n\n"a@x.example","teachers"\n   \n',
    ],
)
def test_files_as_spreadsheets_write_them(content: str) -> None:
    (row,) = read_suppressions(content.encode(), now=NOW).rows
    assert (row.email, row.scope) == ("a@x.example", "teachers")


def test_bad_lines_are_told_by_number_without_what_they_say_and_the_good_ones_are_taken() -> None:
    lines = (
        "email,scope,reason,at",
        "good1@x.example,*,bounce,",
        "Ada Moss,*,bounce,",
        '"ada@x.example,*,bounce,',
        "ada@x.example,*",
        "ada@x.example,a b,bounce,",
        "ada@x.example,*,because,",
        "ada@x.example,*,bounce,yesterday",
        "ada@x.example,*,bounce,2031-01-01",
        "ada@x.example\x00,*,bounce,",
        "<ada@x.example>,*,bounce,",
        "ada@x.example\u2028b,*,bounce,",
        "good2@x.example,teachers,complaint,2026-09-28",
    )
    content = "\n".join(lines)
    read = read_suppressions(content.encode(), now=NOW)
    assert [row.email for row in read.rows] == ["good1@x.example", "good2@x.example"]
    assert [bad.number for bad in read.bad] == [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    told = " ".join(bad.problem for bad in read.bad)
    for said in ("ada", "Ada", "because", "yesterday", "a b"):
        assert said not in told


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no email"),
        (b"address\na@x.example\n", "no email"),
        (b"a@x.example\n", "no email"),
        (b'"email\na@x.example\n', "no email"),
        (b"email\nzo\xeb@x.example\n", "UTF-8"),
    ],
)
def test_a_file_of_which_nothing_can_be_used_says_what_to_do(content: bytes, told: str) -> None:
    with pytest.raises(ListError, match=told):
        read_suppressions(content, now=NOW)


def test_a_history_says_who_got_what_and_when() -> None:
    content = b"campaign,period,email,date\nteachers,2026-W39,Ada@X.example,2026-09-25\n"
    assert read_history(content).rows == [
        HistoryLine("teachers", "2026-W39", "ada@x.example", date(2026, 9, 25))
    ]


def test_a_list_of_whom_to_write_to_comes_back_with_the_dates_of_who_was_written_to() -> None:
    content = (
        "campaign,period,email,date,about,name,link\n"
        "nudges.lead,2026-W47,a@x.example,2026-11-18,verify/UQx_A_1T2027,'=Ada,https://x.example\n"
        'nudges.lead,2026-W47,b@x.example,,verify/UQx_A_1T2027,"Moss, Ben",\n'
        "nudges.lead,2026-W47,c@x.example, ,,Cho,\n"
        "nudges.lead,2026-W47,d@x.example,2026-11-18,,Dee,\n"
        "nudges.lead,2026-W47,e@x.example,2026-11-18,write to e@x.example,Eve,\n"
    )
    read = read_history(content.encode())
    assert read.rows == [
        HistoryLine(
            "nudges.lead", "2026-W47", "a@x.example", date(2026, 11, 18), "verify/UQx_A_1T2027"
        ),
        HistoryLine("nudges.lead", "2026-W47", "d@x.example", date(2026, 11, 18)),
    ]
    assert read.undated == 2
    assert read.bad == [BadLine(6, "about may have letters, digits, . _ ~ : + / and - only")]


def test_a_history_without_its_columns_or_with_bad_days_is_told() -> None:
    with pytest.raises(ListError, match="no period and no date"):
        read_history(b"campaign,email\n")
    read = read_history(b"campaign,period,email,date\nteachers,2026-W39,a@x.example,25/09/2026\n")
    assert read.bad == [BadLine(2, "date is not a day such as 2026-09-28")]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", '=HYPERLINK("x")'])
def test_a_cell_that_would_be_a_formula_is_written_as_text(cell: str) -> None:
    (_, (written,)) = csv.reader(io.StringIO(write_csv(["a"], [[cell]]), newline=""))
    assert written == f"'{cell}"


def test_what_is_written_can_be_read_again() -> None:
    emails = ["=cmd@x.example", "+a@x.example", "-b@x.example", "'c@x.example", "d@x.example"]
    written = write_csv(["email"], [[email] for email in emails])
    assert [row.email for row in read_suppressions(written.encode(), now=NOW).rows] == emails
