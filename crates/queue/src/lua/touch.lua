-- A worker's heartbeat.
-- ARGV[1] worker  [2] how many jobs it takes at once
-- returns {worker, beats, worker, beats, ...} of all workers, and {lease, job, fence, "1" when its owner asked to cancel or to pause it, or ""} of each lease of this one
local worker = ARGV[1]
call('HINCRBY', P .. 'workers', worker, 1)
call('HSET', P .. 'seen', worker, now_ms())
call('HSET', P .. 'slots', worker, ARGV[2])

local leases = {}
local held = call('HGETALL', leases_key(worker))
for i = 1, #held, 2 do
  local lease, id = held[i], held[i + 1]
  local current, fence, cancel = unpack(call('HMGET', job_key(id), 'lease', 'fence', 'cancel'))
  if current == lease then
    leases[#leases + 1] = { lease, id, tonumber(fence), (cancel == '1' or cancel == 'pause') and '1' or '' }
  else
    call('HDEL', leases_key(worker), lease)
  end
end
return { call('HGETALL', P .. 'workers'), leases }
