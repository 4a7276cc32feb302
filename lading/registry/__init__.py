"""The seam to registries: what the engine cannot tell of them, in Lading's own types.

`HttpRegistry` answers for real; its twin in memory stands beside the engine's.
"""

from lading.registry.client import HttpRegistry
from lading.registry.model import Configuration, Layer, Manifest, Registry
from lading.registry.refusals import read_only, refused, untrusted

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
