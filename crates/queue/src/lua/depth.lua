-- How full the queue is.
-- returns {waiting, running, retrying, workers that take jobs}
local running, workers = 0, 0
for _, worker in ipairs(call('HKEYS', P .. 'workers')) do
  running = running + call('HLEN', leases_key(worker))
  if call('HGET', P .. 'slots', worker) ~= '0' then workers = workers + 1 end
end
return { call('ZCARD', P .. 'waiting'), running, call('ZCARD', P .. 'retries'), workers }
