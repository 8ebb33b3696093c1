-- Marks what a running job is about to bring as its own, unless another job of the account brings or has brought it.
-- ARGV[1] job  [2] fence  [3] the mark  [4] a job whose mark counts no more, because its file is gone; or "*" for any
-- returns {"mine"}, {"other", the other's fields and values}, {"cancel"} or {"lost"}
local id, fence, mark, stale = unpack(ARGV)
local key = job_key(id)
local state, current, account, cancel, marks = unpack(call('HMGET', key, 'state', 'fence', 'account', 'cancel', 'marks'))
if state ~= 'running' or current ~= fence then return { 'lost' } end
if cancel == '1' or cancel == 'pause' then return { 'cancel' } end

local holder = call('HGET', marks_key(account), mark)
if holder and holder ~= id and holder ~= stale and stale ~= '*' then
  local other = call('HGET', job_key(holder), 'state')
  if other and (not is_final(other) or other == 'completed') then return { 'other', call('HGETALL', job_key(holder)) } end
end
call('HSET', marks_key(account), mark, id)
if not string.find(marks or '', mark, 1, true) then call('HSET', key, 'marks', (marks and marks .. ' ' or '') .. mark) end
return { 'mine' }
