"""`pipeline.toml` as one validated object, and where the files of a home are.

A home is a folder with `pipeline.toml`, `dagster.yaml` and `data/`: one organisation. Everything
that a school may change without touching Python is a field here, and its description is the
documentation. Reading the environment is not done here but in `environment`.
"""

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, ValidationError, model_validator

from edu_pipeline.attainment_settings import Attainment
from edu_pipeline.mail.suppressed import is_address
from edu_pipeline.programme_settings import Programme
from edu_pipeline.settings_part import Part

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
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
)


Meaning = TypeVar("Meaning")


class SettingsError(Exception):
    """`pipeline.toml` cannot be used; the message says what to change."""


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no IANA time zone; write one such as Europe/London")
    return name


def _known_format(form: str) -> str:
    unknown = re.sub(r"%-?[YymdjbBaAHIMSpz%]", "", form)
    if "%" in unknown or not re.search(r"%-?[Yy]", form):
        raise ValueError(f"{form!r} is no date format; write one such as %Y-%m-%d or %m/%d/%Y")
    return form


def _mailbox(email: str) -> str:
    if not is_address(email):
        raise ValueError("this is no e-mail address; write one such as you@school.org")
    return email


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


class School(Part):
    """Who writes."""

    name: str = Field("Our school", description="The school's name, as letters show it.")
    time_zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "UTC", description="IANA time zone in which weeks, cut-offs and sending times are meant."
    )
    first_week: dt.date = Field(
        dt.date(2015, 1, 5), description="The first week that letters can be made for."
    )


class TableExport(Part):
    """How one kind of export is found and read."""

    files: tuple[str, ...] | None = Field(
        None,
        description=(
            "Patterns below the landing zone; default `school/<table>*`, as .csv, .txt, .tsv, "
            ".xlsx, .xls or .ods."
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
    where: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="The export's header = the values to keep; other rows belong elsewhere.",
    )
    values: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="Our column = {their word = our word}, for class_type, role and in_session.",
    )
    date_formats: Annotated[
        tuple[Annotated[str, AfterValidator(_known_format)], ...], AfterValidator(_one_order)
    ] = Field(
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
            "bytes are valid UTF-8 (but for a few, read as cp1252), else cp1252."
        ),
    )
    delimiter: str | None = Field(
        None,
        min_length=1,
        max_length=1,
        description="Character between cells; default: found among , ; tab and |.",
    )
    sheet: str | None = Field(None, description="Sheet of an Excel workbook; default: the first.")
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


class AttendanceExport(TableExport):
    """More keys for attendance."""

    shape: Literal["daily", "exceptions"] = Field(
        "daily",
        description=(
            "`daily`: a row for every student and day. `exceptions`: no row means present, so "
            "enrollments and a calendar are needed to know who was expected."
        ),
    )
    sessions_per_day: int = Field(
        1, ge=1, description="Rows a student has for a full day: 2 for AM and PM, 6 for periods."
    )


class EnrollmentsExport(TableExport):
    """More keys for enrollments."""

    end_date: Literal["exclusive", "inclusive"] = Field(
        "exclusive",
        description="Whether a student still belonged to the class on the end date.",
    )


class Landing(Part):
    """Where exports land and how to read them."""

    url: str = Field(
        "data/landing",
        description="A folder, relative to the home, or `s3://bucket/prefix`.",
    )
    students: TableExport = Field(default_factory=TableExport)
    staff: TableExport = Field(default_factory=TableExport)
    classes: TableExport = Field(default_factory=TableExport)
    enrollments: EnrollmentsExport = Field(default_factory=EnrollmentsExport)
    attendance: AttendanceExport = Field(default_factory=AttendanceExport)
    homework: TableExport = Field(default_factory=TableExport)
    calendar: TableExport = Field(default_factory=TableExport)

    def export(self, table: str) -> TableExport:
        """The section of one of `SCHOOL_TABLES`."""
        section = getattr(self, table)
        assert isinstance(section, TableExport)  # noqa: S101 - narrows getattr
        return section


class Mark(Part):
    """What one attendance code means."""

    possible: float = Field(1.0, ge=0, le=1, description="Fraction of the session expected.")
    attended: float = Field(1.0, ge=0, le=1, description="Fraction of the session attended.")
    tardy: bool = Field(False, description="Came late; still attended.")
    excused: bool | None = Field(None, description="Whether the absence is excused.")
    submitted: bool = Field(True, description="False: the register was not taken.")

    @model_validator(mode="after")
    def _attended_within_possible(self) -> Self:
        if self.attended > self.possible:
            raise ValueError("attended cannot be more than possible")
        return self


