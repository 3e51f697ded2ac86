"""What a deployment would do, for the query that asks."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from resolvers.arguments import given, key
from resolvers.campaign_inputs import phases_in
from resolvers.context import Context
from resolvers.ota_targets import target_of
from schema.deployment_preview import DeploymentPreview, DeploymentPreviewInput, PreviewArtifact, PreviewLeftOut
from services.deployments import Plan
from services.previews import preview
from services.unit_of_work import UnitOfWork


async def preview_deployment(context: Context, wanted: DeploymentPreviewInput) -> DeploymentPreview:
    """Look at what would be made, over a connection that only reads; raises what `createDeployment` would answer."""
    plan = Plan(
        organization_id=key("org", wanted.organization_id, ("organizationId",)),
        release_id=key("release", wanted.release_id, ("releaseId",)),
        target=target_of(wanted.target),
        phases=phases_in(given(wanted.phases)),
    )
    async with context.parts.store.read() as connection, AsyncSession(connection) as session:
        found = await preview(UnitOfWork(session, context.access, context.dialect), plan)
    return DeploymentPreview.over(
        {
            "thing_count": found.thing_count,
            "artifacts": [
                PreviewArtifact.over({"artifact_id": artifact_id, "count": number})
                for artifact_id, number in found.artifacts
            ],
            "left_out": [
                PreviewLeftOut.over({"reason": reason, "count": number}) for reason, number in found.left_out.items()
            ],
            "phases": list(found.phases),
        }
    )
