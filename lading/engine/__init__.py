"""The seam to Docker: what Lading asks of an engine, in Lading's own types.

`DockerEngine` answers for real, `MemoryEngine` is its twin for tests and for check mode where no engine runs yet.
"""

from lading.engine.model import (
    BuildRequest,
    Container,
    ContainerSpec,
    EngineInfo,
    HistoryEntry,
    Image,
    State,
)
from lading.engine.protocol import Engine, Tell

__all__ = [
    "BuildRequest",
    "Container",
    "ContainerSpec",
    "Engine",
    "EngineInfo",
    "HistoryEntry",
    "Image",
    "State",
    "Tell",
]
