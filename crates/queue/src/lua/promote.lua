-- Lets jobs whose next attempt is due wait for a worker.
-- ARGV[1] the most jobs in one call
-- returns how many were due
local due = call('ZRANGEBYSCORE', P .. 'retries', '-inf', now_ms(), 'LIMIT', 0, ARGV[1])
for _, id in ipairs(due) do
  call('ZREM', P .. 'retries', id)
  local state, account, seq = unpack(call('HMGET', job_key(id), 'state', 'account', 'seq'))
  if state == 'retrying' then
    call('HDEL', job_key(id), 'retry_at')
    queue_up(id, account, seq)
  end
end
return #due
