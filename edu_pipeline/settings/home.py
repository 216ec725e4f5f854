"""`pipeline.toml` as one validated object, and where the files of a home are.

A home is a folder with `pipeline.toml`, `dagster.yaml` and `data/`: one organisation. Everything
that a school may change without touching Python is a field here, and its description is the
documentation. Reading the environment is not done here but in `environment`.
"""

import datetime as dt
import functools
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, ValidationError, model_validator

from edu_pipeline.ground.shipped import PROJECT
from edu_pipeline.settings.attainment import Attainment
from edu_pipeline.settings.landing import SAMPLE_MARKER, Landing
from edu_pipeline.settings.letters import Letters, Notice, Targets
from edu_pipeline.settings.mail import Mail
from edu_pipeline.settings.marks import Attendance, Homework
from edu_pipeline.settings.part import Part
from edu_pipeline.settings.post import Post
from edu_pipeline.settings.programmes import Programme
from edu_pipeline.settings.sources import Fetched

_COMMAND = re.compile(r"edu-pipeline (?=gate |landing |mail |programmes |run\b|sample\b|ui\b)")
PAGES = "/pages"
"""Where `edu-pipeline ui` serves what is in a home's data folder for people to read."""


class SettingsError(Exception):
    """`pipeline.toml` cannot be used; the message says what to change."""


@functools.cache
def _zones() -> frozenset[str]:
    """All that there are; looking for them takes longer than reading a home's settings."""
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name and name not in _zones():
        raise ValueError(f"{name!r} is no IANA time zone; write one such as Europe/London")
    return name


def _month_and_day(text: str) -> str:
    try:
        day = dt.date.fromisoformat(f"2000-{text}")
    except ValueError:
        raise ValueError(f"{text!r} is no month and day; write one such as 08-15") from None
    return f"{day:%m-%d}"


class School(Part):
    """Who writes."""

    name: str = Field(
        "",
        description=(
            "The school's name, or the team's, as letters and pages show it; blank: “Our school”, with "
            "`[[programmes]]` “Our organisation”."
        ),
    )
    time_zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "",
        description=(
            "IANA time zone in which weeks, cut-offs and sending times are meant, such as "
            "`Europe/London`; blank: UTC, and no letter leaves the machine."
        ),
    )
    week_begins: Literal["monday", "sunday", "saturday"] | None = Field(
        None,
        description=(
            "First day of the school week: `monday`, `sunday` or `saturday`. Default: `sunday` where "
            "school is on Sundays and never on Fridays or Saturdays, `saturday` where it is on both "
            "Saturdays and Sundays and never on Fridays, else `monday`. A week keeps the date of its "
            "Monday as its name."
        ),
    )
    ui: str = Field(
        "http://127.0.0.1:3000",
        description="Address of Dagster's UI as people here open it, for links from the pages.",
    )
    year_begins: Annotated[str, AfterValidator(_month_and_day)] | None = Field(
        None,
        description=(
            "Month and day from which the first day of school begins a new school year, such as "
            "`08-15`. Default: as a column of school years in the calendar says, else after more "
            "than 35 days without school."
        ),
    )


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
    sources: tuple[Fetched, ...] = Field(
        (), description="Systems that a school's exports are fetched from, into the landing zone."
    )
    programmes: tuple[Programme, ...] = Field(
        (), description="MicroMasters programmes whose completion is computed from edX exports."
    )

    @model_validator(mode="after")
    def _what_is_fetched_has_a_place(self) -> Self:
        names = [source.name for source in self.sources]
        if len(set(names)) < len(names):
            raise ValueError("two sources have the same name; give each its own")
        if names and "://" in self.landing.url:
            raise ValueError(
                "what is fetched from [[sources]] lands in a folder of this machine, so [landing] url must "
                "be one"
            )
        return self

    @model_validator(mode="after")
    def _programmes_are_told_apart(self) -> Self:
        ids = [programme.id for programme in self.programmes]
        for programme in ids:
            if ids.count(programme) > 1:
                raise ValueError(f"two programmes have the id {programme!r}; give each its own")
        return self

    @model_validator(mode="after")
    def _whoever_writes_says_to_whom(self) -> Self:
        mail = self.mail
        if mail.mode == "live" and mail.leaves and not self._allows_anybody:
            raise ValueError(
                f'transport = "{mail.transport}" needs [mail] allowed, the domains that letters may go '
                'to, such as allowed = ["school.org"]; for letters to learners [programmes.post] may say '
                'allowed = "learners"'
            )
        return self

    @model_validator(mode="after")
    def _whoever_writes_says_who(self) -> Self:
        blank = [
            key
            for key, value in (
                ("[school] time_zone", self.school.time_zone),
                ("[letters] from_email", self.letters.from_email),
            )
            if not value
        ]
        if self.mail.leaves and blank:
            raise ValueError(
                f'transport = "{self.mail.transport}" sends letters to people, so fill in '
                f"{' and '.join(blank)} first, or keep letters on this machine with "
                'transport = "folder"'
            )
        return self

    def post(self, campaign: str) -> Post:
        """Who writes a campaign's letters, and whom they may reach.

        What a programme's own post leaves out is as for all letters.

        Args:
            campaign: Such as `teachers`, or `nudges.buslead` of the programme `buslead`.
        """
        of = campaign.partition(".")[2]
        own = next((each.post for each in self.programmes if each.id == of), Post())
        return own.beside(self.letters, self.mail)

    @property
    def called(self) -> str:
        """What pages and letters call those whose home it is: with programmes it may be a school, too."""
        return self.school.name or ("Our organisation" if self.programmes else "Our school")

    @property
    def _allows_anybody(self) -> bool:
        return bool(self.mail.allowed) or any(each.post.allowed for each in self.programmes)

    @property
    def known_zone(self) -> str | None:
        """The school's time zone where somebody has said it."""
        return self.school.time_zone or None

    @property
    def zone(self) -> ZoneInfo:
        """The school's time zone."""
        return ZoneInfo(self.school.time_zone or "UTC")


