-- Cancels a job of this account wherever it is: at once where it waits, through its worker where it runs.
-- ARGV[1] account  [2] job
-- returns the record's fields and values; none when the account has no such job
local account, id = ARGV[1], ARGV[2]
local key = job_key(id)
local owner, state = unpack(call('HMGET', key, 'account', 'state'))
if owner ~= account then return {} end
if state == 'queued' then
  call('ZREM', backlog_key(account), id)
  call('ZREM', P .. 'waiting', id)
  rank(account)
  settle(id, account, 'cancelled')
elseif state == 'retrying' then
  call('ZREM', P .. 'retries', id)
  call('HDEL', key, 'error')
  settle(id, account, 'cancelled')
elseif state == 'running' then
  call('HSET', key, 'cancel', 1)
  announce(account, id, 'changed')
  call('PUBLISH', P .. 'wake', 'cancel')
end
return call('HGETALL', key)
