"""The texts that a person reads in the window: found in the source, and written as a Qt Linguist file to translate.

    python packaging/texts.py check                    says which texts do not go through tr()
    python packaging/texts.py extract formwright_de.ts  writes (or brings up to date) a file of all texts

Qt's own lupdate does not know this house's `_tr` functions. What is translated with Qt Linguist, `pyside6-lrelease
formwright_de.ts` turns into the `.qm` that the window looks for (see app/window/translation.py).
"""

from __future__ import annotations

import ast
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("app/actions", "app/panels", "app/viewport", "app/window", "app/work")
"""Rooms that speak to a person through Qt, beside `app/main.py`."""
DECLARED = ("app/**/*.py", "engine/**/*.py")
"""Files of parameters whose titles and help are translated where they are shown, in the context `Parameter`."""

READ_BY_A_PERSON = frozenset(
    (
        "setText",
        "setToolTip",
        "setStatusTip",
        "setWhatsThis",
        "setAccessibleName",
        "setAccessibleDescription",
        "setPlaceholderText",
        "setWindowTitle",
        "setTitle",
        "setLabelText",
        "setHeaderLabels",
        "setHeaderLabel",
        "setOkButtonText",
        "setCancelButtonText",
        "setPrefix",
        "setSuffix",
        "setInformativeText",
        "showMessage",
        "addMenu",
        "addAction",
        "addItem",
        "addTab",
        "addRow",
        "insertItem",
        "QLabel",
        "QPushButton",
        "QCheckBox",
        "QRadioButton",
        "QToolButton",
        "QGroupBox",
        "QAction",
        "QMenu",
        "QDockWidget",
        "Action",
        "Entry",
        "Message",
        "noted",
        "say",
        "begin",
        "getOpenFileName",
        "getOpenFileNames",
        "getSaveFileName",
        "getExistingDirectory",
        "getText",
        "getItem",
        "getInt",
        "getDouble",
        "question",
        "information",
        "warning",
        "critical",
    )
)
"""Functions that show their texts; `title=` and `help=` of any call do too."""
SHOWN_KEYWORDS = frozenset(("title", "help", "remedy", "tooltip"))
HIDDEN_ARGUMENTS = {"Action": (0, 3, 4, 5), "Message": (2,), "addItem": (1,), "Entry": (3, 4), "setSuffix": ()}
"""Places of arguments that are no words: ids, menus by their name, shortcuts, icons."""
WORDLESS = frozenset(("Formwright", "Apache", "mm", "px", "PNG", "SVG", "CSV", "GIF", "MP", "RGB"))
"""What is the same in every language."""
KNOWN_OBJECTS = {"view": "Viewport"}
"""Names that stand for an object of one class wherever they are used: `view.tr()` is looked up in its context."""
DECLARING = frozenset(("parameter", "ParameterField"))
TRANSLATORS = frozenset(("tr", "_tr", "translate"))
FORMATTING = frozenset(("format", "join", "strip", "capitalize", "lower", "replace"))


@dataclass(frozen=True)
class Finding:
    """A text that is shown as it is written."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text!r}"


def sources() -> list[Path]:
    """Files with texts for a person."""
    return sorted([*(ROOT / "app").glob("*.py"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))])


def untranslated(path: Path) -> list[Finding]:
    """Texts of a file that reach a person without tr()."""
    found = []
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call):
            continue
        name = _name(call.func)
        if (
            name == "tr"
            and isinstance(call.func, ast.Attribute)
            and _name(call.func.value) not in ("self", *KNOWN_OBJECTS)
        ):
            text = _constant(call.args[0]) if call.args else ""  # looked up in the context of whatever class that is
            found.append(Finding(f"{path.relative_to(ROOT)}:{call.lineno}", text))
        if name in TRANSLATORS or name in DECLARING:
            continue
        shown: list[ast.expr] = [word.value for word in call.keywords if word.arg in SHOWN_KEYWORDS]
        if name in READ_BY_A_PERSON:
            hidden = HIDDEN_ARGUMENTS.get(name, ())
            shown += [argument for place, argument in enumerate(call.args) if place not in hidden]
        for text, line in (pair for argument in shown for pair in _literals(argument)):
            if _has_words(text):
                found.append(Finding(f"{path.relative_to(ROOT)}:{line}", text))
    return sorted(set(found), key=str)


def texts(path: Path) -> Iterator[tuple[str, str, int]]:
    """Context, text and line of everything in a file that can be translated."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    owner = _owners(tree)
    own_context = _context_of_tr(tree)
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or _name(call.func) not in TRANSLATORS or not call.args:
            continue
        name = _name(call.func)
        if name == "translate" and len(call.args) > 1:
            context = _constant(call.args[0])
            text = _constant(call.args[1])
        else:
            object = _name(call.func.value) if isinstance(call.func, ast.Attribute) else ""
            context = KNOWN_OBJECTS.get(object) or (owner.get(call, "") if object else own_context)
            text = _constant(call.args[0])
        if context and text:
            yield context, text, call.lineno


