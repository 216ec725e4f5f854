"""`[[programmes]]` of `pipeline.toml`: courses in sequence, what completes a programme, its runs."""

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from edu_pipeline.model.course_keys import canonical, course_of, folded
from edu_pipeline.settings.part import ONE_OR_SEVERAL, Part
from edu_pipeline.settings.post import Post

PAID_TRACKS = (
    "verified",
    "professional",
    "no-id-professional",
    "credit",
    "masters",
    "executive-education",
    "paid-executive-education",
    "paid-bootcamp",
)
"""Tracks that edX sells: by default those whose certificates count towards a programme."""
FREE_TRACKS = ("audit", "honor", "unpaid-executive-education", "unpaid-bootcamp")
"""`honor` gave a certificate before 2016, free of charge and of identity."""
OPT_IN = "*email_opt_in*"
PROGRAM_CERTIFICATES = ("*program_learner_report*", "*program*certificate*")
CAP_DAYS = 30
"""What `letters_per_month` calls a month."""
ID = r"[a-z0-9_-]+"
Id = Annotated[str, StringConstraints(pattern=f"^{ID}$")]


def _with_organisation(key: str) -> str:
    if "_" not in canonical(key):
        raise ValueError(
            f"{key!r} names no organisation; write it as in the course's address, such as "
            "course-v1:UQx+BUSLEAD1x"
        )
    return key


def _is_somebody(text: str) -> str:
    if not re.fullmatch(r"[^\s@]+|[^\s@]*@[^\s@]+", text):
        raise ValueError(f"{text!r} is no username, no address and no @domain")
    return text


_Staff = Annotated[str, AfterValidator(_is_somebody)]
_Language = Annotated[str, StringConstraints(pattern="^[a-z]{2,3}$")]
_Track = Annotated[str, StringConstraints(to_lower=True, strip_whitespace=True, min_length=1)]


class Course(Part):
    """A course of a programme, whatever its runs."""

    id: Id = Field(description="Short name, as tables show it: small letters, digits, `-` and `_`.")
    title: str = Field(description="What learners read.")
    key: Annotated[
        tuple[Annotated[str, AfterValidator(_with_organisation)], ...], ONE_OR_SEVERAL
    ] = Field(
        (),  # the title is filled in before it is validated
        min_length=1,
        description=(
            "Organisation and course in any spelling: `course-v1:UQx+BUSLEAD1x`, `UQx/BUSLEAD1x` or "
            "`UQx_BUSLEAD1x`; default: the title. Several of a course that was renumbered, the present "
            'one first: `["MITx+14.310Fx", "MITx+14.310x"]`.'
        ),
    )
    pass_mark: float = Field(gt=0, le=1, description="Grade from which it is passed (0.65 = 65 %).")
    link: str | None = Field(None, description="Where learners enrol.")

    @model_validator(mode="before")
    @classmethod
    def _the_key_is_the_title(cls, data: Any) -> Any:  # noqa: ANN401 - TOML may hold anything
        if isinstance(data, Mapping) and "key" not in data and "title" in data:
            return {**data, "key": data["title"]}
        return data


