-- Ends an attempt, under its fence.
-- ARGV[1] job  [2] fence  [3] verdict: completed, listed, failed, refused, cancelled, retry, snooze or handback
-- ARGV[4] receipt or error as JSON; for a list, where it was cut; or ""  [5] wait in ms (retry and snooze)  [6] attempts that a job may have
-- ARGV[7] why the record cannot be worked on, or "": then it goes to the dead list too  [8] the last progress as JSON, or ""
-- ARGV[9] the job that brings the same, or ""
-- returns the state that the job has now, or "lost" when it was not the caller's any more
local id, fence, verdict, payload, wait, most, poison, progress, duplicate = unpack(ARGV)
local key = job_key(id)
local state, current, account, settled, attempt, seq, cancel, losses, began =
  unpack(call('HMGET', key, 'state', 'fence', 'account', 'settled', 'attempt', 'seq', 'cancel', 'losses', 'started_at'))

-- The same call again, because its reply was lost.
if settled == fence and current == fence then return state end
if state ~= 'running' or current ~= fence then return 'lost' end

-- A snooze costs no attempt, but not without end.
local MAX_SNOOZES = 100
if verdict == 'snooze' and call('HINCRBY', key, 'snoozes', 1) > MAX_SNOOZES then verdict = 'retry' end
-- Attempts that ended with their worker have a budget of their own.
if verdict == 'retry' and number(attempt) - number(losses) >= number(most) then verdict = 'failed' end
-- What the person asked for is what it ends as, whatever came of it except a file in its place.
if verdict ~= 'completed' and cancel == '1' then
  verdict, payload = 'cancelled', ''
elseif verdict ~= 'completed' and cancel == 'pause' then
  verdict, payload = 'paused', ''
elseif verdict == 'cancelled' and cancel == 'resume' then
  verdict = 'handback'
end

if progress ~= '' then call('HSET', key, 'progress', progress) end
remember(id, verdict, (verdict == 'completed' or verdict == 'listed') and '' or payload)
release(id, account, fence)
if poison ~= '' then bury(id, poison) end
if verdict == 'handback' or verdict == 'snooze' or verdict == 'paused' then call('HINCRBY', key, 'attempt', -1) end

if verdict == 'handback' then
  queue_up(id, account, seq)
  return 'queued'
end
if verdict == 'paused' then
  call('HSET', key, 'state', 'paused')
  announce(account, id, 'changed')
  return 'paused'
end
if verdict == 'retry' or verdict == 'snooze' then
  local due = now_ms() + tonumber(wait)
  call('HSET', key, 'state', 'retrying', 'error', payload, 'retry_at', due)
  call('ZADD', P .. 'retries', due, id)
  announce(account, id, 'changed')
  return 'retrying'
end
if verdict == 'listed' then
  call('HSETNX', key, 'n_found', 0)
  call('HSET', key, 'state', 'collecting', 'listed', 1)
  if payload ~= '' then call('HSET', key, 'n_cut', payload) end
  announce(account, id, 'changed')
  close_list(id)
  return call('HGET', key, 'state')
end
if verdict == 'cancelled' then
  local over, found = over_of(id)
  if over < found then
    -- Its items have to follow first; some may have come since they were told.
    call('HSET', key, 'state', 'collecting', 'cancel', '1')
    cascade(id, account, 'cancel')
    announce(account, id, 'changed')
    return 'collecting'
  end
end
if verdict == 'completed' then
  call('HSET', key, 'receipt', payload)
  call('HDEL', key, 'checkpoint')
  local took = now_ms() - number(began)
  local pace = call('GET', P .. 'pace')
  call('SET', P .. 'pace', math.floor(pace and pace * 0.8 + took * 0.2 or took))
  payload = ''
elseif duplicate ~= '' then
  call('HSET', key, 'duplicate_of', duplicate)
end
settle(id, account, verdict, payload)
return verdict
