-- Gives a worker the next job: of the account with the least load, the least served among equals, its oldest.
-- ARGV[1] worker  [2] lease, a word that this call alone uses  [3] the most that one account of weight 1 may have running
-- ARGV[4] the error of a record that cannot be read, as JSON
-- returns the record's fields and values; none when there is nothing to do
local worker, lease, most, unreadable = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

-- The same call again, because its reply was lost.
local held = call('HGET', leases_key(worker), lease)
if held then return call('HGETALL', job_key(held)) end

if call('EXISTS', P .. 'paused') == 1 then return {} end

-- Bad entries are passed over, a few at a time.
for _ = 1, 20 do
  local first = call('ZRANGE', P .. 'turns', 0, 0, 'WITHSCORES')
  local account, score = first[1], tonumber(first[2])
  -- The first account has the least load: when it is at the limit, so are all.
  if not account or math.floor(score / BAND) >= most * UNIT then return {} end

  local id = call('ZPOPMIN', backlog_key(account))[1]
  if not id then
    rank(account)
  else
    call('ZREM', P .. 'waiting', id)
    local key = job_key(id)
    local state, owner, version, list = unpack(call('HMGET', key, 'state', 'account', 'v', 'parent'))
    if state ~= 'queued' or owner ~= account then
      bury(id, state and 'not queued: ' .. state or 'no record')
      rank(account)
    elseif tonumber(version) ~= VERSION then
      bury(id, 'record of version ' .. tostring(version))
      rank(account)
      settle(id, account, 'failed', unreadable)
    elseif list and call('HGET', job_key(list), 'cancel') == '1' then
      -- Its list was cancelled, and that has not come round to it yet.
      cancel_job(id)
    else
      -- Stride scheduling: whoever was away begins where the others are; a weight makes the stride shorter.
      local come = math.max(score % BAND, number(call('GET', P .. 'turn')))
      call('SET', P .. 'turn', come)
      local weight = number(call('HGET', P .. 'weights', account) or 1)
      call('SET', served_key(account), come + math.floor(UNIT / weight), 'EX', DAY_SECONDS)
      call('SADD', running_key(account), id)
      -- Never one that was given out before, not even by a master whose last claims were lost with it: that one's clock has gone on since.
      local before = number(call('HGET', key, 'fence'))
      call('HSET', key, 'fence', string.format('%.0f', math.max(before + 1, now_us())))
      call('HINCRBY', key, 'attempt', 1)
      call('HDEL', key, 'error', 'progress', 'retry_at')
      call('HSET', key, 'state', 'running', 'phase', 'extracting', 'worker', worker, 'lease', lease, 'started_at', now_ms())
      call('HSET', leases_key(worker), lease, id)
      -- A claim that comes after its worker was given up, or has left: whoever has a job is watched.
      if call('HSETNX', P .. 'workers', worker, 0) == 1 then call('HSET', P .. 'seen', worker, now_ms()) end
      rank(account)
      announce(account, id, 'changed')
      return call('HGETALL', key)
    end
  end
end
return {}
