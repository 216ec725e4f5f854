"""What SendGrid documents about the body of POST /v3/mail/send, as checks that name the field."""

import base64
import binascii
import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

MOST_RECIPIENTS = 1000
MOST_CATEGORIES = 10
LONGEST_CATEGORY = 255
MOST_CUSTOM_BYTES = 10_000
FURTHEST_SEND_AT = 72 * 3600

TOP_LEVEL = frozenset(
    [
        "personalizations",
        "from",
        "reply_to",
        "reply_to_list",
        "subject",
        "content",
        "attachments",
        "template_id",
        "headers",
        "categories",
        "custom_args",
        "send_at",
        "batch_id",
        "asm",
        "ip_pool_name",
        "mail_settings",
        "tracking_settings",
        "sections",
    ]
)
PER_PERSONALIZATION = frozenset(
    [
        "from",
        "to",
        "cc",
        "bcc",
        "subject",
        "headers",
        "substitutions",
        "dynamic_template_data",
        "custom_args",
        "send_at",
    ]
)
FORBIDDEN_HEADERS = frozenset(
    [
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
        "to",
        "from",
        "subject",
        "reply-to",
        "cc",
        "bcc",
    ]
)
SWITCHES = {
    "mail_settings": [
        "sandbox_mode",
        "bypass_list_management",
        "bypass_spam_management",
        "bypass_bounce_management",
        "bypass_unsubscribe_management",
        "footer",
    ],
    "tracking_settings": ["click_tracking", "open_tracking", "subscription_tracking", "ganalytics"],
}
_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+")

Problem = tuple[str, str]
"""Field, message."""


def problems(payload: object) -> list[Problem]:
    """Everything that SendGrid would refuse with 400; empty where the mail is valid."""
    if not isinstance(payload, dict):
        return [("", "Bad Request")]
    return [
        *_unknown(payload, TOP_LEVEL, ""),
        *_personalizations(payload),
        *_mailbox(payload.get("from"), "from"),
        *(_mailbox(payload["reply_to"], "reply_to") if "reply_to" in payload else ()),
        *_subject(payload),
        *_content(payload),
        *_attachments(payload.get("attachments", [])),
        *_headers(payload.get("headers", {}), "headers"),
        *_categories(payload.get("categories", [])),
        *_custom_args(payload.get("custom_args", {}), "custom_args"),
        *_send_at(payload),
        *_switches(payload),
    ]


def is_sandboxed(payload: Mapping[str, Any]) -> bool:
    """Whether a valid mail asks to be checked only."""
    mode = payload.get("mail_settings", {}).get("sandbox_mode", {})
    return mode.get("enable") is True


def recipients(payload: Mapping[str, Any]) -> list[str]:
    """Every address of a valid mail, in order."""
    return [
        mailbox["email"]
        for personalization in payload["personalizations"]
        for field in ("to", "cc", "bcc")
        for mailbox in personalization.get(field, [])
    ]


def _unknown(part: Mapping[str, Any], known: frozenset[str], where: str) -> Iterator[Problem]:
    for name in sorted(set(part) - known):
        yield where, f"Additional property {name} is not allowed"


def _personalizations(payload: Mapping[str, Any]) -> Iterator[Problem]:
    parts = payload.get("personalizations")
    if not isinstance(parts, list) or not parts:
        yield "personalizations", "The personalizations field is required and must have an entry."
        return
    if len(parts) > MOST_RECIPIENTS:
        yield "personalizations", "There are more than 1000 personalizations."
        return
    seen: list[str] = []
    for number, part in enumerate(parts):
        where = f"personalizations.{number}"
        if not isinstance(part, dict):
            yield where, "Must be an object."
            continue
        yield from _unknown(part, PER_PERSONALIZATION, where)
        if not part.get("to"):
            yield f"{where}.to", "The to array is required and must have an entry."
        yield from _headers(part.get("headers", {}), f"{where}.headers")
        yield from _custom_args(part.get("custom_args", {}), f"{where}.custom_args")
        for field in ("to", "cc", "bcc"):
            yield from _mailboxes(part.get(field, []), f"{where}.{field}", seen)
    if len(seen) > MOST_RECIPIENTS:
        yield "personalizations", "There are more than 1000 recipients."


def _mailboxes(mailboxes: object, where: str, seen: list[str]) -> Iterator[Problem]:
    """Adds the addresses to those already seen."""
    if not isinstance(mailboxes, list):
        yield where, "Must be an array."
        return
    for place, mailbox in enumerate(mailboxes):
        found = list(_mailbox(mailbox, f"{where}.{place}"))
        yield from found
        if found:
            continue
        if any(sign in mailbox.get("name", "") for sign in ";,"):
            yield f"{where}.{place}.name", "May not hold a comma or semicolon."
        address = mailbox["email"].lower()
        if address in seen:
            yield (
                where,
                "Each email address in the personalization block should be unique between to, cc, "
                f"and bcc. We found the first duplicate instance of [{address}].",
            )
        seen.append(address)


