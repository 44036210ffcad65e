"""The queue's operations as Redis scripts: a crash can only happen between them.

Keys, all below `pool:`, which expire some time after their last use:

    ring              tenants that have slices waiting, in the order of their turns
    deficits          pages that each of them may still take in its turn
    queue:{tenant}    its slices, `document|epoch|first|last|cost|attempts|since`
    job:{t}:{d}:{e}   a document: its event, how many of its slices are `left`, when the first was claimed (`began`)
    claims, leases    running slices, `tenant|slice` by token, and when the lease of each expires (milliseconds)
    depth             waiting slices and pages

The scripts compute names of keys from stored values, so they need a single primary, as all our scripts do.
"""

from shared.redis.client import Script

_COMMON = """
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function fields(slice)
  local d, e, first, last, cost, attempts, since = slice:match('^(.-)|(.-)|(.-)|(.-)|(.-)|(.-)|(.-)$')
  return {d = d, e = e, first = first, last = last, cost = tonumber(cost), attempts = tonumber(attempts),
    since = since}
end
local function written(f)
  return table.concat({f.d, f.e, f.first, f.last, f.cost, f.attempts, f.since}, '|')
end
local function job_of(tenant, f) return 'pool:job:' .. tenant .. ':' .. f.d .. ':' .. f.e end
local function count(slices, pages)
  redis.call('HINCRBY', 'pool:depth', 'slices', slices)
  redis.call('HINCRBY', 'pool:depth', 'pages', pages)
end
local function push(side, tenant, slice, quantum)
  redis.call(side, 'pool:queue:' .. tenant, slice)
  count(1, fields(slice).cost)
  if redis.call('HSETNX', 'pool:deficits', tenant, quantum) == 1 then redis.call('RPUSH', 'pool:ring', tenant) end
end
local function release(token)
  redis.call('HDEL', 'pool:claims', token)
  redis.call('ZREM', 'pool:leases', token)
end
local function keep(ttl, ...)
  for _, key in ipairs({'pool:ring', 'pool:deficits', 'pool:claims', 'pool:leases', 'pool:depth', ...}) do
    redis.call('EXPIRE', key, ttl)
  end
end
local function without(tenant, prefix, except)
  local queue = 'pool:queue:' .. tenant
  for _, slice in ipairs(redis.call('LRANGE', queue, 0, -1)) do
    if slice:sub(1, #prefix) == prefix then
      count(-redis.call('LREM', queue, 1, slice), -fields(slice).cost)
    end
  end
  local claims = redis.call('HGETALL', 'pool:claims')
  for i = 1, #claims, 2 do
    local ours = tenant .. '|' .. prefix
    if claims[i] ~= except and claims[i + 1]:sub(1, #ours) == ours then release(claims[i]) end
  end
end
"""

PUT = Script(
    _COMMON
    + """
-- A document that is queued already keeps its place.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local tenant, event, quantum, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
redis.call('HSET', KEYS[1], 'event', event, 'left', #ARGV - 4)
for i = 5, #ARGV do push('RPUSH', tenant, ARGV[i] .. '|' .. now(), quantum) end
keep(ttl, KEYS[1], 'pool:queue:' .. tenant)
return 1
"""
)

