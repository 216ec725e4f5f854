"""How exports are read: `[landing]` and its tables."""

import re
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal, Self
from urllib.parse import urlparse

from pydantic import AfterValidator, Field, model_validator

from edu_pipeline.settings.part import ONE_OR_SEVERAL, Part

SAMPLE_MARKER = "SAMPLE.json"
"""In the landing zone: which of its files are made up."""

EVENTS_FOLDER = "mail/events/"
"""Of the landing zone: what a carrier reported of letters, a JSON array per file; no exports."""

PROGRAMMES_FOLDER = "micromasters/"
"""Of the landing zone: exports of edX, in a folder per programme."""

SCHOOL_TABLES = (
    "students",
    "staff",
    "classes",
    "enrollments",
    "attendance",
    "homework",
    "calendar",
    "terms",
)
OF_SOME_SYSTEMS = frozenset({"terms"})
"""Of these, what most systems do not export: that there are no rows of it is no news."""


def _known_format(form: str) -> str:
    unknown = re.sub(r"%-?[YymdjbBaAHIMSpz%]", "", form)
    if "%" in unknown or not re.search(r"%-?[Yy]", form):
        raise ValueError(f"{form!r} is no date format; write one such as %Y-%m-%d or %m/%d/%Y")
    return form


def _one_order(forms: tuple[str, ...]) -> tuple[str, ...]:
    """Day first and month first in one list would read 9/7 as one or the other, in silence."""
    first: dict[str, str] = {}
    for form in (form.replace("%-", "%") for form in forms):
        other = first.setdefault(re.sub("%[dm]", "%?", form), form)
        if other != form:
            raise ValueError(
                f"{other!r} and {form!r} differ only in the order of day and month; keep one"
            )
    return forms


_DateFormats = Annotated[
    tuple[Annotated[str, AfterValidator(_known_format)], ...], AfterValidator(_one_order)
]


ANYTHING = "*"
"""Of the values of a `where`: any but none."""
FIRST_DAYS = ("entry_date", "begin_date", "first_day")
LAST_DAYS = ("exit_date", "end_date", "last_day")
"""Our columns of days on which something begins and ends."""


_Several = Annotated[tuple[str, ...], ONE_OR_SEVERAL]


class Join(Part):
    """Another file that has more about the rows of one."""

    files: tuple[str, ...] = Field(description="Patterns of the other file, as of the export.")
    on: _Several = Field(
        description=(
            "The header here whose cells are in `key` there; of a table with a column per assignment also "
            "`assignment_id`."
        )
    )
    key: _Several = Field(
        description="The other file's header; several of both where it takes them."
    )

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if len(self.on) != len(self.key):
            raise ValueError("on and key must name as many headers")
        return self


def _known_place(url: str) -> str:
    place = urlparse(url)
    if place.password:
        raise ValueError(
            "a password must not stand in a file: take it out, and set the environment variable "
            "EDU_PIPELINE_SFTP_PASSWORD"
        )
    if "://" in url and place.scheme not in ("file", "s3", "sftp"):
        raise ValueError("write a folder, s3://bucket/prefix or sftp://user@host/path")
    if place.scheme in ("s3", "sftp") and not place.hostname:
        raise ValueError(f"{url!r} does not say which bucket or server")
    return url


_HEADED = frozenset({"date", "session", "assignment_id", "class_id", "due_date"})
"""Our columns that headers of a wide table can say."""


def _known_pattern(text: str) -> str:
    try:
        named = re.compile(text).groupindex.keys()
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from None
    if unknown := named - _HEADED:
        raise ValueError(
            f"{', '.join(sorted(unknown))} in {text!r} is none of {', '.join(sorted(_HEADED))}"
        )
    return text


_Headers = Annotated[str, AfterValidator(_known_pattern)] | None


