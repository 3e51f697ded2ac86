"""Prepared documents: parsed, measured and validated once, kept in a bounded cache by their text."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
    validate,
)

from engine.cost import OperationCost
from engine.errors import ClientError, Code, RequestError, cut, input_error, request_error
from engine.limits import Limits, check_document

_INTROSPECTION: Final = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True, eq=False)
class PreparedOperation:
    """One operation of a valid document, ready to be executed any number of times.

    It is the same object for the same text and name as long as the document is cached, so that what an executor derives
    from it (a plan) can be kept beside it.
    """

    document: DocumentNode
    node: OperationDefinitionNode
    name: str | None
    kind: OperationType
    cost: OperationCost
    """What it costs, by its variables."""
    derived: dict[object, Any] = field(default_factory=dict)
    """What others make of it and keep as long as the document is cached, each under a key of its own."""

    @property
    def is_query(self) -> bool:
        """Whether it is a query: free of side effects, so it may be repeated, cancelled and sent by GET."""
        return self.kind is OperationType.QUERY

    @property
    def is_mutation(self) -> bool:
        """Whether it is a mutation: it must not be cancelled halfway because its caller went away."""
        return self.kind is OperationType.MUTATION

    @property
    def is_subscription(self) -> bool:
        """Whether it is a subscription: it needs a transport that carries many answers."""
        return self.kind is OperationType.SUBSCRIPTION


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A valid document: its operations by name, and whether any of its fields asks for the schema."""

    operations: Mapping[str | None, PreparedOperation]
    introspects: bool
    size: int
    tokens: int


class Documents:
    """Prepares documents for one schema and keeps the latest used of them, bounded in number, bytes and tokens."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, hide_suggestions: bool = False) -> None:
        """Prepare for `schema`; with `hide_suggestions` no message proposes a name that the caller did not write."""
        self.hits = 0
        self.misses = 0
        self._schema = schema
        self._limits = limits
        self._hide_suggestions = hide_suggestions
        self._kept: OrderedDict[str, PreparedDocument] = OrderedDict()
        self._kept_bytes = 0
        self._kept_tokens = 0

    def __len__(self) -> int:
        """Return the number of documents kept."""
        return len(self._kept)

    def prepare(self, text: str, operation_name: str | None = None, *, introspection: bool = True) -> PreparedOperation:
        """Return the named operation of a document (the only one, when no name is given).

        Raises RequestError: the document does not parse (GRAPHQL_PARSE_FAILED), is not valid
        (GRAPHQL_VALIDATION_FAILED), goes past a limit (LIMIT_EXCEEDED), has no such operation, or asks for the schema
        where `introspection` is not allowed (UNAUTHENTICATED).
        """
        document = self._kept.get(text)
        if document is not None:
            self.hits += 1
            self._kept.move_to_end(text)
            if document.introspects and not introspection:
                raise _no_introspection()
            return _operation(document, operation_name)
        self.misses += 1
        document = self.make(text, introspection=introspection)
        self._keep(text, document)
        return _operation(document, operation_name)

    def make(self, text: str, *, introspection: bool = True) -> PreparedDocument:
        """Parse, measure and validate a document without keeping it. Raises RequestError as `prepare` does."""
        tree, size = self._parse(text)
        try:
            check_document(tree, self._limits)
        except ClientError as error:
            raise request_error(error.message, error.code) from None
        introspects = _introspects(tree)
        if introspects and not introspection:
            # Before validation, whose messages would tell what the schema has.
            raise _no_introspection()
        errors = validate(self._schema, tree, max_errors=self._limits.errors, hide_suggestions=self._hide_suggestions)
        if errors:
            raise RequestError([input_error(error, Code.GRAPHQL_VALIDATION_FAILED) for error in errors])
        return PreparedDocument(_operations(self._schema, tree), introspects, size, tree.token_count)

    def _parse(self, text: str) -> tuple[DocumentNode, int]:
        """Parse a document within the limits; also return its length in bytes."""
        limits = self._limits
        try:
            size = len(text) if text.isascii() else len(text.encode())
        except UnicodeEncodeError:
            raise request_error("The document is not valid Unicode text.", Code.GRAPHQL_PARSE_FAILED) from None
        if size > limits.document_bytes:
            raise request_error(f"A document may have {limits.document_bytes} bytes.", Code.LIMIT_EXCEEDED)
        try:
            tree = parse(text, max_lexical_tokens=limits.tokens, max_comments=limits.tokens)
        except GraphQLError as error:
            # The parser has one class for everything and aborts only over a limit.
            over = error.message.endswith("Parsing aborted.")
            code = Code.LIMIT_EXCEEDED if over else Code.GRAPHQL_PARSE_FAILED
            raise RequestError([input_error(error, code)]) from None
        return tree, size

    def _keep(self, text: str, document: PreparedDocument) -> None:
        """Put a document into the cache and drop the least recently used ones beyond its bounds."""
        self._kept[text] = document
        self._kept_bytes += document.size
        self._kept_tokens += document.tokens
        limits = self._limits
        while (
            len(self._kept) > limits.cached_documents
            or self._kept_bytes > limits.cached_bytes
            or self._kept_tokens > limits.cached_tokens
        ):
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= dropped.size
            self._kept_tokens -= dropped.tokens


def _operations(schema: GraphQLSchema, tree: DocumentNode) -> dict[str | None, PreparedOperation]:
    """Return the operations of a valid document by name (None for one without a name)."""
    operations: dict[str | None, PreparedOperation] = {}
    for node in tree.definitions:
        if isinstance(node, OperationDefinitionNode):
            name = node.name.value if node.name else None
            cost = OperationCost(schema, tree, node)
            operations[name] = PreparedOperation(tree, node, name, node.operation, cost)
    return operations


def _operation(document: PreparedDocument, name: str | None) -> PreparedOperation:
    """Find an operation by name; without one, the document must have exactly one."""
    if name is None:
        if len(document.operations) == 1:
            return next(iter(document.operations.values()))
        reason = "several operations: say which by operationName" if document.operations else "no operation"
        raise request_error(f"The document has {reason}.", Code.GRAPHQL_VALIDATION_FAILED)
    operation = document.operations.get(name)
    if operation is None:
        raise request_error(cut(f"The document has no operation named {name!r}."), Code.GRAPHQL_VALIDATION_FAILED)
    return operation


def _introspects(tree: DocumentNode) -> bool:
    """Whether any field of a document, in operations or fragments, asks for the schema (`__typename` does not)."""
    stack: list[Node] = list(tree.definitions)
    while stack:
        node = stack.pop()
        if isinstance(node, FieldNode) and node.name.value in _INTROSPECTION:
            return True
        if isinstance(node, FragmentSpreadNode):
            continue
        inner = getattr(node, "selection_set", None)
        if isinstance(inner, SelectionSetNode):
            stack.extend(item for item in inner.selections if isinstance(item, FieldNode | InlineFragmentNode))
    return False


def _no_introspection() -> RequestError:
    """Refuse a question about the schema."""
    return request_error("Sign in to read the schema.", Code.UNAUTHENTICATED)
