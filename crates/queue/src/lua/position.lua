-- How many jobs of the same account are ahead of this one.
-- ARGV[1] account  [2] job
-- returns the number, or nothing when it does not wait
return call('ZRANK', backlog_key(ARGV[1]), ARGV[2])
