-- A job of this account.
-- ARGV[1] account  [2] job
-- returns the record's fields and values; none when the account has no such job
local fields = call('HGETALL', job_key(ARGV[2]))
for i = 1, #fields, 2 do
  if fields[i] == 'account' then return fields[i + 1] == ARGV[1] and fields or {} end
end
return {}
