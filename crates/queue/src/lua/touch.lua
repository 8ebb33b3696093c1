-- A worker's heartbeat.
-- ARGV[1] worker
-- returns {worker, beats, worker, beats, ...} of all workers, and {lease, job, fence, cancel ("1" or "")} of each lease of this one
local worker = ARGV[1]
call('HINCRBY', P .. 'workers', worker, 1)

local leases = {}
local held = call('HGETALL', leases_key(worker))
for i = 1, #held, 2 do
  local lease, id = held[i], held[i + 1]
  local current, fence, cancel = unpack(call('HMGET', job_key(id), 'lease', 'fence', 'cancel'))
  if current == lease then
    leases[#leases + 1] = { lease, id, tonumber(fence), cancel or '' }
  else
    call('HDEL', leases_key(worker), lease)
  end
end
return { call('HGETALL', P .. 'workers'), leases }
