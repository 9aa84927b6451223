"""What must hold of the repository's own files: links, commands, nothing private, nothing that cannot be licensed."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

TEXT = {".py", ".md", ".toml", ".sh", ".json", ".yml", ".yaml", ".txt", ".svg", ".cfg", ""}


@pytest.fixture(scope="module")
def files(repository: Path) -> list[Path]:
    """Every file under version control (or about to be), where there is a git checkout."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this is no git checkout")
    return [repository / name for name in listed.stdout.splitlines() if (repository / name).is_file()]


@pytest.fixture(scope="module")
def texts(files: list[Path]) -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in files if path.suffix in TEXT}


def test_no_file_knows_the_machine_it_was_written_on(texts: dict[Path, str]) -> None:
    home = re.compile(r"(?<![\w.])/(?:home|Users|root|work|tmp|opt|mnt)/[\w.-]+")
    # A shell script that ends up in a container or on a CI machine may name a system folder; none does.
    found = [
        f"{path.name}: {match[0]}"
        for path, text in texts.items()
        for match in home.finditer(text)
        if path != Path(__file__)
    ]
    assert not found


def test_links_in_the_documents_resolve(texts: dict[Path, str], repository: Path) -> None:
    link = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
    broken = []
    for path, text in texts.items():
        if path.suffix != ".md":
            continue
        for target in link.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
            name, _, anchor = target.partition("#")
            if "://" in target or target.startswith("mailto:"):
                continue
            pointed = (path.parent / name) if name else path
            if not pointed.exists() or (anchor and anchor not in _anchors(pointed)):
                broken.append(f"{path.relative_to(repository)}: {target}")
    assert not broken


def test_pictures_in_the_documents_show_something(files: list[Path]) -> None:
    from PIL import Image

    pictures = [path for path in files if path.suffix == ".png" and "docs" in path.parts]
    for picture in pictures:
        with Image.open(picture) as image:
            colours = image.convert("RGB").resize((64, 64)).getcolors(64 * 64)
            assert colours is None or len(colours) > 20, f"{picture.name} is blank"


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/guide/command-line.md"])
def test_commands_in_the_documents_exist(repository: Path, document: str) -> None:
    from app.cli.main import COMMANDS

    code = "\n".join(re.findall(r"```(?:sh|bash)\n(.*?)```", (repository / document).read_text(), flags=re.DOTALL))
    targets = set(re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"^make ([a-z-]+)", code, flags=re.MULTILINE)) <= targets
    words = set(re.findall(r"^formwright ([a-z]+)(?=\s|$)", code, flags=re.MULTILINE))
    assert words <= set(COMMANDS)
    assert code.strip()


def test_the_parsers_options_are_those_of_the_guide(repository: Path) -> None:
    text = (repository / "docs/guide/command-line.md").read_text()
    for command, line in re.findall(r"^formwright ([a-z]+) (.*)$", text, flags=re.MULTILINE):
        done = subprocess.run(
            [sys.executable, "-m", "app.cli.main", command, "--help"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={"PATH": "", "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"},
            cwd=repository,
        )
        for option in re.findall(r"--[a-z-]+", line):
            assert option in done.stdout, f"formwright {command} has no {option}"


def test_dependencies_are_ones_that_apache_2_0_may_use(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(item for extra in project["optional-dependencies"].values() for item in extra),
    ]
    names = {re.split(r"[^A-Za-z0-9_.-]", item)[0].lower().replace("_", "-") for item in wanted}
    forbidden = {
        "pymeshlab",
        "gmsh",
        "pymeshfix",
        "tetgen",
        "meshlib",
        "pyqt5",
        "pyqt6",
        "imageio-ffmpeg",
        "drtk",
        "mmgp",
    }
    assert not names & forbidden
    assert "pyside6" not in names, "PySide6_Essentials is enough, and 444 MB smaller"


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
