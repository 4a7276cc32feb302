"""The JSON schema of the settings file: what is written in documents fits it, and mistakes do not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from seatrial.settings import schema
from tests.settings.loading import load

ROOT = Path(__file__).parent.parent.parent
SHIPPED = Path(schema.__file__).with_name("settings.schema.json")
WHOLE = json.loads(SHIPPED.read_text("utf-8"))
KINDS = {"object": dict, "array": list, "string": str, "integer": int, "number": int | float, "boolean": bool}
PAGES = "".join((ROOT / name).read_text("utf-8") for name in ("docs/settings.md", "README.md"))
EXAMPLES = [text for text in re.findall("```yaml\n(.*?)```", PAGES, re.DOTALL) if "seatrial:" in text]
EXAMPLES.append((ROOT / "invoke.yaml").read_text("utf-8"))


def problems(value: Any, rule: dict[str, Any], where: str = "$") -> list[str]:
    """Return where a value does not fit a schema of the kind that msgspec makes."""
    if "$ref" in rule:
        return problems(value, WHOLE["$defs"][rule["$ref"].rpartition("/")[2]], where)
    if "anyOf" in rule:
        choices = [problems(value, one, where) for one in rule["anyOf"]]
        return [] if [] in choices else choices[0]
    wrong = rule.get("type", "null") != "null" and not isinstance(value, KINDS[rule["type"]])
    if wrong or value not in rule.get("enum", [value]) or (rule.get("type") == "null" and value is not None):
        return [f"{where}: {value!r} does not fit {rule}"]
    found: list[str] = []
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        inner = rule.get("items") or rule.get("properties", {}).get(key, rule.get("additionalProperties", {}))
        found += [f"{where}.{key}: not known"] if inner is False else problems(one, inner, f"{where}.{key}")
    return found


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_fit(tmp_path: Path, text: str) -> None:
    """The examples in the documents and this repository's own settings are valid, for editors as for the tasks."""
    assert problems(yaml.safe_load(text), WHOLE) == []
    (tmp_path / "web.env").touch()
    load(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("seatrial: {usr: x}", "$.seatrial.usr"),
        ("seatrial: {apps: {web: {port: http}}}", "$.seatrial.apps.web.port"),
        ("seatrial: {apps: {web: {memory: 5}}}", "$.seatrial.apps.web.memory"),
        ("seatrial: {apps: {web: {image_facts: loud}}}", "$.seatrial.apps.web.image_facts"),
        ("seatrial: {apps: {web: {checks: [{stauts: 200}]}}}", "$.seatrial.apps.web.checks.0.stauts"),
        ("seatrial: {apps: {web: {project: x}}}", "$.seatrial.apps.web.project"),
    ],
)
def test_editors_see_mistakes(text: str, where: str) -> None:
    """What the tasks refuse does not fit, and other tools' settings do."""
    assert [one.partition(":")[0] for one in problems(yaml.safe_load(text), WHOLE)] == [where]
    assert problems({"run": {"echo": True}}, WHOLE) == []
    assert all(one.get("description") for kind in WHOLE["$defs"].values() for one in kind["properties"].values())
