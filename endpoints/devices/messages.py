"""What devices send: bodies and parameters read strictly, with the field in each error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from endpoints.answers import HttpError
from endpoints.bodies import parse_json
from models.enums import OtaExecutionStatus as Status
from services.artifact_choice import ARTIFACT_NAME, DEVICE_TYPE
from services.errors import InvalidInput, NotFound
from services.executions import SUBSTATE_LENGTH, Report
from services.offers import Installed
from services.update_logs import LogLine
from services.validation import Path, check_name, check_text

MAX_PROVIDES: Final = 200
MAX_PROVIDED: Final = 1024
_YEARS: Final = range(2, 9999)

STATUSES: Final[Mapping[str, Status]] = {
    "downloading": Status.DOWNLOADING,
    "installing": Status.INSTALLING,
    "rebooting": Status.REBOOTING,
    "success": Status.SUCCESS,
    "failure": Status.FAILURE,
    "already-installed": Status.ALREADY_INSTALLED,
    "pause_before_installing": Status.DELAYED,
    "pause_before_rebooting": Status.DELAYED,
    "pause_before_committing": Status.DELAYED,
}
"""What devices call the statuses that they may report (mender.ota.report-execution-status)."""


def installed_of_body(body: bytes, *, wrapped: bool) -> Installed:
    """What a device has, from the body of its question: flat texts, inside `device_provides` when `wrapped`."""
    content = _object(body)
    return installed(content.get("device_provides") if wrapped else content)


def installed(content: Any) -> Installed:
    """What a device has, by name: texts, of which `device_type` and `artifact_name` must be there."""
    if not isinstance(content, Mapping) or len(content) > MAX_PROVIDES:
        raise InvalidInput(f"an object of at most {MAX_PROVIDES} texts is expected", ("device_provides",))
    provides = {check_name(name, ("device_provides",)): _text(content[name], name) for name in content}
    for name in (DEVICE_TYPE, ARTIFACT_NAME):
        if not provides.get(name):
            raise InvalidInput("this is required", (name,))
    return Installed(provides.pop(DEVICE_TYPE), provides.pop(ARTIFACT_NAME), provides)


def report(body: bytes) -> Report:
    """A step or a result; the text about it is cut to what is kept, and a pause says which one it is."""
    content = _object(body)
    given = content.get("status")
    status = STATUSES.get(given) if isinstance(given, str) else None
    if status is None:
        raise InvalidInput(f"the status is one of {', '.join(STATUSES)}", ("status",))
    substate = content.get("substate")
    if substate is not None and not isinstance(substate, str):
        raise InvalidInput("a text is expected", ("substate",))
    if substate is None and status is Status.DELAYED:
        substate = given
    return Report(status, substate=None if substate is None else substate[:SUBSTATE_LENGTH])


def log_lines(body: bytes) -> list[LogLine]:
    """The lines of a log; each has a moment, a level and a message (mender.ota.upload-update-log)."""
    messages = _object(body).get("messages")
    if not isinstance(messages, list):
        raise InvalidInput("a list of messages is expected", ("messages",))
    return [_line(message, index) for index, message in enumerate(messages)]


def attributes(body: bytes) -> dict[str, Any]:
    """The attributes of an inventory by name; whatever else is said of one, like a description, is not kept."""
    content = parse_json(body, "The request body")
    if not isinstance(content, list):
        raise InvalidInput("a list of attributes is expected")
    found: dict[str, Any] = {}
    for index, item in enumerate(content):
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str) or item.get("value") is None:
            raise InvalidInput("an attribute has a name and a value", (index,))
        if name in found:
            raise InvalidInput("this name is given twice", (index, "name"))
        found[name] = item["value"]
    return found


def execution_key(text: str) -> UUID:
    """The execution that a path names. Raises NotFound for what cannot be one."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("there is no deployment with this id for this device") from None


def _object(body: bytes) -> dict[str, Any]:
    content = parse_json(body, "The request body")
    if not isinstance(content, dict):
        raise HttpError(400, "The request body is not a JSON object.")
    return content


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise InvalidInput("a text is expected", (name,))
    return check_text(value, (name,), limit=MAX_PROVIDED)


def _line(message: Any, index: int) -> LogLine:
    path = ("messages", index)
    if not isinstance(message, dict):
        raise InvalidInput("a message is an object", path)
    for name in ("timestamp", "level", "message"):
        if not isinstance(message.get(name), str):
            raise InvalidInput("a text is required", (*path, name))
    return LogLine(_moment(message["timestamp"], (*path, "timestamp")), message["level"], message["message"])


def _moment(text: str, path: Path) -> datetime:
    """A moment with its zone. Clocks that were never set say 1970; what is not within four digits cannot be stored."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("a moment as in RFC 3339 is expected", path) from None
    if moment.tzinfo is None or moment.year not in _YEARS:
        raise InvalidInput("a moment as in RFC 3339 is expected", path)
    return moment.astimezone(UTC)
