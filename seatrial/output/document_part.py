"""What every part of a JSON document is."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Part"]


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a document; a key whose value is UNSET is left out."""
