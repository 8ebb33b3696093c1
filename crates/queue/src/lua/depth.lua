-- How full the queue is.
-- returns {waiting, running, retrying, workers}
local running = 0
local workers = call('HKEYS', P .. 'workers')
for _, worker in ipairs(workers) do running = running + call('HLEN', leases_key(worker)) end
return { call('ZCARD', P .. 'waiting'), running, call('ZCARD', P .. 'retries'), #workers }
