"""What a person calls the Terms of a study."""

from __future__ import annotations

from collections.abc import Iterable

from app.document.steering import unique
from engine.protocol.catalogue import Catalogue
from engine.protocol.study import TermSpec


def term_titles(terms: Iterable[TermSpec], catalogue: Catalogue | None) -> dict[str, str]:
    """The title of each Term, by its name: its kind's title, or the name that was given to it.

    Names that stand in files and plots only (a kind's, or a default's) are nobody's words. Two Terms never share a
    title: the second of a kind is *Smoothness 2*.
    """
    catalogue = catalogue or Catalogue(version="")
    entries = {entry.kind: entry for entry in catalogue.terms}
    defaults = {term.name for study in catalogue.studies for term in study.default_terms}
    titles: dict[str, str] = {}
    for spec in terms:
        entry = entries.get(spec.kind)
        title = spec.name
        if entry is not None and (spec.name in defaults or spec.name == spec.kind):
            title = entry.title
        titles[spec.name] = unique(title, titles.values())
    return titles