CLAIM = Script(
    _COMMON
    + """
local token, lease, quantum, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
-- Where the clock was set back, a lease would last that much longer; a worker that is alive renews its own.
for _, late in ipairs(redis.call('ZRANGEBYSCORE', 'pool:leases', '(' .. now() + ARGV[5], '+inf', 'LIMIT', 0, 100)) do
  redis.call('ZADD', 'pool:leases', now() + lease, late)
end
for _, lost in ipairs(redis.call('ZRANGEBYSCORE', 'pool:leases', 0, now(), 'LIMIT', 0, 100)) do
  local tenant, slice = (redis.call('HGET', 'pool:claims', lost) or ''):match('^(.-)|(.+)$')
  release(lost)
  if tenant then
    local again = fields(slice)
    again.attempts = again.attempts + 1
    push('LPUSH', tenant, written(again), quantum)
    redis.call('EXPIRE', 'pool:queue:' .. tenant, ttl)
  end
end
while true do
  local tenant = redis.call('LINDEX', 'pool:ring', 0)
  if not tenant then return false end
  local queue = 'pool:queue:' .. tenant
  local slice = redis.call('LINDEX', queue, 0)
  if not slice then
    redis.call('LPOP', 'pool:ring')
    redis.call('HDEL', 'pool:deficits', tenant)
  else
    local f = fields(slice)
    local job = job_of(tenant, f)
    local deficit = tonumber(redis.call('HGET', 'pool:deficits', tenant) or 0)
    if redis.call('EXISTS', job) == 0 then
      redis.call('LPOP', queue)
      count(-1, -f.cost)
    elseif deficit >= f.cost then
      redis.call('LPOP', queue)
      count(-1, -f.cost)
      redis.call('HINCRBY', 'pool:deficits', tenant, -f.cost)
      redis.call('HSET', 'pool:claims', token, tenant .. '|' .. slice)
      redis.call('ZADD', 'pool:leases', now() + lease, token)
      local is_first = redis.call('HSETNX', job, 'began', now())
      keep(ttl, job, queue)
      return {tenant, slice, redis.call('HGET', job, 'event'), redis.call('HGET', job, 'began'), is_first}
    else
      redis.call('HINCRBY', 'pool:deficits', tenant, quantum)
      redis.call('RPUSH', 'pool:ring', redis.call('LPOP', 'pool:ring'))
    end
  end
end
"""
)

RENEW = Script(
    _COMMON
    + """
local lost, until_ = {}, now() + ARGV[1]
for i = 3, #ARGV do
  local tenant, slice = (redis.call('HGET', 'pool:claims', ARGV[i]) or ''):match('^(.-)|(.+)$')
  local job = tenant and job_of(tenant, fields(slice))
  if job and redis.call('EXPIRE', job, ARGV[2]) == 1 then
    redis.call('ZADD', 'pool:leases', until_, ARGV[i])
  else
    lost[#lost + 1] = ARGV[i]
  end
end
keep(ARGV[2])
return lost
"""
)

COMPLETE = Script(
    _COMMON
    + """
local token, tenant, refund, quantum, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if redis.call('HEXISTS', 'pool:claims', token) == 0 or redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
if redis.call('HEXISTS', 'pool:deficits', tenant) == 1 then
  redis.call('HINCRBY', 'pool:deficits', tenant, refund)
end
for i = 6, #ARGV do push('RPUSH', tenant, ARGV[i] .. '|' .. now(), quantum) end
local left = redis.call('HINCRBY', KEYS[1], 'left', #ARGV - 5) - 1
keep(ttl, KEYS[1], 'pool:queue:' .. tenant)
if left <= 0 then return 0 end
redis.call('HSET', KEYS[1], 'left', left)
release(token)
return left
"""
)
"""Returns how many slices are left; 0 for the last one, whose claim lasts until the document ends. -1: claim lost."""

RETRY = Script(
    _COMMON
    + """
if redis.call('HEXISTS', 'pool:claims', ARGV[1]) == 0 then return 0 end
return redis.call('ZADD', 'pool:leases', now() + ARGV[2], ARGV[1])
"""
)
"""A failed slice is a claim that is not renewed: it is claimable when its pause is over."""

DROP_OTHERS = Script(
    _COMMON
    + """
if redis.call('HEXISTS', 'pool:claims', ARGV[3]) == 0 or redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
without(ARGV[1], ARGV[2], ARGV[3])
return redis.call('HSET', KEYS[1], 'left', 1)
"""
)

CANCEL = Script(
    _COMMON
    + """
without(ARGV[1], ARGV[2], '')
return redis.call('DEL', KEYS[1])
"""
)

VOID = Script("""
for _, token in ipairs(redis.call('ZRANGE', 'pool:leases', 0, -1)) do redis.call('ZADD', 'pool:leases', 0, token) end
return 1
""")

DEPTH = Script(
    _COMMON
    + """
local oldest = now()
for _, tenant in ipairs(redis.call('LRANGE', 'pool:ring', 0, -1)) do
  local slice = redis.call('LINDEX', 'pool:queue:' .. tenant, 0)
  if slice then oldest = math.min(oldest, tonumber(fields(slice).since)) end
end
local depth = redis.call('HMGET', 'pool:depth', 'slices', 'pages')
return {tonumber(depth[1] or 0), tonumber(depth[2] or 0), now() - oldest}
"""
)