class FilesOfExport(Part):
    """Where some files of an export differ from the others."""

    columns: dict[str, str] = Field(
        default_factory=dict, description="As of the export, for these files."
    )
    constants: dict[str, str] = Field(
        default_factory=dict, description="As of the export, for these files."
    )
    where: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="As of the export, in any case, for these files; `*`: anything that stands there.",
    )
    beside: dict[str, _Several] = Field(
        default_factory=dict,
        description=(
            "Our column of codes = headers whose words are put beside the code where there are any, of yes "
            "and no the header: `Graded + Late`."
        ),
    )
    cells: _Headers = Field(None, description="As of the export, for these files.")
    first_day: date | None = Field(None, description="As of the export, for these files.")
    scores: bool = Field(
        default=False,
        description="As of the export, for these files.",
    )
    values: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="Our column = {their word, in any case = a word of ours}, for these files.",
    )
    lists: tuple[str, ...] = Field(
        (),
        description=(
            "Our columns whose cells may list several values (`2,3`), which then is none: who is at two "
            "schools is where the classes are."
        ),
    )
    unsigned: tuple[str, ...] = Field(
        (),
        description=(
            "Our columns whose numbers have a minus where a row is over, as PowerSchool writes: `-123` is 123."
        ),
    )
    date_formats: _DateFormats = Field(
        (), description="As of the export, for these files; first match wins."
    )
    join: dict[str, Join] = Field(
        default_factory=dict,
        description=(
            "A name = another file that has more about these rows; its columns are then called "
            '`name.header`, such as `{ task = { files = ["school/lineItems*"], on = "lineItemSourcedId", '
            'key = "sourcedId" } }` and `columns = { due_date = "task.dueDate" }`.'
        ),
    )
    export: Literal["snapshot", "delta"] | None = Field(
        None, description="As of the export, for these files: changes of the last whole."
    )
    shape: Literal["daily", "exceptions"] | None = Field(
        None, description="As of attendance, if it is that of all files."
    )
    end_date: Literal["exclusive", "inclusive"] | None = Field(
        None, description="As of enrollments or terms, if it is that of all files."
    )
    lessons: bool = Field(
        default=False,
        description=(
            "Whether marks are of lessons only: a school that has marks of days in other files has its days "
            "from those."
        ),
    )
    key: str | None = Field(
        None,
        description=(
            "The header of a record's own id: where files of changes have it again, the latest counts."
        ),
    )

    @classmethod
    def of(cls, text: str | None) -> Self:
        """As `LandingFiles` has it in `part`; empty for what is read as its export is."""
        return cls.model_validate_json(text or "{}")

    def besides(self) -> frozenset[str]:
        """The headers whose words are put beside codes, or by which a join finds the rows of another file."""
        found_by = (join.on for join in self.join.values())
        return frozenset().union(*self.beside.values(), *found_by)

    def joined(self) -> tuple[str, ...]:
        """The columns of other files that are wanted here."""
        wanted = dict.fromkeys((*self.columns.values(), *self.where))
        return tuple(name for name in wanted if name.partition(".")[0] in self.join)


