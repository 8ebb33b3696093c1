-- Makes jobs of some items of a list that is being read. An item that is a job already stays as it is, so this may run twice.
-- ARGV[1] the list  [2] its fence  [3] the most that may wait in the account's line  [4] how deep lists may lie within lists
-- ARGV[5] how many items the site says there are, or ""
-- ARGV[6..] for each item: its number in the list, its job's id, link, place behind the link or "", title or "", picture or "", seconds or ""
-- returns "mine", "cancel" or "lost" (nothing was written), "full" (nothing was written: later) or "deep"
local list, fence, most, deepest, announced = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local PER_ITEM = 7
local key = job_key(list)
local state, current, account, cancel, preset, folder, origin, depth, force =
  unpack(call('HMGET', key, 'state', 'fence', 'account', 'cancel', 'preset', 'folder', 'origin', 'depth', 'force'))
if state ~= 'running' or current ~= fence then return 'lost' end
if cancel == '1' or cancel == 'pause' then return 'cancel' end
if number(depth) >= deepest then return 'deep' end
if call('ZCARD', backlog_key(account)) >= most then return 'full' end

call('HSETNX', key, 'n_found', 0)
if announced ~= '' then call('HSET', key, 'n_announced', announced) end
local now, added = now_ms(), 0
for i = 6, #ARGV, PER_ITEM do
  local place, id = ARGV[i], ARGV[i + 1]
  -- One that was just deleted does not come back while its own items still go.
  if call('EXISTS', job_key(id)) == 0 and call('HEXISTS', P .. 'cascades', id) == 0 then
    local seq = call('INCR', P .. 'seq')
    local fields = {
      'v', VERSION, 'id', id, 'account', account, 'seq', seq, 'fence', 0, 'attempt', 0, 'parent', list, 'depth', number(depth) + 1,
      'url', ARGV[i + 2], 'preset', preset, 'folder', folder, 'origin', origin, 'created_at', now,
    }
    for offset, name in ipairs({ 'item', 'title', 'thumbnail', 'duration' }) do
      local value = ARGV[i + 2 + offset]
      if value ~= '' then
        fields[#fields + 1] = name
        fields[#fields + 1] = value
      end
    end
    if force then
      fields[#fields + 1] = 'force'
      fields[#fields + 1] = force
    end
    call('HSET', job_key(id), unpack(fields))
    call('ZADD', children_key(list), place, id)
    line_up(id, account, seq)
    added = added + 1
  end
end
if added > 0 then
  call('HINCRBY', key, 'n_found', added)
  call('HINCRBY', P .. 'items', account, added)
  -- It gets on: waiting for room in the line is not going round in circles.
  call('HDEL', key, 'snoozes')
  rank(account)
  announce(account, list, 'changed')
  wake()
end
return 'mine'
