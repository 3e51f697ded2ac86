"""Mutations of OTA executions."""

from __future__ import annotations

import strawberry

from models.enums import Permission
from resolvers.arguments import given, key
from resolvers.context import Info
from resolvers.mutation import mutation
from schema.mutations.ota_execution import (
    ApproveOtaExecutionInput,
    ApproveOtaExecutionPayload,
    RejectOtaExecutionInput,
    RejectOtaExecutionPayload,
    ReportOtaExecutionInput,
    ReportOtaExecutionPayload,
)
from services import approvals, executions
from services.executions import Report


@strawberry.type
class OtaExecutionMutations:
    """How things tell of their updates."""

    @mutation(Permission.OTA_REPORT)
    async def report_ota_execution(self, info: Info, input: ReportOtaExecutionInput) -> ReportOtaExecutionPayload:
        """Report on an update: a thing on its own ones, a person in the stead of a thing.

        A failure with attempts left puts the execution back to PENDING. An execution that has ended moves no more.
        """
        execution_id = key("otaexec", input.execution_id, ("executionId",))
        report = Report(input.status, given(input.substate), given(input.progress), given(input.expected_status))
        async with info.context.unit_of_work() as work:
            await executions.report(work, execution_id, report)
        return ReportOtaExecutionPayload.of(ota_execution_id=execution_id)

    @mutation(Permission.OTA_APPROVE)
    async def approve_ota_execution(self, info: Info, input: ApproveOtaExecutionInput) -> ApproveOtaExecutionPayload:
        """Consent to an update that waits for it; the thing is given it when it asks."""
        execution_id = key("otaexec", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await approvals.approve(work, execution_id)
        return ApproveOtaExecutionPayload.of(ota_execution_id=execution_id)

    @mutation(Permission.OTA_APPROVE)
    async def reject_ota_execution(self, info: Info, input: RejectOtaExecutionInput) -> RejectOtaExecutionPayload:
        """Refuse an update that waits for consent; it ends."""
        execution_id = key("otaexec", input.id, ("id",))
        async with info.context.unit_of_work() as work:
            await approvals.reject(work, execution_id)
        return RejectOtaExecutionPayload.of(ota_execution_id=execution_id)
