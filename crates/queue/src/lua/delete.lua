-- Forgets a job that is over.
-- ARGV[1] account  [2] job
-- returns "deleted", "none" or "alive"
local account, id = ARGV[1], ARGV[2]
local owner, finished_at = unpack(call('HMGET', job_key(id), 'account', 'finished_at'))
if owner ~= account then return 'none' end
if not finished_at then return 'alive' end
forget(id, account)
return 'deleted'
