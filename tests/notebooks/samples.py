"""A small notebook that obeys every rule, and changes that each break one."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from tests.notebooks.hygiene import (
    KERNEL_FREE_METADATA,
    MAX_BYTES,
    MAX_CELLS,
    MAX_LINES,
    WIDGET_VIEW,
    Notebook,
)

Raw = dict[str, Any]
Change = Callable[[Raw], None]

TITLE, LAB, FAILING, EXERCISE, PLAIN = 0, 2, 4, 6, 8  # places of cells in the good notebook


def picture(colours: int = 2, kind: str = "PNG") -> str:
    image = Image.new("RGB", (8, 8), "white")
    if colours > 1:
        image.paste("black", (0, 0, 4, 8))
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


def text(name: str, *lines: str) -> Raw:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": "\n".join(lines)}


def code(name: str, count: int, lines: str, *outputs: Raw, tags: tuple[str, ...] = ()) -> Raw:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"tags": list(tags)} if tags else {},
        "execution_count": count,
        "source": lines,
        "outputs": list(outputs),
    }


def stream(words: str, name: str = "stdout") -> Raw:
    return {"output_type": "stream", "name": name, "text": words}


def shown(count: int, words: str, png: str) -> Raw:
    return {
        "output_type": "execute_result",
        "execution_count": count,
        "metadata": {},
        "data": {"text/plain": words, "image/png": png},
    }


def good() -> Raw:
    """Lesson 99, with one exercise, 99.1."""
    error = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["no"]}
    cells = [
        text("title", "# Where does it go?", "", "5 minutes. Afterwards you can say where."),
        text(
            "predict", "## Predict", "Left or right?", "## Play", "[Back](#Predict), or `[a](b)`."
        ),
        code(
            "lab",
            1,
            "lab = rv.UpsamplingLab()  # no `;`\nlab",
            shown(1, "UpsamplingLab on astronaut\nx → y", picture()),
        ),
        text("explain", "## Explain", "It goes [right](https://pytorch.org).", "## Pitfalls"),
        code("failing", 2, "raise ValueError('no')", error, tags=("raises-exception",)),
        text("exercises", "## Exercises", "Say where."),
        code(
            "exercise",
            3,
            'answer = None\nrv.check("99.1", answer)',
            stream("Exercise 99.1: not yet. Put your answer in place of None.\n"),
        ),
        text(
            "solution",
            "<details><summary>Solution of 99.1</summary>",
            "",
            "```python",
            "answer = 1",
            "```",
            "</details>",
            "",
            "## In short",
            "[This lesson](99-good.ipynb) is over.",
        ),
        code("plain", 4, "for _ in range(2):\n    print('#;')", stream("#;\n#;\n")),
    ]
    return {"cells": cells, "metadata": KERNEL_FREE_METADATA, "nbformat": 4, "nbformat_minor": 5}


def written(raw: Raw, folder: Path) -> Notebook:
    path = folder / "99-good.ipynb"
    path.write_text(json.dumps(raw), encoding="utf-8")
    return Notebook.read(path)


# ---------------------------------------------------------------- one change each


def put(place: int, key: str, value: Any) -> Change:
    return lambda raw: raw["cells"][place].__setitem__(key, value)


def becomes(place: int, old: str, new: str) -> Change:
    """Replaces words in the source of a cell."""

    def change(raw: Raw) -> None:
        cell = raw["cells"][place]
        assert old in cell["source"], "the change must change something"
        cell["source"] = cell["source"].replace(old, new)

    return change


def says(words: str) -> Change:
    return becomes(TITLE, "5 minutes.", f"5 minutes. {words}")


def runs(lines: str) -> Change:
    return put(PLAIN, "source", lines)


def prints(*outputs: Raw) -> Change:
    return put(PLAIN, "outputs", list(outputs))


def stores(kind: str, value: Any) -> Change:
    """Something else in what the lab's cell stores."""
    return lambda raw: raw["cells"][LAB]["outputs"][0]["data"].__setitem__(kind, value)


def forgets(kind: str) -> Change:
    return lambda raw: raw["cells"][LAB]["outputs"][0]["data"].pop(kind)


def metadata(key: str, value: Any) -> Change:
    return lambda raw: raw.__setitem__("metadata", {**raw["metadata"], key: value})


def append(*cells: Raw) -> Change:
    return lambda raw: raw["cells"].extend(cells)


HALF_A_PICTURE = base64.b64encode(base64.b64decode(picture())[:50]).decode()
TRACEBACK = {
    "output_type": "error",
    "ename": "KeyError",
    "evalue": "3",
    "traceback": ["KeyError: 3"],
}

