-- Writes some fields of an account that is there; an account that was forgotten meanwhile does not come back as a fragment.
-- KEYS[1] the account   ARGV field, value, field, value, ...
-- returns 1 when it was there
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
