-- Pauses a job of this account, or lets it go on. One that runs stops as soon as its worker has heard of it.
-- ARGV[1] account  [2] job  [3] "pause" or "resume"
-- returns the record's fields and values; none when the account has no such job
if call('HGET', job_key(ARGV[2]), 'account') ~= ARGV[1] then return {} end
if ARGV[3] == 'pause' then pause_job(ARGV[2]) else resume_job(ARGV[2]) end
return call('HGETALL', job_key(ARGV[2]))
