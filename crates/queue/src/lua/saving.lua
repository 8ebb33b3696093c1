-- Files that a person's device takes straight from a web process. Each is a job that no worker has: it is running while anybody takes it,
-- and for a moment after, as a download that goes on comes with a new connection.
--
-- A connection is a part. Web processes say every second that theirs live; what is not heard of lapses, by Redis's clock. That may be wrong
-- after an outage, and does no harm: the next word of a part that lives makes its job running again.

-- How many separate ranges of a file are remembered as given.
local MAX_RANGES = 64

has_parts = function(id, account)
  for _, part in ipairs(call('ZRANGE', parts_key(account), 0, -1)) do
    if string.sub(part, 1, #id) == id then return true end
  end
  return false
end

-- Whoever still takes it is no longer counted.
drop_parts = function(id, account)
  for _, part in ipairs(call('ZRANGE', parts_key(account), 0, -1)) do
    if string.sub(part, 1, #id) == id then call('ZREM', parts_key(account), part) end
  end
  call('ZREM', P .. 'saving', id)
end

-- Is every byte of it given? Where nobody knew how many there are, the one who came to the end says so.
local function is_given(id)
  local whole, progress = unpack(call('HMGET', job_key(id), 'given_whole', 'progress'))
  local told = cjson.decode(progress)
  return whole == '1' or (told.length.kind == 'exact' and told.bytes_out >= told.length.bytes)
end

-- Adds the bytes from..to to what the device has, and tells how fast that goes.
local function give(id, from, to)
  local key = job_key(id)
  local given, progress, told_at = unpack(call('HMGET', key, 'given', 'progress', 'told_at'))
  local ranges = { { from, to } }
  for first, last in string.gmatch(given or '', '(%d+)-(%d+)') do ranges[#ranges + 1] = { tonumber(first), tonumber(last) } end
  table.sort(ranges, function(one, other) return one[1] < other[1] end)
  local joined, sum = {}, 0
  for _, range in ipairs(ranges) do
    local before = joined[#joined]
    if before and range[1] <= before[2] then
      before[2] = math.max(before[2], range[2])
    elseif range[1] < range[2] then
      joined[#joined + 1] = range
    end
  end
  if #joined > MAX_RANGES then
    table.sort(joined, function(one, other) return one[2] - one[1] > other[2] - other[1] end)
    joined[#joined] = nil
  end
  local words = {}
  for _, range in ipairs(joined) do
    sum = sum + range[2] - range[1]
    words[#words + 1] = string.format('%.0f-%.0f', range[1], range[2])
  end
  local told, now = cjson.decode(progress), now_ms()
  local rate = nil
  if told_at and now > number(told_at) and sum >= told.bytes_out then
    local current = (sum - told.bytes_out) * 1000 / (now - number(told_at))
    rate = math.floor(type(told.rate) == 'number' and told.rate * 0.7 + current * 0.3 or current)
  end
  told.bytes_in, told.bytes_out, told.rate = sum, sum, rate or cjson.null
  call('HSET', key, 'given', table.concat(words, ','), 'progress', cjson.encode(told), 'told_at', now)
end

-- Nobody takes it any more: what has become of it.
end_saving = function(id, account)
  local key = job_key(id)
  drop_parts(id, account)
  local state, cancel, torn = unpack(call('HMGET', key, 'state', 'cancel', 'torn'))
  call('HDEL', key, 'torn', 'told_at')
  if state ~= 'running' then return end
  call('SREM', running_key(account), id)
  rank(account)
  if call('EXISTS', backlog_key(account)) == 1 then wake() end
  if is_given(id) then
    settle(id, account, 'completed', '')
  elseif cancel then
    -- A download that goes on by itself must not undo what the person asked for.
    call('HSET', key, 'barred', 1)
    settle(id, account, 'cancelled', '')
  elseif torn then
    settle(id, account, 'failed', torn)
  else
    settle(id, account, 'cancelled', '')
  end
end

-- A part of this job lives; the job is running, unless it is there already.
local function take_part(id, account, part, lease)
  local key = job_key(id)
  local state = call('HGET', key, 'state')
  local due = now_ms() + lease
  call('ZADD', parts_key(account), due, id .. ' ' .. part)
  call('ZADD', P .. 'saving', 'GT', due, id)
  call('HDEL', key, 'torn')
  if state == 'completed' or state == 'running' then return end
  if state then unsettle(id, account) end
  call('HSET', key, 'state', 'running')
  call('SADD', running_key(account), id)
  rank(account)
end
