-- The whole queue at a glance, for its operator.
-- ARGV[1] accounts and dead entries at most
-- returns {waiting, running, retrying, lists, 1 while paused, now ms, when the longest waiting began to wait or nothing},
-- {kind, jobs, ...}, {{worker, running, slots, when its last beat came}, ...},
-- {{account, waiting, running, weight, 1 while paused}, ...} and the newest dead entries as JSON
local most = tonumber(ARGV[1])
local running, workers = 0, {}
for _, worker in ipairs(call('HKEYS', P .. 'workers')) do
  local has = call('HLEN', leases_key(worker))
  running = running + has
  workers[#workers + 1] =
    { worker, has, number(call('HGET', P .. 'slots', worker)), number(call('HGET', P .. 'seen', worker)) }
end

local kinds = {}
for _, kind in ipairs(call('SMEMBERS', P .. 'kinds')) do
  kinds[#kinds + 1] = kind
  kinds[#kinds + 1] = call('ZCARD', failed_key(kind))
end

local accounts, known = {}, {}
local function tell(account)
  if known[account] or #accounts >= most then return end
  known[account] = true
  accounts[#accounts + 1] = {
    account, call('ZCARD', backlog_key(account)), call('SCARD', running_key(account)),
    number(call('HGET', P .. 'weights', account) or 1), call('SISMEMBER', P .. 'paused_accounts', account),
  }
end
for _, account in ipairs(call('SMEMBERS', P .. 'paused_accounts')) do tell(account) end
for _, account in ipairs(call('ZRANGE', P .. 'turns', 0, most - 1)) do tell(account) end
for _, account in ipairs(call('HKEYS', P .. 'weights')) do tell(account) end
for _, worker in ipairs(workers) do
  if #accounts >= most then break end
  for _, id in ipairs(call('HVALS', leases_key(worker[1]))) do
    local account = call('HGET', job_key(id), 'account')
    if account then tell(account) end
  end
end

local oldest = call('ZRANGE', P .. 'waiting', 0, 0, 'WITHSCORES')
return {
  { call('ZCARD', P .. 'waiting'), running, call('ZCARD', P .. 'retries'), call('HLEN', P .. 'cascades'),
    call('EXISTS', P .. 'paused'), now_ms(), oldest[2] or false },
  kinds, workers, accounts, call('LRANGE', P .. 'dead', 0, most - 1),
}
