-- Keeps a new session and forgets the account's oldest when there are too many.
-- KEYS[1] what every key begins with
-- ARGV[1] account  ARGV[2] the session's hash  ARGV[3] now, ms  ARGV[4] time to live, ms  ARGV[5] the most an account may have
-- ARGV[6..] the session's fields and values
local session = KEYS[1] .. 'session:' .. ARGV[2]
local all = KEYS[1] .. 'account:' .. ARGV[1] .. ':sessions'
redis.call('HSET', session, unpack(ARGV, 6))
redis.call('PEXPIRE', session, ARGV[4])
redis.call('ZADD', all, tonumber(ARGV[3]), ARGV[2])
redis.call('PEXPIRE', all, ARGV[4])
local surplus = redis.call('ZCARD', all) - tonumber(ARGV[5])
if surplus > 0 then
  for _, hash in ipairs(redis.call('ZRANGE', all, 0, surplus - 1)) do
    redis.call('DEL', KEYS[1] .. 'session:' .. hash)
    redis.call('ZREM', all, hash)
  end
end
