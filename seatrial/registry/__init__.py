"""The seam to registries: what the engine cannot tell of them, in Seatrial's own types.

`HttpRegistry` answers for real; its twin in memory stands beside the engine's.
"""

from seatrial.registry.client import HttpRegistry
from seatrial.registry.model import Configuration, Layer, Manifest, Registry
from seatrial.registry.refusals import read_only, refused, untrusted

__all__ = [
    "Configuration",
    "HttpRegistry",
    "Layer",
    "Manifest",
    "Registry",
    "read_only",
    "refused",
    "untrusted",
]