class TableExport(Part):
    """How one kind of export is found and read."""

    files: tuple[str, ...] | None = Field(
        None,
        description=(
            "Patterns below the landing zone; default `school/<table>*`, of terms `school/academicSessions*`, "
            "as .csv, .txt, .text, .tsv, .xlsx, .xls or .ods."
        ),
    )
    export: Literal["snapshot", "delta"] = Field(
        "snapshot",
        description=(
            "`snapshot`: the file is the whole truth, so what vanishes from it is gone; of files "
            "that differ only in the date in their name the newest counts. `delta`: every file "
            "adds, and later rows replace earlier ones of the same key."
        ),
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Our column = the export's header, where the aliases do not know it.",
    )
    constants: dict[str, str] = Field(
        default_factory=dict, description="Our column = a value for every row, if it has no column."
    )
    parts: dict[str, FilesOfExport] = Field(
        default_factory=dict,
        description=(
            "Pattern of files = how they are read where that differs, such as "
            '`{ "*/TeacherRoster*" = { constants = { role = "teacher" } } }`.'
        ),
    )
    where: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="The export's header = the values to keep; other rows belong elsewhere.",
    )
    values: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="Our column = {their word = our word}, for class_type, role, in_session and school_id.",
    )
    date_formats: _DateFormats = Field(
        (),
        description=(
            "Date formats of this export besides those that can only be read in one way, first "
            "match wins (strftime): `%m/%d/%Y` or `%d/%m/%Y` is for you to say."
        ),
    )
    encoding: str = Field(
        "auto",
        description=(
            "Encoding of the files. `auto`: as the byte order mark says, else UTF-8 where the "
            "bytes are valid UTF-8 (but for a few, read as cp1252), else cp1252 or what is not Latin."
        ),
    )
    delimiter: str | None = Field(
        None,
        min_length=1,
        max_length=1,
        description="Character between cells; default: found among , ; tab and |.",
    )
    sheet: str | tuple[str, ...] | None = Field(
        None,
        description=(
            "Sheets of an Excel workbook, by name or pattern (`Week *`); default: all shown ones that "
            "have the needed columns."
        ),
    )
    header_line: int | None = Field(
        None,
        ge=1,
        description=(
            "Line with the column names, counted from 1; default: found, so that lines above it "
            "are skipped."
        ),
    )
    width: dict[str, Annotated[int, Field(ge=1, le=64)]] = Field(
        default_factory=dict,
        description=(
            "Our column = digits of its ids, for exports that lost leading zeros: "
            "`student_id = 6` reads 412 as 000412."
        ),
    )


class StaffExport(TableExport):
    """One more key for staff."""

    email_domain: str | None = Field(
        None,
        pattern=r"^[^@\s]+\.[^@\s]+$",
        description=(
            "What stands behind the @ of addresses that are exported without it, as logins are: `school.org`."
        ),
    )


class WideExport(TableExport):
    """More keys for attendance and homework, which may have a column per day or assignment."""

    cells: _Headers = Field(
        None,
        description=(
            "Of a table with a column per day, session or assignment: a regular expression of the headers "
            "whose cells are codes. The header is the date or the assignment, or what a group in it finds; "
            "named groups, such as `(?P<session>AM|PM)`, are these columns. Dates that headers have whole "
            "are found without it."
        ),
    )
    scores: bool = Field(
        default=False,
        description=(
            "Whether statuses are scores: a number above 0 is read as `graded`, 0 as `0`, which is for you "
            "to say, and so is what a blank cell means."
        ),
    )


class AttendanceExport(WideExport):
    """More keys for attendance."""

    first_day: date | None = Field(
        None,
        description=(
            "Of a table with a column per day whose headers have no year, such as `7 Sep`, `Mon` or `14`: "
            "a day from which they go on, each the next such day after the one to its left."
        ),
    )

    shape: Literal["daily", "exceptions"] = Field(
        "daily",
        description=(
            "`daily`: a row for every student and day. `exceptions`: no row means present, so "
            "enrollments and a calendar are needed to know who was expected. A published format may say it."
        ),
    )
    sessions_per_day: int = Field(
        1,
        ge=1,
        description=(
            "Rows a student has for a full day: 2 for AM and PM, 6 for periods. Not needed for AM and PM, "
            "nor in a daily export for periods with numbers and for lessons."
        ),
    )
    full_duration: float = Field(
        1,
        gt=0,
        description=(
            "What `duration` and `portion_absent` have for all of a day or, where it has several rows, of one "
            "session or lesson: 390 or 60 where they are in minutes."
        ),
    )


class EnrollmentsExport(TableExport):
    """More keys for enrollments."""

    end_date: Literal["exclusive", "inclusive"] = Field(
        "exclusive",
        description=(
            "Whether a student still belonged to the class on the end date. A published format may say it."
        ),
    )


