-- Keeps a new API token, unless the account has too many.
-- KEYS[1] the token   KEYS[2] the account's tokens
-- ARGV[1] the most an account may have  ARGV[2] id  ARGV[3] the token's hash  ARGV[4..] the token's fields and values
-- returns 1 when it was kept
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 and redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
return 1
