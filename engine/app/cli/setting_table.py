"""Settings of a section, as a table and as JSON."""

from dataclasses import asdict

from pydantic import BaseModel

from engine.app.cli.text import table
from engine.app.setting_docs import SettingDoc, setting_docs


def settings_data(model: type[BaseModel]) -> list[dict[str, object]]:
    """JSON objects of all settings; `default` is null where one is required."""
    return [asdict(doc) for doc in setting_docs(model)]


def settings_text(model: type[BaseModel]) -> str:
    """One line a setting: name, default, whether it may change while the bot runs, and what it means."""
    rows = [("setting", "default", "", "")]
    rows += [(doc.name, _default(doc), "live" if doc.live else "", _meaning(doc)) for doc in setting_docs(model)]
    return table(rows, indent="  ")


def _default(doc: SettingDoc) -> str:
    if doc.default is None:
        return "required"
    return "" if doc.is_section and doc.default != "null" else doc.default


def _meaning(doc: SettingDoc) -> str:
    values = " | ".join(doc.choices) if len(doc.choices) > 1 and doc.choices != ("true", "false") else ""
    example = f"for example {doc.example}" if doc.example and not values and doc.example != doc.default else ""
    return "; ".join(part for part in (doc.doc, values, example) if part)
