import base64
from dataclasses import replace
from pathlib import Path

from edu_pipeline.mail.mime import to_message
from edu_pipeline.mail.states import State
from edu_pipeline.mail.transports.folder import FolderTransport
from edu_pipeline_tests.mail.letters import NOW, frozen_letter


def test_a_letter_arrives_as_three_files_of_which_the_html_opens_by_itself(tmp_path: Path) -> None:
    letter = frozen_letter()
    outcome = FolderTransport(tmp_path).send(letter, NOW)
    folder = tmp_path / "teachers" / "2026-W40"
    assert outcome.state is State.sent
    assert sorted(path.name for path in folder.iterdir()) == ["t_1.eml", "t_1.html", "t_1.txt"]
    assert (folder / "t_1.eml").read_bytes() == to_message(letter, NOW).as_bytes()
    assert (folder / "t_1.txt").read_text() == "Hello\n"
    shown = base64.b64encode(letter.images[0].png).decode()
    assert f'src="data:image/png;base64,{shown}"' in (folder / "t_1.html").read_text()


def test_a_delivered_letter_is_found_by_its_message_id(tmp_path: Path) -> None:
    letter, transport = frozen_letter(), FolderTransport(tmp_path)
    assert transport.find(letter).state is State.pending
    sent = transport.send(letter, NOW)
    found = transport.find(letter)
    assert (found.state, found.transport_id) == (State.sent, sent.transport_id)


def test_an_older_letter_in_the_outbox_is_no_proof(tmp_path: Path) -> None:
    letter, transport = frozen_letter(), FolderTransport(tmp_path)
    transport.send(letter, NOW)
    assert transport.find(replace(letter, digest="0" * 64)).state is State.pending


def test_html_and_text_without_the_eml_are_no_proof(tmp_path: Path) -> None:
    letter, transport = frozen_letter(), FolderTransport(tmp_path)
    transport.send(letter, NOW)
    (tmp_path / "teachers" / "2026-W40" / "t_1.eml").unlink()
    assert transport.find(letter).state is State.pending


def test_a_letter_that_cannot_become_a_message_is_refused_and_leaves_no_file(
    tmp_path: Path,
) -> None:
    outcome = FolderTransport(tmp_path).send(replace(frozen_letter(), subject="a\nb"), NOW)
    assert outcome.state is State.failed
    assert not (tmp_path / "teachers").exists()


def test_an_outbox_that_cannot_be_written_leaves_the_letter_pending(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file where the folder should be")
    outcome = FolderTransport(tmp_path / "outbox").send(frozen_letter(), NOW)
    assert outcome.state is State.pending
    assert "The outbox cannot be written" in outcome.detail


def test_a_correction_lies_beside_the_letter_that_it_corrects(tmp_path: Path) -> None:
    letter, transport = frozen_letter(), FolderTransport(tmp_path)
    correction = replace(letter, key=f"{letter.key}:2", revision=2, digest="2" * 64)
    transport.send(letter, NOW)
    assert transport.find(correction).state is State.pending
    transport.send(correction, NOW)
    assert transport.find(letter).state is State.sent
    assert transport.find(correction).state is State.sent


def test_a_rehearsal_leaves_the_real_letter_alone(tmp_path: Path) -> None:
    letter, transport = frozen_letter(), FolderTransport(tmp_path)
    rehearsal = replace(letter, key=f"test:{letter.key}", subject="[TEST] Your week")
    transport.send(letter, NOW)
    real = (tmp_path / "teachers" / "2026-W40" / "t_1.eml").read_bytes()
    assert transport.send(rehearsal, NOW).state is State.sent
    assert (tmp_path / "test" / "teachers" / "2026-W40" / "t_1.eml").exists()
    assert (tmp_path / "teachers" / "2026-W40" / "t_1.eml").read_bytes() == real


def test_a_folder_keeps_no_records_and_nothing_leaves_the_machine(tmp_path: Path) -> None:
    transport = FolderTransport(tmp_path)
    assert not transport.leaves
