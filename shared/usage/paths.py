"""Blob names of a tenant's part of the ledger."""

from shared.blobs.names import is_name

PLATFORM = "platform"
"""The owner of records without a tenant."""


def ledger_folder(tenant_id: str) -> str:
    return f"t/{_owner(tenant_id)}/book/"


def day_folder(tenant_id: str, day: str) -> str:
    return f"{ledger_folder(tenant_id)}{day}/"


def sealed_blob_path(tenant_id: str, day: str, seal: int, sha256: str) -> str:
    return f"{day_folder(tenant_id, day)}{seal:010d}-{sha256[:12]}"


def daily_totals_blob(tenant_id: str, day: str) -> str:
    return f"t/{_owner(tenant_id)}/digests/{day}"


def _owner(tenant_id: str) -> str:
    return tenant_id if is_name(tenant_id) and "/" not in tenant_id else PLATFORM
