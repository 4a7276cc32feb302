"""The seam to Docker: what Seatrial asks of an engine, in Seatrial's own types.

`DockerEngine` answers for real, `MemoryEngine` is its twin for tests and for check mode where no engine runs yet.
"""

from seatrial.engine.model import (
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
from seatrial.engine.protocol import Engine, Tell

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
