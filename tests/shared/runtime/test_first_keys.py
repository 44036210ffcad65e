"""What a start creates, and what it does not create again."""

from pathlib import Path

from shared.access.accounts import Accounts
from shared.runtime.serve import DEFAULT_TENANT, Installation, embedded_settings


async def test_a_deleted_default_tenant_stays_deleted_after_a_restart(tmp_path: Path) -> None:
    for start in range(2):
        with Installation(embedded_settings(tmp_path / "data")) as installation:
            services = await installation.open()
            accounts: Accounts = services.accounts
            if start == 0:
                assert await accounts.tenant(DEFAULT_TENANT)
                await accounts.delete_tenant(DEFAULT_TENANT)
            assert await accounts.tenant(DEFAULT_TENANT) is None
            assert await accounts.keys(DEFAULT_TENANT) == []
            await installation.close(services)
