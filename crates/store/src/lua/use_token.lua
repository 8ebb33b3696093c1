-- Whose API token is this? Notes when it was used, once a minute at most, so that a busy client does not turn reads into writes.
-- KEYS[1] the token   ARGV[1] now, in milliseconds
-- returns the account, or nothing
local account, last = unpack(redis.call('HMGET', KEYS[1], 'account', 'last_used'))
if not account then return false end
if not last or tonumber(ARGV[1]) - tonumber(last) > 60000 then
  redis.call('HSET', KEYS[1], 'last_used', ARGV[1])
end
return account
