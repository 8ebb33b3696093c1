-- Gives a worker the next job: of the account with the fewest running, the longest unserved among equals, its oldest.
-- ARGV[1] worker  [2] lease, a word that this call alone uses  [3] the most that one account may have running
-- ARGV[4] the error of a record that cannot be read, as JSON
-- returns the record's fields and values; none when there is nothing to do
local worker, lease, most, unreadable = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

-- The same call again, because its reply was lost.
local held = call('HGET', leases_key(worker), lease)
if held then return call('HGETALL', job_key(held)) end

-- Bad entries are passed over, a few at a time.
for _ = 1, 20 do
  local first = call('ZRANGE', P .. 'turns', 0, 0, 'WITHSCORES')
  local account = first[1]
  -- The first account has the fewest running: when it is at the limit, so are all.
  if not account or math.floor(tonumber(first[2]) / BAND) >= most then return {} end

  local id = call('ZPOPMIN', backlog_key(account))[1]
  if not id then
    rank(account)
  else
    call('ZREM', P .. 'waiting', id)
    local key = job_key(id)
    local state, owner, version = unpack(call('HMGET', key, 'state', 'account', 'v'))
    if state ~= 'queued' or owner ~= account then
      bury(id, state and 'not queued: ' .. state or 'no record')
      rank(account)
    elseif tonumber(version) ~= VERSION then
      bury(id, 'record of version ' .. tostring(version))
      rank(account)
      call('HSET', key, 'error', unreadable)
      settle(id, account, 'failed')
    else
      call('SET', served_key(account), call('INCR', P .. 'turn'), 'EX', DAY_SECONDS)
      call('SADD', running_key(account), id)
      call('HINCRBY', key, 'fence', 1)
      call('HINCRBY', key, 'attempt', 1)
      call('HDEL', key, 'error', 'progress', 'retry_at')
      call('HSET', key, 'state', 'running', 'phase', 'extracting', 'worker', worker, 'lease', lease, 'started_at', now_ms())
      call('HSET', leases_key(worker), lease, id)
      rank(account)
      announce(account, id, 'changed')
      return call('HGETALL', key)
    end
  end
end
return {}
