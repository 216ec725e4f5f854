"""`[programmes.post]`: who writes to a programme's learners, from which templates, and who may be reached.

What all letters share is in `letters` and `mail`; `Settings.post` puts the two together.
"""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from edu_pipeline.settings.letters import Letters, MailboxOrBlank, Sender
from edu_pipeline.settings.mail import Mail

LEARNERS: Literal["learners"] = "learners"
Allowed = Literal["learners"] | tuple[str, ...]
"""`learners`: whom the exports have as a learner; else domains and addresses."""


class Post(Sender):
    """A programme's own sender, templates and rule of whom letters may reach."""

    from_name: str = Field("", description="The name its letters come from; default: `[letters]`.")
    from_email: MailboxOrBlank = Field(
        "", description="The address its letters come from; default: `[letters]`."
    )
    reply_to: MailboxOrBlank = Field(
        "", description="Where answers go; default: its own from_email, else as in `[letters]`."
    )
    postal_address: str | None = Field(
        None, description="Postal address that its letters show; default: `[mail]`."
    )
    templates: (
        Annotated[str, StringConstraints(pattern=r"^[\w-][\w.-]*(/[\w-][\w.-]*)*$")] | None
    ) = Field(
        None,
        description=(
            "A folder of the home whose templates come before those of `templates/`, such as "
            "`templates-buslead`."
        ),
    )
    allowed: Allowed | None = Field(
        None,
        description=(
            "`learners`: letters may go to the addresses that the exports have of its learners now, and "
            "to nobody else. Or domains and addresses as in `[mail]`, which is the default."
        ),
    )

    def beside(self, letters: Letters, mail: Mail) -> "Post":
        """The same with what all letters share where it says nothing."""
        shared = {
            "from_name": self.from_name or letters.from_name,
            "from_email": self.from_email or letters.from_email,
            "reply_to": self.reply_to or self.from_email or letters.reply_to,
            "postal_address": self.postal_address or mail.postal_address,
            "allowed": mail.allowed if self.allowed is None else self.allowed,
        }
        return self.model_copy(update=shared)
