"""JSON Schemas of protobuf messages, as their JSON is read and written, with the comments in
proto/."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

Schema: TypeAlias = dict[str, Any]
_MESSAGE, _ENUM, _SERVICE, _MEMBER = 4, 5, 6, 2
"""Numbers of fields of FileDescriptorProto and of what is in it, of which paths are made."""
_BITS = {
    FieldDescriptor.CPPTYPE_INT32: ("int32", -(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: ("uint32", 0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: ("int64", -(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: ("uint64", 0, 2**64 - 1),
}
_LONG = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)


class Comments:
    """The comment before each message, field, enum, value and method, by its full name."""

    def __init__(self, files: FileDescriptorSet) -> None:
        self._by_name: dict[str, str] = {}
        for file in files.file:
            names = dict(_names(file))
            for location in file.source_code_info.location:
                name = names.get(tuple(location.path))
                if name is not None:
                    self._by_name[name] = " ".join(location.leading_comments.split())

    def __getitem__(self, full_name: str) -> str:
        return self._by_name[full_name]


def _names(file: Any) -> Iterator[tuple[tuple[int, ...], str]]:
    kinds = (
        (_MESSAGE, file.message_type, "field"),
        (_ENUM, file.enum_type, "value"),
        (_SERVICE, file.service, "method"),
    )
    for number, parents, members in kinds:
        for at, parent in enumerate(parents):
            name = f"{file.package}.{parent.name}"
            yield (number, at), name
            for member_at, member in enumerate(getattr(parent, members)):
                yield (number, at, _MEMBER, member_at), f"{name}.{member.name}"


class Schemas:
    """``requests``: full names of messages that clients send. Numbers in them may be strings, and
    all fields may be left out; what is answered has all fields that have no presence."""

    def __init__(self, comments: Comments, requests: Iterable[Descriptor]) -> None:
        self._comments = comments
        self._read = {one.full_name for root in requests for one in reachable(root)}

    def message(self, kind: Descriptor) -> Schema:
        """The schema of a message; those in it are referred to."""
        schema: Schema = {"type": "object", "description": self._comments[kind.full_name]}
        schema["properties"] = {
            field.name: self._described(field, self._field(field)) for field in kind.fields
        }
        schema["additionalProperties"] = False
        always = [field.name for field in kind.fields if not field.has_presence]
        if always and kind.full_name not in self._read:
            schema["required"] = always
        return schema

    def enum(self, kind: EnumDescriptor) -> Schema:
        """Names of values; a number stands for a value without a name."""
        values = "".join(
            f"\n* {value.name} ({value.number}): {self._comments[f'{kind.full_name}.{value.name}']}"
            for value in kind.values
        )
        return {
            "description": f"{self._comments[kind.full_name]}\n{values}",
            "anyOf": [
                {"type": "string", "enum": [value.name for value in kind.values]},
                {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1},
            ],
        }

    def _described(self, field: FieldDescriptor, schema: Schema) -> Schema:
        return {"description": self._comments[field.full_name], **schema}

    def _field(self, field: FieldDescriptor) -> Schema:
        one = self._one(field)
        return {"type": "array", "items": one} if field.is_repeated else one

    def _one(self, field: FieldDescriptor) -> Schema:
        if field.message_type is not None:
            if _is_struct(field.message_type):
                return {"type": "object"}
            return reference(field.message_type)
        if field.enum_type is not None:
            return reference(field.enum_type)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return {"type": "string", "contentEncoding": "base64"}
        if field.type == FieldDescriptor.TYPE_STRING:
            return {"type": "string"}
        if field.type == FieldDescriptor.TYPE_BOOL:
            return {"type": "boolean"}
        return self._integer(field)

    def _integer(self, field: FieldDescriptor) -> Schema:
        name, least, most = _BITS[field.cpp_type]
        number = {"type": "integer", "format": name, "minimum": least, "maximum": most}
        digits = {
            "type": "string",
            "format": name,
            "pattern": "^-?[0-9]{1,20}$" if least else "^[0-9]{1,20}$",
        }
        if field.full_name.rpartition(".")[0] in self._read:
            return {"anyOf": [number, digits]}
        return digits if field.cpp_type in _LONG else number


def _is_struct(kind: Descriptor) -> bool:
    return kind.full_name == "google.protobuf.Struct"


def reachable(root: Descriptor) -> Iterator[Descriptor]:
    """A message and those in it, Struct excepted."""
    yield root
    for field in root.fields:
        if field.message_type is not None and not _is_struct(field.message_type):
            yield from reachable(field.message_type)


def reference(kind: Descriptor | EnumDescriptor) -> Schema:
    """Refers to the component of a message or enum."""
    return {"$ref": f"#/components/schemas/{kind.name}"}


def all_schemas(schemas: Schemas, roots: Iterable[Descriptor]) -> Mapping[str, Schema]:
    """The component of each message and enum that is reachable from these, by its name."""
    found: dict[str, Schema] = {}
    for root in roots:
        for kind in reachable(root):
            found[kind.name] = schemas.message(kind)
            enums = [field.enum_type for field in kind.fields if field.enum_type is not None]
            found |= {enum.name: schemas.enum(enum) for enum in enums}
    return dict(sorted(found.items()))
