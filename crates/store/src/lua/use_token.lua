-- Whose API token is this, and for what? Notes when it was used, once a minute at most, so that a busy client does not turn reads into writes.
-- KEYS[1] the token   ARGV[1] now, in milliseconds
-- returns the account and the scope, which is empty for a token that was made before there were any; or nothing
local account, scope, last = unpack(redis.call('HMGET', KEYS[1], 'account', 'scope', 'last_used'))
if not account then return false end
if not last or tonumber(ARGV[1]) - tonumber(last) > 60000 then
  redis.call('HSET', KEYS[1], 'last_used', ARGV[1])
end
return { account, scope or '' }
