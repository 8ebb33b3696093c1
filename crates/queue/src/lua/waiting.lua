-- How long a job that waits will wait, roughly.
-- ARGV[1] account  [2] job  [3] the most that one account of weight 1 may have running
-- returns nothing when it does not wait; else {jobs of the same account ahead, ms or -1 when nobody can tell, 1 while the queue or the
-- account is paused}
local account, id, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local ahead = call('ZRANK', backlog_key(account), id)
if not ahead then return false end
local paused = call('EXISTS', P .. 'paused') == 1 or call('SISMEMBER', P .. 'paused_accounts', account) == 1
local slots = 0
for _, count in ipairs(call('HVALS', P .. 'slots')) do slots = slots + number(count) end
local pace = call('GET', P .. 'pace')
if paused or slots == 0 or not pace then return { ahead, -1, paused and 1 or 0 } end
-- The account's share of the slots, were all who wait to go on waiting; half of what runs is done already.
local weight = number(call('HGET', P .. 'weights', account) or 1)
local share = math.max(1, math.min(most * weight, slots / math.max(1, call('ZCARD', P .. 'turns'))))
return { ahead, math.ceil(number(pace) * (ahead + 0.5) / share), 0 }
