"""The transport to SendGrid's v3 API: one request per letter, and only 202 means sent.

The payload is built by SendGrid's package; its own way onto the wire is not used, because it has
no timeout and follows redirects with the key. Whatever SendGrid stores as "not personal" (custom
arguments, categories) is opaque.
"""

import base64
import json
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from email.headerregistry import Address

import httpx
from sendgrid.helpers import mail as sg  # type: ignore[import-untyped]

from edu_pipeline.mail.ledger.reading import FrozenLetter
from edu_pipeline.mail.mime import UnsendableError, content_ids, envelope, with_images
from edu_pipeline.mail.transports.protocol import Log, Logged, Outcome, group, is_rehearsal
from edu_pipeline.mail.transports.sendgrid_api import (
    LOG_DAYS,
    Answer,
    SendGridApi,
    reset_after,
    utc_now,
)
from edu_pipeline.settings.mail import Mail

LARGEST = 30_000_000
"""Bytes of a whole mail, with its images in base64."""
OPEN_TAG = "%edu_open%"
"""Where SendGrid puts its picture that counts opens."""

_NOTE = "<!-- edu:note -->"
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_FIELD = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_NOT_SENT = (
    httpx.ConnectError,  # refused, unknown host, certificate
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)


class SendGridTransport:
    """Sends through SendGrid, as `[mail]` and `[mail.sendgrid]` say."""

    name = "sendgrid"
    leaves = True

    def __init__(
        self,
        key: str,
        mail: Mail,
        *,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is sent yet.

        Raises:
            SendGridError: The key or the URL cannot be used.
        """
        self.connections = mail.connections
        self._tracked = mail.tracking != "off"
        self._sandbox = mail.sendgrid.sandbox
        self._ask_logs = mail.sendgrid.ask_logs
        self._clock = clock
        self.api = SendGridApi(
            key, mail.sendgrid, connections=mail.connections, clock=clock, monotonic=monotonic
        )

    def send(self, letter: FrozenLetter, now: datetime) -> Outcome:
        """Try once. Safe to call from several threads."""
        del now
        try:
            content = payload(letter, tracked=self._tracked, sandbox=self._sandbox)
        except UnsendableError as error:
            return Outcome.refused(str(error))
        if len(content) >= LARGEST:
            return Outcome.refused(
                f"The letter has {len(content) / 1e6:.0f} MB with its images, SendGrid takes less "
                f"than {LARGEST / 1e6:.0f}. Make the images smaller."
            )
        try:
            answer = self.api.post_mail(content)
        except _NOT_SENT as error:
            return Outcome.not_sent(
                f"SendGrid cannot be reached ({type(error).__name__}). Look at the network and at "
                "url in [mail.sendgrid]."
            )
        except httpx.HTTPError as error:
            return Outcome.unknown(
                f"SendGrid did not say whether it took the letter ({type(error).__name__})."
            )
        return verdict(answer, sandbox=self._sandbox)

    def find(self, letter: FrozenLetter) -> Outcome:
        """Without the Email Logs nobody can tell."""
        del letter
        return Outcome.unknown(
            "SendGrid's logs are not asked, because of ask_logs = false in [mail.sendgrid]."
        )

    def log(self, letter_group: str) -> Log | None:
        """All letters of a `group` in SendGrid's Email Logs, of the last 30 days; they appear late.

        None where `[mail.sendgrid] ask_logs` is off: not every account has Email Logs.

        Raises:
            SendGridError: SendGrid could not be asked.
        """
        if not self._ask_logs:
            return None
        # not from a claim on: that was by another clock, and what has a letter's key is it
        since = self._clock() - timedelta(days=LOG_DAYS)
        search = self.api.mails(letter_group, since)
        lines = [
            Logged(mail.transport_id, mail.sg_message_id, mail.at, mail.to_email)
            for mail in search.mails
        ]
        return Log(lines, since, search.at)

    def letter_key(self, line: Logged) -> str | None:
        """Ask SendGrid what was sent along with a mail.

        Raises:
            AskedTooOftenError: It may not be asked now.
            SendGridError: SendGrid could not be asked.
        """
        return (self.api.custom_args(line.reference) or {}).get("edu_letter")

    def close(self) -> None:
        """Let go of the connections."""
        self.api.close()


def verdict(  # noqa: PLR0911 - one per case
    answer: Answer, *, sandbox: bool
) -> Outcome:
    """What an answer to POST /v3/mail/send means for the letter.

    Only 202 is sent; an answer that is neither a yes nor a no leaves the letter unknown.
    """
    fields = _fields(answer.content)
    match answer.status:
        case 202:
            return Outcome.sent(answer.headers.get("X-Message-Id", ""))
        case 200 if sandbox:
            return Outcome.only_checked(
                "sandbox mode: SendGrid accepted it as valid and sent nothing. Set "
                "sandbox = false in [mail.sendgrid] to send."
            )
        case 401:
            return Outcome.stop(
                "SendGrid does not know the key (401). Put a valid one with the permission Mail "
                "Send into SENDGRID_API_KEY."
            )
        case 403:
            return Outcome.stop(
                f"SendGrid forbids sending (403{fields}). Verify the address of from_email at "
                "SendGrid, give the key the permission Mail Send, and look at the account."
            )
        case 404 | 405 | 406 | 407:
            return Outcome.stop(_not_sendgrid(answer.status))
        case 413:
            return Outcome.refused("The letter is too large for SendGrid (413). Make it smaller.")
        case 429:
            return Outcome.later(
                "SendGrid takes no more letters for the moment (429).", reset_after(answer.headers)
            )
        case status if 300 <= status < 400:  # noqa: PLR2004 - 3xx
            return Outcome.stop(_not_sendgrid(status))
        case status if 400 <= status < 500 and status != 408:  # noqa: PLR2004 - 4xx, no time-out
            return Outcome.refused(f"SendGrid refuses the letter ({status}{fields}).")
        case status:
            return Outcome.unknown(f"SendGrid answered {status}: it may have taken the letter.")


def payload(letter: FrozenLetter, *, tracked: bool, sandbox: bool) -> bytes:
    """The body of POST /v3/mail/send; the same letter gives the same bytes.

    Raises:
        UnsendableError: A header holds a line break, an address is malformed, an image is missing.
    """
    known = envelope(letter)
    cids = content_ids(letter)
    html = with_images(letter, lambda image: f"cid:{cids[image.name]}")
    mail = sg.Mail(
        from_email=sg.From(known.sender.addr_spec, _name(known.sender)),
        to_emails=sg.To(known.recipient.addr_spec, _name(known.recipient)),
        subject=sg.Subject(known.subject),
        plain_text_content=sg.PlainTextContent(letter.text),
        html_content=sg.HtmlContent(_with_open_tag(html) if tracked else html),
    )
    mail.reply_to = sg.ReplyTo(known.reply_to.addr_spec)
    mail.header = [sg.Header(name, value) for name, value in known.headers.items()]
    for image in reversed(letter.images):  # each goes in front of the others
        mail.add_attachment(
            sg.Attachment(
                sg.FileContent(base64.b64encode(image.png).decode()),
                sg.FileName(f"{image.name}.png"),
                sg.FileType("image/png"),
                sg.Disposition("inline"),
                sg.ContentId(cids[image.name]),
            )
        )
    if is_rehearsal(letter):
        mail.category = [sg.Category(group(letter))]
        mail.custom_arg = [sg.CustomArg("edu_test", "1")]
    else:
        mail.category = [sg.Category(group(letter)), sg.Category(f"edu_{letter.campaign}")]
        mail.custom_arg = [
            sg.CustomArg("edu_letter", letter.key),
            sg.CustomArg("edu_ledger", letter.ledger_id),
            sg.CustomArg("edu_campaign", letter.campaign),
            sg.CustomArg("edu_period", letter.period),
        ]
    mail.tracking_settings = _tracking(tracked=tracked)
    if sandbox:
        mail.mail_settings = sg.MailSettings(sandbox_mode=sg.SandBoxMode(enable=True))
    return json.dumps(mail.get(), sort_keys=True).encode()


def _tracking(*, tracked: bool) -> sg.TrackingSettings:
    """Every kind is said outright, so that nothing depends on the account's settings."""
    tag = sg.OpenTrackingSubstitutionTag(OPEN_TAG) if tracked else None
    return sg.TrackingSettings(
        click_tracking=sg.ClickTracking(enable=tracked, enable_text=False),
        open_tracking=sg.OpenTracking(enable=tracked, substitution_tag=tag),
        subscription_tracking=sg.SubscriptionTracking(enable=False),
        ganalytics=sg.Ganalytics(enable=False),
    )


def _with_open_tag(html: str) -> str:
    """Near the top: what Gmail cuts off at the end would never count as opened."""
    if _NOTE in html:
        return html.replace(_NOTE, _NOTE + OPEN_TAG, 1)
    body = _BODY.search(html)
    at = body.end() if body else 0
    return html[:at] + OPEN_TAG + html[at:]


def _name(mailbox: Address) -> str | None:
    """SendGrid takes no commas and semicolons in names."""
    return " ".join(re.sub("[;,]", " ", mailbox.display_name).split()) or None


def _fields(content: bytes) -> str:
    """The fields that SendGrid complains about; not its sentences, which may quote an address."""
    try:
        errors = json.loads(content)["errors"]
        named = {error["field"] for error in errors}
    except (ValueError, KeyError, TypeError):
        return ""
    fields = sorted(name for name in named if isinstance(name, str) and _FIELD.fullmatch(name))
    return f", {', '.join(fields)}" if fields else ""


def _not_sendgrid(status: int) -> str:
    return (
        f"What answered is not SendGrid's mail API ({status}). Look at url in [mail.sendgrid], and "
        "whether the network wants a login."
    )
