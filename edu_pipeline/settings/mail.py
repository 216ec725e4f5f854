"""How letters leave: `[mail]` and its transports."""

import datetime as dt
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from edu_pipeline.settings.letters import mailbox
from edu_pipeline.settings.part import Part

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


def weekday_number(day: Weekday | None) -> int | None:
    """0 for Monday to 6 for Sunday; None where none is named."""
    return None if day is None else WEEKDAYS.index(day)


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
    timeout_seconds: float = Field(
        60,
        gt=0,
        description="How long one letter may take, from the connection to the last answer.",
    )

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
    timeout_seconds: float = Field(
        30, gt=0, description="How long one request may take, from the connection to the answer."
    )


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
    redirect_to: Annotated[str, AfterValidator(mailbox)] | None = Field(
        None, description="The operator's address for rehearsals."
    )
    allowed: tuple[str, ...] = Field(
        (),
        description=(
            "Domains (`school.org`) or addresses that letters may go to; a letter to another one is "
            "held. Needed where letters leave the machine, unless `[programmes.post]` says whom its "
            "letters may reach."
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
    close_week: Weekday | None = Field(
        None,
        description=(
            "Last day a letter about the running week counts: with `thursday` a Friday-noon letter "
            "is about Monday to Thursday and says so. Default: the last day of the school week."
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
            "A letter that may have gone out is sent again where two deliveries find it missing in "
            "the carrier's records, so many minutes apart by the carrier's clock; 60 is a good "
            "start. Default: only a person decides."
        ),
    )
    tracking: Literal["off", "aggregate", "individual"] = Field(
        "off",
        description=(
            "Whether opens and clicks are counted: not at all; `aggregate`, without saying whose; "
            "or `individual`, which needs each recipient's consent in the EU."
        ),
    )
    operator: Annotated[str, AfterValidator(mailbox)] | None = Field(
        None,
        description=(
            "Who is written to when something is wrong, and once a week that all is well; default: nobody."
        ),
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
    journal: str | None = Field(
        None,
        min_length=1,
        description=(
            "The file of the ledger's journal, such as /other/disk/school.journal, in a folder that is "
            "there; each home needs its own. Default: data/ledger.journal."
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
        return self
