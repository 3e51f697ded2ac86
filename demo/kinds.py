"""The kinds of devices in the demo fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from demo.signals import Flag, Measure, Meter, Setting, Signal
from models.enums import ArtifactFormat, PayloadFormat, ThingType


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A product: its hardware in use, its firmware from oldest to newest, and what it reports.

    `device_types` end with a legacy one for which the newest firmware is no longer built. `versions` are three.
    """

    key: str
    label: str
    type: ThingType
    device_types: tuple[str, ...]
    versions: tuple[str, str, str]
    signals: tuple[Signal, ...]
    tags: tuple[str, ...]
    memory_mb: int
    payload_format: PayloadFormat = PayloadFormat.JSON
    artifact_format: ArtifactFormat = ArtifactFormat.RAW

    @property
    def legacy(self) -> str:
        """The hardware that gets no more updates."""
        return self.device_types[-1]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The values that somebody may desire."""
        return tuple(signal for signal in self.signals if isinstance(signal, Setting))

    def release_name(self, version: str) -> str:
        """The name of the release that brings `version`."""
        return f"{self.key}-{version}"


_INTERVAL: Final = Setting("reportIntervalSeconds", (60, 15, 300, 900))

COLD_CHAIN: Final = Kind(
    key="cold-chain",
    label="Cold-chain sensor",
    type=ThingType.SENSOR,
    device_types=("coldchain-t4", "coldchain-t3", "coldchain-t1"),
    versions=("3.1.4", "3.2.0", "3.3.1"),
    signals=(
        Measure("temperature", -24.0, -16.0, 0.3),
        Measure("humidity", 35.0, 70.0, 0.8),
        Flag("doorOpen", 0.06),
        Measure("batteryPercent", 18.0, 100.0, 0.2),
        Setting("alarmAboveCelsius", (-15, -12, -18)),
        _INTERVAL,
    ),
    tags=("cold-chain", "battery", "food-safety"),
    memory_mb=2,
    payload_format=PayloadFormat.SENML_JSON,
)
CHARGER: Final = Kind(
    key="bike-charger",
    label="E-bike charger",
    type=ThingType.DEVICE,
    device_types=("bike-charger-2", "bike-charger-1", "bike-charger-0"),
    versions=("1.8.2", "1.9.0", "2.0.0"),
    signals=(
        Flag("charging", 0.45),
        Measure("powerWatts", 0.0, 250.0, 18.0, 0),
        Meter("energyKilowattHours", 2400.0, 0.02, 3),
        Flag("bikeDocked", 0.7),
        Setting("locked", (True, False)),
        Setting("maxPowerWatts", (250, 180, 120)),
    ),
    tags=("mobility", "outdoor", "charging"),
    memory_mb=16,
)
PLUG: Final = Kind(
    key="smart-plug",
    label="Smart plug",
    type=ThingType.ACTUATOR,
    device_types=("smart-plug-eu2", "smart-plug-eu1", "smart-plug-eu0"),
    versions=("0.9.7", "1.0.3", "1.1.0"),
    signals=(
        Measure("powerWatts", 0.0, 2300.0, 60.0, 0),
        Meter("energyKilowattHours", 900.0, 0.01, 3),
        Measure("voltage", 224.0, 236.0, 0.6),
        Setting("on", (True, False)),
        Setting("childLock", (False, True)),
    ),
    tags=("energy", "indoor"),
    memory_mb=4,
)
GATEWAY: Final = Kind(
    key="edge-gateway",
    label="Edge gateway",
    type=ThingType.GATEWAY,
    device_types=("edge-gateway-x2", "edge-gateway-x1", "edge-gateway-v0"),
    versions=("2024.11", "2025.03", "2025.09"),
    signals=(
        Measure("cpuPercent", 2.0, 85.0, 4.0),
        Measure("memoryPercent", 22.0, 78.0, 1.0),
        Measure("signalDbm", -104.0, -62.0, 2.0, 0),
        Meter("uptimeSeconds", 4_000_000.0, 12.0, 0),
        Measure("children", 1.0, 60.0, 1.0, 0),
        Setting("logLevel", ("warning", "info", "debug")),
        Setting("remoteAccess", (False, True)),
    ),
    tags=("backbone", "mains"),
    memory_mb=1024,
    artifact_format=ArtifactFormat.PACKAGE,
)
CLIMATE: Final = Kind(
    key="climate-controller",
    label="Climate controller",
    type=ThingType.CONTROLLER,
    device_types=("climate-c7", "climate-c6", "climate-c5"),
    versions=("5.0.9", "5.1.0", "5.2.2"),
    signals=(
        Measure("roomCelsius", 17.0, 26.0, 0.2),
        Measure("fanPercent", 0.0, 100.0, 5.0, 0),
        Measure("valvePercent", 0.0, 100.0, 4.0, 0),
        Setting("mode", ("auto", "heat", "cool", "off")),
        Setting("targetCelsius", (21, 20, 22, 18)),
    ),
    tags=("building", "indoor", "comfort"),
    memory_mb=64,
)
AIR: Final = Kind(
    key="air-quality",
    label="Air quality sensor",
    type=ThingType.SENSOR,
    device_types=("air-q3", "air-q2", "air-q1"),
    versions=("1.2.0", "1.3.0", "1.4.1"),
    signals=(
        Measure("co2", 410.0, 1600.0, 25.0, 0),
        Measure("pm25", 1.0, 45.0, 1.2),
        Measure("temperature", 18.0, 27.0, 0.2),
        Measure("humidity", 28.0, 66.0, 0.7),
        Setting("ledBrightness", (40, 0, 100)),
        _INTERVAL,
    ),
    tags=("building", "indoor", "health"),
    memory_mb=8,
    payload_format=PayloadFormat.SENML_JSON,
)
TRACKER: Final = Kind(
    key="asset-tracker",
    label="Asset tracker",
    type=ThingType.DEVICE,
    device_types=("tracker-g5", "tracker-g4", "tracker-g2"),
    versions=("4.4.0", "4.5.2", "4.6.0"),
    signals=(
        Measure("latitude", 47.30, 47.45, 0.0008, 5),
        Measure("longitude", 8.45, 8.65, 0.0012, 5),
        Measure("speedKmh", 0.0, 82.0, 7.0, 0),
        Measure("batteryPercent", 12.0, 100.0, 0.3),
        Setting("geofence", ("city", "region", "none")),
        _INTERVAL,
    ),
    tags=("mobility", "battery", "outdoor"),
    memory_mb=4,
    payload_format=PayloadFormat.BINARY,
)

KINDS: Final = {kind.key: kind for kind in (COLD_CHAIN, CHARGER, PLUG, GATEWAY, CLIMATE, AIR, TRACKER)}
