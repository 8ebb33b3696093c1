-- Cancels a job of this account wherever it is: at once where it waits, through its worker where it runs, with its items where it is a list.
-- ARGV[1] account  [2] job
-- returns the record's fields and values; none when the account has no such job
if call('HGET', job_key(ARGV[2]), 'account') ~= ARGV[1] then return {} end
cancel_job(ARGV[2])
return call('HGETALL', job_key(ARGV[2]))