class Requirement(Part):
    """What completes a programme: a course, all of some nodes, or a number of them.

    In `pipeline.toml` a course is its id alone; `all_of` and `of` hold ids and further nodes, such as
    `{ all_of = ["a1", { min_number_of = 1, of = ["a2", "a3"] }] }`. Default: all courses but the
    capstone.
    """

    course: str | None = Field(None, description="A course that must be completed.")
    all_of: tuple["Requirement", ...] | None = Field(
        None, description="Every one of these must be complete."
    )
    min_number_of: int | None = Field(None, ge=1, description="So many of `of` must be complete.")
    of: tuple["Requirement", ...] | None = Field(None, description="What `min_number_of` is about.")

    @model_validator(mode="before")
    @classmethod
    def _a_course_is_its_id(cls, data: Any) -> Any:  # noqa: ANN401 - TOML may hold anything
        return {"course": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _one_kind_of_node(self) -> Self:
        if (self.min_number_of is None) != (self.of is None):
            raise ValueError(
                "min_number_of and of belong together: { min_number_of = 1, of = […] }"
            )
        kinds = [self.course is not None, self.all_of is not None, self.of is not None]
        if sum(kinds) != 1:
            raise ValueError(
                "write a course's id, { all_of = […] } or { min_number_of = 1, of = […] }"
            )
        if self.all_of == () or self.of == ():
            raise ValueError("without a course it would be complete for everybody; name some")
        if self.of is not None and (self.min_number_of or 1) > len(self.of):
            raise ValueError(
                f"min_number_of = {self.min_number_of} of {len(self.of)} can never be complete"
            )
        return self

    def courses(self) -> Iterator[str]:
        """Ids of the courses in it, as often as they stand there."""
        if self.course is not None:
            yield self.course
        for node in (*(self.all_of or ()), *(self.of or ())):
            yield from node.courses()

    def complete(self, courses: Collection[str]) -> bool:
        """Whether somebody who has completed these courses has what it takes."""
        if self.course is not None:
            return self.course in courses
        if self.all_of is not None:
            return bool(self.all_of) and all(node.complete(courses) for node in self.all_of)
        done = sum(node.complete(courses) for node in self.of or ())
        return done >= max(self.min_number_of or 1, 1)


class Run(Part):
    """A run of a course. One that is not listed counts all the same; only nudges need dates."""

    course: str = Field(description="Id of its course.")
    run: str = Field(description="The run, such as `1T2027`, or its whole key in any spelling.")
    starts: dt.date | None = Field(None, description="First day.")
    ends: dt.date | None = Field(None, description="Last day.")
    upgrade_deadline: dt.date | None = Field(
        None, description="Last day on which an audit learner can upgrade."
    )
    certificates_available: dt.date | None = Field(
        None, description="Day from which certificates can be had."
    )
    verification_deadline: dt.date | None = Field(
        None,
        description=(
            "Last day on which a paying learner can verify who they are, which a certificate needs. "
            "Without it nobody is reminded."
        ),
    )
    enrolment_closes: dt.date | None = Field(
        None,
        description=(
            "Last day on which somebody can join. Nobody is invited after `upgrade_deadline`: a "
            "certificate needs the upgrade."
        ),
    )
    self_paced: bool = Field(
        False,
        description=(
            "Whether learners can begin at any time. To any other run nobody is invited who would "
            "join it more than two weeks late."
        ),
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.starts and self.ends and self.ends < self.starts:
            raise ValueError(f"ends ({self.ends}) is before starts ({self.starts})")
        return self


class Pathway(Part):
    """Where a completed programme leads: a degree that gives credit for it, a next programme."""

    text: str = Field(description="What learners read, a sentence or two.")
    link: str | None = Field(None, description="Where they read more.")


def _said(course: Any, key: str) -> Any:  # noqa: ANN401 - TOML may hold anything
    return course.get(key) if isinstance(course, Mapping) else getattr(course, key, None)


class Programme(Part):
    """A MicroMasters programme."""

    id: Id = Field(
        description="Short name, and its folder below `micromasters/` in the landing zone."
    )
    title: str = Field(description="What learners read.")
    opt_in: str = Field(
        OPT_IN,
        description=(
            "Pattern of the names of edX's e-mail opt-in lists, in its folder or in `micromasters/`."
        ),
    )
    program_certificates: Annotated[tuple[str, ...], ONE_OR_SEVERAL] = Field(
        PROGRAM_CERTIFICATES,
        description=(
            "Patterns of the names of lists of programme certificates that were issued, in the same places."
        ),
    )
    program: str | None = Field(
        None,
        description="What such lists call it, by title or uuid, where that is not its title here.",
    )
    opt_in_required: bool = Field(
        False, description="Write only to learners whom such a list says to have opted in."
    )
    paid_tracks: tuple[_Track, ...] = Field(
        PAID_TRACKS, description="Enrolment tracks whose certificates count."
    )
    free_tracks: tuple[_Track, ...] = Field(
        FREE_TRACKS, description="Enrolment tracks on which a pass is an audit pass."
    )
    staff: tuple[_Staff, ...] = Field(
        (),
        description=(
            "Usernames, addresses and `@domain`s (without subdomains) that are no learners' and get "
            "no nudges."
        ),
    )
    nudges_since: dt.date | None = Field(
        None,
        description=(
            "Nudges begin on this day, and nobody is told what became news before it: certificates "
            "available or upgrades closed earlier. Default: everything is told, and the first letters wait "
            "until somebody has said so, or imported what went out by other means."
        ),
    )
    letters_per_month: int = Field(
        2,
        ge=1,
        description=(
            f"No nudge to somebody who was sent so many in the last {CAP_DAYS} days, by all programmes "
            "together."
        ),
    )
    held_out: float = Field(
        0,
        ge=0,
        lt=1,
        description=(
            "Share of the learners, drawn by lot once and for good, who get no nudges, so that the "
            "effect of nudges can be measured: 0.1 is one in ten."
        ),
    )
    languages: tuple[_Language, ...] = Field(
        (),
        description=(
            "Languages that its letters are written in, too: `es` has its templates in `templates/es/` of the "
            "home. A learner gets the one that the profile names (`es`, `es-419`); all others get the "
            "letters of `templates/`."
        ),
    )
    post: Post = Field(default_factory=Post)
    audience_moves: float = Field(
        0.25,
        ge=0,
        description=(
            "Letters wait for a person when more than this share of the audience is new or gone "
            "since the audience that was last accepted."
        ),
    )
    old_rule: bool = Field(
        default=False,
        description=(
            "Whether the page tells how many finished by the rule that was counted by before: as many "
            "courses called eligible as the programme has besides the capstone, on any track."
        ),
    )
    courses: tuple[Course, ...] = Field(description="Its courses in sequence.")
    capstone: str | None = Field(
        None,
        description=(
            "Id of the course that comes last and is no part of the requirement: with the requirement "
            "a learner is `core_complete`, with the capstone as well `complete`."
        ),
    )
    requirement: Requirement = Field(
        default_factory=Requirement.model_construct,  # filled in below, before it is validated
        description=(
            "What completes the core (`core_complete`), and without a capstone the programme "
            "(`complete`); default: all courses but the capstone."
        ),
    )
    pathway: Pathway | None = Field(
        None, description="Where it leads, for the letter to whoever completed it."
    )
    runs: tuple[Run, ...] = Field(
        (), description="Its runs in order, earliest first, as far as nudges need their dates."
    )

    @model_validator(mode="before")
    @classmethod
    def _all_courses_but_the_capstone(cls, data: Any) -> Any:  # noqa: ANN401 - as above
        if not isinstance(data, Mapping) or "requirement" in data:
            return data
        courses = data.get("courses")
        ids = [
            course_id
            for course in (courses if isinstance(courses, list | tuple) else ())
            if isinstance(course_id := _said(course, "id"), str)
            and course_id != data.get("capstone")
        ]
        return {**data, "requirement": {"all_of": ids}}

    @property
    def course_keys(self) -> Mapping[str, Sequence[str]]:
        """Course id → its keys as `Org_Course`."""
        return {course.id: tuple(map(canonical, course.key)) for course in self.courses}

    def run_key(self, run: Run) -> str:
        """A listed run's whole key, as `Org_Course_Run`."""
        keys = self.course_keys[run.course]
        whole = canonical(run.run)
        return whole if course_of(whole, {run.course: keys}) else f"{keys[0]}_{whole}"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        ids = [course.id for course in self.courses]
        for course in ids:
            if ids.count(course) > 1:
                raise ValueError(f"two courses have the id {course!r}; give each its own")
        named = dict.fromkeys(self.requirement.courses(), "requirement")
        named |= {run.course: f"run {run.run!r}" for run in self.runs}
        named |= {self.capstone: "capstone"} if self.capstone is not None else {}
        for course, where in named.items():
            if course not in ids:
                raise ValueError(
                    f"{where} names the course {course!r}, which is none of {', '.join(ids)}"
                )
        if self.capstone in set(self.requirement.courses()):
            raise ValueError(
                f"the capstone {self.capstone!r} is a node of its own; take it out of the requirement"
            )
        if both := [track for track in self.paid_tracks if track in self.free_tracks]:
            raise ValueError(
                f"{both[0]!r} is in paid_tracks and in free_tracks; take it out of one of them"
            )
        self._keys_are_told_apart()
        self._runs_are_of_their_courses()
        return self

    def _keys_are_told_apart(self) -> None:
        taken: dict[str, str] = {}
        keys = ((course, key) for course, keys in self.course_keys.items() for key in keys)
        for course, key in keys:
            if (other := taken.setdefault(folded(key), course)) != course:
                raise ValueError(
                    f"{course} and {other} have one key, {key!r}: its runs could be of either. Correct "
                    "the wrong one"
                )

    def _runs_are_of_their_courses(self) -> None:
        taken: set[str] = set()
        for run in self.runs:
            of = course_of(run.run, self.course_keys)
            stranger = any(mark in run.run for mark in ":/+") and of is None
            of = of or course_of(self.run_key(run), self.course_keys)
            if stranger or (of is not None and of[0] != run.course):
                raise ValueError(
                    f"run {run.run!r} is not of {run.course}, whose key is "
                    f"{' or '.join(map(repr, self.course_keys[run.course]))}"
                    + (f", but of {of[0]}" if of is not None else "")
                )
            key = folded(self.run_key(run))
            if key in taken:
                raise ValueError(f"run {run.run!r} of {run.course} stands there twice; keep one")
            taken.add(key)