def declared_texts(path: Path) -> Iterator[tuple[str, str, int]]:
    """Titles and help of declared parameters."""
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call) or _name(call.func) not in DECLARING:
            continue
        shown = [word.value for word in call.keywords if word.arg in ("title", "help")]
        if _name(call.func) == "ParameterField":
            shown += call.args[1:3]
        for choices in (word.value for word in call.keywords if word.arg == "choice_help"):
            shown += choices.values if isinstance(choices, ast.Dict) else []
        for text in filter(None, map(_constant, shown)):
            yield "Parameter", text, call.lineno


def all_texts() -> dict[str, dict[str, str]]:
    """Every text that can be translated, by context; with the place where it stands first."""
    found: dict[str, dict[str, str]] = {}
    for path in sources():
        for context, text, line in texts(path):
            found.setdefault(context, {}).setdefault(text, f"{path.relative_to(ROOT).as_posix()}:{line}")
    for path in sorted(path for pattern in DECLARED for path in ROOT.glob(pattern)):
        for context, text, line in declared_texts(path):
            found.setdefault(context, {}).setdefault(text, f"{path.relative_to(ROOT).as_posix()}:{line}")
    return found


def extract(target: Path) -> int:
    """Write a Qt Linguist file; what `target` has translated already is kept. Returns how many texts there are."""
    known = _translated(target)
    root = ET.Element("TS", version="2.1", language=target.stem.rpartition("formwright_")[2], sourcelanguage="en")
    count = 0
    for context, messages in sorted(all_texts().items()):
        block = ET.SubElement(root, "context")
        ET.SubElement(block, "name").text = context
        for text, place in sorted(messages.items()):
            count += 1
            message = ET.SubElement(block, "message")
            file, _, line = place.rpartition(":")
            ET.SubElement(message, "location", filename=file, line=line)
            ET.SubElement(message, "source").text = text
            translation = known.get((context, text), "")
            done = {} if translation else {"type": "unfinished"}
            ET.SubElement(message, "translation", done).text = translation
    ET.indent(root)
    target.write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n' + ET.tostring(root, encoding="unicode") + "\n",
        encoding="utf-8",
    )
    return count


def _translated(path: Path) -> dict[tuple[str, str], str]:
    if not path.exists():
        return {}
    found = {}
    for block in ET.parse(path).getroot().iter("context"):
        for message in block.iter("message"):
            key = block.findtext("name", ""), message.findtext("source", "")
            found[key] = message.findtext("translation", "")
    return {key: text for key, text in found.items() if text}


def _literals(node: ast.expr) -> Iterator[tuple[str, int]]:
    """The literal texts that an expression is made of, those that are translated left out."""
    match node:
        case ast.Constant(value=str(text)):
            yield text, node.lineno
        case ast.JoinedStr():
            yield "".join(part.value for part in node.values if isinstance(part, ast.Constant)), node.lineno
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    yield from _literals(part.value)
        case ast.BinOp(left=left, right=right):
            yield from _literals(left)
            yield from _literals(right)
        case ast.IfExp(body=body, orelse=other):
            yield from _literals(body)
            yield from _literals(other)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _literals(value)
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            for element in elements:
                yield from _literals(element)
        case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in FORMATTING and name not in ("join",):
            yield from _literals(inner)
        case ast.Lambda(body=body):
            if isinstance(body, ast.Constant | ast.JoinedStr):
                yield from _literals(body)


def _has_words(text: str) -> bool:
    """Letters that a translator would have to do with."""
    text = re.sub(r"<[^>]*>|\*\.\w+|\{\w*\}", " ", text)  # marks of rich text, file patterns, places of format()
    words = "".join(letter if letter.isalpha() else " " for letter in text).split()
    return any(len(word) > 1 and word not in WORDLESS for word in words)


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _constant(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _owners(tree: ast.Module) -> dict[ast.AST, str]:
    """The class that a call of self.tr() stands in: the context that Qt looks the text up in."""
    owner: dict[ast.AST, str] = {}
    for block in ast.walk(tree):
        if isinstance(block, ast.ClassDef):
            for inside in ast.walk(block):
                owner[inside] = block.name
    return owner


def _context_of_tr(tree: ast.Module) -> str:
    """The context of a file's `_tr`, its own or an imported one."""
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name in ("tr", "_tr"):
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and _name(call.func) == "translate":
                    return _constant(call.args[0])
        if isinstance(function, ast.ImportFrom) and any(alias.name == "tr" for alias in function.names):
            path = ROOT / (function.module or "").replace(".", "/")
            return _context_of_tr(ast.parse(path.with_suffix(".py").read_text(encoding="utf-8")))
    return ""


def main(arguments: list[str]) -> int:
    """Entry of the program."""
    if arguments[:1] == ["check"]:
        found = [finding for path in sources() for finding in untranslated(path)]
        for finding in found:
            print(finding)
        return 1 if found else 0
    if arguments[:1] == ["extract"] and len(arguments) == 2:
        print(f"{extract(Path(arguments[1]))} texts")
        return 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
