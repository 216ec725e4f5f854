"""The landing zone as a bucket, on a server of this machine that speaks S3."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from moto.server import ThreadedMotoServer
from obstore.store import from_url

from edu_pipeline.landing.glance import Glance, look
from edu_pipeline.landing.sources.school.manifest import survey
from edu_pipeline.landing.stores import ACCESS, LandingError
from edu_pipeline.landing.zone import Zone
from edu_pipeline.settings.landing import Landing

URL = "s3://exports/our-school"
STUDENTS = b"student_id,given_name\n001,Ada\n"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket with one export in it, found by the usual AWS_ settings."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return URL


@pytest.mark.usefixtures("bucket")
def test_exports_in_a_bucket_are_listed_read_and_seen_to_change(
    endpoint: str, tmp_path: Path
) -> None:
    make_bucket(endpoint)
    store = from_url(URL)
    obstore.put(store, "school/students.csv", STUDENTS)
    zone = Zone(URL, kept=tmp_path)
    files = survey(zone, Landing())
    assert files.select("path", "table", "size").rows() == [
        ("school/students.csv", "students", len(STUDENTS))
    ]
    assert files["error"].to_list() == [None]
    with zone.local("school/students.csv") as path:
        assert path.read_bytes() == STUDENTS
    first = look(zone, zone.list(), "", Glance())
    obstore.put(store, "school/students.csv", STUDENTS)
    assert look(zone, zone.list(), "", first).content == first.content
    obstore.put(store, "school/students.csv", STUDENTS + b"002,Bea\n")
    assert look(zone, zone.list(), "", first).content != first.content


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_is_not_there_is_not_an_empty_one(tmp_path: Path) -> None:
    zone = Zone("s3://no-such-bucket/x", access=dict.fromkeys(ACCESS, "said"), kept=tmp_path)
    with pytest.raises(LandingError, match=r"cannot be listed: .*AWS_ENDPOINT_URL"):
        zone.list()


@pytest.mark.usefixtures("bucket")
def test_what_the_environment_does_not_say_is_named_where_a_bucket_cannot_be_listed(
    tmp_path: Path,
) -> None:
    zone = Zone("s3://no-such-bucket/x", access={"AWS_REGION": "us-east-1"}, kept=tmp_path)
    with pytest.raises(
        LandingError, match="does not say AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    ):
        zone.list()


@pytest.mark.usefixtures("bucket")
def test_what_has_not_changed_in_a_bucket_is_fetched_once(endpoint: str, tmp_path: Path) -> None:
    make_bucket(endpoint)
    obstore.put(from_url(URL), "school/students.csv", STUDENTS)
    Zone(URL, kept=tmp_path).list()
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(b"as it was fetched")
    zone = Zone(URL, kept=tmp_path)
    zone.list()
    with zone.local("school/students.csv") as path:
        assert path.read_bytes() == b"as it was fetched"
    obstore.put(from_url(URL), "school/students.csv", STUDENTS + b"002,Bea\n")
    zone.list()
    with zone.local("school/students.csv") as path:
        assert path.read_bytes() == STUDENTS + b"002,Bea\n"


def make_bucket(endpoint: str) -> None:
    request = urllib.request.Request(f"{endpoint}/exports", method="PUT")  # noqa: S310
    urllib.request.urlopen(request).close()  # noqa: S310
