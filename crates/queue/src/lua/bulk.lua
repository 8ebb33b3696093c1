-- Retries or cancels many jobs, a step at a time.
-- ARGV[1] "retry"  [2] the kind of failure; or: [1] "cancel"  [2] the account, or "" for all.  [3] the most jobs in one call
-- returns how many were moved, and how many are left
local what, of, step = ARGV[1], ARGV[2], tonumber(ARGV[3])
local line = what == 'retry' and failed_key(of) or of == '' and P .. 'waiting' or backlog_key(of)
local ids = call('ZRANGE', line, 0, step - 1)
for _, id in ipairs(ids) do
  if what == 'retry' then retry_job(id) else cancel_job(id) end
  -- Whatever the record says, an entry is not met twice.
  if call('ZSCORE', line, id) then call('ZREM', line, id) end
end
return { #ids, call('ZCARD', line) }