class TermsExport(TableExport):
    """One more key for terms."""

    end_date: Literal["exclusive", "inclusive"] = Field(
        "inclusive",
        description=(
            "Whether the end date belongs to the term, as in OneRoster it does not. A published format may say it."
        ),
    )


EDX_COLUMNS = (
    *("id", "Student ID", "User ID", "username", "email", "name", "country"),
    *("enrollment_mode", "verification_status", "course_id", "course_run"),
    *("Grade", "Enrollment Track", "Verification Status"),
    *("Certificate Eligible", "Certificate Delivered", "Certificate Type", "Enrollment Status"),
    *("is_opted_in_for_email", "preference_set_datetime"),
)
"""Columns of edX's reports that are read, as edX calls them."""


def _of_edx(column: str) -> str:
    if column.casefold() not in map(str.casefold, EDX_COLUMNS):
        raise ValueError(
            f"{column!r} is no column of edX's reports that is read: {', '.join(EDX_COLUMNS)}"
        )
    return column


class EdxReports(Part):
    """How edX's reports are read where a site translated or renamed their columns."""

    columns: dict[str, Annotated[str, AfterValidator(_of_edx)]] = Field(
        default_factory=dict,
        description=(
            "A header as it stands in the files = the column as edX calls it, such as "
            '`{ "Calificación" = "Grade" }`.'
        ),
    )


class Landing(Part):
    """Where exports land and how to read them."""

    url: Annotated[str, AfterValidator(_known_place)] = Field(
        "data/landing",
        description=(
            "A folder, relative to the home, `s3://bucket/prefix` or `sftp://user@host/path`; below "
            "the folder that one logs in to: `sftp://user@host/~/path`."
        ),
    )
    ignore: tuple[str, ...] = Field(
        (),
        description=(
            "Patterns of files below the landing zone that are not ours, such as "
            "`*/demographics.csv`: they are not read and not asked about."
        ),
    )
    max_file_mb: int = Field(
        4000,
        ge=1,
        description=(
            "Millions of bytes that a file may have, and all files of an archive or workbook together "
            "when they are unpacked; a larger one is refused."
        ),
    )
    max_rows: int = Field(
        100_000_000, ge=1, description="Lines that a file may have; a longer one is refused."
    )
    students: TableExport = Field(default_factory=TableExport)
    staff: StaffExport = Field(default_factory=StaffExport)
    classes: TableExport = Field(default_factory=TableExport)
    enrollments: EnrollmentsExport = Field(default_factory=EnrollmentsExport)
    attendance: AttendanceExport = Field(default_factory=AttendanceExport)
    homework: WideExport = Field(default_factory=WideExport)
    calendar: TableExport = Field(default_factory=TableExport)
    terms: TermsExport = Field(default_factory=TermsExport)
    edx: EdxReports = Field(default_factory=EdxReports)

    def export(self, table: str) -> TableExport:
        """The section of one of `SCHOOL_TABLES`."""
        section = getattr(self, table)
        assert isinstance(section, TableExport)  # noqa: S101 - narrows getattr
        return section

    def as_formats_say(self, parts: Iterable[tuple[str, str | None]]) -> "Landing":
        """These, with what the formats of the files say of a whole export and nobody else does.

        Args:
            parts: Export and how a file of it is read, as `LandingFiles` has it, of all that count.
        """
        read = [(table, FilesOfExport.of(text)) for table, text in parts]
        said = {}
        for table, key in (
            ("attendance", "shape"),
            ("enrollments", "end_date"),
            ("terms", "end_date"),
        ):
            export = self.export(table)
            found = {getattr(part, key) for of, part in read if of == table}
            if key not in export.model_fields_set and len(found) == 1 and None not in found:
                said[table] = export.model_copy(update={key: found.pop()})
        return self.model_copy(update=said)
