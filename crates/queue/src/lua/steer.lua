-- What an operator decides for everybody or for one account.
-- ARGV[1] "pause" or "resume"  [2] the account, or "" for the whole queue; or: [1] "weigh"  [2] the account  [3] its weight, 1 to 16
local what, account = ARGV[1], ARGV[2]
if what == 'weigh' then
  if ARGV[3] == '1' then call('HDEL', P .. 'weights', account) else call('HSET', P .. 'weights', account, ARGV[3]) end
elseif account == '' then
  if what == 'pause' then call('SET', P .. 'paused', now_ms(), 'NX') else call('DEL', P .. 'paused') end
else
  call(what == 'pause' and 'SADD' or 'SREM', P .. 'paused_accounts', account)
end
if account ~= '' then rank(account) end
wake()
return 'done'
