-- Takes a job: record, place in the backlog, recent downloads, idempotency word and wake-up, all or nothing.
-- ARGV[1] account  [2] job  [3] hash of the idempotency word, or ""  [4] how long the word is kept, ms  [5] the most that may wait
-- ARGV[6] the mark of its link, preset and folder  [7] "1": even when the account has it already
-- ARGV[8..] the record's fields and values
-- returns {"new" | "existed" | "duplicate", the record's fields and values} or {"full"}
local account, id, word, word_ttl, most, mark, force = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
local key = job_key(id)

-- The same call again, because its reply was lost: ids are random, nobody else has this one.
if call('EXISTS', key) == 1 then return { 'new', call('HGETALL', key) } end

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
call('HSET', key, 'v', VERSION, 'id', id, 'account', account, 'seq', seq, 'fence', 0, 'attempt', 0, 'marks', mark, unpack(ARGV, 8))
call('HSET', marks_key(account), mark, id)
call('ZADD', recents_key(account), seq, id)
if word ~= '' then call('SET', word_key(account, word), id, 'PX', word_ttl) end
queue_up(id, account, seq)
return { 'new', call('HGETALL', key) }
