"""The sentences that a learner sees, in the language that was chosen: English, unless one says so.

Every such sentence goes through a function of this module, with named placeholders:

    from resample_viz.words import gettext as _
    _("size must be 1 to {most} pixels, not {size}: try size=128.", most=1024, size=size)

The English sentence is the key under which a catalogue, `locale/<language>/LC_MESSAGES/`, has its
translation (https://docs.python.org/3/library/gettext.html). It is looked up when it is shown. A
translation that cannot be filled in is passed over for the English sentence: it never raises.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from gettext import NullTranslations, translation
from pathlib import Path
from typing import Any

DOMAIN = "resample_viz"
LOCALE = Path(__file__).parent / "locale"
CHOSEN_BY = "RESAMPLE_VIZ_LANGUAGE"
"""The environment variable that names the language to begin with. LANG does not: the lessons and
their stored outputs are in English."""
ENGLISH = "en"
COUNTED = 200
"""Numbers whose plural a page is told; rules of plurals look at the last two digits."""


class Marked(str):
    """An English phrase that remembers what it was filled in from: what `N_` returns."""

    __slots__ = ("message", "values")

    message: str
    values: Mapping[str, Any]


def N_(message: str, /, **values: Any) -> str:  # noqa: N802 - the name that gettext's tools know
    """Marks an English phrase for translation and leaves it English: it is still a name.

    `gettext` translates it when it is shown, also where it was filled in, and where it is itself a
    value of another sentence.

    >>> label = N_("resize back, {mode}", mode="area")
    >>> label == "resize back, area", gettext(label)
    (True, 'resize back, area')
    """
    marked = Marked(message.format(**values) if values else message)
    marked.message, marked.values = message, values
    return marked


def gettext(message: str, /, **values: Any) -> str:
    """The sentence in the chosen language, with the values in the places that it names.

    >>> gettext("{name} must be at least {least}.", name="size", least=1)
    'size must be at least 1.'
    """
    if isinstance(message, Marked):
        values = {**message.values, **values}
        message = message.message
    return _filled(_chosen.gettext(message) if message else "", message, values)


def ngettext(one: str, many: str, count: int, /, **values: Any) -> str:
    """The sentence for so many; `{count}` is the number, unless `values` writes it otherwise.

    >>> ngettext("{count} cell", "{count} cells", 1), ngettext("{count} cell", "{count} cells", 0)
    ('1 cell', '0 cells')
    """
    english = one if count == 1 else many
    return _filled(_chosen.ngettext(one, many, count), english, {"count": count, **values})


def _filled(translated: str, english: str, values: Mapping[str, Any]) -> str:
    if not values:
        return translated
    shown = {n: gettext(v) if isinstance(v, Marked) else v for n, v in values.items()}
    try:
        return translated.format(**shown)
    except (LookupError, ValueError, AttributeError, TypeError):
        return english.format(**shown)


def languages() -> tuple[str, ...]:
    """The languages that there are: English, and those with a compiled catalogue."""
    found = LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")
    return (ENGLISH, *sorted(path.parts[-3] for path in found))


def use(language: str | NullTranslations) -> None:
    """Changes the language of what is made from now on; the buttons of an open lab stay.

    Takes the name of one of `languages()`, or a catalogue of the class that `gettext` has for them.
    Raises ValueError for a language that there is not.
    """
    global _chosen
    if isinstance(language, NullTranslations):
        _chosen = language
    elif language == ENGLISH:
        _chosen = NullTranslations()
    elif language in languages():
        _chosen = translation(DOMAIN, LOCALE, [language])
    else:
        known = ", ".join(map(repr, languages()))
        raise ValueError(f"there are no words in {language!r}: use one of {known}.")


def of_page() -> dict[str, Any]:
    """What the sentences of the page become, by the English one; nothing for English.

    Those with a plural are {"forms": the sentences, "of": which of them 0, 1, 2, ... take}.
    """
    if type(_chosen) is NullTranslations:
        return {}
    translated: dict[str, Any] = {}
    for one, *many in json.loads((LOCALE / "page.json").read_text(encoding="utf-8")):
        if many:
            counted = [_chosen.ngettext(one, many[0], count) for count in range(COUNTED)]
            forms = list(dict.fromkeys(counted))
            translated[one] = {"forms": forms, "of": [forms.index(form) for form in counted]}
        else:
            translated[one] = _chosen.gettext(one)
    return translated


def _begin() -> None:
    """The language that the environment names, if there is one of that name."""
    wanted = os.environ.get(CHOSEN_BY, ENGLISH)
    use(wanted if wanted in languages() else ENGLISH)


_chosen = NullTranslations()
_begin()
