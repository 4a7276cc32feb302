"""The seam to Docker: what Lading asks of an engine, in Lading's own types.

`DockerEngine` answers for real, `MemoryEngine` is its twin for tests and for check mode where no engine runs yet.
"""

from lading.engine.model import (
    BuildRequest,
    Container,
    ContainerSpec,
    EngineDetails,
    EngineInfo,
    FileKind,
    HistoryEntry,
    Image,
    ImageConfig,
    ImageFile,
    State,
)
from lading.engine.protocol import Engine, Tell

__all__ = [
    "BuildRequest",
    "Container",
    "ContainerSpec",
    "Engine",
    "EngineDetails",
    "EngineInfo",
    "FileKind",
    "HistoryEntry",
    "Image",
    "ImageConfig",
    "ImageFile",
    "State",
    "Tell",
]
