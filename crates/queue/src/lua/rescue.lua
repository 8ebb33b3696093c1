-- Takes the jobs of a dead worker back, unless it has given a sign of life since it was judged.
-- ARGV[1] the worker  [2] its beats when it was judged  [3] workers that a job may lose  [4] the error of a job that loses every worker
-- ARGV[5] the most jobs in one call  [6] the wait in ms after a second loss; it doubles with each further one  [7] the longest wait
-- returns how many were taken back, or -1 when it lives
local worker, beats, most, lost, step, first, longest =
  ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if call('HGET', P .. 'workers', worker) ~= beats then return -1 end

local taken = 0
local held = call('HGETALL', leases_key(worker))
for i = 1, math.min(#held, 2 * step), 2 do
  local lease, id = held[i], held[i + 1]
  local key = job_key(id)
  local current, account, fence, seq, cancel = unpack(call('HMGET', key, 'lease', 'account', 'fence', 'seq', 'cancel'))
  call('HDEL', leases_key(worker), lease)
  if current == lease then
    taken = taken + 1
    remember(id, 'lost', '')
    release(id, account, fence)
    local losses = call('HINCRBY', key, 'losses', 1)
    local over, found = over_of(id)
    if cancel == '1' and over < found then
      call('HSET', key, 'state', 'collecting', 'cancel', '1')
      cascade(id, account, 'cancel')
    elseif cancel == '1' then
      settle(id, account, 'cancelled', '')
    elseif cancel == 'pause' then
      call('HSET', key, 'state', 'paused')
      announce(account, id, 'changed')
    elseif losses >= most then
      settle(id, account, 'failed', lost)
    elseif losses == 1 then
      queue_up(id, account, seq)
    else
      -- It may be the job that kills its workers: they get time to do other work in between.
      local due = now_ms() + math.min(first * 2 ^ (losses - 2), longest)
      call('HSET', key, 'state', 'retrying', 'retry_at', due)
      call('ZADD', P .. 'retries', due, id)
      announce(account, id, 'changed')
    end
  end
end
if call('EXISTS', leases_key(worker)) == 0 then
  for _, key in ipairs({ 'workers', 'seen', 'slots' }) do call('HDEL', P .. key, worker) end
end
return taken
