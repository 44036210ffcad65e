"""The authenticated caller: role, scopes and tier."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

Role = Literal["reader", "member", "admin", "operator"]
Scope = Literal["read", "write", "ask", "admin", "models"]
Tier = Literal["free", "pro", "enterprise"]

SCOPES: tuple[Scope, ...] = ("read", "write", "ask", "admin", "models")
_RANK = {"reader": 0, "member": 1, "admin": 2}


class Principal(Struct, frozen=True):
    """A verified credential. `tenant_id` is empty for an operator, who belongs to no tenant."""

    tenant_id: str
    key_id: str
    role: Role
    scopes: tuple[Scope, ...] = SCOPES
    user_id: str | None = None
    expires_at: datetime | None = None

    def has_role(self, allowed: tuple[str, ...]) -> bool:
        """A higher role of the tenant includes the lower ones; the operator's includes none of them."""
        if self.role == "operator":
            return "operator" in allowed
        return any(_RANK[self.role] >= _RANK[role] for role in allowed if role in _RANK)

    @property
    def is_operator(self) -> bool:
        return self.role == "operator"
