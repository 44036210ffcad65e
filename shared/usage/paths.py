"""Blob names of a tenant's part of the ledger."""

from datetime import UTC, datetime

from shared.blobs.names import is_name

PLATFORM = "platform"
"""The owner of records without a tenant."""


def day_of(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()


def ledger_folder(tenant_id: str) -> str:
    return f"t/{_owner(tenant_id)}/book/"


def day_folder(tenant_id: str, day: str) -> str:
    return f"{ledger_folder(tenant_id)}{day}/"


def sealed_blob_path(tenant_id: str, day: str, seal: int, sha256: str) -> str:
    return f"{day_folder(tenant_id, day)}{seal:010d}-{sha256[:12]}"


def digests_folder(tenant_id: str) -> str:
    return f"t/{_owner(tenant_id)}/digests/"


def digest_path(tenant_id: str, day: str, covered: int, part: str) -> str:
    """Of a day whose first `covered` blobs are in it: written once, never changed."""
    return f"{digests_folder(tenant_id)}{day}.{covered:06d}.{part}"


def _owner(tenant_id: str) -> str:
    return tenant_id if is_name(tenant_id) and "/" not in tenant_id else PLATFORM
