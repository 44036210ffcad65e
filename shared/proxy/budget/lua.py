"""What the budget's scripts share, in Lua.

`open_budget(terms)` gives nothing where the budget is cold: the mark of its generation is not there, or was
made on another server than the one that runs the script. Its functions look up what is not given; what Redis does not
hold (a tenant's tier, a scope's caps) they name in `missing`, and a script that needs it says so before it changes
anything.

All keys of a generation begin with `budget:{generation}:`, so that nobody finds what another generation left:

- `month:{scope}|{id}|{month}`, a hash of the month and its days: `{start}:spent`, `{start}:reserved`, and
  `{start}:alerted:{percent}` once that threshold was reached; `life:…` the same for a document's whole life;
- `caps`, a hash: `{scope}|{id}` → the operator's for a day, for a month, the admin's for a day, for a month;
- `operation:{id}`, a hash, and the sorted sets `held` and `left`: ids of open operations by the end of their lease;
- `alerts` and `off`, hashes: alerts that are due, models that are switched off.

`budget:outbox` outlives the generation, for what is in it has happened.
"""

COMMON = """
local DAY = 86400
local MONTH_KEPT, LIFE_KEPT, ENDED_KEPT = 75 * DAY, 40 * DAY, 2 * DAY

local function run_id()
  local info = redis.call('INFO', 'server')
  local _, before = info:find('run_id:', 1, true)
  return info:sub(before + 1, before + 40)
end

local function length_of_year(year)
  return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) and 366 or 365
end

local function today(seconds)
  local year, month, day = 2024, 1, math.floor(seconds / DAY) - 19723  -- days before 2024
  while day >= length_of_year(year) do day = day - length_of_year(year) year = year + 1 end
  local months = {31, length_of_year(year) - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
  while day >= months[month] do day = day - months[month] month = month + 1 end
  local start = string.format('%04d-%02d', year, month)
  return string.format('%s-%02d', start, day + 1), start
end

local function whole(number) return string.format('%.0f', number) end

local function place(base, account, name, start)
  if name == 'life' then return base .. 'life:' .. account end
  return base .. 'month:' .. account .. '|' .. start:sub(1, 7)
end

local function smallest(default, operators, admins)
  local cap = default
  if operators ~= '' then cap = tonumber(operators) end  -- `unlimited` is no number
  local own = tonumber(admins)
  if own and (not cap or own < cap) then cap = own end
  return cap
end

local function made_here(mark) return mark and mark:sub(1, 40) == run_id() end

local function open_budget(terms)
  local generation = redis.call('GET', 'budget:generation')
  if not made_here(generation) then return nil end
  local time, base = redis.call('TIME'), 'budget:' .. generation .. ':'
  local seconds = time[1] + terms:match('^ahead=(%-?%d+) ')
  local b = {generation = generation, base = base, missing = {}, seconds = seconds}
  b.ms = seconds * 1000 + math.floor(time[2] / 1000)
  local known = {}

  local function default_of(scope, id)
    local name = scope
    if scope == 'tenant' then
      if terms:find(' deleted=' .. id .. ' ', 1, true) then return 0, 0 end
      local row = redis.call('HMGET', 'tenant:' .. id, 'tier', 'cloud')
      name, b.lets_leave = row[1], row[2] ~= '0'
      if not (row[1] and row[2]) then b.missing[#b.missing + 1] = 'tier:' .. id return 0, 0 end
    elseif scope ~= 'platform' then
      return nil, nil
    end
    local day, month = terms:match(' ' .. name .. '=(%d*),(%d*) ')
    if not day then return 0, 0 end
    return tonumber(day), tonumber(month)
  end

  local function learn_caps(windows, payer)
    local names, unknown = {}, {}
    for _, w in ipairs(windows) do
      if not known[w.account] then
        known[w.account] = {}
        names[#names + 1], unknown[#unknown + 1] = w.account, w
      end
    end
    local rows = #names > 0 and redis.call('HMGET', base .. 'caps', unpack(names)) or {}
    for i, w in ipairs(unknown) do
      local day, month = default_of(w.scope, w.id)
      if not rows[i] then
        b.missing[#b.missing + 1] = 'caps:' .. w.scope .. ':' .. w.id .. ':' .. payer.tenant_id
      elseif rows[i] ~= ',,,' then
        local d, m, own_d, own_m = rows[i]:match('^(.*),(.*),(.*),(.*)$')
        day, month = smallest(day, d, own_d), smallest(month, m, own_m)
      end
      known[w.account].day, known[w.account].month = day, month
    end
    for _, w in ipairs(windows) do
      w.cap = known[w.account][w.name]
      if w.scope == 'document' and type(payer.document_cap_microusd) == 'number' then
        w.cap = payer.document_cap_microusd
      end
    end
  end

  local function read(w, other)
    local spent, reserved = w.start .. ':spent', w.start .. ':reserved'
    local row
    if other then
      row = redis.call('HMGET', w.key, spent, reserved, other.start .. ':spent', other.start .. ':reserved')
      other.spent, other.reserved = tonumber(row[3] or 0), tonumber(row[4] or 0)
    else
      row = redis.call('HMGET', w.key, spent, reserved)
    end
    w.leads, w.other, w.is_new = true, other, not (row[1] or row[2] or row[3] or row[4])
    w.spent, w.reserved = tonumber(row[1] or 0), tonumber(row[2] or 0)
  end

  local function looked_up(windows, payer)
    local i = 1
    while windows[i] do  -- day and month of one account stand side by side, and are read at once
      local w, other = windows[i], windows[i + 1]
      if other and other.key ~= w.key then other = nil end
      read(w, other)
      i = i + (other and 2 or 1)
    end
    learn_caps(windows, payer)
    return windows
  end

  function b.windows_named(texts, payer)
    local windows = {}
    for i, text in ipairs(texts) do
      local account, scope, id, name, start = text:match('^((%a+)|([^|]*))|(%a+)|(.*)$')
      windows[i] = {text = text, account = account, scope = scope, id = id, name = name, start = start,
        key = place(base, account, name, start)}
    end
    return looked_up(windows, payer)
  end

  function b.windows_of(payer)
    local day, month = today(seconds)
    local windows = {}
    local function add(scope, id, account)
      local key = base .. 'month:' .. account .. '|' .. month
      windows[#windows + 1] = {text = account .. '|day|' .. day,
        account = account, scope = scope, id = id, name = 'day', start = day, key = key}
      windows[#windows + 1] = {text = account .. '|month|' .. month,
        account = account, scope = scope, id = id, name = 'month', start = month, key = key}
    end
    if payer.document_id ~= '' and type(payer.document_cap_microusd) == 'number' then
      local account = 'document|' .. payer.document_id
      windows[1] = {text = account .. '|life|', account = account, scope = 'document', id = payer.document_id,
        name = 'life', start = '', key = place(base, account, 'life')}
    end
    if payer.key_id ~= '' then add('key', payer.key_id, 'key|' .. payer.key_id) end
    add('tenant', payer.tenant_id, 'tenant|' .. payer.tenant_id)
    add('platform', '', 'platform|')
    return looked_up(windows, payer)
  end

  local function write(w, what)
    local other = w.other
    if other then
      redis.call('HSET', w.key, w.start .. ':' .. what, w[what], other.start .. ':' .. what, other[what])
    else
      redis.call('HSET', w.key, w.start .. ':' .. what, w[what])
    end
  end

  function b.charge(windows, reserved, spent)
    for _, w in ipairs(windows) do w.reserved, w.spent = math.max(0, w.reserved + reserved), w.spent + spent end
    for _, w in ipairs(windows) do
      if w.leads and reserved ~= 0 then write(w, 'reserved') end
      if w.leads and spent ~= 0 then write(w, 'spent') end
      if w.name == 'life' then
        redis.call('EXPIRE', w.key, LIFE_KEPT)
      elseif w.is_new then
        redis.call('EXPIRE', w.key, MONTH_KEPT)
      end
    end
  end

  function b.remaining(windows)  -- of the platform, which is not the payer's to watch, only whether anything is left
    local least
    for _, w in ipairs(windows) do
      local left = w.cap and math.max(0, w.cap - w.spent - w.reserved)
      if left and (w.scope ~= 'platform' or left == 0) and (not least or left < least) then least = left end
    end
    return least and whole(least) or 'unlimited'
  end

  local function alert(w, payer, percent)
    if redis.call('HSETNX', w.key, w.start .. ':alerted:' .. percent, 1) == 0 then return end
    local tenant = w.scope == 'platform' and '' or payer.tenant_id
    redis.call('HSET', base .. 'alerts', w.text .. ' ' .. percent,
      cjson.encode({tenant, whole(w.spent), whole(w.cap), whole(seconds), whole(w.reserved)}))
  end

  function b.over(windows, payer, amount)  -- the answer where a window has no room
    local over
    for _, w in ipairs(windows) do
      if w.cap and (w.cap == 0 or w.spent + w.reserved + amount > w.cap) then
        over = over or table.concat({'over', w.text, whole(w.cap), whole(w.spent), whole(w.reserved)}, ' ')
        if w.cap > 0 then alert(w, payer, '100') end
      end
    end
    return over
  end

  function b.mark_thresholds(windows, payer)
    local percents
    for _, w in ipairs(windows) do
      local used = w.spent + w.reserved
      if w.cap and w.cap > 0 and used > 0 then
        percents = percents or terms:match(' thresholds=([%d,]*) ')
        for percent in percents:gmatch('%d+') do
          if used * 100 >= w.cap * percent then alert(w, payer, percent) end
        end
      end
    end
  end

  function b.may_leave(tenant_id)
    if terms:find(' deleted=' .. tenant_id .. ' ', 1, true) then return false end
    local cloud = redis.call('HGET', 'tenant:' .. tenant_id, 'cloud')
    if not cloud then b.missing[#b.missing + 1] = 'tier:' .. tenant_id end
    return cloud == '1'
  end

  function b.state(id) return redis.call('HGET', base .. 'operation:' .. id, 'state') end

  function b.operation(id)
    local key = base .. 'operation:' .. id
    local row = redis.call('HMGET', key, 'state', 'amount', 'until', 'windows', 'payer', 'model')
    local operation = {id = id, key = key, row = row, state = row[1], until_ms = row[3], model = row[6], texts = {}}
    operation.is_open = row[1] == 'held' or row[1] == 'left'
    operation.amount = tonumber(row[2] or 0)
    for text in (row[4] or ''):gmatch('%S+') do operation.texts[#operation.texts + 1] = text end
    operation.payer = row[5] and cjson.decode(row[5])
    return operation
  end

  function b.finish(operation, state, cost)
    local windows = b.windows_named(operation.texts, operation.payer)
    b.charge(windows, -operation.amount, cost)
    redis.call('HSET', operation.key, 'state', state, 'cost', cost)
    redis.call('EXPIRE', operation.key, ENDED_KEPT)
    redis.call('ZREM', base .. operation.state, operation.id)
    return windows
  end

  function b.release(id)
    local operation = b.operation(id)
    if not operation.is_open then return 0 end
    b.finish(operation, 'released', 0)
    local row = operation.row
    redis.call('HSET', 'budget:outbox', id, 'released ' .. cjson.encode({row[2], row[3], row[4], row[5], row[6]}))
    return 1
  end

  function b.release_lapsed(most)
    local ids = redis.call('ZRANGEBYSCORE', base .. 'held', '-inf', b.ms, 'LIMIT', 0, most)
    for _, id in ipairs(ids) do b.release(id) end
    return #ids
  end

  return b
end
"""

REMAINING = (
    COMMON
    + """
local function remaining(terms, payer)
  local b = open_budget(terms)
  if not b then return '' end
  local windows = b.windows_of(payer)
  if #b.missing > 0 then return '' end
  return b.remaining(windows)
end
"""
)
"""For other scripts: what a payer has left, in micro-dollars or `unlimited`; empty where Redis cannot tell."""