BAD: dict[str, dict[str, Change]] = {
    "is_valid": {
        "format without ids": lambda raw: raw.__setitem__("nbformat_minor", 4),
        "an id twice": put(TITLE, "id", "plain"),
        "an id with a space": put(TITLE, "id", "the title"),
        "unknown key in a cell": put(PLAIN, "colour", "red"),
    },
    "is_small": {"a megabyte": says("x" * MAX_BYTES)},
    "has_clean_metadata": {
        "widget state": metadata("widgets", {}),
        "another kernel": metadata("kernelspec", {"display_name": "Py", "name": "conda-env"}),
        "a Python version": metadata("language_info", {"name": "python", "version": "3.11.2"}),
        "an editor's cell": put(PLAIN, "metadata", {"collapsed": True}),
    },
    "ran_in_order": {
        "never ran": put(PLAIN, "execution_count", None),
        "ran again": put(PLAIN, "execution_count", 9),
        "ran before": put(EXERCISE, "execution_count", 4),
    },
    "code_is_plain_python": {
        "magic": runs("%matplotlib widget"),
        "shell": runs("!ls"),
        "nothing": runs("\n"),
        "cut off": runs("print("),
    },
    "no_trailing_semicolon": {
        "at the end": runs("print(1);"),
        "before a comment": runs("print(1);  # quiet"),
        "after a hash": runs("plot('#ff0000');"),
        "before an empty line": runs("print(1);\n\n"),
    },
    "no_output_history": {
        "Out": runs("Out[3]"),
        "last": runs("_ + 1"),
        "numbered": runs("print(_3)"),
        "In": runs("In"),
    },
    "no_untestable_display": {
        "interact": runs("@interact\ndef f(x):\n    pass"),
        "attribute": runs("ipywidgets.interactive(f, x=1)"),
        "import": runs("from ipywidgets import Output as Place"),
        "clear": runs("IPython.display.clear_output()"),
        "display id": runs("display(x, display_id='a')"),
    },
    "no_widget_views": {"a view": stores(WIDGET_VIEW, {"model_id": "1", "version_major": 2})},
    "no_stderr": {"a warning": prints(stream("UserWarning: old\n", "stderr"))},
    "errors_are_meant": {
        "unexpected": prints(TRACEBACK),
        "expected in vain": put(FAILING, "outputs", []),
        "tagged in vain": put(PLAIN, "metadata", {"tags": ["nbval-raises-exception"]}),
    },
    "words_are_stable": {
        "address": prints(stream("<Thing object at 0x7f3c00>")),
        "path": prints(stream("saved to /home/ann/a.png")),
        "path in lines": prints(stream(["saved to\n", "/tmp/x/a.png\n"])),  # type: ignore[arg-type]
        "address shown": stores("text/plain", "UpsamplingLab on <T at 0x55>"),
    },
    "a_yes_has_its_number": {
        "true": prints(stream("the same picture: True\n")),
        "false": prints(stream("bilinear  False")),
    },
    "pictures_are_pictures": {
        "not base64": stores("image/png", "%%%"),
        "half": stores("image/png", HALF_A_PICTURE),
        "nothing": stores("image/png", ""),
        "a JPEG": stores("image/png", picture(kind="JPEG")),
        "one colour": stores("image/png", picture(colours=1)),
        "no words": prints(
            {
                "output_type": "display_data",
                "metadata": {},
                "data": {"image/png": picture()},
            }
        ),
    },
    "labs_have_a_static_face": {
        "no picture": forgets("image/png"),
        "other words": stores("text/plain", "Error displaying widget"),
        "nothing": put(LAB, "outputs", []),
        "no name": put(LAB, "source", "rv.PoolingLab(size=6)"),
    },
    "opens_with_a_question": {
        "a statement": becomes(TITLE, "go?", "go"),
        "a smaller title": becomes(TITLE, "# Where", "## Where"),
        "no time": becomes(TITLE, "5 minutes.", "Soon."),
        "no aim": becomes(TITLE, "you can", "one may"),
    },
    "has_its_sections": {
        "one less": becomes(3, "## Pitfalls", ""),
        "one twice": becomes(5, "## Exercises", "## Exercises\n\n## Play"),
        "order": becomes(1, "## Predict", "## Play\n\n## Predict\n\n###"),
        "deeper": becomes(7, "## In short", "### In short"),
        "only in code": becomes(3, "## Pitfalls", "```\n## Pitfalls\n```"),
    },
    "cells_are_short": {
        "lines": runs("\n\n".join(["print(1)"] * (MAX_LINES + 1))),
        "cells": append(*(text(f"more-{i}", "More.") for i in range(MAX_CELLS))),
    },
    "exercises_are_complete": {
        "solved": put(EXERCISE, "outputs", [stream("Exercise 99.1: right!\n")]),
        "no verdict": put(EXERCISE, "outputs", []),
        "no solution": becomes(7, "Solution of 99.1", "Solution"),
        "no code": becomes(7, "```python\nanswer = 1\n```", "1"),
        "no exercise": put(EXERCISE, "source", "print(1)"),
        "no judge": append(
            text(
                "s", "<details><summary>Solution of 99.2</summary>\n```python\n1\n```\n</details>"
            ),
            code("e", 5, "rv.check('99.2', 1)", stream("Exercise 99.2: not yet. No.\n")),
        ),
    },
    "links_lead_somewhere": {
        "no file": says("[next](99-next.ipynb)"),
        "no file, heading": says("[next](99-next.ipynb#Play)"),
        "no heading": says("[below](#Nowhere)"),
        "no picture": says("![face](face.png)"),
        "no HTML picture": says('<img src="face.png">'),
        "http": says("[there](http://pytorch.org)"),
        "around a picture": says("[![badge](https://a.org/b.svg)](docs/gone.md)"),
        "as a footnote": says("[there][t]\n\n[t]: docs/gone.md"),
    },
}
