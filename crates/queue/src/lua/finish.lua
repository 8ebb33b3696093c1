-- Ends an attempt, under its fence.
-- ARGV[1] job  [2] fence  [3] verdict: completed, failed, refused, cancelled, retry, snooze or handback
-- ARGV[4] receipt or error as JSON, or ""  [5] wait in ms (retry and snooze)  [6] attempts that a job may have
-- ARGV[7] why the record cannot be worked on, or "": then it goes to the dead list too  [8] the last progress as JSON, or ""
-- returns the state that the job has now, or "lost" when it was not the caller's any more
local id, fence, verdict, payload, wait, most, poison, progress = unpack(ARGV)
local key = job_key(id)
local state, current, account, settled, attempt, seq, cancel =
  unpack(call('HMGET', key, 'state', 'fence', 'account', 'settled', 'attempt', 'seq', 'cancel'))

-- The same call again, because its reply was lost.
if settled == fence and current == fence then return state end
if state ~= 'running' or current ~= fence then return 'lost' end

-- A snooze costs no attempt, but not without end.
local MAX_SNOOZES = 100
if verdict == 'snooze' and call('HINCRBY', key, 'snoozes', 1) > MAX_SNOOZES then verdict = 'retry' end
if verdict == 'retry' and tonumber(attempt) >= tonumber(most) then verdict = 'failed' end
-- The person asked to cancel it: whatever came of it except a file in its place, that is what it ends as.
if cancel and verdict ~= 'completed' then verdict, payload = 'cancelled', '' end

release(id, account, fence)
if poison ~= '' then bury(id, poison) end
if progress ~= '' then call('HSET', key, 'progress', progress) end
if verdict == 'handback' or verdict == 'snooze' then call('HINCRBY', key, 'attempt', -1) end

if verdict == 'handback' then
  queue_up(id, account, seq)
  return 'queued'
end
if verdict == 'retry' or verdict == 'snooze' then
  local due = now_ms() + tonumber(wait)
  call('HSET', key, 'state', 'retrying', 'error', payload, 'retry_at', due)
  call('ZADD', P .. 'retries', due, id)
  announce(account, id, 'changed')
  return 'retrying'
end
if verdict == 'completed' then
  call('HSET', key, 'receipt', payload)
elseif payload ~= '' then
  call('HSET', key, 'error', payload)
end
settle(id, account, verdict)
return verdict
