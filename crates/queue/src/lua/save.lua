-- What a web process says of the files that it gives to a person's device.
-- ARGV[1] "open"  [2] account  [3] job, for when it is a new one  [4] part  [5] how long a part lives without a word, ms
--   [6] the most parts of one account  [7] the mark of the file  [8] "1" when it begins at the first byte  [9..] a new record's fields and values
--   returns {"part", job}, {"full"}, or {"barred"} when its owner has cancelled it
-- ARGV[1] "beat"  [2] account  [3] job  [4] part  [5] as above  [6] first byte given  [7] byte after the last one given
--   returns {"on"}, or {"cancel"} when it has to end
-- ARGV[1] "close"  [2] account  [3] job  [4] part  [5] how long the job waits for another part, ms  [6] [7] as above
--   [8] "1" when it was given from its first byte to its end  [9] the error as JSON, or ""
--   returns {"closed"}
-- ARGV[1] "lapse"  [2] the most jobs in one call
--   returns {"lapsed", how many}
local verb, account, id, part = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if verb == 'lapse' then
  local due = call('ZRANGEBYSCORE', P .. 'saving', '-inf', now_ms(), 'LIMIT', 0, ARGV[2])
  for _, job in ipairs(due) do
    local owner = call('HGET', job_key(job), 'account')
    if owner then end_saving(job, owner) else call('ZREM', P .. 'saving', job) end
  end
  return { 'lapsed', #due }
end

if verb == 'open' then
  local lease, most, mark, from_start = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], ARGV[8] == '1'
  local parts = parts_key(account)
  call('ZREMRANGEBYSCORE', parts, '-inf', now_ms())
  local known = call('HGET', marks_key(account), mark)
  local state, barred = unpack(known and call('HMGET', job_key(known), 'state', 'barred') or {})
  -- A file that is taken from its start again, after all was over, is another one.
  local goes_on = state and (known == id or not is_final(state) or not from_start)
  if goes_on and barred then return { 'barred' } end
  local again = goes_on and call('ZSCORE', parts, known .. ' ' .. part)
  if not again and call('ZCARD', parts) >= most then return { 'full' } end
  if not goes_on then
    known = id
    local seq = call('INCR', P .. 'seq')
    call('HSET', job_key(id), 'v', VERSION, 'id', id, 'account', account, 'seq', seq, 'fence', 0, 'attempt', 1, 'marks', mark,
      'sink', 'device', 'started_at', now_ms(), unpack(ARGV, 9))
    call('HSET', marks_key(account), mark, id)
    call('ZADD', recents_key(account), seq, id)
  end
  take_part(known, account, part, lease)
  announce(account, known, 'changed')
  return { 'part', known }
end

local key = job_key(id)
local owner, barred = unpack(call('HMGET', key, 'account', 'barred'))
if owner ~= account or barred then
  call('ZREM', parts_key(account), id .. ' ' .. part)
  return { 'cancel' }
end
give(id, tonumber(ARGV[6]), tonumber(ARGV[7]))

if verb == 'beat' then
  take_part(id, account, part, tonumber(ARGV[5]))
  announce(account, id, 'changed')
  return { call('HGET', key, 'cancel') and 'cancel' or 'on' }
end

if ARGV[8] == '1' then call('HSET', key, 'given_whole', 1) end
local torn = ARGV[9]
if torn ~= '' then call('HSET', key, 'torn', torn) end
call('ZREM', parts_key(account), id .. ' ' .. part)
if not has_parts(id, account) then
  if torn ~= '' or is_given(id) or call('HGET', key, 'cancel') then
    end_saving(id, account)
  elseif call('HGET', key, 'state') == 'running' then
    call('ZADD', P .. 'saving', now_ms() + tonumber(ARGV[5]), id)
  end
end
announce(account, id, 'changed')
return { 'closed' }
