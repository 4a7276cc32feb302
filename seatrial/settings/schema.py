"""The JSON schema of the settings file, made from the structs; it lies beside this module, for editors."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import FieldInfo, fields

from seatrial.model.app import App, BuildOptions
from seatrial.model.check import Check
from seatrial.model.deployment import Deployment, PublishedPort
from seatrial.model.facts_policy import FactsPolicy
from seatrial.model.setting_types import Parsed
from seatrial.settings.reading import is_struct, settings_of
from seatrial.settings.settings import Settings
from seatrial.settings.settings_file import KEY

__all__ = ["json_schema"]

_REF = "#/$defs/{name}"


def json_schema() -> str:
    """Return the JSON schema of a whole settings file, the content of settings.schema.json."""
    structs = (Settings, App, BuildOptions, FactsPolicy, Check, Deployment, PublishedPort)
    _, made = msgspec.json.schema_components(structs, schema_hook=lambda _: {"type": "string"}, ref_template=_REF)
    kinds = {kind.__name__: _definition(kind, made) for kind in (Settings, App, Check, Deployment, PublishedPort)}
    apps = kinds["Settings"]["properties"]["apps"]
    apps["additionalProperties"] = {"anyOf": [apps["additionalProperties"], {"type": "null"}]}  # `web:` and no more
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The settings file of Seatrial",
        "type": "object",
        "properties": {KEY: {"$ref": _REF.format(name="Settings")}},
        "$defs": kinds,
    }
    return json.dumps(schema, indent=2) + "\n"


def _definition(kind: type[Struct], made: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": made[kind.__name__]["description"].partition("\n")[0],
        "type": "object",
        "properties": _properties(kind, made),
        "additionalProperties": False,
    }


def _properties(kind: type[Struct], made: dict[str, Any]) -> dict[str, Any]:
    """Return what each setting may be; those of `build` and `facts` stand beside the others."""
    properties: dict[str, Any] = {}
    for field in fields(kind):
        if is_struct(field):
            properties |= _properties(field.type, made)
        elif field.encode_name in settings_of(kind):
            properties[field.encode_name] = _property(field, made[kind.__name__]["properties"][field.encode_name])
    return properties


def _property(field: FieldInfo, found: dict[str, Any]) -> dict[str, Any]:
    """Return what a setting may be in the file, where a size and a reference are texts."""
    kept = {key: found[key] for key in ("description", "default") if found.get(key)}
    if any(isinstance(one, Parsed) for one in getattr(field.type, "__metadata__", ())):
        text = {"type": "string"}
        is_list = "array" in json.dumps(found)
        if isinstance(kept.get("default"), int):  # of a size
            del kept["default"]
        return {**kept, **({"type": "array", "items": text} if is_list else text)}
    return {**{key: value for key, value in found.items() if key != "default"}, **kept}