@dataclass(frozen=True)
class Secrets:
    """What must not stand in a file: read from the environment, never shown."""

    sendgrid_key: str | None = field(default=None, repr=False)
    smtp_password: str | None = field(default=None, repr=False)
    ledger_url: str | None = field(default=None, repr=False)
    landing: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Variables of the environment by which the landing zone and `[[sources]]` are reached."""


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
    def preview(self) -> Path:
        """Letters as they would read, for whoever asked for them last."""
        return self.data / "preview"

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
    def fetched(self) -> Path:
        """What was fetched from a landing zone elsewhere."""
        return self.data / "fetched"

    @property
    def brought(self) -> Path:
        """Settings that samples brought."""
        return self.data / "sample"

    @property
    def templates(self) -> Path:
        """The home's own templates, which win over the shipped ones."""
        return self.root / "templates"

    def templates_for(self, post: Post, language: str | None = None) -> tuple[Path, ...]:
        """Folders of templates for letters: the first that has a template wins.

        Args:
            post: Whose letters.
            language: Of a programme's `languages`; None: the letters that everybody else gets.

        Raises:
            SettingsError: The post's own folder is not there, or none has the language.
        """
        if language is not None:
            shared = self.templates_for(post)
            of_language = tuple(each for folder in shared if (each := folder / language).is_dir())
            if not of_language:
                raise SettingsError(
                    f'[[programmes]] languages: there is no folder {shared[0] / language} with templates in "'
                    f'{language}". Make it, or take the language out of pipeline.toml.'
                )
            return *of_language, *shared
        if post.templates is None:
            return (self.templates,)
        own = self.root / post.templates
        if not own.is_dir():
            raise SettingsError(
                f"[programmes.post] templates: there is no folder {own}. Make it, or correct its name in "
                "pipeline.toml."
            )
        return own, self.templates

    def landing_url(self, settings: Settings) -> str:
        """The landing zone as a URL, whether it is a folder of the home or elsewhere."""
        if "://" in settings.landing.url:
            return settings.landing.url
        return (self.root / settings.landing.url).resolve().as_uri()


def command(home: Home, rest: str) -> str:
    """A command on this home, ready to paste."""
    of = "" if home.root == PROJECT else f" --home {shlex.quote(str(home.root))}"
    return f"edu-pipeline{of} {rest}"


def with_home(home: Home, text: str) -> str:
    """A text whose commands are ready to paste on this home, wherever it is read."""
    return _COMMAND.sub(lambda _: command(home, ""), text)


def home_around(folder: Path) -> Home:
    """The home that a folder is, or lies in; else the project's root."""
    around = (folder, *folder.parents)
    homes = (Home(root) for root in around if Home(root).config.is_file())
    return next((home for home in homes if home.data.is_dir()), Home(PROJECT))


def load_settings(home: Home) -> Settings:
    """Read and check a home's `pipeline.toml`.

    What a sample that lies there brings is read as well; what is written here wins, and a blank
    says nothing.

    Raises:
        SettingsError: There is none, it is no TOML, or a value cannot be used.
    """
    return _checked(home, brought=True)


def own_settings(home: Home) -> Settings:
    """What the home's `pipeline.toml` says by itself, whatever samples brought.

    Raises:
        SettingsError: As `load_settings`.
    """
    return _checked(home, brought=False)


def _checked(home: Home, *, brought: bool) -> Settings:
    if not home.config.is_file():
        raise SettingsError(
            f"There is no pipeline.toml in {home.root}. Make a home with: edu-pipeline init {home.root}"
        )
    try:
        said = _read(home.config)
        return Settings.model_validate(_with_samples(home, said) if brought else said)
    except UnicodeDecodeError as error:
        raise SettingsError(f"{home.config} is not UTF-8. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{home.config} is not valid TOML: {error}") from error
    except ValidationError as error:
        raise SettingsError(
            "\n".join([f"{home.config} cannot be used:", *map(_sentence, _told_once(error))])
        ) from error


def _read(path: Path) -> dict[str, Any]:
    # Windows editors begin UTF-8 files with a byte order mark
    return tomllib.loads(path.read_text(encoding="utf-8-sig"))


def _with_samples(home: Home, said: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is said and, where samples lie in the landing zone, what they brought."""
    landing = said.get("landing")
    folder = landing.get("url") if isinstance(landing, Mapping) else None
    marker = home.root / str(folder or "data/landing") / SAMPLE_MARKER
    for path in sorted(home.brought.glob("*.toml")) if marker.is_file() else ():
        said = _over(_read(path), said)
    return said


def _over(brought: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """What a sample brought, below what is said: key by key, lists of tables one after the other."""
    merged = dict(said)
    for key, value in brought.items():
        own = said.get(key, "")
        if isinstance(value, Mapping) and isinstance(own, Mapping):
            merged[key] = _over(value, own)
        elif isinstance(value, list) and isinstance(own, list):
            merged[key] = [*own, *value]
        elif own == "":
            merged[key] = value
    return merged


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
        return f"  {place}: there is no such key. Those that there are: edu-pipeline docs configuration"
    shown = "" if isinstance(value, dict) else f" (it says {value!r})"
    told = str(error["msg"]).removeprefix("Value error, ")
    return f"  {place}: {told}{shown}" if place else f"  {told}{shown}"
