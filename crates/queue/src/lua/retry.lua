-- Sends a job that did not make it once more, with a fresh count of attempts, at the end of its account's backlog.
-- What is about to be committed stays on record: the file may be there already.
-- ARGV[1] account  [2] job  [3] the most that may wait
-- returns {"queued", the record's fields and values}, {"completed"}, {"full"} or {"none"}; a job that is under way already stays as it is
local account, id, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local key = job_key(id)
local owner, state = unpack(call('HMGET', key, 'account', 'state'))
if owner ~= account then return { 'none' } end
if state == 'completed' then return { 'completed' } end
if state == 'failed' or state == 'refused' or state == 'cancelled' then
  local alive = call('ZCARD', recents_key(account)) - call('ZCARD', history_key(account))
  if alive - call('SCARD', running_key(account)) >= most then return { 'full' } end
  call('ZREM', history_key(account), id)
  call('ZREM', P .. 'finished', id)
  local seq = call('INCR', P .. 'seq')
  call('HSET', key, 'attempt', 0, 'seq', seq)
  call('HDEL', key, 'error', 'progress', 'started_at', 'finished_at', 'cancel', 'snoozes')
  queue_up(id, account, seq)
end
return { 'queued', call('HGETALL', key) }
