-- Lets items follow what was done to their list: cancel, pause, resume, retry or forget.
-- ARGV[1] the list, or "" for any  [2] the most items in one call
-- returns how many cascades are left; with a list named, 1 while its own is
local list, step = ARGV[1], tonumber(ARGV[2])
if list == '' then list = call('HRANDFIELD', P .. 'cascades') or '' end
local entry = list ~= '' and call('HGET', P .. 'cascades', list)
if not entry then return 0 end
local operation, account, cursor = string.match(entry, '^(%S+) (%S+) (%S+)$')
local moves = { cancel = cancel_job, pause = pause_job, resume = resume_job, retry = retry_job }

local items = call('ZRANGEBYSCORE', children_key(list), '(' .. cursor, '+inf', 'WITHSCORES', 'LIMIT', 0, step)
for i = 1, #items, 2 do
  local id = items[i]
  if operation ~= 'forget' then
    moves[operation](id)
    cursor = items[i + 1]
  elseif is_final(call('HGET', job_key(id), 'state')) then
    forget(id, account)
    call('ZREM', children_key(list), id)
  else
    -- It outlives its list: then it stands for itself.
    call('ZREM', children_key(list), id)
    call('HDEL', job_key(id), 'parent')
    call('ZADD', recents_key(account), number(call('HGET', job_key(id), 'seq')), id)
  end
end
if #items < 2 * step then
  call('HDEL', P .. 'cascades', list)
  close_list(list)
else
  call('HSET', P .. 'cascades', list, operation .. ' ' .. account .. ' ' .. cursor)
end
return ARGV[1] == '' and call('HLEN', P .. 'cascades') or call('HEXISTS', P .. 'cascades', list)
