"""The frames of both doors as JSON Schema: what no route of the API mentions, and the browser's types need."""

from __future__ import annotations

from inspect import cleandoc
from types import ModuleType
from typing import Any

import msgspec
from msgspec import UNSET

from bot import model
from channels.console import frames as console
from channels.web import frames as widget

Schema = dict[str, Any]

_REF = "#/components/schemas/"

# A union is written where it is used; under a name it can be imported, and its `switch` be checked for completeness.
_WIDGET = {
    "WidgetServerFrame": widget.ServerFrame,
    "WidgetClientFrame": widget.ClientFrame,
    "WidgetEvent": widget.CustomerEvent,
    "WidgetPart": widget.PartView,
    "WidgetSpeaker": widget.Speaker,
}
_CONSOLE = {
    "ConsoleServerFrame": console.ServerFrame,
    "ConsoleClientFrame": console.ClientFrame,
    "Body": model.Body,
    "Command": model.Command,
    "Move": model.Move,
    "Part": model.Part,
}


def components() -> dict[str, Schema]:
    """Name -> JSON Schema of everything that travels between a server and a browser of ours.

    The two doors have frames of the same name, so theirs are prefixed; the nouns of `bot.model` keep their names.
    """
    return _door("Widget", widget, _WIDGET, (widget.TokenRequest, widget.TokenGrant)) | _door(
        "Console",
        console,
        _CONSOLE,
        (
            console.Rows,
            console.Detail,
            console.Events,
            console.Identities,
            console.People,
            console.Me,
            console.Uploaded,
            console.Done,
            console.Problem,
        ),
    )


def _door(prefix: str, door: ModuleType, unions: dict[str, Any], bodies: tuple[type, ...]) -> dict[str, Schema]:
    roots, structs = msgspec.json.schema_components([*unions.values(), *bodies], ref_template=_REF + "{name}")
    members = {name: _members(root) for name, root in zip(unions, roots, strict=False)}
    names = {refs: name for name, refs in members.items()}

    def rewrite(schema: Any) -> Any:
        match schema:
            case {"$ref": str(ref)}:
                return _ref(_name(prefix, door, ref.removeprefix(_REF)))
            case {"anyOf": list(), "discriminator": _} if _members(schema) in names:
                return _ref(names[_members(schema)])
            case {"anyOf": list(alternatives), "discriminator": _}:
                # The tag of each member is required and has one value; that is all a reader needs.
                return {"oneOf": rewrite(alternatives)}
            case {"enum": list(values)} if all(isinstance(value, str) for value in values):
                return schema | {"type": "string"}
            case {"type": "object"} if "properties" not in schema and "additionalProperties" not in schema:
                return schema | {"additionalProperties": True}
            case dict():
                return {key: rewrite(value) for key, value in schema.items()}
            case list():
                return [rewrite(value) for value in schema]
            case _:
                return schema

    found = {_name(prefix, door, name): rewrite(_exact(_owner(door, name), schema)) for name, schema in structs.items()}
    for name, refs in members.items():
        found[name] = {"oneOf": [rewrite({"$ref": ref}) for ref in refs]}
    return found


def _members(union: Schema) -> tuple[str, ...]:
    return tuple(member["$ref"] for member in union["anyOf"] if "$ref" in member)


def _ref(name: str) -> Schema:
    return {"$ref": _REF + name}


def _owner(door: ModuleType, name: str) -> type[msgspec.Struct]:
    owner: type[msgspec.Struct] = getattr(door, name, None) or getattr(model, name)
    return owner


def _name(prefix: str, door: ModuleType, name: str) -> str:
    return prefix + name if _owner(door, name).__module__ == door.__name__ else name


def _exact(struct: type[msgspec.Struct], schema: Schema) -> Schema:
    """What msgspec writes but does not promise: a field with a default is in every frame we send, unless the Struct
    leaves defaults out. Inputs (they forbid unknown fields) may lack it in any case."""
    properties = {
        name: {key: value for key, value in field.items() if key != "default"}
        for name, field in schema["properties"].items()
    }
    required = list(schema["required"])
    config = struct.__struct_config__
    if not config.omit_defaults and not config.forbid_unknown_fields:
        sent = [field.encode_name for field in msgspec.structs.fields(struct) if field.default is not UNSET]
        required += [name for name in sent if name not in required]
    # Only Python 3.13 takes the indentation of docstrings away; the document is the same on all.
    about = {"description": cleandoc(schema["description"])} if "description" in schema else {}
    return schema | about | {"properties": properties, "required": required}
