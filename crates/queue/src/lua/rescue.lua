-- Takes the jobs of a dead worker back, unless it has given a sign of life since it was judged.
-- ARGV[1] the worker  [2] its beats when it was judged  [3] attempts that a job may have  [4] the error of a job that loses every worker
-- ARGV[5] the most jobs in one call
-- returns how many were taken back, or -1 when it lives
local worker, beats, most, lost, step = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
if call('HGET', P .. 'workers', worker) ~= beats then return -1 end

local taken = 0
local held = call('HGETALL', leases_key(worker))
for i = 1, math.min(#held, 2 * step), 2 do
  local lease, id = held[i], held[i + 1]
  local key = job_key(id)
  local current, account, attempt, fence, seq, cancel =
    unpack(call('HMGET', key, 'lease', 'account', 'attempt', 'fence', 'seq', 'cancel'))
  call('HDEL', leases_key(worker), lease)
  if current == lease then
    taken = taken + 1
    release(id, account, fence)
    if cancel then
      settle(id, account, 'cancelled')
    elseif tonumber(attempt) >= most then
      call('HSET', key, 'error', lost)
      settle(id, account, 'failed')
    else
      queue_up(id, account, seq)
    end
  end
end
if call('EXISTS', leases_key(worker)) == 0 then call('HDEL', P .. 'workers', worker) end
return taken
