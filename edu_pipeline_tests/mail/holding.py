"""Which letters of a period would wait, and why."""

from collections import Counter
from collections.abc import Iterable, Sequence

from edu_pipeline.ground.addresses import same_address
from edu_pipeline.mail.checks import hold_reason
from edu_pipeline.mail.letter import Letter
from edu_pipeline.mail.names import Names
from edu_pipeline.settings.mail import Mail


def hold_reasons(letters: Sequence[Letter], names: Iterable[str], mail: Mail) -> dict[str, str]:
    known = Names(names)
    to = Counter(map(_mailbox, letters))
    found = {
        letter.key: hold_reason(letter, known, mail, alone=to[_mailbox(letter)] == 1)
        for letter in letters
    }
    return {key: why for key, why in found.items() if why}


def _mailbox(letter: Letter) -> tuple[str, str, str]:
    return letter.campaign, letter.period, same_address(letter.recipient.email or "")
