"""The names of the blobs that hold records: one prefix per tenant, one below it per generation of a document."""

from hashlib import sha256


def inbox(tenant_id: str) -> str:
    return f"t/{tenant_id}/inbox/"


def document_folder(tenant_id: str, document_id: str) -> str:
    return f"t/{tenant_id}/d/{document_id}/"


def generation(tenant_id: str, document_id: str, generation: int) -> str:
    return f"{document_folder(tenant_id, document_id)}{generation}/"


def feedback(tenant_id: str, request_id: str = "", key_id: str = "") -> str:
    """A caller's rating of a request, with its comment; without ids the folder of a request, or of all."""
    return f"t/{tenant_id}/feedback/" + (f"{request_id}/{key_id}" if request_id else "")


def graph(tenant_id: str) -> str:
    """Of what was imported into the tenant's graph."""
    return f"t/{tenant_id}/graph/"


def graph_folder(tenant_id: str, document_id: str) -> str:
    """Of what was imported with a document; without one, of merges of the tenant's own."""
    return f"{graph(tenant_id)}{document_id or '-'}/"


def graph_part(tenant_id: str, document_id: str, generation: int, digest: str) -> str:
    return f"{graph_folder(tenant_id, document_id)}{generation}/{digest}"


def tombstone(tenant_id: str, document_id: str) -> str:
    return f"t/{tenant_id}/tombstones/{document_id}"


def open_marker(tenant_id: str, document_id: str, generation: int, kind: str) -> str:
    return f"open/{tenant_id}/{document_id}/{generation}/{kind}"


def tenant(tenant_id: str) -> str:
    return f"t/{tenant_id}/accounts/tenant"


def deleted_tenant(tenant_id: str) -> str:
    """Stands for good once the tenant is deleted: nothing of it enters any more."""
    return f"platform/deleted/{tenant_id}"


def deleting_tenant(tenant_id: str) -> str:
    """Stands while the sweep erases what the tenant had."""
    return f"{DELETING_TENANTS}{tenant_id}"


DELETING_TENANTS = "platform/deleting/"


def accounts(tenant_id: str) -> str:
    return f"t/{tenant_id}/accounts/"


def settings(tenant_id: str) -> str:
    return f"t/{tenant_id}/accounts/settings"


def key(tenant_id: str, key_id: str) -> str:
    return f"t/{tenant_id}/accounts/keys/{key_id}"


def key_by_hash(key_hash: str) -> str:
    return f"keys/{key_hash}"


def user(tenant_id: str, user_id: str) -> str:
    return f"t/{tenant_id}/accounts/users/{user_id}"


def username(name: str) -> str:
    """Says whose the name is: one name is one user, in the whole installation. `name` is normalized."""
    return f"usernames/{sha256(name.encode()).hexdigest()}"


def sessions(tenant_id: str, user_id: str) -> str:
    return f"t/{tenant_id}/accounts/sessions/{user_id}/"


def session(tenant_id: str, user_id: str, session_id: str) -> str:
    return f"{sessions(tenant_id, user_id)}{session_id}/session"


def refresh_token(tenant_id: str, user_id: str, session_id: str, number: int) -> str:
    return f"{sessions(tenant_id, user_id)}{session_id}/refresh/{number:08d}"


def signing_key(kid: str) -> str:
    return f"platform/signing/{kid}"


def dead_letter(tenant_id: str, dead_letter_id: str) -> str:
    return f"failed/{tenant_id}/{dead_letter_id}"


def caps(tenant_id: str, scope: str, scope_id: str) -> str:
    """The caps of a scope of the tenant, or, without a tenant, of the whole installation."""
    return f"t/{tenant_id}/accounts/caps/{scope}-{scope_id}" if tenant_id else "platform/caps"


def models_off(name: str) -> str:
    return f"platform/off/{name}"
