"""A language for tests: English that cannot be taken for English, and is as long as German.

Every letter of a sentence that went through the catalogue has an accent, so that whatever is left
in plain letters did not go through it: a value, code, or a sentence that was forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from gettext import NullTranslations

from resample_viz import operations, words
from resample_viz.operations import Chain, Operation, parameters

PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'"
ACCENTED = "àƀçďéƒĝħîĵķļɱñöþǫŕšţûṽŵẋýžÀƁÇĎÉƑĜĦÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽ’"
PLACEHOLDER = re.compile(r"(\{\w*\})")
LONGER = 0.3
WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
QUOTED = re.compile(r"'[^']*'")  # the repr of a string; in a sentence the apostrophe has changed
CALLED = re.compile(r"[A-Za-z_][\w.]*(?=[(\[=])")
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")


class Pseudo(NullTranslations):
    """Every sentence in accents, in brackets, a third longer; its places stay."""

    def gettext(self, message: str) -> str:
        return pseudo(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return pseudo(msgid1 if n == 1 else msgid2)


def pseudo(message: str) -> str:
    """What a sentence becomes.

    >>> pseudo("size must be at most {most}.")
    '[šîžé ɱûšţ ƀé àţ ɱöšţ {most}. ~~~~~~~~]'
    """
    accents = str.maketrans(PLAIN, ACCENTED)
    parts = PLACEHOLDER.split(message)
    text = "".join(p if PLACEHOLDER.fullmatch(p) else p.translate(accents) for p in parts)
    longer = re.findall(r".{1,8}", "~" * round(LONGER * len(message)))  # in words, to be wrapped
    return f"[{text} {' '.join(longer)}]"


@contextmanager
def in_pseudo() -> Iterator[None]:
    """While this is open, what is made is in the pseudo-language."""
    words.use(Pseudo())
    try:
        yield
    finally:
        words.use(words.ENGLISH)


def _names() -> frozenset[str]:
    """What programs are written with: classes of layers, their parameters and choices."""
    names = set(operations.__all__)
    for kind in vars(operations).values():
        layer = isinstance(kind, type) and issubclass(kind, Operation)
        if layer and kind not in (Operation, Chain):  # these two have no parameters of their own
            described = parameters(kind)
            names |= {one.name for one in described}
            names |= {choice for one in described for choice in one.choices}
    return frozenset(name for whole in names for name in whole.split("-"))


NAMES = _names()
CONSTANTS = frozenset({"True", "False", "None"})


def forgotten(text: str) -> list[str]:
    """The words of a text that are neither translated nor code.

    Code is what has no plural in any language: names of variables (one letter), of layers, their
    parameters and choices; whatever has a capital inside (PSNR, NaN, PyTorch), a digit or an
    underscore in it; what is called, indexed or assigned to; and the repr of strings.

    >>> forgotten(pseudo("{name} x (1, 3)").format(name="scale_factor")), forgotten("way back")
    ([], ['way', 'back'])
    """
    for code in (QUOTED, CALLED, DOTTED):
        text = code.sub("", text)
    return [word for word in WORD.findall(text) if not is_code(word)]


def is_code(word: str) -> bool:
    """Whether a word is a name, see `forgotten`."""
    if len(word) == 1 or word in NAMES | CONSTANTS:
        return True
    return bool(re.search(r"[A-Z0-9_]", word[1:]))
