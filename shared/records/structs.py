"""The records, as they are stored. Fields are only ever added, with a default."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, field

from shared.types.document import Classification
from shared.types.model import Rating
from shared.types.principal import Role, Scope, Tier


class Reason(Struct, frozen=True):
    """Why a stage ended or waits: a code for programs, a sentence for people."""

    code: str
    detail: str


class DocumentRecord(Struct, frozen=True):
    """A document as its first upload made it; `title` (empty where none was given), `classification` and
    `max_cost_microusd` may change."""

    document_id: str
    generation: int = field(name="epoch")
    title: str
    filename: str
    media_type: str
    parser: str
    route: str
    size: int
    content_hash: str
    classification: Classification
    created_at: datetime
    uploader: str
    request_id: str
    max_cost_microusd: int | None = None


StageOutcome = Literal["done", "rejected", "failed"]


class StageRecord(Struct, frozen=True):
    """The result of a stage. `event` is the event that it emitted, so that the same can be published again."""

    stage: str
    key: str
    outcome: StageOutcome
    attempts: int
    started_at: datetime
    finished_at: datetime
    cost_microusd: int = 0
    reason: Reason | None = None
    event: dict[str, Any] | None = None


class Tombstone(Struct, frozen=True):
    """The document's generations up to this one are deleted."""

    generation: int = field(name="epoch")
    deleted_at: datetime


class FeedbackText(Struct, frozen=True):
    """A caller's newest rating of a request, and its comment. `number` counts the ratings that it gave to it."""

    rating: Rating
    comment: str | None
    number: int


MarkerKind = Literal["ingesting", "deleting"]


class OpenMarker(Struct, frozen=True):
    """The document is not final: its stages are not done, or its erasure is not."""

    kind: MarkerKind
    since: datetime


class TenantRecord(Struct, frozen=True):
    tenant_id: str
    name: str
    tier: Tier
    created_at: datetime
    deleted: bool = False
    suspended: bool = False


class TenantDeletion(Struct, frozen=True):
    """When a tenant was deleted. `is_hidden`: all its documents have their tombstones."""

    at: datetime
    is_hidden: bool = False


GraphMode = Literal["off", "entities", "relations"]


class TenantSettings(Struct, frozen=True):
    """The settings that a tenant's admin chose. Documents that are not given a class get `default_classification`;
    where `cloud_allowed` is false nothing of the tenant leaves for a model elsewhere; documents older than
    `retention_days` are deleted, none where it is None; `graph` is what is extracted from new documents."""

    default_classification: Classification = "internal"
    cloud_allowed: bool = True
    retention_days: int | None = None
    graph: GraphMode = "entities"


class KeyRecord(Struct, frozen=True):
    """An API key; of the key itself only a hash is stored, with its first and last characters to recognise it by.
    `rotated_to` is the key that replaced it."""

    key_id: str
    tenant_id: str
    name: str
    role: Role
    scopes: tuple[Scope, ...]
    key_hash: str
    prefix: str
    last4: str
    created_at: datetime
    user_id: str | None = None
    expires_at: datetime | None = None
    groups: tuple[str, ...] = ()
    rotated_to: str | None = None


class UserRecord(Struct, frozen=True):
    """A user who logs in by name. Of the password only a slow hash (Argon2id) is stored."""

    user_id: str
    tenant_id: str
    username: str
    role: Role
    password_hash: str
    created_at: datetime
    groups: tuple[str, ...] = ()


class SessionRecord(Struct, frozen=True):
    """A login and the tokens that came from it. `replay_secret` opens the stored answers of its idempotent calls."""

    session_id: str
    tenant_id: str
    user_id: str
    replay_secret: str
    started_at: datetime
    expires_at: datetime
    is_ended: bool = False


class RefreshRecord(Struct, frozen=True):
    """One of a session's refresh tokens, by its hash. The newest is valid."""

    token_hash: str
    at: datetime


class SigningKey(Struct, frozen=True):
    """A secret, in hexadecimal, that signs access tokens."""

    kid: str
    secret: str
    created_at: datetime


class DeadLetter(Struct, frozen=True):
    """An event that no attempt could handle. `event` is its CloudEvent in JSON form."""

    dead_letter_id: str
    tenant_id: str
    document_id: str
    function: str
    event: dict[str, Any]
    status: int
    detail: str
    attempts: int
    failed_at: datetime
    replays: int = 0
    next_replay_at: datetime | None = None
