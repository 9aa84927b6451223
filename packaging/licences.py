"""Refuses installed packages whose licence does not go with Apache-2.0, or is not known.

    python packaging/licences.py

Part of `make check`. Looks at every package of the environment, so a dependency of a dependency counts as well.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fnmatch import fnmatch

PERMITTED = re.compile(
    r"^(?:the )?(?:"
    r"0bsd|apache.*|blueoak.*|bsd.*|.*\bbsd license|new bsd.*|modified bsd.*|boost.*|bsl-1\.0|cc0-1\.0|dfsg approved|"
    r"hpnd|isc.*|mit|mit license|mit-0|mit-cmu|mpl-2\.0|mozilla public license 2\.0 \(mpl 2\.0\)|ncsa|"
    r"psf-2\.0|python-2\.0|python software foundation license|unlicense|the unlicense.*|zlib|zpl-2\.1"
    r")$",
    re.IGNORECASE,
)
"""Licences that allow use and distribution with an Apache-2.0 program, alone or by file (MPL)."""

EXCEPTIONS: dict[str, str] = {
    "pyside6_essentials": "LGPL-3.0: used unchanged, as a shared library that the user can replace.",
    "shiboken6": "LGPL-3.0: part of PySide6, used in the same way.",
    "ipctk": "MIT: its metadata name no licence, the LICENSE file it ships with does.",
    "nvidia-*": "NVIDIA's own: CUDA libraries that torch's build for NVIDIA devices loads; not distributed by us.",
    "cuda-*": "NVIDIA's own: CUDA bindings that torch's build for NVIDIA devices loads; not distributed by us.",
}
"""Package name (or pattern) -> why it may be here all the same."""


def permitted(licence: str) -> bool:
    """Whether an SPDX expression, or what a package's classifiers say (parted by `;`), allows our use.

    Of alternatives (`OR`) one must be permitted, of what holds together (`AND`, `;`) all.
    """
    if ";" in licence:
        return all(permitted(part.strip()) for part in licence.split(";"))
    if " OR " in licence or " AND " in licence:
        while inner := re.search(r"\(([^()]*)\)", licence):
            verdict = "MIT" if permitted(inner[1]) else "refused"
            licence = licence[: inner.start()] + verdict + licence[inner.end() :]
    return any(
        all(PERMITTED.match(part.strip().replace(" WITH LLVM-exception", "")) for part in alternative.split(" AND "))
        for alternative in licence.split(" OR ")
    )


def refused(packages: list[dict[str, str]]) -> list[dict[str, str]]:
    """Packages (as pip-licenses lists them) that may not be here."""
    return [
        package
        for package in packages
        if not permitted(package["License"])
        and not any(fnmatch(package["Name"].lower().replace("_", "-"), name.replace("_", "-")) for name in EXCEPTIONS)
    ]


def installed() -> list[dict[str, str]]:
    """Every installed package with its licence: the SPDX expression where it has one, else its classifiers."""
    command = [sys.executable, "-m", "piplicenses", "--format=json", "--from=mixed"]
    packages: list[dict[str, str]] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return packages


def main() -> int:
    packages = installed()
    bad = refused(packages)
    for package in bad:
        print(f"{package['Name']} {package['Version']}: its licence is {package['License']}.", file=sys.stderr)
    if bad:
        print("Use a package with a permissive licence, or give the reason in packaging/licences.py.", file=sys.stderr)
        return 1
    print(f"Licences: {len(packages)} packages, all permitted.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
