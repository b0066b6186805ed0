"""How a body is decoded and checked, whichever vendor it was sent to: a JSON object, or a multipart form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from airflow_provider_callkaro.sandbox.vendor import Refused


def read_object(body: bytes) -> dict[str, Any]:
    """Decode a body as a JSON object, whatever its ``Content-Type``: half of the documented examples send none. Raises
    Refused if it is no JSON, or no object."""
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Refused(400, "Malformed JSON body") from None
    if not isinstance(value, dict):
        raise Refused(400, "The JSON body must be an object")
    return value


def read_form(body: bytes, *, content_type: str) -> dict[str, str]:
    """Read the parts of a multipart form as text, by their names; what is no form has none."""
    from email.parser import BytesParser

    header = b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n"
    form = BytesParser().parsebytes(header + body)
    fields: dict[str, str] = {}
    for part in form.walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields[name] = content.decode("utf-8", "replace")
    return fields


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def errors_in(model: type[BaseModel], values: Mapping[str, object]) -> list[ErrorDetails]:
    """What is wrong with the fields of a body, in the order in which the model has them; empty where nothing is.
    ``values``: the body, decoded. It is checked and not converted: what the sandbox keeps is what was sent."""
    try:
        model.model_validate(values, from_attributes=True)  # as FastAPI does, which decides what it calls an error
    except ValidationError as error:
        return error.errors(include_url=False, include_context=False)
    return []


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, OSError):  # whose kinds pydantic does not take for a finding
        raise ValueError("unknown time zone") from None


class Body(BaseModel):
    """The base of the models of bodies: a text is no number and a number no flag; other fields are let through."""

    model_config = ConfigDict(strict=True)


ABSENT: Any = None
"""The default of a field that may be absent but not null: pydantic does not check defaults."""
Number: TypeAlias = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{1,14}$")]
"""A phone number in E.164."""
Zone: TypeAlias = Annotated[str, AfterValidator(_known_zone)]
"""The IANA name of a time zone."""
