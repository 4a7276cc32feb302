"""Classes of protobuf messages, made from their fields as in a .proto file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # loaded only while building
    from google.protobuf.message import Message

__all__ = ["message_classes"]


def message_classes(messages: Mapping[str, str]) -> dict[str, type[Message]]:
    """Return a class for each message; `messages` maps names to fields, separated by semicolons."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

    field: Any = descriptor_pb2.FieldDescriptorProto
    time = timestamp_pb2.DESCRIPTOR
    file = descriptor_pb2.FileDescriptorProto(name="messages.proto", syntax="proto3", dependency=[time.name])
    for message, fields in messages.items():
        added = file.message_type.add(name=message).field
        for one in filter(None, map(str.strip, fields.split(";"))):
            *repeated, kind, name, _, number = one.split()
            label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
            scalar = getattr(field, f"TYPE_{kind.upper()}", None)
            added.add(name=name, number=int(number), label=label, type=scalar, type_name=None if scalar else kind)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(time.serialized_pb)
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in messages}
