"""Generated mutations: every field of `Mutation` with inputs that mostly succeed, and payloads selected at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    Undefined,
    get_named_type,
)

from tests.cast import PASSWORD
from tests.differential.arguments import Arguments, Known
from tests.differential.operations import Operation, Scope, Writer
from tests.differential.world import DOCUMENTS, MARKS, NAMES, START, TAGS, VALUES

ENDINGS: Final = (
    "decommissionThings",
    "deleteThings",
    "deleteAttachment",
    "deleteArtifact",
    "deleteRelease",
    "deleteDeployment",
    "deleteOtaJob",
    "deleteProfile",
    "deleteGroup",
    "updateMembers",
    "removeMembers",
    "moveOrganization",
    "disableUser",
    "enableUser",
    "deleteUser",
    "changePassword",
    "deleteOrganization",
    "leaveOrganization",
    "logout",
)
"""Mutations that leave less to be asked for; they come last."""

SUBJECTS: Final[Mapping[str, str]] = {
    "Attachment": "attachment",
    "AuthSet": "authset",
    "SigningKey": "signingkey",
    "TenantToken": "tenant",
    "OtaExecution": "otaexec",
    "Artifact": "artifact",
    "Deployment": "deployment",
    "Group": "group",
    "Organization": "org",
    "OtaJob": "otajob",
    "Profile": "profile",
    "Release": "release",
    "Thing": "thing",
    "User": "user",
}
"""What the `id` of an input is of, by a word in the name of the input; the first that is found counts."""

REFERENCES: Final[Mapping[str, str]] = {
    "artifactId": "artifact",
    "attachmentId": "attachment",
    "authSetId": "authset",
    "deploymentId": "deployment",
    "executionId": "otaexec",
    "groupId": "group",
    "groupIds": "group",
    "homeGroupId": "group",
    "jobId": "otajob",
    "keyId": "signingkey",
    "keyIds": "signingkey",
    "organizationId": "org",
    "otaJobId": "otajob",
    "profileId": "profile",
    "profileIds": "profile",
    "releaseId": "release",
    "thingId": "thing",
    "thingIds": "thing",
    "tokenId": "thingtoken",
    "userId": "user",
    "userIds": "user",
}

TEXTS: Final[Mapping[str, Sequence[str]]] = {
    "email": ("owner@example.com", "member1@example.com", "new@example.com", "no address", "Viewer@Example.com"),
    "password": (PASSWORD, "another-password", "short"),
    "oldPassword": (PASSWORD, PASSWORD, "wrong"),
    "newPassword": ("a-new-password", "short"),
    "refreshToken": ("nobody-was-given-this",),
    "externalId": ("ext-1", "ext-new", ""),
    "sha256": ("0" * 64, "not hex"),
    "fileName": ("a.bin", "../a.bin"),
    "releaseName": ("1.0", "9.9"),
    "version": ("1.2.3", ""),
    "phone": ("+49 30 1234", ""),
    "substate": ("half", "ü"),
}


class Inputs:
    """Draws the inputs of mutations."""

    def __init__(self, drawn: Random, schema: GraphQLSchema, known: Known) -> None:
        """Ids are what `known` holds; what belongs together is likely to, when that is one organization's."""
        self._drawn = drawn
        self._arguments = Arguments(drawn, schema, known)

    def of(self, kind: GraphQLInputType, path: tuple[str, ...]) -> Any:
        """A value of an input type at a place: the names that lead to it, that of the input object first."""
        if isinstance(kind, GraphQLNonNull):
            return self.of(kind.of_type, path)
        if isinstance(kind, GraphQLList):
            return [self.of(kind.of_type, path) for _ in range(self._size(path))]
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(kind, path)
        if isinstance(kind, GraphQLEnumType):
            return self._drawn.choice(list(kind.values))
        return self._scalar(str(kind), path)

    def _object(self, kind: GraphQLInputObjectType, path: tuple[str, ...]) -> Any:
        if kind.name == "ThingFilter":
            return self._arguments.filter()
        if kind.name == "OtaTargetInput":
            return self._target()
        made: dict[str, Any] = {}
        for name, field in kind.fields.items():
            required = isinstance(field.type, GraphQLNonNull)
            if required and field.default_value is Undefined:
                made[name] = self.of(field.type, (*path, kind.name, name))
            elif self._drawn.random() < 0.4:
                cleared = not required and self._drawn.random() < 0.2
                made[name] = None if cleared else self.of(field.type, (*path, kind.name, name))
        return made

    def _target(self) -> dict[str, Any]:
        """One thing at most: the executions of several are made by the database, in no order that could be compared."""
        ways: Sequence[dict[str, Any]] = (
            {"thingIds": [self._arguments.id("thing")]},
            {},
            {"all": True, "thingIds": []},
        )
        return dict(self._drawn.choices(ways, (8, 1, 1))[0])

    def _size(self, path: tuple[str, ...]) -> int:
        return self._drawn.choice((0, 1, 2, 3) if path[-1] in {"tags", "attributes", "compatibleTypes"} else (1, 1, 2))

    def _scalar(self, kind: str, path: tuple[str, ...]) -> Any:
        name = path[-1]
        match kind:
            case "ID":
                return self._id(path)
            case "Boolean":
                return self._drawn.random() < 0.5
            case "Int":
                # As an expected version, often the one that is stored.
                return self._drawn.choice((1, 1, 2, 17, 5, -1 if name == "priority" else 1))
            case "BigInt":
                return self._drawn.choice((1, 2**40))
            case "Float":
                return self._drawn.choice((0, 0.5, 100))
            case "DateTime":
                return START.isoformat()
            case "JSON":
                return self._drawn.choice(VALUES if name == "value" else DOCUMENTS)
        known = TEXTS.get(name) or {"tags": TAGS, "name": NAMES}.get(name, ("some text", "ü", ""))
        if name == "name" and "AttributeInput" in path:
            known = MARKS
        return self._drawn.choice(known)

    def _id(self, path: tuple[str, ...]) -> str:
        name, around = path[-1], next(each for each in reversed(path[:-1]) if each[0].isupper())
        if name in REFERENCES:
            return self._arguments.id(REFERENCES[name])
        subject = next((prefix for word, prefix in SUBJECTS.items() if word in around), None)
        return self._arguments.any_id() if subject is None else self._arguments.id(subject)


def draw_mutation(schema: GraphQLSchema, known: Known, label: str, name: str) -> Operation:
    """The mutation of this label, with the field `name` and sometimes with another one behind it."""
    root = schema.mutation_type
    assert root is not None
    writer = Writer(schema, known, label)
    inputs = Inputs(writer.drawn, schema, known)
    names = [name, writer.drawn.choice([each for each in root.fields if each not in ENDINGS])]
    scope, parts = Scope(), []
    for each in names if writer.drawn.random() < 0.15 else names[:1]:
        argument = root.fields[each].args["input"]
        value = inputs.of(get_named_type(argument.type), (each,))
        text = f"(input: {writer.values.write(argument.type, value, argument.default_value)})"
        parts.append(writer.root(root, each, text, scope))
    return writer.finish("mutation", " ".join(parts))
