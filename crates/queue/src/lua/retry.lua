-- Sends a job that did not make it once more. A list sends what did not arrive of it.
-- ARGV[1] account  [2] job  [3] the most that may wait
-- returns {"queued", the record's fields and values}, {"completed"} (also of what a device took: that it has to do itself), {"full"} or
-- {"none"}; a job that is under way already stays as it is
local account, id, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local owner, state, sink = unpack(call('HMGET', job_key(id), 'account', 'state', 'sink'))
if owner ~= account then return { 'none' } end
if state == 'completed' or sink then return { 'completed' } end
if is_final(state) then
  local alive = call('ZCARD', recents_key(account)) - call('ZCARD', history_key(account))
  if alive - call('SCARD', running_key(account)) >= most then return { 'full' } end
  retry_job(id)
end
return { 'queued', call('HGETALL', job_key(id)) }
