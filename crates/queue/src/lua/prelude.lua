-- What every script of the queue begins with: the names of the keys and the moves that several scripts make.
-- Times are Redis's own, so that no clock of a worker orders anything.
--
-- KEYS[1] is what every key of the namespace begins with, "{namespace}:". The braces put all keys into one cluster slot, which is why a
-- script may touch keys that are not in KEYS.
--
-- job:<id>            hash     the record; until its retention ends
-- recents:<account>   zset     all jobs of an account by number of arrival
-- history:<account>   zset     those of them that are over, by the microsecond of their end; recents minus history are alive
-- backlog:<account>   zset     those that wait for a worker, by number of arrival
-- running:<account>   set      those that a worker has
-- served:<account>    string   the turn in which the account was last served; a day
-- word:<account>:<h>  string   idempotency key -> job
-- turns               zset     accounts with a backlog: fewest running first, then longest unserved
-- seq, turn           string   counters
-- waiting             zset     every job in a backlog, by when it came there
-- retries             zset     every job between attempts, by when it is due
-- finished            zset     every job that is over, by time of its end
-- trim                set      accounts whose history may have grown too long
-- workers             hash     worker -> beats counted
-- leases:<worker>     hash     lease -> job
-- dead                list     entries that could not be worked on, with the reason; the last thousand
local P = KEYS[1]
local call = redis.call

-- The version of a record that these scripts write and read.
local VERSION = 1
-- A turn is smaller than this, so "running * BAND + turn" sorts by running first. Both fit a double exactly.
local BAND = 2 ^ 40
local DAY_SECONDS = 86400
local MAX_DEAD = 1000

local function job_key(id) return P .. 'job:' .. id end
local function recents_key(account) return P .. 'recents:' .. account end
local function history_key(account) return P .. 'history:' .. account end
local function backlog_key(account) return P .. 'backlog:' .. account end
local function running_key(account) return P .. 'running:' .. account end
local function served_key(account) return P .. 'served:' .. account end
local function word_key(account, hash) return P .. 'word:' .. account .. ':' .. hash end
local function leases_key(worker) return P .. 'leases:' .. worker end

local function now_us()
  local time = call('TIME')
  return time[1] * 1000000 + time[2]
end

local function now_ms() return math.floor(now_us() / 1000) end

-- Tells whoever watches the account that a job changed. The message carries no content: the record is the truth.
local function announce(account, id, what) call('PUBLISH', P .. 'events', account .. ' ' .. id .. ' ' .. what) end

local function wake() call('PUBLISH', P .. 'wake', 'work') end

-- Puts the account where it belongs among those whose turn comes.
local function rank(account)
  if call('EXISTS', backlog_key(account)) == 0 then
    call('ZREM', P .. 'turns', account)
  else
    local served = tonumber(call('GET', served_key(account)) or 0)
    call('ZADD', P .. 'turns', call('SCARD', running_key(account)) * BAND + served, account)
  end
end

-- The job waits for a worker, at the place of its number.
local function queue_up(id, account, seq)
  call('HSET', job_key(id), 'state', 'queued')
  call('ZADD', backlog_key(account), seq, id)
  call('ZADD', P .. 'waiting', now_ms(), id)
  rank(account)
  announce(account, id, 'changed')
  wake()
end

-- The job leaves its worker. Every later write under its fence is refused.
local function release(id, account, fence)
  local worker, lease = unpack(call('HMGET', job_key(id), 'worker', 'lease'))
  if worker then call('HDEL', leases_key(worker), lease) end
  call('SREM', running_key(account), id)
  call('HDEL', job_key(id), 'worker', 'lease', 'phase')
  call('HSET', job_key(id), 'settled', fence)
  rank(account)
  -- The account may have been at its limit: somebody may take its next job now.
  if call('EXISTS', backlog_key(account)) == 1 then wake() end
end

-- The job is over.
local function settle(id, account, state)
  local us = now_us()
  local ms = math.floor(us / 1000)
  call('HSET', job_key(id), 'state', state, 'finished_at', ms)
  call('HDEL', job_key(id), 'retry_at', 'cancel')
  call('ZADD', history_key(account), us, id)
  call('ZADD', P .. 'finished', ms, id)
  call('SADD', P .. 'trim', account)
  announce(account, id, 'changed')
end

-- Nothing of a job that is over remains.
local function forget(id, account)
  call('DEL', job_key(id))
  call('ZREM', recents_key(account), id)
  call('ZREM', history_key(account), id)
  call('ZREM', P .. 'finished', id)
  announce(account, id, 'deleted')
end

-- An entry that nobody can work on: kept for the operator, in nobody's way.
local function bury(id, reason)
  call('LPUSH', P .. 'dead', cjson.encode({ id = id, reason = reason, at = now_ms() }))
  call('LTRIM', P .. 'dead', 0, MAX_DEAD - 1)
end

