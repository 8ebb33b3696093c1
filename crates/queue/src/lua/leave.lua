-- A worker goes in good order. One that still holds jobs stays on the list, so that somebody rescues them.
-- ARGV[1] worker
if call('EXISTS', leases_key(ARGV[1])) == 0 then
  for _, key in ipairs({ 'workers', 'seen', 'slots' }) do call('HDEL', P .. key, ARGV[1]) end
end
