"""What a start creates, and what it does not create again."""

from pathlib import Path

import pytest

from shared.access.accounts import Accounts
from shared.runtime.serve import DEFAULT_TENANT, Installation, embedded_settings
from shared.types.errors import StoreUnavailable


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


async def test_a_first_start_without_its_redis_leaves_no_folder_and_a_later_one_leaves_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    monkeypatch.setenv("AEGIS_REDIS_URL", f"unix://{tmp_path}/nothing")
    for is_there in (False, True):
        if is_there:
            data.mkdir()
            (data / "aegis.json").write_text('{"layout": 1}')
        with Installation(embedded_settings(data)) as installation, pytest.raises(StoreUnavailable):
            await installation.open()
        assert data.exists() is is_there
