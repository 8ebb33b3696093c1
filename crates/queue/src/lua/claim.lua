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
      -- Stride scheduling: whoever was away begins where the others are.
      local come = math.max(score % BAND, number(call('GET', P .. 'turn')))
      call('SET', P .. 'turn', come)
      hand_out(id, account, worker, lease, come)
      return call('HGETALL', key)
    end
  end
end
return {}
