-- Puts a new seal in the place of an old one, unless something else stands there by now. A time to live stays as it is.
-- KEYS[1] the key   ARGV[1] the field, empty for a string  ARGV[2] the old seal  ARGV[3] the new one
-- returns 1 when it was replaced
if ARGV[1] == '' then
  if redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
  redis.call('SET', KEYS[1], ARGV[3], 'KEEPTTL')
else
  if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 1
