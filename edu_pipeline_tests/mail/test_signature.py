"""Whether a post is from SendGrid."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sendgrid import EventWebhook  # type: ignore[import-untyped]

from edu_pipeline.mail.signature import AHEAD, WINDOW, WebhookKeyError, load, verify

# The example that SendGrid publishes with its Python package.
PUBLISHED_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw"
    "+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)
PUBLISHED_SIGNATURE = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
PUBLISHED_TIME = "1600112502"
PUBLISHED_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)
THEN = datetime.fromtimestamp(1600112502, UTC)

SECRET = ec.derive_private_key(20_261_121, ec.SECP256R1())
BODIES = [b"[]", b"[]\r\n", b"", '[{"email":"zoë@x.example"}]'.encode(), b'{"a":"\\u0000"}']


def public(secret: ec.EllipticCurvePrivateKey = SECRET) -> str:
    der = secret.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def signed(body: bytes, timestamp: str = PUBLISHED_TIME) -> str:
    return base64.b64encode(
        SECRET.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    ).decode()


def test_the_published_example_is_genuine() -> None:
    assert verify(PUBLISHED_KEY, PUBLISHED_BODY, PUBLISHED_SIGNATURE, PUBLISHED_TIME, THEN)


def test_the_last_line_break_was_signed_too() -> None:
    assert not verify(
        PUBLISHED_KEY, PUBLISHED_BODY.rstrip(), PUBLISHED_SIGNATURE, PUBLISHED_TIME, THEN
    )


@pytest.mark.parametrize("body", BODIES)
def test_sendgrids_own_helper_agrees_on_what_is_genuine(body: bytes) -> None:
    signature = signed(body)
    theirs = EventWebhook(public())
    assert verify(public(), body, signature, PUBLISHED_TIME, THEN)
    assert theirs.verify_signature(body.decode(), signature, PUBLISHED_TIME)
    assert not verify(public(), body + b" ", signature, PUBLISHED_TIME, THEN)
    assert not theirs.verify_signature(body.decode() + " ", signature, PUBLISHED_TIME)


def test_a_key_is_read_with_and_without_the_lines_of_pem() -> None:
    pem = SECRET.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for key in (pem, public(), f" {public()}\n"):
        assert verify(key, b"[]", signed(b"[]"), PUBLISHED_TIME, THEN)


def test_another_key_does_not_do() -> None:
    other = ec.derive_private_key(7, ec.SECP256R1())
    assert not verify(public(other), b"[]", signed(b"[]"), PUBLISHED_TIME, THEN)


@pytest.mark.parametrize(
    "signature", [None, "", "=", "no base64 at all", "é", "AAAA", PUBLISHED_SIGNATURE[:-4], "\x00"]
)
def test_an_odd_signature_is_false_and_raises_nothing(signature: str | None) -> None:
    assert not verify(PUBLISHED_KEY, PUBLISHED_BODY, signature, PUBLISHED_TIME, THEN)


@pytest.mark.parametrize(
    "timestamp",
    [
        None,
        "",
        "timestamp",
        "1600112502 ",
        " 1600112502",
        "-1",
        "1e9",
        "1600112502.0",
        "9" * 400,
        "\u0661\u0666\u0660\u0660\u0661\u0661\u0662\u0665\u0660\u0662",
        "2020-09-14",
    ],
)
def test_an_odd_time_is_false_and_raises_nothing(timestamp: str | None) -> None:
    assert not verify(PUBLISHED_KEY, PUBLISHED_BODY, PUBLISHED_SIGNATURE, timestamp, THEN)


@pytest.mark.parametrize(
    "key", ["", "key", "é", "MFkw", public()[:-8], "-----BEGIN PUBLIC KEY-----"]
)
def test_an_odd_key_is_false_and_raises_nothing(key: str) -> None:
    assert not verify(key, PUBLISHED_BODY, PUBLISHED_SIGNATURE, PUBLISHED_TIME, THEN)


@pytest.mark.parametrize(
    "key",
    [
        ec.derive_private_key(7, ec.SECP384R1()).public_key(),
        ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key(),
    ],
)
def test_a_key_of_another_kind_is_told_with_where_to_find_the_right_one(
    key: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey,
) -> None:
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(WebhookKeyError, match="Signed Event Webhook"):
        load(base64.b64encode(der).decode())


@pytest.mark.parametrize(
    ("later", "genuine"),
    [
        (timedelta(), True),
        (timedelta(hours=24), True),
        (WINDOW, True),
        (WINDOW + timedelta(seconds=1), False),
        (-AHEAD, True),
        (-AHEAD - timedelta(seconds=1), False),
    ],
)
def test_a_post_is_genuine_only_for_as_long_as_sendgrid_repeats_it(
    later: timedelta, *, genuine: bool
) -> None:
    now = THEN + later
    assert (
        verify(PUBLISHED_KEY, PUBLISHED_BODY, PUBLISHED_SIGNATURE, PUBLISHED_TIME, now) is genuine
    )
