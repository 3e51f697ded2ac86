"""Which document a request asks for: its text, the id of a registered document, or the hash of one sent before.

Hashes are sent as Apollo's clients do (`extensions.persistedQuery`): first alone; when nobody has sent the document
yet, the answer is `PersistedQueryNotFound`, and the client sends hash and text, which this process keeps for all.

Where only trusted documents run, registered ones are all there are.
"""

from __future__ import annotations

from collections import OrderedDict

from endpoints.answers import HttpError, bad_request
from endpoints.parameters import Parameters
from endpoints.registered import RegisteredDocuments, digest
from endpoints.settings import DocumentSettings
from engine.errors import Code, RequestError, request_error


class SentDocuments:
    """Documents that clients have sent with their hash: the latest used of them, bounded in number and bytes."""

    def __init__(self, documents: int, size: int) -> None:
        """Keep at most `documents` of them, with `size` bytes together."""
        self._documents = documents
        self._bytes_allowed = size
        self._bytes = 0
        self._kept: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._kept)

    def find(self, name: str) -> str | None:
        """The document with this hash."""
        text = self._kept.get(name)
        if text is not None:
            self._kept.move_to_end(name)
        return text

    def keep(self, name: str, text: str) -> None:
        """Keep a document, and forget the least recently used ones beyond the bounds."""
        if name in self._kept:
            return
        self._kept[name] = text
        self._bytes += _size(text)
        while len(self._kept) > self._documents or self._bytes > self._bytes_allowed:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= _size(dropped)


class RequestedDocuments:
    """Finds the document of a request."""

    def __init__(self, settings: DocumentSettings, registered: RegisteredDocuments) -> None:
        """Take what the settings allow, and what is `registered`."""
        self.trusted_only = settings.trusted_only
        self.registered = registered
        self.sent = SentDocuments(settings.sent_documents, settings.sent_bytes)
        self._persisted = settings.persisted_queries and not settings.trusted_only

    def text(self, parameters: Parameters, *, registered_only: bool = False) -> str:
        """The document that a request asks for; with `registered_only`, those that clients have sent are not found.

        Raises RequestError for a hash that is not known and for a document that may not run, HttpError for an id that
        is not registered (404) and for a hash that is not that of the text (400).
        """
        query, name = parameters.query, parameters.digest
        if query is None:
            return self._named(parameters, registered_only=registered_only)
        if self.trusted_only:
            if not self.registered.has(query):
                raise not_registered()
        elif name is not None and self._persisted and self.sent.find(name) != query and digest(query) != name:
            raise bad_request("provided sha does not match query")
        return query

    def keep(self, parameters: Parameters) -> None:
        """Keep the document of a request that was found valid, when it came with its hash."""
        if self._persisted and parameters.digest is not None and parameters.query is not None:
            self.sent.keep(parameters.digest, parameters.query)

    def _named(self, parameters: Parameters, *, registered_only: bool) -> str:
        if parameters.document_id is not None:
            text = self.registered.by_id(parameters.document_id)
            if text is None:
                raise HttpError(404, "No document is registered under this id.")
            return text
        name = parameters.digest or ""
        text = self.registered.by_hash(name)
        if text is None and self._persisted and not registered_only:
            text = self.sent.find(name)
        if text is not None:
            return text
        if self.trusted_only:
            raise not_registered()
        if not self._persisted:
            raise request_error("PersistedQueryNotSupported", Code.PERSISTED_QUERY_NOT_SUPPORTED)
        raise request_error("PersistedQueryNotFound", Code.PERSISTED_QUERY_NOT_FOUND)


def not_registered() -> RequestError:
    """Refuse a document where only registered ones run."""
    return request_error("Only registered documents run here, and this is none.", Code.DOCUMENT_NOT_REGISTERED)


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
