"""Sentences are looked up when they are shown, and a bad translation is never in the way."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from resample_viz import words
from resample_viz.words import N_, gettext, ngettext
from tests.pseudo import Pseudo, in_pseudo, pseudo

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "tools" / "words.py"


def tool():
    spec = importlib.util.spec_from_file_location("words_tool", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    words.use("en")


def compiled(**translations: str | tuple[str, ...]) -> bytes:
    """A Polish catalogue, which has three forms of the plural; `_` stands for a space in keys."""
    catalog = Catalog(locale="pl")
    for message, translated in translations.items():
        one = message.replace("_", " ")
        catalog.add((one, f"{one}s") if isinstance(translated, tuple) else one, translated)
    file = BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def polish(**translations: str | tuple[str, ...]) -> GNUTranslations:
    return GNUTranslations(BytesIO(compiled(**translations)))


def test_english_is_what_is_written() -> None:
    assert gettext("size must be {most}, not {size}.", most=3, size="{x}") == (
        "size must be 3, not {x}."
    )
    assert ngettext("{count} cell", "{count} cells", 1) == "1 cell"
    assert ngettext("{count} cell", "{count} cells", 2000, count="2,000") == "2,000 cells"
    assert gettext("a brace { that fills nothing") == "a brace { that fills nothing"


def test_the_empty_sentence_is_not_the_head_of_the_catalogue() -> None:
    words.use(polish(picture="obraz"))
    assert gettext("") == ""


def test_a_sentence_is_looked_up_when_it_is_shown() -> None:
    name = N_("picture")
    assert gettext(name) == "picture"
    words.use(polish(picture="obraz"))
    assert gettext(name) == "obraz"
    words.use("en")
    assert gettext(name) == "picture"


def test_a_marked_phrase_is_a_name_until_it_is_shown() -> None:
    label = N_("resize back, {mode}", mode="area")
    assert label == "resize back, area"
    assert {label: 1}["resize back, area"] == 1
    with in_pseudo():
        assert label == "resize back, area"
        named = gettext("{count} pixels of {axis}", count=3, axis=N_("height"))
        assert named == pseudo("{count} pixels of {axis}").format(count=3, axis=pseudo("height"))
        assert gettext(label) == pseudo("resize back, {mode}").format(mode="area")


@pytest.mark.parametrize(
    "wrong",
    ["{size}", "{most", "}", "{}", "{0}", "{most.none}", "{most[0]}", "{most:z}", "{most!x}"],
)
def test_a_translation_that_cannot_be_filled_in_is_passed_over(wrong: str) -> None:
    words.use(polish(**{"at_most_{most}": wrong}))
    assert gettext("at most {most}", most=3) == "at most 3"


def test_a_wrong_plural_is_passed_over() -> None:
    words.use(polish(**{"{count}_cell": ("{n}", "{n}", "{n}")}))
    assert ngettext("{count} cell", "{count} cells", 5) == "5 cells"


def test_an_unknown_language_is_refused_and_changes_nothing() -> None:
    words.use(Pseudo())
    with pytest.raises(ValueError, match=r"no words in 'xx': use one of 'en'"):
        words.use("xx")
    assert gettext("picture") == pseudo("picture")


def test_a_compiled_catalogue_is_a_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pl" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "resample_viz.mo").write_bytes(compiled(picture="obraz"))
    monkeypatch.setattr(words, "LOCALE", tmp_path)
    assert words.languages() == ("en", "pl")
    words.use("pl")
    assert gettext("picture") == "obraz"


@pytest.mark.parametrize("language", ["", "en", "xx", "../x"])
def test_the_environment_cannot_break_the_import(language: str) -> None:
    code = "from resample_viz.words import gettext; print(gettext('picture'))"
    environment = {**os.environ, "RESAMPLE_VIZ_LANGUAGE": language, "LANG": "pl_PL.UTF-8"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=ROOT
    )
    assert (done.stdout, done.stderr) == ("picture\n", "")


def test_english_needs_no_words_for_the_page() -> None:
    assert words.of_page() == {}


def test_the_page_gets_all_its_sentences() -> None:
    listed = json.loads((words.LOCALE / "page.json").read_text(encoding="utf-8"))
    with in_pseudo():
        assert words.of_page().keys() == {one for one, *_ in listed}


def test_the_template_holds_every_sentence_and_no_other() -> None:
    """`make words` has been run since a sentence was changed."""
    tools = tool()
    with tools.TEMPLATE.open("rb") as file:
        stored = {message.id for message in read_po(file)}
    fresh = {message.id for message in read_po(BytesIO(tools.template()))}
    assert stored == fresh
    assert tools.PAGE.read_text(encoding="utf-8") == tools.page()


def test_the_tool_finds_what_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tool()
    (tmp_path / "resample_viz" / "view" / "js").mkdir(parents=True)
    (tmp_path / "resample_viz" / "a.py").write_text(
        '_("in {n} "\n  "lines", n=1); N_("marked"); ngettext("a cell", "{count} cells", 2)'
    )
    (tmp_path / "resample_viz" / "view" / "js" / "a.js").write_text(
        't("row {row}", { row: 1 }); n("a step", "{count} steps", 3); `${t("Play")}`;'
    )
    monkeypatch.setattr(tools, "ROOT", tmp_path)
    found = {message.id for message in read_po(BytesIO(tools.template())) if message.id}
    page = [["Play"], ["a step", "{count} steps"], ["row {row}"]]
    assert json.loads(tools.page()) == page
    assert found == {
        "in {n} lines", "marked", ("a cell", "{count} cells"), "Play", "row {row}", tuple(page[1])
    }  # fmt: skip


def test_null_translations_are_english() -> None:
    words.use(NullTranslations())
    assert gettext("picture") == "picture"


def test_no_call_of_the_page_is_overlooked() -> None:
    """Babel reads JavaScript by a small lexer of its own; this looks for the calls alone."""
    page = json.loads((words.LOCALE / "page.json").read_text(encoding="utf-8"))
    for module in (ROOT / "resample_viz" / "view" / "js").glob("*.js"):
        code = re.sub(r"^ *(//|/?\*).*$", "", module.read_text(encoding="utf-8"), flags=re.M)
        for message in re.findall(r'\b[tn]\(\s*("(?:[^"\\]|\\.)*")', code):
            assert json.loads(message) in [one for one, *_ in page], module.name
