-- Forgets jobs that are over: those older than the retention, and the oldest of accounts that have too many.
-- ARGV[1] retention in ms  [2] the most that one account keeps, items of lists included  [3] the most jobs in one call
-- returns how many were forgotten
local retention, most, step = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local forgotten = 0
for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'finished', '-inf', now_ms() - retention, 'LIMIT', 0, step)) do
  local account = call('HGET', job_key(id), 'account')
  if account then forget(id, account) else call('ZREM', P .. 'finished', id) end
  forgotten = forgotten + 1
end

-- However many items the last lists of an account had, so many of its downloads are kept.
local LEAST = 20

-- As many accounts as there is room for: each takes one look, and comes again when it is not done.
for _ = 1, step do
  if forgotten >= step then break end
  local account = call('SPOP', P .. 'trim')
  if not account then break end
  local kept = call('ZCARD', history_key(account))
  local surplus = kept + number(call('HGET', P .. 'items', account)) - most
  local take = math.min(surplus, step - forgotten, kept - math.min(LEAST, most))
  for _, id in ipairs(take > 0 and call('ZRANGE', history_key(account), 0, take - 1) or {}) do
    if surplus <= 0 then break end
    surplus = surplus - 1 - number(call('HGET', job_key(id), 'n_found'))
    forget(id, account)
    forgotten = forgotten + 1
  end
  if surplus > 0 and forgotten >= step then call('SADD', P .. 'trim', account) end
end
return forgotten
