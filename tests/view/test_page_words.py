"""js/words.js, without a browser: the page says what the kernel would have said."""

from __future__ import annotations

import json
import subprocess
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from playwright._impl._driver import compute_driver_executable

from resample_viz import words
from resample_viz.view.stage import HERE
from tests.pseudo import pseudo

CELLS = ("{count} cell", "{count} cells")
RUN = """
import { readFileSync } from "node:fs";
const { speak, t, n } = await import(process.argv[1]);
const { chosen, calls } = JSON.parse(readFileSync(0, "utf8"));
speak(chosen);
const said = calls.map(([name, ...given]) => (name === "t" ? t(...given) : n(...given)));
process.stdout.write(JSON.stringify(said));
"""


def said(chosen: dict[str, Any] | None, *calls: tuple[Any, ...]) -> list[str]:
    node, _ = compute_driver_executable()
    module = (HERE / "js" / "words.js").as_uri()
    command = [str(node), "--input-type=module", "--eval", RUN, "--", module]
    given = json.dumps({"chosen": chosen, "calls": calls})
    answer = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


def test_without_words_the_page_speaks_english() -> None:
    for chosen in ({}, None):
        assert said(
            chosen,
            ("t", "row {row}, column {col}", {"row": 1, "col": "{row}"}),
            ("n", *CELLS, 1),
            ("n", *CELLS, 0),
            ("n", *CELLS, 1500, {"count": "1,500"}),
            ("t", "{left} over"),
        ) == ["row 1, column {row}", "1 cell", "0 cells", "1,500 cells", "{left} over"]


def test_a_translation_that_names_what_there_is_not_is_passed_over() -> None:
    chosen = {"row {row}": "Zeile {zeile}", CELLS[0]: {"forms": ["{n}"], "of": [0] * 200}}
    assert said(chosen, ("t", "row {row}", {"row": 1}), ("n", *CELLS, 5)) == ["row 1", "5 cells"]


@pytest.mark.parametrize("language", ["pl", "ar", "ja", "fr", "sl"])
def test_the_page_has_the_plurals_of_the_kernel(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = Catalog(locale=language)
    forms = tuple(f"{n}: {{count}}" for n in range(catalog.num_plurals))
    catalog.add(CELLS, forms)
    file = BytesIO()
    write_mo(file, catalog)
    kernel = GNUTranslations(BytesIO(file.getvalue()))
    (tmp_path / "page.json").write_text(json.dumps([CELLS]))
    monkeypatch.setattr(words, "LOCALE", tmp_path)
    words.use(kernel)
    try:
        counts = [*range(130), 199, 200, 201, 202, 211, 1000, 1001, 1002, 1011, 123_456]
        expected = [words.ngettext(*CELLS, count) for count in counts]
        assert said(words.of_page(), *(("n", *CELLS, count) for count in counts)) == expected
    finally:
        words.use(NullTranslations())


def test_the_pseudo_language_reaches_the_page() -> None:
    assert said({"row {row}": pseudo("row {row}")}, ("t", "row {row}", {"row": 3})) == [
        pseudo("row {row}").format(row=3)
    ]
