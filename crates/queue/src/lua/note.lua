-- Writes fields of a running job, and tells whether it is still the caller's.
-- ARGV[1] job  [2] fence  [3..] fields and values; may be none
-- returns "mine", "cancel" (mine, but its owner asked to cancel or to pause it) or "lost" (nothing was written)
local id, key = ARGV[1], job_key(ARGV[1])
local state, fence, account, cancel = unpack(call('HMGET', key, 'state', 'fence', 'account', 'cancel'))
if state ~= 'running' or fence ~= ARGV[2] then return 'lost' end
if #ARGV > 2 then
  call('HSET', key, unpack(ARGV, 3))
  announce(account, id, 'changed')
end
return (cancel == '1' or cancel == 'pause') and 'cancel' or 'mine'
