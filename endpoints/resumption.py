"""Where a subscription goes on: a cursor from outside its document takes the place of its argument `after`.

A client that reconnects with `Last-Event-ID` sends the operation as it sent it first: with the `after` of that time, as
a variable of any name or as a literal, or without any. So the document itself is changed, once: in what stands for it
the root field takes `after` from a variable that the client cannot name.
"""

from dataclasses import replace
from typing import Any, Final, cast

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    GraphQLString,
    NamedTypeNode,
    NameNode,
    Node,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    get_nullable_type,
    visit,
)

from engine.documents import PreparedOperation
from engine.execution import Variables

AFTER: Final = "after"
_VARIABLE: Final = "__after"
"""Names that begin with two underscores are GraphQL's own: a document that defines one is its client's mistake."""
_RESUMABLE: Final = "resumable"


def resumed(
    schema: GraphQLSchema, prepared: PreparedOperation, variables: Variables, after: str
) -> tuple[PreparedOperation, Variables]:
    """Return the operation, and the variables to run it with, so that it goes on behind the cursor `after`.

    Whatever the client gives as `after` gives way. An operation whose root field takes no text of that name has no
    place to go on from, and is returned as it is.
    """
    if _RESUMABLE not in prepared.derived:
        prepared.derived[_RESUMABLE] = _resumable(schema, prepared)
    resumable: PreparedOperation | None = prepared.derived[_RESUMABLE]
    if resumable is None:
        return prepared, variables
    return resumable, {**variables, _VARIABLE: after}


def _resumable(schema: GraphQLSchema, prepared: PreparedOperation) -> PreparedOperation | None:
    """Return the operation with `after` taken from our variable; None when its root field has no such argument."""
    types = TypeInfo(schema)
    changes = _After(types, schema)
    document = cast("DocumentNode", visit(prepared.document, TypeInfoVisitor(types, changes)))
    if not changes.made:
        return None
    name = prepared.node.name.value if prepared.node.name else None
    nodes = [_with_variable(node, name) for node in document.definitions]
    node = next(each for each in nodes if isinstance(each, OperationDefinitionNode) and _is_named(each, name))
    return PreparedOperation(DocumentNode(definitions=tuple(nodes)), node, prepared.name, prepared.kind, prepared.cost)


class _After(Visitor):
    """Replaces the argument `after` of the root fields of subscriptions, in operations and in fragments."""

    def __init__(self, types: TypeInfo, schema: GraphQLSchema) -> None:
        super().__init__()
        self.made = False
        self._types = types
        self._root = schema.subscription_type

    def leave_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        """Change a root field; graphql-core copies what is around it."""
        # On the way out, the type of what holds the field is the one that the visitor stands in.
        if self._types.get_parent_type() is not self._root or not self._takes_after():
            return None
        self.made = True
        argument = ArgumentNode(name=NameNode(value=AFTER), value=VariableNode(name=NameNode(value=_VARIABLE)))
        others = tuple(each for each in node.arguments or () if each.name.value != AFTER)
        return replace(node, arguments=(*others, argument))

    def _takes_after(self) -> bool:
        field = self._types.get_field_def()
        argument = field.args.get(AFTER) if field is not None else None
        return argument is not None and get_nullable_type(argument.type) is GraphQLString


def _is_named(node: OperationDefinitionNode, name: str | None) -> bool:
    return (node.name.value if node.name else None) == name


def _with_variable(node: Node, name: str | None) -> Any:
    """Return a definition; the operation of this name also defines our variable."""
    if not isinstance(node, OperationDefinitionNode) or not _is_named(node, name):
        return node
    ours = VariableDefinitionNode(
        variable=VariableNode(name=NameNode(value=_VARIABLE)),
        type=NamedTypeNode(name=NameNode(value=GraphQLString.name)),
    )
    return replace(node, variable_definitions=(*(node.variable_definitions or ()), ours))
