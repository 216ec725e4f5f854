"""A home's mail room: its ledger and its transport, put together from settings and secrets."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from edu_pipeline.mail.ledger.adoption import Adoption, adopt
from edu_pipeline.mail.ledger.store import Ledger
from edu_pipeline.mail.transports.folder import FolderTransport
from edu_pipeline.mail.transports.protocol import Transport
from edu_pipeline.mail.transports.smtp import SmtpTransport
from edu_pipeline.settings.home import Home, Secrets, Settings


class MissingSecretError(Exception):
    """A key or password is not in the environment; the message says which."""


@dataclass(frozen=True)
class MailRoom:
    """Where one home's letters are kept and how they leave."""

    home: Home
    settings: Settings
    secrets: Secrets

    def open_ledger(self) -> Ledger:
        """The ledger, brought up to date where an older release wrote it.

        Raises:
            LedgerError: It cannot be opened, a newer release wrote it, or its journal remembers
                more than it does.
        """
        self.home.data.mkdir(parents=True, exist_ok=True)
        return Ledger(self.ledger_url, self.journal)

    def adopt_ledger(self, *, now: datetime, by: str) -> Adoption:
        """Bring the ledger up to what its journal remembers; sends nothing.

        Raises:
            LedgerError: It is another ledger, or cannot be opened.
        """
        self.home.data.mkdir(parents=True, exist_ok=True)
        return adopt(self.ledger_url, self.journal, now=now, by=by)

    @property
    def ledger_url(self) -> str:
        """Where the ledger is."""
        return self.home.ledger_url(self.settings, self.secrets)

    @property
    def journal(self) -> Path | None:
        """Where its journal is; None: beside a ledger that is a file."""
        if named := self.settings.mail.journal:
            return self.home.root / Path(named).expanduser()
        return None if self.ledger_url.startswith("sqlite") else self.home.data / "ledger.journal"

    def transport(self) -> Transport:
        """How letters leave, as `[mail] transport` says; close it after use.

        Raises:
            MissingSecretError: Its key is not in the environment.
        """
        mail = self.settings.mail
        if mail.transport == "sendgrid":
            if not self.secrets.sendgrid_key:
                raise MissingSecretError(
                    "There is no SendGrid API key. Set the environment variable SENDGRID_API_KEY, "
                    'or keep letters on this machine with [mail] transport = "folder".'
                )
            # slow to import, and most homes send nothing
            from edu_pipeline.mail.transports.sendgrid import SendGridTransport  # noqa: PLC0415

            return SendGridTransport(self.secrets.sendgrid_key, mail)
        if mail.transport == "smtp":
            if mail.smtp.username and not self.secrets.smtp_password:
                raise MissingSecretError(
                    "There is no password for the mail server. Set the environment variable "
                    "EDU_PIPELINE_SMTP_PASSWORD, or take username out of [mail.smtp]."
                )
            return SmtpTransport(mail.smtp, self.secrets.smtp_password)
        return FolderTransport(self.home.outbox)
