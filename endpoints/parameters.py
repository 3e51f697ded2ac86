"""The parameters of a GraphQL request, from a JSON body, a URL, or a WebSocket message."""

from dataclasses import dataclass, field
from typing import Any, Final

from multidict import MultiMapping

from endpoints.answers import bad_request
from endpoints.bodies import parse_json

_URL_PARAMETERS: Final = ("query", "operationName", "variables", "extensions", "documentId")
_JSON_PARAMETERS: Final = frozenset({"variables", "extensions"})
_DIGEST_CHARACTERS: Final = 256
"""A hash has 64; manifests of registered documents may have longer ids."""


@dataclass(slots=True)
class Parameters:
    """One operation to run. `query` is set, or else one of `document_id` and `digest`.

    Nobody changes it; to freeze it would double the time that it takes to be made, for each request.
    """

    query: str | None
    document_id: str | None = None
    """The id of a registered document."""
    digest: str | None = None
    """The hash of a document, as Apollo's clients send it; also beside the document itself."""
    operation_name: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    tell_cost: bool = False
    """Whether the answer shall say what the operation costs."""


def from_json(body: object) -> Parameters:
    """Take the parameters from a parsed JSON body or message. Raises HttpError (400) for anything but one operation."""
    if isinstance(body, list):
        raise bad_request("Batches are not supported: send one operation per request.")
    if not isinstance(body, dict):
        raise bad_request("The request must be a JSON object.")
    query = _optional_text(body, "query")
    document_id = _optional_text(body, "documentId") or None
    extensions = _optional_object(body, "extensions")
    digest = _digest(extensions)
    if query is None and document_id is None and digest is None:
        raise bad_request("The request has no `query`.")
    if query is not None and document_id is not None:
        raise bad_request("Send `query` or the id of a registered document, not both.")
    return Parameters(
        query,
        document_id,
        digest,
        _optional_text(body, "operationName") or None,
        _optional_object(body, "variables"),
        extensions.get("cost") is True,
    )


def from_url(query: MultiMapping[str]) -> Parameters:
    """Take the parameters from a URL, where `variables` and `extensions` are JSON. Raises HttpError (400)."""
    body: dict[str, Any] = {}
    for name in _URL_PARAMETERS:
        values = query.getall(name, [])
        if len(values) > 1:
            raise bad_request(f"The parameter `{name}` is given more than once.")
        if values:
            text = values[0]
            if name in _JSON_PARAMETERS:
                body[name] = parse_json(text, f"The parameter `{name}`") if text else None
            else:
                body[name] = text
    return from_json(body)


def _optional_text(body: dict[str, Any], name: str) -> str | None:
    """Return a text that may be missing or null."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise bad_request(f"The parameter `{name}` must be a string.")
    return value


def _optional_object(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Return an object; an empty one when it is missing or null."""
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise bad_request(f"The parameter `{name}` must be an object.")
    return value or {}


def _digest(extensions: dict[str, Any]) -> str | None:
    """Return the hash of a persisted query. Raises HttpError (400) for one that is not in the form of version 1."""
    persisted = extensions.get("persistedQuery")
    if persisted is None:
        return None
    digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(digest, str) or not 0 < len(digest) <= _DIGEST_CHARACTERS or persisted.get("version") != 1:
        raise bad_request("`persistedQuery` must be an object with `version` 1 and a `sha256Hash`.")
    return digest
