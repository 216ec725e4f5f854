"""The transport that never leaves the machine: each letter as .eml, .html and .txt in a folder."""

import base64
from dataclasses import dataclass
from datetime import datetime
from email.parser import BytesHeaderParser
from email.policy import SMTP
from pathlib import Path

from edu_pipeline.ground.files import write_changed, write_whole
from edu_pipeline.mail.ledger.reading import Entry, FrozenLetter
from edu_pipeline.mail.letter import Letter
from edu_pipeline.mail.mime import UnsendableError, message_id, to_message, with_images
from edu_pipeline.mail.transports.protocol import Logged, Outcome, is_rehearsal


@dataclass(frozen=True)
class FolderTransport:
    """Delivers into `<outbox>/<campaign>/<period>/<recipient_key>.*`.

    Corrections lie beside the letter that they correct, rehearsals below `<outbox>/test/`.
    """

    outbox: Path
    name: str = "folder"
    connections: int = 1
    leaves: bool = False

    def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
        """Write the three files; the .eml comes last, because it is the proof of delivery."""
        folder = self._folder(letter)
        try:
            message = to_message(letter, now).as_bytes()
            write_readable(folder, letter)
            write_whole(folder / f"{file_stem(letter)}.eml", message)
        except UnsendableError as error:
            return Outcome.refused(str(error))
        except OSError as error:
            return Outcome.not_sent(
                f"The outbox cannot be written ({error.strerror}); free space or fix its rights."
            )
        return Outcome.sent(message_id(letter))

    def find(self, letter: FrozenLetter) -> Outcome:
        """A complete .eml with this letter's Message-ID proves delivery, its absence the contrary."""
        try:
            with (self._folder(letter) / f"{file_stem(letter)}.eml").open("rb") as file:
                headers = BytesHeaderParser(policy=SMTP).parse(file)
        except FileNotFoundError:
            return Outcome.not_sent("not in the outbox")
        except OSError as error:
            return Outcome.unknown(f"The outbox cannot be read ({error.strerror}).")
        if headers["Message-ID"] != message_id(letter):
            return Outcome.not_sent("the outbox has an older letter, not this one")
        return Outcome.sent(message_id(letter), "found in the outbox")

    def log(self, letter_group: str) -> None:
        """It keeps no records but the letters themselves."""
        del letter_group

    def letter_key(self, line: Logged) -> None:
        """There is no log whose lines could be asked about."""
        del line

    def close(self) -> None:
        """Nothing is open."""

    def _folder(self, letter: FrozenLetter) -> Path:
        outbox = self.outbox / "test" if is_rehearsal(letter) else self.outbox
        return period_folder(outbox, letter.campaign, letter.period)


def period_folder(outbox: Path, campaign: str, period: str) -> Path:
    """Where the letters of a period are."""
    return outbox / campaign / period


def file_stem(letter: FrozenLetter | Entry | Letter) -> str:
    """The name of a letter's files; `~` is in no key."""
    if isinstance(letter, Letter) or letter.revision == 1:
        return letter.recipient_key
    return f"{letter.recipient_key}~{letter.revision}"


def write_readable(folder: Path, letter: FrozenLetter | Letter) -> None:
    """The letter as .html, complete in one file, and as .txt, for people to look at.

    Raises:
        UnsendableError: The HTML shows an image that the letter does not carry.
    """
    html = with_images(
        letter, lambda image: f"data:image/png;base64,{base64.b64encode(image.png).decode()}"
    )
    write_changed(folder / f"{file_stem(letter)}.html", html.encode())
    write_changed(folder / f"{file_stem(letter)}.txt", letter.text.encode())
