"""The budget's scripts, each with its behaviour while Redis is away.

All but the last ones begin with the terms (`Allowances.terms`) and answer words with blanks between, for a client reads
one string much faster than a list; those that answer many things answer a list. Where they cannot know they answer
`cold`, or `load`, the generation, and what to load.
"""

from shared.proxy.budget.lua import COMMON
from shared.redis.client import Script

_OPEN = COMMON + "local b = open_budget(ARGV[1]) if not b then return 'cold' end\n"
_LOAD = "if #b.missing > 0 then return 'load ' .. b.generation .. ' ' .. table.concat(b.missing, ' ') end\n"

# Redis away: no cloud call.
RESERVE = Script(
    _OPEN
    + """
local id, amount, payer, model = ARGV[2], tonumber(ARGV[3]), cjson.decode(ARGV[5]), ARGV[6]
local operation = b.state(id) and b.operation(id)
if operation and not operation.is_open then return 'ended' end
if not operation and redis.call('HEXISTS', b.base .. 'off', model) == 1 then return 'off' end
b.release_lapsed(20)
local windows = operation and b.windows_named(operation.texts, payer) or b.windows_of(payer)
local texts = {}
for i, w in ipairs(windows) do texts[i] = w.text end
local named = table.concat(texts, ' ')
"""
    + _LOAD
    + """
if not operation then
  if b.lets_leave == false then return 'forbidden' end
  local over = b.over(windows, payer, amount)
  if not over then b.charge(windows, amount, 0) end
  b.mark_thresholds(windows, payer)
  if over then return over end
  local ends = whole(b.ms + tonumber(ARGV[4]))
  redis.call('HSET', b.base .. 'operation:' .. id, 'state', 'held', 'amount', ARGV[3], 'until', ends,
    'windows', named, 'payer', ARGV[5], 'model', model)
  redis.call('ZADD', b.base .. 'held', ends, id)
end
return table.concat({'reserved', b.remaining(windows), named}, ' ')
"""
)

# Redis away: no cloud call; the lease gives back what was held.
CONFIRM = Script(
    _OPEN
    + """
local operation = b.operation(ARGV[2])
if operation.state == 'left' then return 'yes' end
if operation.state ~= 'held' then return 'no' end
if tonumber(operation.until_ms) <= b.ms then b.release(ARGV[2]) return 'no' end
local may_leave = b.may_leave(operation.payer.tenant_id)
"""
    + _LOAD
    + """
if not may_leave then b.release(ARGV[2]) return 'forbidden' end
redis.call('HSET', operation.key, 'state', 'left')
redis.call('ZREM', b.base .. 'held', ARGV[2])
redis.call('ZADD', b.base .. 'left', operation.until_ms, ARGV[2])
return 'yes'
"""
)

# Redis away: what was held stays counted; the sweep settles it after its lease.
SETTLE = Script(
    _OPEN
    + """
local operation, cost, windows = b.operation(ARGV[2]), tonumber(ARGV[3]), nil
if not operation.is_open and operation.state ~= 'settled' then return 'ended' end
if operation.is_open then
  windows = b.finish(operation, 'settled', cost)
  redis.call('HSET', 'budget:outbox', ARGV[2], ARGV[4])
else
  windows = b.windows_named(operation.texts, operation.payer)
  cost = tonumber(redis.call('HGET', operation.key, 'cost'))
end
local excess = math.max(0, cost - operation.amount)
if excess > 0 and operation.is_open and operation.model ~= '' then
  redis.call('HSET', b.base .. 'off', operation.model, ARGV[2])
end
if #b.missing > 0 then return table.concat({'settled', whole(excess), 'unknown', whole(cost), operation.model}, ' ') end
b.mark_thresholds(windows, operation.payer)
return table.concat({'settled', whole(excess), b.remaining(windows), whole(cost), operation.model}, ' ')
"""
)

# Redis away: no work that costs money. It needs no lease, for its cost is known: all or nothing in one step.
RECORD_COST = Script(
    _OPEN
    + """
local id, amount, payer = ARGV[2], tonumber(ARGV[3]), cjson.decode(ARGV[4])
local before = b.operation(id)
local windows = before.state and b.windows_named(before.texts, payer) or b.windows_of(payer)
local texts = {}
for i, w in ipairs(windows) do texts[i] = w.text end
local named = table.concat(texts, ' ')
"""
    + _LOAD
    + """
if not before.state then
  local over = ARGV[6] ~= 'whatever' and b.over(windows, payer, amount)
  if not over then
    b.charge(windows, 0, amount)
    redis.call('HSET', before.key, 'state', 'settled', 'cost', amount, 'windows', named)
    redis.call('EXPIRE', before.key, ENDED_KEPT)
    redis.call('HSET', 'budget:outbox', id, 'work ' .. cjson.encode({named, ARGV[5]}))
  end
  b.mark_thresholds(windows, payer)
  if over then return over end
end
return table.concat({before.state and 'before' or 'charged', b.remaining(windows), named}, ' ')
"""
)

# Redis away: the lease gives back what was held.
RELEASE = Script(_OPEN + "return 'released ' .. b.release(ARGV[2])\n")

# Redis away: the next sweep does it.
RELEASE_LAPSED = Script(_OPEN + "return 'released ' .. b.release_lapsed(ARGV[2])\n")

# Redis away: the next sweep does it.
LAPSED = Script(
    _OPEN
    + """
local answer = {'lapsed'}
local ids = redis.call('ZRANGEBYSCORE', b.base .. 'left', '-inf', b.ms, 'LIMIT', 0, tonumber(ARGV[2]))
for _, id in ipairs(ids) do
  local row = b.operation(id).row
  answer[#answer + 1] = {id, row[2], row[3], row[4], row[5], row[6]}
end
return answer
"""
)

