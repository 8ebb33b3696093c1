-- Takes a job: record, recent downloads, idempotency word, and a place in the backlog with a wake-up, all or nothing. Or, where whoever sends
-- it works on it at once and may, a lease in place of the backlog: it is never both.
-- ARGV[1] account  [2] job  [3] hash of the idempotency word, or ""  [4] how long the word is kept, ms  [5] the most that may wait
-- ARGV[6] the mark of its link, preset and folder  [7] "1": even when the account has it already
-- ARGV[8] who works on it at once, or ""  [9] lease, a word that this call alone uses  [10] the most that one account of weight 1 may have running
-- ARGV[11] the file that a device takes meanwhile with the same bytes, which does not count beside it; or ""
-- ARGV[12..] the record's fields and values
-- returns {"new" | "held" | "existed" | "duplicate", the record's fields and values} or {"full"}; "held": with the lease
local account, id, word, word_ttl, most, mark, force = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
local worker, lease, most_running, beside = ARGV[8], ARGV[9], tonumber(ARGV[10]), ARGV[11]
local key = job_key(id)

-- The same call again, because its reply was lost: ids are random, nobody else has this one.
if call('EXISTS', key) == 1 then
  return { worker ~= '' and call('HGET', key, 'lease') == lease and 'held' or 'new', call('HGETALL', key) }
end

if word ~= '' then
  local first = call('GET', word_key(account, word))
  if first and call('EXISTS', job_key(first)) == 1 then return { 'existed', call('HGETALL', job_key(first)) } end
end

if force ~= '1' then
  local same = call('HGET', marks_key(account), mark)
  local state, is_list = unpack(same and call('HMGET', job_key(same), 'state', 'n_found') or {})
  -- A list that was sent may have grown since.
  if state and (not is_final(state) or (state == 'completed' and not is_list)) then
    return { 'duplicate', call('HGETALL', job_key(same)) }
  end
end

local alive = call('ZCARD', recents_key(account)) - call('ZCARD', history_key(account))
if alive - call('SCARD', running_key(account)) >= most then return { 'full' } end

local seq = call('INCR', P .. 'seq')
call('HSET', key, 'v', VERSION, 'id', id, 'account', account, 'seq', seq, 'fence', 0, 'attempt', 0, 'marks', mark, unpack(ARGV, 12))
call('HSET', marks_key(account), mark, id)
call('ZADD', recents_key(account), seq, id)
if word ~= '' then call('SET', word_key(account, word), id, 'PX', word_ttl) end

-- As in a claim: nothing is begun during a pause, and nothing over the account's share.
local function may_begin()
  if call('EXISTS', P .. 'paused') == 1 or call('SISMEMBER', P .. 'paused_accounts', account) == 1 then return false end
  return load_of(account, call('SISMEMBER', running_key(account), beside)) < most_running * UNIT
end
if worker ~= '' and may_begin() then
  -- It takes its account's turn, as every job does, and nobody else's: how far all have come is for those who wait to say.
  hand_out(id, account, worker, lease, math.max(number(call('GET', served_key(account))), number(call('GET', P .. 'turn'))))
  -- It takes none from the line.
  call('HSETNX', P .. 'slots', worker, 0)
  return { 'held', call('HGETALL', key) }
end
queue_up(id, account, seq)
return { 'new', call('HGETALL', key) }
