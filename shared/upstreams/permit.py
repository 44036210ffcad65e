"""The last check before a call leaves for the cloud, at the connection itself."""

from msgspec import Struct

from shared.types.errors import AegisError
from shared.types.model import Location
from shared.upstreams.port import ModelCall


class CloudPermit(Struct, frozen=True):
    """Given for one call once its reservation is confirmed: the reservation's id, the model that it was made for, and
    whether the tenant let its content leave at that moment."""

    operation_id: str
    model: str
    cloud_allowed: bool


class NotPermitted(AegisError):
    """A call was about to leave without what it needs; nothing of it was sent. It is a fault of ours, never an answer
    to a caller's request."""


def check_permit(call: ModelCall, location: Location, permit: CloudPermit | None) -> None:
    """Raises `NotPermitted` for a call that may not go to a server at that location."""
    if location == "local":
        return
    if call.classification == "confidential":
        raise NotPermitted("its content is confidential")
    if permit is None or permit.model != call.model:
        raise NotPermitted("no confirmed reservation stands for it")
    if not permit.cloud_allowed:
        raise NotPermitted("its tenant lets nothing leave")
