"""The authenticated caller: role, scopes and tier."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Role = Literal["reader", "member", "admin", "operator"]
Scope = Literal["read", "write", "ask", "admin", "models"]
Tier = Literal["free", "pro", "enterprise"]

Groups = Annotated[
    tuple[Annotated[str, Meta(pattern=r"^[A-Za-z0-9._@-]{1,64}$")], ...],
    Meta(max_length=50, description="Names of groups."),
]

SCOPES: tuple[Scope, ...] = ("read", "write", "ask", "admin", "models")
_RANK = {"reader": 0, "member": 1, "admin": 2}


class Principal(Struct, frozen=True, omit_defaults=True):
    """A verified credential. `tenant_id` is empty for an operator, who belongs to no tenant. `key_id` is the user's id
    where a user is logged in; `session_id` is then the login."""

    tenant_id: str
    key_id: str
    role: Role
    scopes: tuple[Scope, ...] = SCOPES
    user_id: str | None = None
    expires_at: datetime | None = None
    groups: tuple[str, ...] = ()
    session_id: str | None = None

    def has_role(self, allowed: tuple[str, ...]) -> bool:
        """A higher role of the tenant includes the lower ones; the operator's includes none of them."""
        if self.role == "operator":
            return "operator" in allowed
        return any(_RANK[self.role] >= _RANK[role] for role in allowed if role in _RANK)

    @property
    def is_operator(self) -> bool:
        return self.role == "operator"
