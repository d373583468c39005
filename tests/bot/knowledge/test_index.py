"""The store holds what the folder holds."""

from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.knowledge.index import Indexed, document, index
from bot.ports import Store
from bot.testing.clock import START, SettableClock
from bot.units import Documents, IndexedPassage

CLOCK = SettableClock()


def test_a_file_becomes_a_document() -> None:
    put = document(
        "help/refunds.md", b"# Refunds\n\n## Cards\n\n**3** [days](https://a.example).", language="en", at=START
    )
    assert (put.name, put.title, put.language, put.at) == ("help/refunds.md", "Refunds", "en", START)
    assert put.passages == (
        IndexedPassage(heading="Cards", text="**3** [days](https://a.example).", terms=("refund", "card", "day")),
    )


@pytest.mark.parametrize(
    ("name", "content", "language", "title"),
    [
        ("refunds.md", "Text", "en", "Refunds"),
        ("gift-cards.fr.md", "Texte", "fr", "Gift cards"),
        ("faq.pt-BR.md", "# Perguntas\n\nTexto", "pt-BR", "Perguntas"),
        ("faq.fr.md", "---\nlanguage: de\n---\nText", "de", "Faq"),
    ],
)
def test_language_and_title_of_a_document(name: str, content: str, language: str, title: str) -> None:
    put = document(name, content.encode(), language="en", at=START)
    assert (put.language, put.title) == (language, title)


async def test_only_what_changed_is_written(tmp_path: Path, store: Store) -> None:
    for name in ("a.md", "b.md", "deep/c.md", ".hidden/d.md", "e.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n\nText.")
    first = await index(tmp_path, store, CLOCK, language="en")
    (tmp_path / "a.md").write_text("# New\n\nText.")
    (tmp_path / "b.md").unlink()
    second = await index(tmp_path, store, CLOCK, language="en")
    assert (first, second) == (
        Indexed(put=("a.md", "b.md", "deep/c.md"), dropped=(), same=()),
        Indexed(put=("a.md",), dropped=("b.md",), same=("deep/c.md",)),
    )
    assert [document.name for document in await store.read(Documents())] == ["a.md", "deep/c.md"]


async def test_another_default_language_indexes_anew(tmp_path: Path, store: Store) -> None:
    (tmp_path / "a.md").write_text("Returns")
    await index(tmp_path, store, CLOCK, language="en")
    assert (await index(tmp_path, store, CLOCK, language="fr")).put == ("a.md",)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"\xff\xfe", "no UTF-8", id="encoding"),
        pytest.param(b"a" * 1_000_001, "1000001 bytes", id="size"),
        pytest.param(b"---\nx\n---\n", "front matter", id="front matter"),
    ],
)
async def test_a_file_that_is_no_document_is_named_and_nothing_is_written(
    tmp_path: Path, store: Store, content: bytes, why: str
) -> None:
    (tmp_path / "a.md").write_text("Fine.")
    (tmp_path / "bad.md").write_bytes(content)
    with pytest.raises(SettingsError, match=f"'bad.md'.*{why}"):
        await index(tmp_path, store, CLOCK, language="en")
    assert await store.read(Documents()) == ()


async def test_a_folder_that_is_not_there_has_no_documents(tmp_path: Path, store: Store) -> None:
    assert await index(tmp_path / "none", store, CLOCK, language="en") == Indexed(put=(), dropped=(), same=())
