"""Which letters of a period would wait, and why."""

from collections import Counter
from collections.abc import Iterable, Sequence

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.mail.checks import Limit, hold_reason
from edu_pipeline.mail.letter import Letter
from edu_pipeline.mail.names import Names
from edu_pipeline.settings.mail import Mail


def hold_reasons(letters: Sequence[Letter], names: Iterable[str], mail: Mail) -> dict[str, str]:
    known = Names(names)
    to = Counter(map(_mailbox, letters))
    limit = Limit(mail.allowed) if mail.leaves and mail.mode == "live" else None
    found = {
        letter.key: hold_reason(
            letter,
            known,
            alone=to[_mailbox(letter)] == 1,
            limit=limit,
            postal_address=mail.postal_address,
        )
        for letter in letters
    }
    return {key: why for key, why in found.items() if why}


def _mailbox(letter: Letter) -> tuple[str, str, str]:
    return letter.campaign, letter.period, same_address(letter.recipient.email or "")
