"""Logs a user in. After some failures the name, and the address, have to wait."""

from typing import Annotated

from msgspec import Meta, Struct

from functions.login.messages import LoginTokens, tokens_of
from shared.access.accounts import Accounts, TenantSuspended
from shared.access.login_attempts import LoginAttempts
from shared.access.passwords import LONGEST_PASSWORD, is_password
from shared.access.sessions import Sessions
from shared.access.users import LONGEST_NAME, Users
from shared.records.structs import UserRecord
from shared.types.call import Call
from shared.types.clock import now
from shared.types.errors import DiskFull, Forbidden, RateLimited, Unauthenticated
from shared.usage.journal import Journal
from shared.usage.records import ActionRecord


class Login(Struct, frozen=True):
    username: Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
    password: Annotated[str, Meta(min_length=1, max_length=LONGEST_PASSWORD)]


ERRORS = (DiskFull, Forbidden, RateLimited, Unauthenticated)


async def handle(
    request: Login,
    users: Users,
    accounts: Accounts,
    sessions: Sessions,
    attempts: LoginAttempts,
    journal: Journal,
    call: Call,
) -> LoginTokens:
    await attempts.begin(request.username, call.address)
    user = await users.by_name(request.username)
    is_right = await is_password(request.password, user.password_hash if user else None)
    is_suspended = user is not None and bool(await accounts.suspended([user.tenant_id]))
    await journal.append(_attempt(user, call, done=is_right and not is_suspended))
    if user is None or not is_right:
        raise Unauthenticated("The username or the password is wrong.")
    if is_suspended:
        raise TenantSuspended
    await attempts.succeed(request.username, call.address)
    return tokens_of(await sessions.begin(user))


def _attempt(user: UserRecord | None, call: Call, *, done: bool) -> ActionRecord:
    return ActionRecord(
        action_id=call.request_id,
        kind="login",
        action="POST /auth/login",
        at=now(),
        tenant_id=user.tenant_id if user else "",
        actor_id=user.user_id if user else "",
        request_id=call.request_id,
        label=call.label,
        address=call.address,
        done=done,
    )
