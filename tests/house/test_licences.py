"""The licence scan refuses what it must."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def licences(repository: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location("licences", repository / "packaging" / "licences.py")
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "licence",
    [
        "MIT",
        "BSD License",
        "Apache Software License",
        "Mozilla Public License 2.0 (MPL 2.0)",
        "BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0",
        "BSD-3-Clause AND (MIT OR GPL-2.0-only)",
        "Apache-2.0 AND Apache-2.0 WITH LLVM-exception",
    ],
)
def test_permissive_licences_pass(licences: ModuleType, licence: str) -> None:
    assert licences.permitted(licence)


@pytest.mark.parametrize(
    "licence",
    [
        "GPL-3.0-only",
        "GNU Affero General Public License v3",
        "UNKNOWN",
        "MIT AND GPL-2.0-only",
        "(MIT OR BSD-3-Clause) AND GPL-3.0-or-later",
        "BSD License; GNU General Public License (GPL)",
        "LGPL-3.0-only OR GPL-3.0-only",
        "Other/Proprietary License",
    ],
)
def test_other_licences_are_refused(licences: ModuleType, licence: str) -> None:
    assert not licences.permitted(licence)


def test_an_exception_covers_its_package_only(licences: ModuleType) -> None:
    packages = [
        {"Name": "PySide6_Essentials", "Version": "6.11.3", "License": "LGPL-3.0-only OR GPL-2.0-only"},
        {"Name": "nvidia-cublas-cu12", "Version": "12.8", "License": "NVIDIA Proprietary Software"},
        {"Name": "pymeshlab", "Version": "2025.7", "License": "GNU General Public License v3 (GPLv3)"},
    ]
    assert [package["Name"] for package in licences.refused(packages)] == ["pymeshlab"]
