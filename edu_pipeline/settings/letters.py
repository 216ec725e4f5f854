"""What letters say and who signs them: `[targets]`, `[faces]`, `[letters]`, `[notice]`."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from edu_pipeline.ground.addresses import is_address, same_address
from edu_pipeline.settings.part import Part

NOBODY = "sender-not-set@school.example"
UNSAID = "Sender not set"
SAMPLE_DOMAIN = "riverside.example"
"""Where everybody of the made-up school has their address."""
SAMPLE_SENDER = "Riverside School data"
"""Who signs the made-up school's letters."""
Block = Literal["figures", "news", "notice", "charts", "table"]


def mailbox(email: str) -> str:
    """An address, for pydantic: with the form of one."""
    if not is_address(email):
        raise ValueError("this is no e-mail address; write one such as you@school.org")
    return email


def _mailbox_or_blank(email: str) -> str:
    return mailbox(email) if email else email


MailboxOrBlank = Annotated[str, AfterValidator(_mailbox_or_blank)]


def is_nobodys(email: str, name: str) -> bool:
    """Whether a sender is the shipped sample's, or none that anybody has set."""
    address = same_address(email)
    return (
        address in {"", NOBODY}
        or address.rpartition("@")[2] == SAMPLE_DOMAIN
        or name.strip() == SAMPLE_SENDER
    )


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


class Sender(Part):
    """Who signs letters, and where answers go."""

    from_name: str = Field("", description="The name letters come from; blank: “School data”.")
    from_email: MailboxOrBlank = Field(
        "", description="The address letters come from; blank: no letter leaves the machine."
    )
    reply_to: MailboxOrBlank = Field("", description="Where answers go; default: from_email.")

    @property
    def sender(self) -> tuple[str, str]:
        """Address and name that letters come from; where nobody said so, they say that."""
        named = self.from_name or ("School data" if self.from_email else UNSAID)
        return self.from_email or NOBODY, named

    @property
    def answers_to(self) -> str:
        """The address that answers go to."""
        return self.reply_to or self.sender[0]


class Letters(Sender):
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
