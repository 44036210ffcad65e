"""The queues of the embedded bus in Redis, where tenants take turns, and the script that changes them.

Keys of a function `f`:

    queue:{f}               the stream of what readers are given next or have in hand
    queue:{f}:turns         tenants that have events waiting, in the order of their turns
    queue:{f}:of:{tenant}   their events, `{"event": …, "attempts": …}`
    queue:{f}:later         events that are to be delivered again, by the time when they are due
    queue:{f}:documents     how many events of a document are in any of these, by `tenant:document:generation`

An event is moved from its tenant's list into the stream when a reader waits for it. The tenant with the fewest events
in hand is next, then the one whose turn is the longest ago. One place more than the function has is for tenants that
have nothing in hand, so that the long work of some does not delay the first event of another.
"""

from typing import Any

import msgspec
from msgspec import Struct, field

from shared.redis.client import RedisClient, Script

GROUP = "function"
_LONGEST_PAUSE_MS = 3_600_000
"""The longest pause before a retry whose pause is not stored beside it."""

_QUEUES = (
    f"""
local group, longest_pause = '{GROUP}', {_LONGEST_PAUSE_MS}
"""
    + """
local function key(f, kind) return 'queue:' .. f .. (kind and ':' .. kind or '') end
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function count(f, document, by)
  if document == '' then return end
  if redis.call('HINCRBY', key(f, 'documents'), document, by) <= 0 then
    redis.call('HDEL', key(f, 'documents'), document)
  end
end
local function put(f, tenant, message)
  if redis.call('RPUSH', key(f, 'of:' .. tenant), message) == 1 then redis.call('RPUSH', key(f, 'turns'), tenant) end
end
local function undelivered(f)
  local pending = redis.pcall('XPENDING', key(f), group)
  return redis.call('XLEN', key(f)) - (pending.err and 0 or pending[1])
end
"""
)

# A retry that is further ahead than its pause was stored before the clock was set back: it is due.
_MOVE_DUE = """
local function move_due(f)
  local at, later = now(), key(f, 'later')
  local due = redis.call('ZRANGEBYSCORE', later, '-inf', at, 'LIMIT', 0, 100)
  local ahead = redis.call('ZREVRANGEBYSCORE', later, '+inf', '(' .. at, 'WITHSCORES', 'LIMIT', 0, 100)
  for i = 1, #ahead, 2 do
    local pause = cjson.decode(ahead[i]).pause_ms or longest_pause
    if tonumber(ahead[i + 1]) > at + pause then due[#due + 1] = ahead[i] end
  end
  for _, message in ipairs(due) do
    redis.call('ZREM', later, message)
    local fields = cjson.decode(message)
    put(f, fields.tenant or cjson.decode(fields.event).aegistenant or '', message)
  end
end
"""

# The list gives its event up before the stream takes it: then a full Redis, too, delivers what it holds.
_SERVE = """
local function next_tenant(waiting, held, spare)
  local chosen = nil
  for _, tenant in ipairs(waiting) do
    local n = held[tenant] or 0
    if n == 0 then return tenant end
    if spare > 0 and (not chosen or n < held[chosen]) then chosen = tenant end
  end
  return chosen
end
local function serve(demand)
  local f, held, turns = demand.function_name, demand.held, key(demand.function_name, 'turns')
  local given = undelivered(f)
  while given < demand.readers and given <= demand.free do
    local tenant = next_tenant(redis.call('LRANGE', turns, 0, -1), held, demand.free - given)
    if not tenant then return end
    local message = redis.call('LPOP', key(f, 'of:' .. tenant))
    redis.call('LREM', turns, 1, tenant)
    if redis.call('EXISTS', key(f, 'of:' .. tenant)) == 1 then redis.call('RPUSH', turns, tenant) end
    if message then
      local fields = cjson.decode(message)
      redis.call('XADD', key(f), '*', 'event', fields.event, 'attempts', fields.attempts)
      held[tenant] = (held[tenant] or 0) + 1
      given = given + 1
    end
  end
end
local function forget_counts_of_empty(f)
  if redis.call('XLEN', key(f)) + redis.call('LLEN', key(f, 'turns')) + redis.call('ZCARD', key(f, 'later')) == 0 then
    redis.call('DEL', key(f, 'documents'))
  end
end
"""

