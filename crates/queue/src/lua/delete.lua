-- Forgets a job that is over.
-- ARGV[1] account  [2] job
-- returns "deleted", "none" or "alive"
local account, id = ARGV[1], ARGV[2]
local key = job_key(id)
local owner, state, list, tally = unpack(call('HMGET', key, 'account', 'state', 'parent', 'tally'))
if owner ~= account then return 'none' end
local over, found = over_of(id)
if not is_final(state) or over < found then return 'alive' end
-- A list that is being forgotten is gone before its items.
if list and call('EXISTS', job_key(list)) == 1 then
  call('HINCRBY', job_key(list), 'n_found', -1)
  call('HINCRBY', P .. 'items', account, -1)
  if tally then call('HINCRBY', job_key(list), 'n_' .. tally, -1) end
  announce(account, list, 'changed')
end
forget(id, account)
return 'deleted'
