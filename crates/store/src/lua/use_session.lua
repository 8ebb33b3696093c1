-- A session, prolonged by its use. The list of the account's sessions moves with it, so that the oldest is the longest unused.
-- KEYS[1] what every key begins with   ARGV[1] the session's hash  ARGV[2] now, ms  ARGV[3] time to live, ms
-- returns its fields and values; none when there is no such session
local session = KEYS[1] .. 'session:' .. ARGV[1]
local fields = redis.call('HGETALL', session)
if #fields == 0 then return fields end
redis.call('PEXPIRE', session, ARGV[3])
local all = KEYS[1] .. 'account:' .. redis.call('HGET', session, 'account') .. ':sessions'
redis.call('ZADD', all, tonumber(ARGV[2]), ARGV[1])
redis.call('PEXPIRE', all, ARGV[3])
return fields