# Redis away: running calls go on; each fits into what was held for it.
STOPPED = Script(
    _OPEN
    + """
local answer = {'stopped'}
for i = 2, #ARGV do
  local operation = b.operation(ARGV[i])
  local why = not operation.is_open and 'budget' or nil
  for _, w in ipairs(operation.is_open and b.windows_named(operation.texts, operation.payer) or {}) do
    if w.cap and (w.cap == 0 or w.spent + w.reserved > w.cap) then why = 'budget' end
  end
  if operation.is_open and not b.may_leave(operation.payer.tenant_id) then why = 'privacy' end
  if why then answer[#answer + 1] = ARGV[i] .. ' ' .. why end
end
"""
    + _LOAD
    + "return answer\n"
)

# Redis away: the answer says so.
WINDOWS = Script(
    _OPEN
    + """
local answer = {'windows'}
local day, month = today(b.seconds)
for i = 2, #ARGV, 3 do
  local scope, id, tenant = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local account = scope .. '|' .. id
  local texts = {account .. '|day|' .. day, account .. '|month|' .. month}
  for _, w in ipairs(b.windows_named(texts, {tenant_id = tenant})) do
    answer[#answer + 1] = {w.text, w.cap and whole(w.cap) or '', whole(w.spent), whole(w.reserved)}
  end
end
"""
    + _LOAD
    + "return answer\n"
)

# Redis away: the answer goes without.
REMAINING = Script(
    _OPEN
    + """
local payer = cjson.decode(ARGV[2])
local windows = b.windows_of(payer)
"""
    + _LOAD
    + "return 'remaining ' .. b.remaining(windows)\n"
)

# Redis away: the next sweep sends them.
ALERTS = Script(_OPEN + "return {'alerts', unpack(redis.call('HGETALL', b.base .. 'alerts'))}\n")

# Redis away: they come again, under the same ids.
ALERTED = Script(_OPEN + "redis.call('HDEL', b.base .. 'alerts', unpack(ARGV, 2)) return 'gone'\n")

# Redis away: the caller is asked to set the cap again. Caps that are loaded never replace what is there, nor reach
# another generation than the one that asked for them.
KEEP_CAPS = Script(
    """
local generation = redis.call('GET', 'budget:generation')
if not generation or (ARGV[1] ~= '' and ARGV[1] ~= generation) then return 0 end
local caps = 'budget:' .. generation .. ':caps'
if ARGV[1] ~= '' then return redis.call('HSETNX', caps, ARGV[2], ARGV[3]) end
return redis.call('HSET', caps, ARGV[2], ARGV[3])
"""
)

# Redis away: the blob holds, and the next seeding reads it.
SWITCH = Script(
    """
local generation = redis.call('GET', 'budget:generation')
if not generation then return 0 end
local key = 'budget:' .. generation .. ':off'
if ARGV[2] == 'on' then return redis.call('HDEL', key, ARGV[1]) end
return redis.call('HSET', key, ARGV[1], ARGV[2])
"""
)

# Redis away: the budget stays cold, and no cloud call is made.
BEGIN_SEEDING = Script(
    COMMON
    + """
local generation = redis.call('GET', 'budget:generation')
if made_here(generation) then return '' end
local token = run_id() .. ':' .. ARGV[1]
redis.call('SET', 'budget:seeding', token, 'PX', 3600000)
return token
"""
)
_HOLDS = "if redis.call('GET', 'budget:seeding') ~= ARGV[1] or not made_here(ARGV[1]) then return 0 end\n"

FILL = Script(
    COMMON
    + _HOLDS
    + """
local rows, base = cjson.decode(ARGV[2]), 'budget:' .. ARGV[1] .. ':'
local function key_of(text)
  local account, name, start = text:match('^(%a+|[^|]*)|(%a+)|(.*)$')
  return place(base, account, name, start), start, name == 'life' and LIFE_KEPT or MONTH_KEPT
end
for _, row in ipairs(rows.windows) do
  local key, start, seconds = key_of(row[1])
  redis.call('HSET', key, start .. ':spent', row[2])
  for _, percent in ipairs(row[3]) do redis.call('HSET', key, start .. ':alerted:' .. percent, 1) end
  redis.call('EXPIRE', key, seconds)
end
for _, row in ipairs(rows.operations) do
  local operation = base .. 'operation:' .. row[1]
  if redis.call('HSETNX', operation, 'state', 'left') == 1 then
    redis.call('HSET', operation,
      'amount', row[2], 'until', row[3], 'windows', row[4], 'payer', row[5], 'model', row[6])
    redis.call('ZADD', base .. 'left', row[3], row[1])
    for text in row[4]:gmatch('%S+') do
      local key, start, seconds = key_of(text)
      redis.call('HINCRBY', key, start .. ':reserved', row[2])
      redis.call('EXPIRE', key, seconds)
    end
  end
end
for _, row in ipairs(rows.off) do redis.call('HSET', base .. 'off', row[1], row[2]) end
return 1
"""
)

END_SEEDING = Script(
    COMMON
    + """
local before = redis.call('GET', 'budget:generation')
if before == ARGV[1] and made_here(before) then return 1 end
"""
    + _HOLDS
    + """
if before then redis.call('SADD', 'budget:stale', before) end
redis.call('SET', 'budget:generation', ARGV[1])
redis.call('DEL', 'budget:seeding')
return 1
"""
)
