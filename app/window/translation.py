"""The window in another language: Qt's `.qm` files, looked for beside the program and in the user's own folder."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

from app.document.places import config_folder

SYSTEM = "system"
PREFIX = "formwright_"


def folders() -> list[Path]:
    """Where translations lie; one of the user's own wins over the program's."""
    return [config_folder() / "translations", Path(__file__).parents[1] / "translations"]


def languages() -> list[str]:
    """Codes of the languages that there are translations for ("de", "pt_BR"), and the texts' own."""
    found = {path.stem.removeprefix(PREFIX) for folder in folders() for path in folder.glob(f"{PREFIX}*.qm")}
    return ["en", *sorted(found)]


def install_translation(application: QCoreApplication, language: str = SYSTEM) -> list[QTranslator]:
    """Translate what is built from now on. An unknown language, or one without a translation, leaves the texts as
    they are written. Returns what was installed, which belongs to `application`."""
    locale = QLocale.system() if language == SYSTEM else QLocale(language)
    if language != SYSTEM and locale.language() == QLocale.Language.C:
        return []
    installed = []
    qt_texts = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    for prefix, places in ((PREFIX, [str(folder) for folder in folders()]), ("qtbase_", [qt_texts])):
        for place in places:
            translator = QTranslator(application)
            if translator.load(locale, prefix, "", place) and application.installTranslator(translator):
                installed.append(translator)
                break
        else:
            if prefix == PREFIX:
                return []  # Qt's own buttons in a language that nothing else here speaks would be odd
    return installed