def _mailbox(mailbox: object, where: str) -> Iterator[Problem]:
    if not isinstance(mailbox, dict) or not isinstance(mailbox.get("email"), str):
        yield where, "The email object must be provided for every mailbox."
        return
    yield from _unknown(mailbox, frozenset({"email", "name"}), where)
    if not _ADDRESS.fullmatch(mailbox["email"]):
        yield f"{where}.email", f"Does not contain a valid address: {mailbox['email']}"
    if not isinstance(mailbox.get("name", ""), str):
        yield f"{where}.name", "Must be a string."


def _subject(payload: Mapping[str, Any]) -> Iterator[Problem]:
    parts = payload.get("personalizations")
    own = isinstance(parts, list) and all(isinstance(p, dict) and p.get("subject") for p in parts)
    subject = payload.get("subject")
    if not own and not (isinstance(subject, str) and subject):
        yield "subject", "The subject is required. You can get around this requirement if you use …"
    if isinstance(subject, str) and re.search(r"[\r\n]", subject):
        yield "subject", "May not hold a line break."


def _content(payload: Mapping[str, Any]) -> Iterator[Problem]:
    content = payload.get("content")
    if not isinstance(content, list) or not content:
        if not payload.get("template_id"):
            yield "content", "The content is required unless a template_id is provided."
        return
    types = []
    for number, part in enumerate(content):
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            yield f"content.{number}.type", "Must be a string."
            continue
        types.append(part["type"])
        if not isinstance(part.get("value"), str) or not part["value"]:
            yield f"content.{number}.value", "The content value must be a string at least one …"
    order = [kind for kind in ("text/plain", "text/html") if kind in types]
    if [kind for kind in types if kind in order] != order:
        yield "content", "If present, text/plain must be first, followed by text/html."


def _attachments(attachments: object) -> Iterator[Problem]:
    if not isinstance(attachments, list):
        yield "attachments", "Must be an array."
        return
    for number, attachment in enumerate(attachments):
        where = f"attachments.{number}"
        if not isinstance(attachment, dict):
            yield where, "Must be an object."
            continue
        try:
            base64.b64decode(attachment.get("content", ""), validate=True)
            empty = not attachment.get("content")
        except (binascii.Error, TypeError, ValueError):
            empty = True
        if empty:
            yield f"{where}.content", "The attachment content must be base64 encoded."
        if not isinstance(attachment.get("filename"), str) or not attachment["filename"]:
            yield f"{where}.filename", "The attachment filename is required."
        if attachment.get("disposition", "attachment") not in {"inline", "attachment"}:
            yield f"{where}.disposition", "Must be inline or attachment."
        if attachment.get("disposition") == "inline" and not attachment.get("content_id"):
            yield f"{where}.content_id", "An inline attachment needs a content_id."


def _headers(headers: object, where: str) -> Iterator[Problem]:
    if not isinstance(headers, dict):
        yield where, "Must be an object."
        return
    for name, value in headers.items():
        if name.lower() in FORBIDDEN_HEADERS:
            yield where, f"The header {name} may not be set."
        if not isinstance(value, str):
            yield f"{where}.{name}", "Must be a string."
        elif not (name + value).isascii():
            yield f"{where}.{name}", "Unicode characters must be encoded."


def _categories(categories: object) -> Iterator[Problem]:
    if not isinstance(categories, list) or not all(isinstance(c, str) for c in categories):
        yield "categories", "Must be an array of strings."
        return
    if len(categories) > MOST_CATEGORIES:
        yield "categories", "There are more than 10 categories."
    if len(set(categories)) < len(categories):
        yield "categories", "Categories must be unique."
    if any(len(category) > LONGEST_CATEGORY for category in categories):
        yield "categories", "A category is longer than 255 characters."


def _custom_args(arguments: object, where: str) -> Iterator[Problem]:
    if not isinstance(arguments, dict):
        yield where, "Must be an object."
        return
    for name, value in arguments.items():
        if not isinstance(value, str):
            yield f"{where}.{name}", "Must be a string."
    if len(json.dumps(arguments, ensure_ascii=False).encode()) > MOST_CUSTOM_BYTES:
        yield where, "The custom arguments are more than 10000 bytes."


def _send_at(payload: Mapping[str, Any]) -> Iterator[Problem]:
    moment = payload.get("send_at", 0)
    if not isinstance(moment, int) or moment > time.time() + FURTHEST_SEND_AT:
        yield "send_at", "Must be a unix timestamp at most 72 hours ahead."


def _switches(payload: Mapping[str, Any]) -> Iterator[Problem]:
    for section, names in SWITCHES.items():
        settings = payload.get(section, {})
        if not isinstance(settings, dict):
            yield section, "Must be an object."
            continue
        yield from _unknown(settings, frozenset(names), section)
        for name in names:
            setting = settings.get(name, {})
            if not isinstance(setting, dict) or not isinstance(setting.get("enable", False), bool):
                yield f"{section}.{name}.enable", "Must be a boolean."
