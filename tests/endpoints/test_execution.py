"""Execution under graphql-core: what outlives a result, what an error may say, and who closes what."""

from __future__ import annotations

import asyncio
from enum import StrEnum

import pytest
import strawberry
from graphql import GraphQLError

from engine.errors import MESSAGE_CHARACTERS, ClientError
from engine.execution import Operations
from tests.endpoints.laboratory import Laboratory, LaboratoryContext


class Reason(StrEnum):
    WRONG_STATE = "WRONG_STATE"


class CodedError(Exception):
    def __init__(self, code: object, message: object) -> None:
        super().__init__("str(error) is not the message")
        self.code = code
        self.message = message
        self.extensions = {"hint": "kept"}


@strawberry.type
class Query:
    @strawberry.field
    async def held(self, info: strawberry.Info[LaboratoryContext, None]) -> str | None:
        await info.context.laboratory.hold("gate")
        return "never"

    @strawberry.field
    def vital(self) -> str:
        raise ClientError("no", "NOT_FOUND")

    @strawberry.field
    def coded(self, code: str, message: str) -> str | None:
        raise CodedError(code, message)

    @strawberry.field
    def enumerated(self) -> str | None:
        raise CodedError(Reason.WRONG_STATE, "It has ended.")

    @strawberry.field
    def numbered(self) -> str | None:
        raise CodedError(404, "hunter2")

    @strawberry.field
    def core(self) -> str | None:
        raise GraphQLError("said on purpose", extensions={"code": "FORBIDDEN", "more": 1})

    @strawberry.field
    def core_without_code(self) -> str | None:
        raise GraphQLError("hunter2")

    @strawberry.field
    def not_a_list(self) -> list[str] | None:
        return 5  # type: ignore[return-value]

    @strawberry.field
    def null_where_none_may_be(self) -> str:
        return None  # type: ignore[return-value]


OPERATIONS = Operations(strawberry.Schema(Query))


def context(laboratory: Laboratory | None = None) -> LaboratoryContext:
    return LaboratoryContext(laboratory or Laboratory(), None, "request-1")


async def errors_of(query: str) -> list[dict[str, object]]:
    answer = await OPERATIONS.execute(OPERATIONS.prepare(query), None, context())
    return [dict(error) for error in answer.errors]


async def test_siblings_of_a_failed_field_end_before_the_context_is_closed() -> None:
    laboratory = Laboratory()
    task = asyncio.create_task(OPERATIONS.execute(OPERATIONS.prepare("{ held vital }"), None, context(laboratory)))
    await laboratory.at("gate").wait()
    laboratory.gate("gate").set()
    assert (await task).payload["data"] is None
    assert list(laboratory.seen) == ["gate", "gate passed", "context closed"]


async def test_siblings_of_a_failed_field_are_cancelled_with_the_operation() -> None:
    laboratory = Laboratory()
    task = asyncio.create_task(OPERATIONS.execute(OPERATIONS.prepare("{ held vital }"), None, context(laboratory)))
    await laboratory.at("gate").wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(laboratory.seen) == ["gate", "gate cancelled", "context closed"]


async def test_cancelling_an_operation_closes_its_context() -> None:
    laboratory = Laboratory()
    task = asyncio.create_task(OPERATIONS.execute(OPERATIONS.prepare("{ held }"), None, context(laboratory)))
    await laboratory.at("gate").wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(laboratory.seen) == ["gate", "gate cancelled", "context closed"]


@pytest.mark.parametrize(
    ("field", "code", "message"),
    [
        ('coded(code: "NOT_FOUND", message: "gone")', "NOT_FOUND", "gone"),
        ('coded(code: "gkpj", message: "hunter2")', "INTERNAL", None),
        ('coded(code: "Not Found", message: "hunter2")', "INTERNAL", None),
        ("enumerated", "WRONG_STATE", "It has ended."),
        ("numbered", "INTERNAL", None),
        ("core", "FORBIDDEN", "said on purpose"),
        ("coreWithoutCode", "INTERNAL", None),
        ("notAList", "INTERNAL", None),
        ("nullWhereNoneMayBe", "INTERNAL", None),
    ],
)
async def test_only_what_was_written_for_the_caller_is_told(field: str, code: str, message: str | None) -> None:
    (error,) = await errors_of(f"{{ {field} }}")
    extensions = error["extensions"]
    assert isinstance(extensions, dict)
    assert extensions["code"] == code
    assert type(extensions["code"]) is str or code == "INTERNAL"
    assert error["message"] == (message or "Internal error. Quote request request-1 when you report it.")
    assert error["path"] == [field.partition("(")[0]]
    assert "hunter2" not in str(error)


async def test_extensions_of_an_error_are_kept_beside_its_code() -> None:
    assert (await errors_of("{ enumerated }"))[0]["extensions"] == {"code": "WRONG_STATE", "hint": "kept"}
    assert (await errors_of("{ core }"))[0]["extensions"] == {"code": "FORBIDDEN", "more": 1}


async def test_long_messages_are_cut() -> None:
    query = '{ coded(code: "NOT_FOUND", message: "' + "x" * 5000 + '") }'
    (error,) = await errors_of(query)
    assert len(str(error["message"])) == MESSAGE_CHARACTERS
