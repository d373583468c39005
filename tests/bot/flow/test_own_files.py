"""Files of the flow's author: checked when the project is read, shown as files of ours."""

import hashlib
import os
from pathlib import Path

import pytest

from bot.errors import FlowErrors
from bot.flow.own_files import MOST_FILE, MOST_PICTURE, FlowFile
from bot.flow.read import read
from bot.flow.reread import reread
from bot.flow.say import content
from bot.flow.steps import Say
from bot.model import Media, Text
from tests.bot.flow.script import project, talk

PNG = b"\x89PNG\r\n\x1a\n" + b"a map" * 10
PDF = b"%PDF-1.7 a form"
FLOW = """
flow: visit
about: Where we are.
steps:
  - say: {image: {file: files/map.png, alt: The way to us}}
  - say: {text: Fill this in., file: files/forms/return.pdf}
"""


def ref(content: bytes) -> str:
    return f"kept:{hashlib.sha256(content).hexdigest()}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a picture, a form, and what is neither."""
    files = {
        "files/map.png": PNG,
        "files/forms/return.pdf": PDF,
        "files/plan.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "files/really.jpg": PNG,
        "files/empty.png": b"",
        "files/wide.png": PNG + b"\0" * MOST_PICTURE,
        "files/long.pdf": PDF + b"\0" * MOST_FILE,
        "secret.png": PNG,
    }
    flows = project(tmp_path, FLOW)
    for path, bytes_of in files.items():
        (flows / path).parent.mkdir(parents=True, exist_ok=True)
        (flows / path).write_bytes(bytes_of)
    return flows


def problem(folder: Path, say: str) -> str:
    (folder / "visit.yaml").write_text(f"flow: other\nabout: Other.\nsteps:\n  - say: {say}\n")
    with pytest.raises(FlowErrors) as refused:
        read(folder)
    (found,) = refused.value.problems
    return f"{found.line}:{found.column}: {found.message}"


def test_a_picture_of_the_project_becomes_a_file_of_ours(folder: Path, tmp_path: Path) -> None:
    visit = talk(tmp_path, FLOW)
    visit.do("/start visit")
    assert visit.last is not None
    picture, form = (message.parts for message in visit.last.says[:2])
    assert picture == (Media("image", ref(PNG), "map.png", "image/png", len(PNG), alt="The way to us"),)
    assert isinstance(form[0], Text)
    assert form[1] == Media("file", ref(PDF), "return.pdf", "application/pdf", len(PDF))


def test_a_book_tells_what_is_to_be_kept(folder: Path) -> None:
    assert set(read(folder).files) == {
        FlowFile("files/map.png", ref(PNG), "image/png", len(PNG)),
        FlowFile("files/forms/return.pdf", ref(PDF), "application/pdf", len(PDF)),
    }


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("files/mapp.png", "'files/mapp.png' is not there; did you mean 'files/map.png'?"),
        ("files", "is no file of this project: it lies in files/ beside the flows, as files/map.png"),
        ("secret.png", "is no file of this project"),
        ("files/../secret.png", "is no file of this project"),
        ("/etc/hostname", "is no file of this project"),
        ("https://shop.example/a.png", "is no file of this project"),
        ("files/plan.svg", "is of a kind that is not sent to customers"),
        ("files/really.jpg", "is image/png by what is in it, whatever its ending 'jpg' says: name it .png"),
        ("files/empty.png", "is empty"),
        ("files/forms/return.pdf", "is no picture that every channel shows: make it a PNG, JPEG, GIF or WebP"),
        ("files/wide.png", "has 5.1 MB; a picture may have 5 MB"),
        ("files/long.pdf", "has 10.1 MB; a file may have 10 MB"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_where_it_is_named(folder: Path, path: str, why: str) -> None:
    told = problem(folder, f"{{image: {{file: '{path}', alt: A map}}}}")
    assert told.startswith("4:25: ")
    assert why in told


def test_a_link_does_not_lead_out_of_the_folder(folder: Path) -> None:
    os.symlink("../secret.png", folder / "files" / "link.png")
    assert "leads out of files/" in problem(folder, "{image: {file: files/link.png, alt: A map}}")


def test_a_picture_has_one_source(folder: Path) -> None:
    told = problem(folder, "{image: {file: files/map.png, address: 'https://x.example/a.png', alt: A map}}")
    assert "'file' or 'address'" in told


def test_an_older_version_shows_the_picture_it_was_published_with(folder: Path) -> None:
    before = read(folder)
    (folder / "files" / "map.png").write_bytes(PNG + b"a new one")
    again = reread("visit", before.flows["visit"].source, read(folder))
    assert not isinstance(again, str)
    assert ref(PNG) in {file.ref for file in again.source.files}


def test_a_file_may_have_another_content_in_each_language(folder: Path) -> None:
    head = "flow: form\ntitle: {en: Form, fr: Fiche}\nabout: A form.\n"
    flow = f"{head}steps: [{{say: {{file: {{en: files/forms/return.pdf, fr: files/map.png}}}}}}]"
    header = "assistant: Ada\nlanguages: [en, fr]\nqueues: [service]"
    form = read(project(folder, flow, header=header, texts={"fr": "not_an_order: Non."})).flows["form"]
    step = form.steps[form.first]
    assert isinstance(step, Say)
    said = content(step.variants[0].content, form, lambda name: None, "fr-CA")
    assert said.parts == (Media("file", ref(PNG), "map.png", "image/png", len(PNG)),)
