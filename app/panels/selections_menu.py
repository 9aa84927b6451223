"""What a selection can be used as, in a menu."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QMenu

from app.document.document import Document
from app.panels.icons import icon

if TYPE_CHECKING:
    from app.work.masking import Masking


def fill_use_menu(menu: QMenu, selection: str, document: Document, masking: Masking) -> None:
    """Add what a selection can be used as; `selection` is its name, "" for the working one."""
    masks = menu.addMenu(_tr("Mask of a term"))
    titles = document.term_titles()
    for term in masking.maskable():
        action = masks.addAction(titles[term], partial(masking.set_mask, term, selection))
        action.setCheckable(True)
        action.setChecked(bool(selection) and document.study.term(term).mask == selection)
    masks.setEnabled(not masks.isEmpty())
    menu.addAction(icon("lock"), _tr("Freeze"), partial(masking.freeze, selection))
    menu.addAction(_tr("Thaw"), partial(masking.freeze, selection, frozen=False))
    for kind, title in masking.region_kinds():
        menu.addAction(title, partial(masking.add_term, kind, selection))
    menu.addAction(icon("copy"), _tr("Copy to an object"), partial(masking.separate, selection))


def _tr(text: str) -> str:
    return QCoreApplication.translate("SelectionsMenu", text)
