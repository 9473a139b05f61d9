"""Collects the sentences that learners see, and makes what translations need of them: `make words`.

    resample_viz/locale/resample_viz.pot    every sentence of Python and JavaScript, for translators
    resample_viz/locale/page.json           those of JavaScript, which the kernel translates for it

Where a language has a catalogue, locale/<language>/LC_MESSAGES/resample_viz.po, it is brought up to
date and compiled to a .mo file, which is what is read. A new one is made by Babel:

    cd resample_viz/locale && pybabel init -i resample_viz.pot -d . -D resample_viz -l de
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "resample_viz" / "locale"
TEMPLATE = LOCALE / "resample_viz.pot"
PAGE = LOCALE / "page.json"
PYTHON = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
JAVASCRIPT = {"t": None, "n": (1, 2)}
HEADER = "# What learners see of resample-viz. Made by `make words`.\n#"
UNDATED = datetime(2000, 1, 1, tzinfo=UTC)  # so that the same sentences make the same file


def python_sentences() -> Catalog:
    """The sentences of all modules, with the files that they are in."""
    return _extracted("python", (ROOT / "resample_viz").rglob("*.py"), PYTHON)


def page_sentences() -> Catalog:
    """The sentences of the stage's own modules."""
    return _extracted("javascript", (ROOT / "resample_viz/view/js").glob("*.js"), JAVASCRIPT)


def _extracted(method: str, files, keywords: dict) -> Catalog:
    catalog = _empty()
    for path in sorted(files):
        name = path.relative_to(ROOT).as_posix()
        found = extract_from_file(method, path, keywords, options={"parse_template_string": True})
        for line, message, _, _ in found:
            catalog.add(message, locations=[(name, line)])
    return catalog


def _empty() -> Catalog:
    return Catalog(
        project="resample-viz",
        version="",
        header_comment=HEADER,
        creation_date=UNDATED,
        charset="utf-8",
    )


def template() -> bytes:
    """The template of all catalogues, as a file."""
    together = _empty()
    for catalog in (python_sentences(), page_sentences()):
        for message in catalog:
            if message.id:
                together.add(message.id, locations=message.locations)
    file = BytesIO()
    write_po(file, together, width=100, sort_by_file=True, include_lineno=False)
    return file.getvalue()


def page() -> str:
    """The sentences of the page, [one] or [one, many], as a file."""
    ids = [message.id for message in page_sentences() if message.id]
    listed = sorted([one] if isinstance(one, str) else list(one) for one in ids)
    return json.dumps(listed, ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Writes the template and the page's list; brings the catalogues that there are up to date."""
    TEMPLATE.write_bytes(template())
    PAGE.write_text(page(), encoding="utf-8")
    for path in LOCALE.glob("*/LC_MESSAGES/resample_viz.po"):
        with path.open("rb") as file:
            catalog = read_po(file, locale=path.parts[-3])
        catalog.update(read_po(BytesIO(template())))
        with path.open("wb") as file:
            write_po(file, catalog, width=100, include_lineno=False)
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, catalog)


if __name__ == "__main__":
    main()