MARKS: Mapping[str, Mark] = {
    "present": Mark(),
    "tardy": Mark(tardy=True),
    "absent": Mark(attended=0),
    "excused": Mark(attended=0, excused=True),
    "unexcused": Mark(attended=0, excused=False),
    "half_day": Mark(attended=0.5),
    "half_day_excused": Mark(attended=0.5, excused=True),
    "not_expected": Mark(possible=0, attended=0),
    "not_taken": Mark(possible=0, attended=0, submitted=False),
}
MarkName = Literal[
    "present",
    "tardy",
    "absent",
    "excused",
    "unexcused",
    "half_day",
    "half_day_excused",
    "not_expected",
    "not_taken",
]
HomeworkStatus = Literal["complete", "late", "missing", "exempt", "not_due", "unknown"]

DEFAULT_ATTENDANCE_CODES: Mapping[str, MarkName] = {
    "": "not_taken",
    "present": "present",
    "in attendance": "present",
    "tardy": "tardy",
    "late": "tardy",
    "absent": "absent",
    "excused absence": "excused",
    "unexcused absence": "unexcused",
}
DEFAULT_HOMEWORK_CODES: Mapping[str, HomeworkStatus] = {
    "": "unknown",
    "complete": "complete",
    "submitted": "complete",
    "graded": "complete",
    "fully graded": "complete",
    "partially graded": "complete",
    "returned": "complete",
    "resubmission": "complete",
    "late": "late",
    "submitted late": "late",
    "missing": "missing",
    "not submitted": "missing",
    "exempt": "exempt",
    "absent": "exempt",
    "not due": "not_due",
    "no status set": "unknown",
}


class Attendance(Part):
    """What the attendance codes mean."""

    codes: dict[str, MarkName | Mark] = Field(
        default_factory=dict,
        description=(
            "Code = one of present, tardy, absent, excused, unexcused, half_day, "
            "half_day_excused, not_expected, not_taken; or a table such as "
            "{ attended = 0.25, excused = true }. An unknown code holds the mail."
        ),
    )

    def mark(self, code: str) -> Mark | None:
        """The meaning of a code: as written, else in any case; None where nobody mapped it."""
        found = _meaning(code, self.codes) or DEFAULT_ATTENDANCE_CODES.get(code.casefold())
        return MARKS[found] if isinstance(found, str) else found


class Homework(Part):
    """What the homework statuses mean."""

    codes: dict[str, HomeworkStatus] = Field(
        default_factory=dict,
        description=(
            "Status = one of complete, late, missing, exempt, not_due, unknown. Exempt, not due "
            "and unknown are outside the rate. An unknown status word holds the mail."
        ),
    )
    late_counts: bool = Field(True, description="Whether late homework counts as handed in.")

    def status(self, code: str) -> HomeworkStatus | None:
        """The meaning of a status: as written, else in any case; None where nobody mapped it."""
        return _meaning(code, self.codes) or DEFAULT_HOMEWORK_CODES.get(code.casefold())


def _meaning(code: str, codes: Mapping[str, Meaning]) -> Meaning | None:
    return codes.get(code) or {k.casefold(): v for k, v in codes.items()}.get(code.casefold())


