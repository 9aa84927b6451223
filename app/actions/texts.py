"""The texts of the commands and of the menus, translated."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication


def tr(text: str) -> str:
    return QCoreApplication.translate("Action", text)


def menu_titles() -> dict[str, str]:
    """How menus are called, those within others too, by the names that actions know them by."""
    return {
        "File": tr("File"),
        "Edit": tr("Edit"),
        "Edit/Place": tr("Place"),
        "Edit/Scene": tr("Scene"),
        "Select": tr("Select"),
        "Select/Tool": tr("Selection tool"),
        "View": tr("View"),
        "View/Clip": tr("Clip"),
        "View/Camera": tr("Camera"),
        "View/Colour": tr("Colour by"),
        "View/Theme": tr("Theme"),
        "View/Panels": tr("Panels"),
        "Study": tr("Study"),
        "Run": tr("Run"),
        "Run/Compare": tr("Compare"),
        "Run/Branch": tr("Branch"),
        "Tools": tr("Tools"),
        "Tools/Measure": tr("What is measured"),
        "Help": tr("Help"),
    }


def menu_path(menu: str) -> str:
    """Where an action is found: "View › Camera"."""
    titles = menu_titles()
    parts = menu.split("/") if menu else []
    return " › ".join(titles["/".join(parts[: count + 1])] for count in range(len(parts)))
