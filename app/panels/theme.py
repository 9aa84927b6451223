"""Light and dark theme from one set of tokens. Greys are neutral, so that data carry the colour."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from app.document.series import SERIES


@dataclass(frozen=True)
class Tokens:
    """Colours by what they are for.

    window, panel, field : backgrounds, from the outermost to where one types
    line : borders; text, text_soft : what is read, what is read second
    accent, accent_text : the one primary button, selection, focus
    link : text in the colour of the accent, dark or light enough to be read
    warning, error, good : states
    series : one colour a Term, told apart by colour-blind readers too (Okabe and Ito 2008, adjusted in lightness)
    """

    dark: bool
    window: str
    panel: str
    field: str
    line: str
    hover: str
    text: str
    text_soft: str
    text_off: str
    accent: str
    accent_hover: str
    accent_text: str
    link: str
    warning: str
    warning_back: str
    error: str
    error_back: str
    good: str
    series: tuple[str, ...]


LIGHT = Tokens(
    dark=False, window="#ececec", panel="#f7f7f7", field="#ffffff", line="#d2d2d2", hover="#e2e2e2",
    text="#1f1f1f", text_soft="#5c5c5c", text_off="#9a9a9a",
    accent="#1f6feb", accent_hover="#1a60cf", accent_text="#ffffff", link="#1a5dc9",
    warning="#8a5a00", warning_back="#fff3d6", error="#a3261b", error_back="#fde7e4", good="#1b7a43",
    series=SERIES,
)  # fmt: skip

DARK = Tokens(
    dark=True, window="#1e1e1e", panel="#262626", field="#303030", line="#3d3d3d", hover="#383838",
    text="#e8e8e8", text_soft="#a9a9a9", text_off="#6f6f6f",
    accent="#4c8dff", accent_hover="#6aa1ff", accent_text="#0b1220", link="#7fb0ff",
    warning="#f2c46d", warning_back="#3a3020", error="#ff9b8f", error_back="#3d2523", good="#6fd09a",
    series=("#56b4e9", "#e69f00", "#33c79a", "#e08fbf", "#f0e442", "#8fb8ff", "#b794d6", "#b0b0b0"),
)  # fmt: skip


def system_is_dark() -> bool:
    """What the desktop prefers now."""
    return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark


def tokens(dark: bool) -> Tokens:
    return DARK if dark else LIGHT


def current_tokens() -> Tokens:
    """The tokens of the theme that is applied."""
    app = QApplication.instance()
    return tokens(bool(app is not None and app.property("darkTheme")))


def branch_colour(number: int) -> str:
    """The colour of a branch, in the tree and in the plot (see `RunRecord.branch_number`)."""
    series = current_tokens().series
    return series[number % len(series)]


def apply_theme(app: QApplication, *, dark: bool) -> None:
    """Give the whole application the light or the dark look."""
    app.setProperty("darkTheme", dark)
    app.setStyle("Fusion")
    app.setPalette(_palette(tokens(dark)))
    app.setStyleSheet(_style_sheet(tokens(dark)))


def _palette(t: Tokens) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    colours = {
        role.Window: t.window, role.WindowText: t.text, role.Base: t.field, role.AlternateBase: t.panel,
        role.Text: t.text, role.Button: t.panel, role.ButtonText: t.text, role.BrightText: t.error,
        role.Highlight: t.accent, role.HighlightedText: t.accent_text, role.Link: t.link,
        role.ToolTipBase: t.field, role.ToolTipText: t.text, role.PlaceholderText: t.text_soft,
        role.Light: t.field, role.Midlight: t.hover, role.Mid: t.line, role.Dark: t.line, role.Shadow: t.line,
        role.Accent: t.accent,
    }  # fmt: skip
    for key, value in colours.items():
        palette.setColor(key, QColor(value))
    for key in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, QColor(t.text_off))
    return palette


def _style_sheet(t: Tokens) -> str:
    return f"""
    QMainWindow, QDialog {{ background: {t.window}; }}
    QMainWindow::separator {{ background: {t.window}; width: 5px; height: 5px; }}
    QMainWindow::separator:hover {{ background: {t.accent}; }}
    QMenuBar {{ background: {t.window}; padding: 2px 4px; }}
    QMenuBar::item {{ padding: 4px 9px; border-radius: 4px; background: transparent; }}
    QMenuBar::item:selected {{ background: {t.hover}; }}
    QMenu {{ background: {t.field}; border: 1px solid {t.line}; padding: 4px; }}
    QMenu::item {{ padding: 5px 26px 5px 8px; border-radius: 4px; }}
    QMenu::item:selected {{ background: {t.hover}; color: {t.text}; }}
    QMenu::item:disabled {{ color: {t.text_off}; }}
    QMenu::icon {{ padding-left: 6px; }}
    QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px 6px; }}
    QToolTip {{ background: {t.field}; color: {t.text}; border: 1px solid {t.line}; padding: 5px; }}
    QDockWidget {{ color: {t.text_soft}; font-weight: 600; }}
    QDockWidget::title {{ background: {t.panel}; padding: 7px 10px 5px 10px; border: none; }}
    QDockWidget > QWidget {{ background: {t.panel}; }}
    QWidget[panel="true"], QScrollArea[panel="true"], QScrollArea[panel="true"] > QWidget > QWidget {{
        background: {t.panel}; border: none; }}
    QFrame[card="true"] {{ background: {t.field}; border: 1px solid {t.line}; border-radius: 6px; }}
    QFrame[line="true"] {{ background: {t.line}; border: none; }}
    QLabel {{ background: transparent; }}
    QLabel[soft="true"] {{ color: {t.text_soft}; }}
    QLabel[problem="true"] {{ color: {t.error}; background: {t.error_back}; border-radius: 4px; padding: 4px 6px; }}
    QLabel[outside="true"] {{ color: {t.warning}; font-weight: 600; }}
    QLabel[heading="true"] {{ color: {t.text_soft}; font-weight: 600; }}
    QLabel[big="true"] {{ font-size: 19px; color: {t.text}; }}
    QLineEdit, QComboBox, QPlainTextEdit {{ background: {t.field}; border: 1px solid {t.line}; border-radius: 4px;
        padding: 3px 6px; selection-background-color: {t.accent}; selection-color: {t.accent_text}; }}
    QFrame[card="true"] QLineEdit, QFrame[card="true"] QComboBox {{ background: {t.panel}; }}
    QLineEdit:focus, QComboBox:focus, QPlainTextEdit:focus {{ border: 1px solid {t.accent}; }}
    QLineEdit:disabled, QComboBox:disabled {{ color: {t.text_off}; background: {t.panel}; }}
    QLineEdit[wrong="true"] {{ border: 1px solid {t.error}; background: {t.error_back}; }}
    QComboBox::drop-down {{ border: none; width: 20px; }}
    QComboBox QAbstractItemView {{ background: {t.field}; border: 1px solid {t.line};
        selection-background-color: {t.hover}; selection-color: {t.text}; }}
    QPushButton {{ background: {t.field}; border: 1px solid {t.line}; border-radius: 5px; padding: 5px 12px; }}
    QPushButton:hover {{ background: {t.hover}; }}
    QPushButton:checked {{ background: {t.hover}; border: 1px solid {t.accent}; }}
    QPushButton:focus {{ border: 1px solid {t.accent}; }}
    QPushButton:disabled {{ color: {t.text_off}; background: {t.panel}; }}
    QPushButton[primary="true"] {{ background: {t.accent}; border: 1px solid {t.accent}; color: {t.accent_text};
        font-weight: 600; padding: 6px 16px; }}
    QPushButton[primary="true"]:hover {{ background: {t.accent_hover}; }}
    QPushButton[primary="true"]:focus {{ border: 1px solid {t.text}; }}
    QPushButton[primary="true"]:disabled {{ background: {t.hover}; border-color: {t.line}; color: {t.text_off}; }}
    QToolButton {{ border: 1px solid transparent; border-radius: 5px; padding: 4px; background: transparent; }}
    QToolButton:hover {{ background: {t.hover}; }}
    QToolButton:checked {{ background: {t.hover}; border: 1px solid {t.accent}; }}
    QToolButton:focus {{ border: 1px solid {t.accent}; }}
    QToolButton[tab="true"] {{ padding: 2px 8px; }}
    QToolButton[menuButton="true"]::menu-indicator {{ image: none; }}
    QToolBar {{ background: {t.window}; border: none; spacing: 3px; padding: 3px; }}
    QToolBar::separator {{ background: {t.line}; margin: 4px; width: 1px; height: 1px; }}
    QTreeView, QListView, QTreeView:focus, QListView:focus {{ background: {t.panel}; border: none; outline: none; }}
    QTableView {{ background: {t.panel}; border: none; outline: none; selection-background-color: {t.hover};
        selection-color: {t.text}; }}
    QTableView:focus {{ border: 1px solid {t.accent}; }}
    QHeaderView::section {{ background: {t.panel}; color: {t.text_soft}; border: none; padding: 3px 6px;
        border-bottom: 1px solid {t.line}; }}
    QTreeView::item {{ padding: 3px 2px; }}
    QTreeView::item:hover, QListView::item:hover {{ background: {t.hover}; }}
    QTreeView::item:selected, QListView::item:selected {{ background: {t.hover}; color: {t.text}; }}
    QStatusBar {{ background: {t.window}; color: {t.text_soft}; }}
    QStatusBar::item {{ border: none; }}
    QStatusBar QLabel {{ color: {t.text_soft}; padding: 0 6px; }}
    QProgressBar {{ background: {t.line}; border: none; border-radius: 2px; min-height: 5px; max-height: 5px; }}
    QProgressBar::chunk {{ background: {t.accent}; border-radius: 2px; }}
    QSlider::groove:horizontal {{ height: 3px; background: {t.line}; border-radius: 1px; }}
    QSlider::sub-page:horizontal {{ background: {t.text_soft}; border-radius: 1px; }}
    QSlider::handle:horizontal {{ background: {t.field}; border: 1px solid {t.text_soft}; width: 11px; height: 11px;
        margin: -5px 0; border-radius: 6px; }}
    QSlider::handle:horizontal:hover, QSlider::handle:horizontal:focus {{ border: 2px solid {t.accent}; }}
    QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
    QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
    QScrollBar::handle {{ background: {t.line}; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 1px; }}
    QScrollBar::handle:hover {{ background: {t.text_off}; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
    QFrame[bar="error"] {{ background: {t.error_back}; border: none; border-left: 4px solid {t.error}; }}
    QFrame[bar="warning"] {{ background: {t.warning_back}; border: none; border-left: 4px solid {t.warning}; }}
    QFrame[bar="note"] {{ background: {t.panel}; border: none; border-left: 4px solid {t.accent}; }}
    QTabBar {{ qproperty-drawBase: 0; }}
    QTabBar::tab {{ padding: 5px 10px; background: {t.window}; border: none; color: {t.text_soft}; }}
    QTabBar::tab:selected {{ color: {t.text}; background: {t.panel}; }}
    """