class Cutoffs(Part):
    """Where a rate stops being good enough."""

    met: float = Field(ge=0, le=1, description="🙂 on target from here up (share, 0.95 = 95 %).")
    near: float = Field(ge=0, le=1, description="😐 close to target from here up; 🙁 below.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.near > self.met:
            raise ValueError("near must not be above met")
        return self


class Target(Cutoffs):
    """A metric's cut-offs, and those of grades that have their own."""

    grades: dict[str, Cutoffs] = Field(
        default_factory=dict, description="Grade = { met = …, near = … }."
    )

    def for_grade(self, grade: str | None) -> Cutoffs:
        """The grade's own cut-offs, else the school's."""
        return self.grades.get(grade or "", self)


class Targets(Part):
    """What the school aims at; the face in each letter follows from it."""

    attendance: Target = Field(default_factory=lambda: Target(met=0.95, near=0.92))
    homework: Target = Field(default_factory=lambda: Target(met=0.85, near=0.75))


class Faces(Part):
    """The symbols beside a rate, never shown without the words."""

    met: str = Field("🙂", description="On target.")
    near: str = Field("😐", description="Close to target.")
    below: str = Field("🙁", description="Below target.")


Block = Literal["figures", "news", "notice", "charts", "table"]


class Letters(Part):
    """Who gets a letter, what is in it, and how it signs."""

    to: Literal["everyone", "homeroom_teachers"] = Field(
        "everyone",
        description="`everyone`: all who teach a class. `homeroom_teachers`: only those with one.",
    )
    students: Literal["full", "initials", "none"] = Field(
        "full", description="How letters name students: full names, initials, or only how many."
    )
    blocks: tuple[Block, ...] = Field(
        ("figures", "news", "notice", "charts", "table"),
        description=(
            "What a letter shows of a class below its sentence, in this order: the two `figures`, "
            "good `news` of students, students to `notice`, `charts`, the `table` of comparisons."
        ),
    )
    faces: Faces = Field(default_factory=Faces)
    from_name: str = Field("School data", description="The name letters come from.")
    from_email: str = Field("reports@school.example", description="The address letters come from.")
    reply_to: str | None = Field(None, description="Where answers go; default: from_email.")


class Notice(Part):
    """Which students a letter points out, and when."""

    absent_days: float = Field(
        2, gt=0, description="Days absent in the week from which a student is pointed out."
    )
    missed_share: float = Field(
        0.10,
        gt=0,
        lt=1,
        description="Share of the school year's days missed, excused or not, that is too much.",
    )
    missed_from_days: int = Field(
        20, ge=1, description="Days expected before anything is said about that share."
    )
    missed_ahead: int = Field(
        3, ge=0, description="Said when this many more absences, or fewer, would reach the share."
    )
    homework_missing: float = Field(
        0.5, gt=0, le=1, description="Share of the week's homework missing from which it is said."
    )
    homework_from: int = Field(
        3, ge=1, description="Pieces due in the week before anything is said about that share."
    )
    most: int = Field(10, ge=1, description="Students in one list; the others are counted.")


class SendMode(StrEnum):
    """When letters leave on their own."""

    manual = "manual"
    after_refresh = "after_refresh"
    weekly = "weekly"


class Window(Part):
    """When letters may leave, in the school's time zone."""

    days: tuple[Weekday, ...] = Field(
        WEEKDAYS, min_length=1, description="Days on which letters may leave."
    )
    opens: dt.time = Field(dt.time(0, 0), description="Not before this time of day.")
    closes: dt.time = Field(dt.time.max, description="Not after this time of day.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.closes <= self.opens:
            raise ValueError("closes must be later in the day than opens")
        return self


class Smtp(Part):
    """The mail server, for `transport = "smtp"`; its password is `EDU_PIPELINE_SMTP_PASSWORD`."""

    host: str = Field("localhost", description="The mail server.")
    port: int = Field(587, ge=1, le=65535, description="Usually 587 for starttls, 465 for tls.")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="How the connection is encrypted; `none` only for a server on this machine.",
    )
    username: str | None = Field(None, description="Default: nobody logs in.")
    timeout_seconds: float = Field(30, gt=0, description="How long one answer is waited for.")

    @model_validator(mode="after")
    def _open_only_at_home(self) -> Self:
        if self.security == "none" and self.host not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError('security = "none" would send student data in the clear; use starttls')
        return self


class SendGrid(Part):
    """SendGrid, for `transport = "sendgrid"`; its API key is `SENDGRID_API_KEY`."""

    url: str = Field(
        "https://api.sendgrid.com",
        description="For an account in the EU: https://api.eu.sendgrid.com.",
    )
    sandbox: bool = Field(
        False, description="SendGrid only checks the letters; nothing is sent or counted."
    )
    ask_logs: bool = Field(
        True,
        description=(
            "Before the first letter of a run, ask SendGrid's Email Logs what went out: they "
            "settle `unknown` letters and show when the ledger was restored from a backup."
        ),
    )
    webhook_key: str | None = Field(
        None, description="Public key of the signed event webhook, as SendGrid shows it."
    )
    timeout_seconds: float = Field(20, gt=0, description="How long one answer is waited for.")


class Mail(Part):
    """When letters go out, how they leave, and what holds them."""

    transport: Literal["folder", "smtp", "sendgrid"] = Field(
        "folder",
        description=(
            "`folder`: into data/outbox, nothing leaves the machine. `smtp`, `sendgrid`: to people, "
            "for which `allowed` must be filled."
        ),
    )
    mode: Literal["live", "redirect"] = Field(
        "live",
        description=(
            "`redirect`: a rehearsal. Every letter goes to `redirect_to` with [TEST] in its "
            "subject, and counts nowhere."
        ),
    )
    redirect_to: Annotated[str, AfterValidator(_mailbox)] | None = Field(
        None, description="The operator's address for rehearsals."
    )
    allowed: tuple[str, ...] = Field(
        (),
        description=(
            "Domains (`school.org`) or addresses that letters may go to; a letter to another one is "
            "held. Needed where letters leave the machine."
        ),
    )
    approval: Literal["required", "none"] = Field(
        "required",
        description=(
            "Whether a person must approve exactly what goes out. Only where letters leave the "
            "machine: the folder takes them as they come."
        ),
    )

    send: SendMode = Field(
        SendMode.manual,
        description=(
            "`manual`: only when somebody starts it. `after_refresh`: as soon as a refresh finds a "
            "week due. `weekly`: on `day` at `time`."
        ),
    )
    day: Weekday = Field("friday", description="Sending day for `weekly`.")
    time: dt.time = Field(
        dt.time(15, 0), description="Sending time for `weekly`, in the school's zone."
    )
    close_week: Weekday = Field(
        "sunday",
        description=(
            "Last day a letter about the running week counts: with `thursday` a Friday-noon letter "
            "is about Monday to Thursday and says so."
        ),
    )
    cut_off_hours: int = Field(
        24,
        ge=0,
        description=(
            "Hours after the end of the week's last closed day until which missing registers are "
            "waited for; then the letter goes out without them."
        ),
    )
    valid_days: int = Field(
        5, ge=1, description="Days after the week's last closed day that a letter is still news."
    )
    on_problem: Literal["hold", "hold_affected"] = Field(
        "hold",
        description=(
            "When exports have a problem: hold the whole week's mail, or only the classes concerned."
        ),
    )
    window: Window = Field(default_factory=Window)
    connections: int = Field(4, ge=1, le=32, description="Letters under way at the same time.")
    per_second: float | None = Field(
        None, gt=0, description="At most so many letters a second; default: no limit."
    )
    per_hour: int | None = Field(
        None,
        ge=1,
        description="At most so many letters in any hour; the others follow later. Default: no limit.",
    )
    stop_after: int = Field(
        5, ge=1, description="A delivery stops after so many failures or doubts in a row."
    )
    auto_requeue_minutes: int | None = Field(
        None,
        ge=15,
        description=(
            "A letter that may have gone out, and is not in the carrier's records after so many "
            "minutes, is sent again; 60 is a good start. Default: only a person decides."
        ),
    )
    tracking: Literal["off", "aggregate", "individual"] = Field(
        "off",
        description=(
            "Whether opens and clicks are counted: not at all; `aggregate`, without saying whose; "
            "or `individual`, which needs each recipient's consent in the EU."
        ),
    )
    operator: Annotated[str, AfterValidator(_mailbox)] | None = Field(
        None, description="Who is written to when a run fails; default: nobody."
    )
    public_url: str | None = Field(
        None,
        description=(
            "Where `edu-pipeline mail webhook` can be reached from outside, such as "
            "https://letters.school.org: letters then have a link to pause them."
        ),
    )
    postal_address: str | None = Field(
        None, description="Postal address that nudges to learners must show."
    )
    ledger: str | None = Field(
        None,
        description=(
            "URL of the ledger, such as postgresql+psycopg://user@host/name; better in "
            "EDU_PIPELINE_LEDGER_URL where it has a password. Default: data/ledger.db."
        ),
    )
    smtp: Smtp = Field(default_factory=Smtp)
    sendgrid: SendGrid = Field(default_factory=SendGrid)

    @property
    def leaves(self) -> bool:
        """Whether letters leave this machine."""
        return self.transport != "folder"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.mode == "redirect" and not self.redirect_to:
            raise ValueError('mode = "redirect" needs redirect_to, the address of who rehearses')
        if self.mode == "live" and self.leaves and not self.allowed:
            raise ValueError(
                f'transport = "{self.transport}" needs allowed, the domains that letters may go '
                'to, such as allowed = ["school.org"]'
            )
        return self


class Settings(Part):
    """Everything in `pipeline.toml`."""

    school: School = Field(default_factory=School)
    landing: Landing = Field(default_factory=Landing)
    attendance: Attendance = Field(default_factory=Attendance)
    homework: Homework = Field(default_factory=Homework)
    targets: Targets = Field(default_factory=Targets)
    letters: Letters = Field(default_factory=Letters)
    notice: Notice = Field(default_factory=Notice)
    mail: Mail = Field(default_factory=Mail)
    attainment: Attainment = Field(default_factory=Attainment)
    programmes: tuple[Programme, ...] = Field(
        (), description="MicroMasters programmes whose completion is computed from edX exports."
    )

    @model_validator(mode="after")
    def _programmes_are_told_apart(self) -> Self:
        ids = [programme.id for programme in self.programmes]
        for programme in ids:
            if ids.count(programme) > 1:
                raise ValueError(f"two programmes have the id {programme!r}; give each its own")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The school's time zone."""
        return ZoneInfo(self.school.time_zone)


@dataclass(frozen=True)
class Secrets:
    """What must not stand in a file: read from the environment, never shown."""

    sendgrid_key: str | None = field(default=None, repr=False)
    smtp_password: str | None = field(default=None, repr=False)
    ledger_url: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Home:
    """Where one organisation's files are."""

    root: Path

    @property
    def config(self) -> Path:
        """The settings."""
        return self.root / "pipeline.toml"

    @property
    def data(self) -> Path:
        """Everything that is not written by hand."""
        return self.root / "data"

    @property
    def warehouse(self) -> Path:
        """What can be computed again at any time."""
        return self.data / "warehouse.duckdb"

    def ledger_url(self, settings: Settings, secrets: Secrets) -> str:
        """Where the ledger is: what happened in the world."""
        return secrets.ledger_url or settings.mail.ledger or f"sqlite:///{self.data / 'ledger.db'}"

    @property
    def outbox(self) -> Path:
        """Where the folder transport delivers."""
        return self.data / "outbox"

    @property
    def site(self) -> Path:
        """Pages for people."""
        return self.data / "site"

    @property
    def reports(self) -> Path:
        """Tables as files, for people and other programs."""
        return self.data / "reports"

    @property
    def dagster(self) -> Path:
        """Dagster's run history, shared by the shell and the UI."""
        return self.data / "dagster"

    @property
    def lock(self) -> Path:
        """Held by the run that writes."""
        return self.data / ".lock"

    @property
    def templates(self) -> Path:
        """The home's own templates, which win over the shipped ones."""
        return self.root / "templates"

    def landing_url(self, settings: Settings) -> str:
        """The landing zone as a URL, whether it is a folder of the home or a bucket."""
        if "://" in settings.landing.url:
            return settings.landing.url
        return (self.root / settings.landing.url).resolve().as_uri()


def load_settings(home: Home) -> Settings:
    """Read and check a home's `pipeline.toml`.

    Raises:
        SettingsError: There is none, it is no TOML, or a value cannot be used.
    """
    if not home.config.is_file():
        raise SettingsError(
            f"There is no pipeline.toml in {home.root}. Make a home with: edu-pipeline init {home.root}"
        )
    try:
        # Windows editors begin UTF-8 files with a byte order mark
        return Settings.model_validate(tomllib.loads(home.config.read_text(encoding="utf-8-sig")))
    except UnicodeDecodeError as error:
        raise SettingsError(f"{home.config} is not UTF-8. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{home.config} is not valid TOML: {error}") from error
    except ValidationError as error:
        raise SettingsError(
            "\n".join([f"{home.config} cannot be used:", *map(_sentence, _told_once(error))])
        ) from error


def _told_once(error: ValidationError) -> list[Mapping[str, object]]:
    """One error per value: where it could be a word or a table, only what is wrong with the word."""
    told: dict[tuple[str, ...], Mapping[str, object]] = {}
    for each in error.errors():
        told.setdefault(_place(each), dict(each))
    return list(told.values())


def _place(error: Mapping[str, object]) -> tuple[str, ...]:
    """Keys down to the value, without pydantic's names for the branches of a choice."""
    return tuple(str(part) for part in error["loc"] if "[" not in str(part))  # type: ignore[attr-defined]


def _sentence(error: Mapping[str, object]) -> str:
    place, value = ".".join(_place(error)), error["input"]
    if error["type"] == "extra_forbidden":
        return f"  {place}: there is no such key. See docs/configuration.md for those there are."
    shown = "" if isinstance(value, dict) else f" (it says {value!r})"
    return f"  {place}: {error['msg']}{shown}"
