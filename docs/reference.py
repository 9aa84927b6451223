"""Writes docs/guide/reference.md of the Catalogue: the same declarations that panels and options come from.

python docs/reference.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.protocol.catalogue import Catalogue, StudyEntry, TermEntry
from engine.studies.catalogue import catalogue

DOCUMENT = Path(__file__).parent / "guide" / "reference.md"

HEAD = """# Reference

Every parameter, drawn from where it is declared. *Live* means that it may change while a run goes on. A length may be
typed with a unit (`3 mm`, `0.1 in`), as an expression, or as a percentage of the bounding box's diagonal.
"""


def document(offered: Catalogue) -> str:
    """The page."""
    parts = [HEAD]
    for study in offered.studies:
        parts.append(_study(study, offered))
    parts.append("## Optimiser\n\n" + _table(offered.optimizer_schema))
    parts.append(
        "## Terms\n\nA Term is one differentiable wish; the descent lowers the weighted sum of all of them.\n"
        "Where a [mask](steering.md#masks) says how much a Term counts at a place, its integrand is weighed with\n"
        "*outside + (1 − outside) · mask*.\n"
    )
    titles = {study.study: study.title for study in offered.studies}
    parts += [_term(term, titles) for term in offered.terms]
    return "\n".join(parts).rstrip() + "\n"


def _study(study: StudyEntry, offered: Catalogue) -> str:
    parts = [f"## {study.title}\n\n{study.help}\n"]
    if study.inputs:
        parts.append("Inputs:\n")
        parts.append("\n".join(f"- **{role}**: {meaning}" for role, meaning in study.inputs.items()) + "\n")
    parts.append(_table(study.schema_))
    if study.default_terms:
        parts.append("Its Terms unless others are asked for:\n\n| Term | name | weight |\n|---|---|---|")
        parts += [
            f"| {offered.term(spec.kind).title} | `{spec.name}` | {spec.weight:g} |" for spec in study.default_terms
        ]
    return "\n".join(parts).rstrip() + "\n"


def _term(term: TermEntry, titles: dict[str, str]) -> str:
    facts = [term.help]
    if term.formula:
        facts.append(f"Formula: `{term.formula}`" + (f" [{term.unit}]." if term.unit else "."))
    if term.source:
        facts.append(f"Source: {term.source}.")
    if term.place:
        facts.append(f"Made in the viewport: a {term.place}.")
    if term.maskable:
        facts.append("It needs a mask." if term.needs_mask else "A mask can say where it counts.")
    facts.append(f"For {', '.join(titles[study] for study in term.studies)}.")
    if term.surfaces:
        facts.append(f"It rests unless the surface is {' or '.join(f'`{name}`' for name in term.surfaces)}.")
    text = f"### {term.title}\n\nKind `{term.kind}`. " + " ".join(facts) + "\n"
    return text + ("\n" + _table(term.schema_) if term.schema_.get("properties") else "")


def _table(schema: dict[str, Any]) -> str:
    rows = ["| parameter | name | default | range | meaning |", "|---|---|---|---|---|"]
    for name, entry in schema.get("properties", {}).items():
        unit = f" {entry['unit']}" if entry.get("unit") else ""
        live = " *Live.*" if entry.get("live") else ""
        choices = [f"`{choice}`: {help}" for choice, help in entry.get("choice_help", {}).items()]
        shown = [
            f"Where `{other}` is {' or '.join(f'`{value}`' for value in values)}."
            for other, values in entry.get("shown_for", {}).items()
        ]
        meaning = " ".join([str(entry.get("description", "")), *choices, *shown]).replace("|", "\\|")
        title = entry.get("title", name)
        rows.append(
            f"| {title} | `{name}` | {_value(entry.get('default'))}{unit} | {_range(entry)} | {meaning}{live} |"
        )
    return "\n".join(rows) + "\n"


def _range(entry: dict[str, Any]) -> str:
    if "enum" in entry:
        return ", ".join(f"`{value}`" for value in entry["enum"])
    if "const" in entry:
        return f"`{entry['const']}`"
    if entry.get("type") == "boolean":
        return "yes, no"
    low = entry.get("minimum", entry.get("exclusiveMinimum"))
    high = entry.get("maximum", entry.get("exclusiveMaximum"))
    words = []
    if low is not None:
        words.append(f"{'over' if 'exclusiveMinimum' in entry else 'from'} {_value(low)}")
    if high is not None:
        words.append(f"{'under' if 'exclusiveMaximum' in entry else 'to'} {_value(high)}")
    return " ".join(words)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    DOCUMENT.write_text(document(catalogue()), encoding="utf-8")
    print(DOCUMENT)
