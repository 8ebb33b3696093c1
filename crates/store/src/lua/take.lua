-- One more of something that may be done so often (GCRA). By Redis's clock: the processes that count together share it.
-- KEYS[1] the bucket: the moment, in microseconds, from which it is full again
-- ARGV[1] how long one takes to come back, us   ARGV[2] how long all of them take, us
-- returns 0 when it was taken, else for how many microseconds there is none
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = tonumber(redis.call('GET', KEYS[1]) or now)
-- Later than all of them take is a clock that was set back: nobody is kept out for that.
if full < now or full > now + ARGV[2] then full = now end
full = full + ARGV[1]
local over = full - now - ARGV[2]
if over > 0 then return math.ceil(over) end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return 0
