"""How fields that are settings are annotated: limits, descriptions, and how a text becomes a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Self

from msgspec import Meta, Struct, structs

__all__ = ["Parsed", "Port", "Processors", "Seconds", "Text", "Validated", "about"]

Text = Annotated[str, Meta(min_length=1)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Processors = Annotated[float, Meta(ge=0.01, le=1024)]
Seconds = Annotated[float, Meta(gt=0, le=86400)]


class Parsed(Struct, frozen=True):
    """The function that turns a field's text in the settings file into its value; it raises `UsageError`.

    For a field that is a tuple it is called with each text, or with `whole` once with all of them.
    """

    parse: Callable[[Any], object]
    whole: bool = False


class Validated(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A struct whose fields are settings."""

    def but(self, **changes: Any) -> Self:  # noqa: ANN401  each field's own
        """Return the same with other values for these fields."""
        return structs.replace(self, **changes)


def about(text: str) -> Meta:
    """Return the description that makes a field a setting; the JSON schema shows it."""
    return Meta(description=text)