_CHANGE = Script(
    _QUEUES
    + _MOVE_DUE
    + _SERVE
    + """
local change = cjson.decode(ARGV[1])
local published = 0
for _, one in ipairs(change.entering) do
  if not (one.unless_queued and redis.call('HEXISTS', key(one.function_name, 'documents'), one.document) == 1) then
    put(one.function_name, one.tenant, one.message)
    count(one.function_name, one.document, 1)
    published = published + 1
  end
end
if change.recent_mark ~= '' and (published > 0 or #change.entering == 0) then
  redis.call('SET', change.recent_mark, '1', 'EX', change.recent_s)
end
for _, one in ipairs(change.leaving) do
  local f = one.function_name
  if one.message ~= '' then redis.call('ZADD', key(f, 'later'), now() + one.pause_ms, one.message) end
  redis.call('XACK', key(f), group, one.entry)
  if redis.call('XDEL', key(f), one.entry) == 1 and one.message == '' then count(f, one.document, -1) end
end
local waiting = {}
for i, demand in ipairs(change.demands) do
  if demand.looks then
    move_due(demand.function_name)
    forget_counts_of_empty(demand.function_name)
  end
  serve(demand)
  waiting[i] = redis.call('LRANGE', key(demand.function_name, 'turns'), 0, 19)
end
return {published, waiting}
"""
)

_DEPTH = Script(
    _QUEUES
    + """
local depth = redis.call('XLEN', key(ARGV[1])) + redis.call('ZCARD', key(ARGV[1], 'later'))
for _, tenant in ipairs(redis.call('LRANGE', key(ARGV[1], 'turns'), 0, -1)) do
  depth = depth + redis.call('LLEN', key(ARGV[1], 'of:' .. tenant))
end
return depth
"""
)


class WaitingEvent(Struct, frozen=True):
    """An event as it waits in a queue, in JSON. A retry also has its tenant, its pause, and the entry it had in the
    stream, by which it differs from every other."""

    event: str
    attempts: int = 0
    tenant: str = ""
    pause_ms: int = 0
    entry: str = ""


class EnteringEvent(Struct, frozen=True):
    """An event that enters a function's queue; `unless_queued` says: only where none of its document is there."""

    function_name: str
    tenant: str
    document: str
    message: str
    unless_queued: bool = False


class LeavingEvent(Struct, frozen=True):
    """An event in hand that leaves the stream: for good, or with a `message` that is delivered again after a pause."""

    function_name: str
    entry: str
    document: str
    message: str = ""
    pause_ms: int = 0


class Demand(Struct, frozen=True):
    """How many events a function's readers wait for, how many places are free, and what each tenant has in hand. A
    reader that `looks` also gets what is due again."""

    function_name: str
    readers: int
    free: int
    held: dict[str, int]
    looks: bool = False


class QueueChange(Struct, frozen=True):
    """A change of queues that happens as a whole or not at all. `recent_mark` is set where an event enters."""

    demands: list[Demand]
    entering: list[EnteringEvent] = field(default_factory=list)
    leaving: list[LeavingEvent] = field(default_factory=list)
    recent_mark: str = ""
    recent_s: int = 0


async def apply(redis: RedisClient, change: QueueChange) -> tuple[int, dict[str, list[str]]]:
    """Returns how many events have entered a queue, and by function the tenants that wait for a turn."""
    published, waiting = await redis.run(_CHANGE, [], [msgspec.json.encode(change).decode()])
    return int(published), {
        demand.function_name: tenants for demand, tenants in zip(change.demands, waiting, strict=True)
    }


async def depth(redis: RedisClient, function: str) -> int:
    return int(await redis.run(_DEPTH, [], [function]))


async def waiting_messages(redis: RedisClient, function: str) -> list[WaitingEvent]:
    """All events that wait for a turn or for their time."""
    tenants = await redis.call("LRANGE", turns_key(function), 0, -1)
    lists: list[list[Any]] = await redis.batch(
        [
            ("ZRANGE", f"{stream_key(function)}:later", 0, -1),
            *(("LRANGE", f"{stream_key(function)}:of:{tenant}", 0, -1) for tenant in tenants),
        ]
    )
    return [msgspec.json.decode(message, type=WaitingEvent) for messages in lists for message in messages]


def stream_key(function: str) -> str:
    return f"queue:{function}"


def turns_key(function: str) -> str:
    return f"queue:{function}:turns"
