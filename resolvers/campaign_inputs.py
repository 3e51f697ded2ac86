"""From the inputs of deployments and OTA jobs to what services take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from resolvers.arguments import changes, given
from schema.mutations.campaign import CampaignInput, CampaignPatch, StopRuleInput, WindowInput
from schema.mutations.deployment import PhaseInput
from services.campaign_rules import Rules, StopRule, Window
from services.phases import Phase


def rules_in(wanted: CampaignInput) -> Rules:
    """The rules of a new campaign."""
    metadata = given(wanted.metadata)
    return Rules(
        priority=wanted.priority,
        retries=wanted.retries,
        starts_at=given(wanted.starts_at),
        approval=wanted.approval,
        notify=wanted.notify,
        share_file=wanted.share_file,
        force=wanted.force,
        dynamic=wanted.dynamic,
        max_things=given(wanted.max_things),
        timeout_seconds=given(wanted.timeout_seconds),
        window=_window(given(wanted.window)),
        stop=_stop(given(wanted.stop)),
        metadata={} if metadata is None else metadata,
    )


def changes_in(wanted: CampaignPatch) -> dict[str, Any]:
    """The changes of a campaign that the caller sent."""
    changed = changes(wanted, "name", "description", "priority", "metadata", "stop", "window")
    if "stop" in changed:
        changed["stop"] = _stop(changed["stop"])
    if "window" in changed:
        changed["window"] = _window(changed["window"])
    return changed


def phases_in(wanted: Sequence[PhaseInput] | None) -> list[Phase] | None:
    """The phases of a deployment; None for one without."""
    if wanted is None:
        return None
    return [
        Phase(
            percent=given(each.percent),
            count=given(each.count),
            starts_at=given(each.starts_at),
            after_success_percent=given(each.after_success_percent),
        )
        for each in wanted
    ]


def _window(wanted: WindowInput | None) -> Window | None:
    return None if wanted is None else Window(wanted.start, wanted.end)


def _stop(wanted: StopRuleInput | None) -> StopRule | None:
    if wanted is None:
        return None
    return StopRule(given(wanted.failures), given(wanted.percent), given(wanted.minimum))
