-- A page of an account's jobs, newest first; or of the items of a list, in the order of the list.
-- ARGV[1] account  [2] the list, or ""  [3] state, or "" for all  [4] number to begin after, or ""  [5] jobs at most
-- ARGV[6] entries looked at, at most
-- returns {{fields and values of a record}, ...} and the number to go on after, or "" at the end
local account, list, wanted, after, limit, looks = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local range, key, from, to = 'ZREVRANGEBYSCORE', recents_key(account), '+inf', '-inf'
if list ~= '' then
  if call('HGET', job_key(list), 'account') ~= account then return { {}, '' } end
  range, key, from, to = 'ZRANGEBYSCORE', children_key(list), '-inf', '+inf'
end
if after ~= '' then from = '(' .. after end

local found, looked = {}, 0
while true do
  local batch = call(range, key, from, to, 'WITHSCORES', 'LIMIT', 0, 50)
  if #batch == 0 then return { found, '' } end
  for i = 1, #batch, 2 do
    if #found >= limit or looked >= looks then return { found, string.sub(from, 2) } end
    local job = job_key(batch[i])
    looked = looked + 1
    from = '(' .. batch[i + 1]
    if wanted == '' or call('HGET', job, 'state') == wanted then
      local fields = call('HGETALL', job)
      if #fields > 0 then found[#found + 1] = fields end
    end
  end
end
