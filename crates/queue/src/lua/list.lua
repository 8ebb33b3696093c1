-- A page of an account's jobs, newest first.
-- ARGV[1] account  [2] state, or "" for all  [3] number of arrival to begin below, or ""  [4] jobs at most  [5] entries looked at, at most
-- returns {{fields and values of a record}, ...} and the number to go on below, or "" at the end
local account, wanted, before, limit, looks = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local found, looked, below = {}, 0, before == '' and '+inf' or '(' .. before
while true do
  local batch = call('ZREVRANGEBYSCORE', recents_key(account), below, '-inf', 'WITHSCORES', 'LIMIT', 0, 50)
  if #batch == 0 then return { found, '' } end
  for i = 1, #batch, 2 do
    if #found >= limit or looked >= looks then return { found, string.sub(below, 2) } end
    local key = job_key(batch[i])
    looked = looked + 1
    below = '(' .. batch[i + 1]
    if wanted == '' or call('HGET', key, 'state') == wanted then
      local fields = call('HGETALL', key)
      if #fields > 0 then found[#found + 1] = fields end
    end
  end
end
