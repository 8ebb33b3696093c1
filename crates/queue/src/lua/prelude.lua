-- What every script of the queue begins with: the names of the keys and the moves that several scripts make.
-- Times are Redis's own, so that no clock of a worker orders anything.
--
-- KEYS[1] is what every key of the namespace begins with, "{namespace}:". The braces put all keys into one cluster slot, which is why a
-- script may touch keys that are not in KEYS.
--
-- job:<id>            hash     the record; until its retention ends
-- recents:<account>   zset     all jobs of an account by number of arrival; items of a list are not among them
-- history:<account>   zset     those of them that are over, by the microsecond of their end; recents minus history are alive
-- children:<list>     zset     the items of a list by their number in it
-- marks:<account>     hash     what brings one file (a link or a piece of media, with preset and folder), hashed -> job
-- backlog:<account>   zset     those that wait for a worker, by number of arrival
-- running:<account>   set      those that a worker has, and files that the person's own device takes
-- parts:<account>     zset     connections that take files to a device, "job part", by when they lapse unless heard of
-- served:<account>    string   how far the account has come in the round robin; a day
-- word:<account>:<h>  string   idempotency key -> job
-- turns               zset     accounts with a backlog: least load first, then least served
-- weights             hash     account -> weight, where it is not 1
-- paused              string   is there while the operator has paused the whole queue
-- paused_accounts     set      accounts that the operator has paused
-- seq, turn           string   the last number of arrival; how far the round robin has come
-- waiting             zset     every job in a backlog, by when it came there
-- retries             zset     every job between attempts, by when it is due
-- finished            zset     every job that is over, by time of its end; without the items of lists
-- failed:<kind>       zset     every job of a worker that ended with this kind of failure, by time of its end
-- kinds               set      the kinds that ever had a job
-- items               hash     account -> records of items of its lists
-- trim                set      accounts whose history may have grown too long
-- cascades            hash     list -> what its items still have to follow: "operation account cursor"
-- workers             hash     worker -> beats counted; a web process is one while it works on a job for a device too
-- seen, slots         hash     worker -> when its last beat came; how many jobs it takes at once, 0 for a web process
-- leases:<worker>     hash     lease -> job
-- pace                string   how long a job that completes takes, ms, averaged over the last few
-- saving              zset     files that a device takes, or took a moment ago, by when they lapse unless heard of
-- dead                list     entries that could not be worked on, with the reason; the last thousand
local P = KEYS[1]
local call = redis.call

-- The version of a record that these scripts write and read.
local VERSION = 1
-- Load is counted in these: a running job of an account with weight 1. A weight divides it, so weights go from 1 to 16.
local UNIT = 16
-- How far the round robin comes stays below this, so "load * BAND + served" sorts by load first. Both fit a double exactly.
local BAND = 2 ^ 37
local MAX_LOAD = 2 ^ 16 - 1
local DAY_SECONDS = 86400
local MAX_DEAD = 1000
local MAX_ATTEMPTS_KEPT = 20

local function job_key(id) return P .. 'job:' .. id end
local function recents_key(account) return P .. 'recents:' .. account end
local function history_key(account) return P .. 'history:' .. account end
local function children_key(list) return P .. 'children:' .. list end
local function marks_key(account) return P .. 'marks:' .. account end
local function backlog_key(account) return P .. 'backlog:' .. account end
local function running_key(account) return P .. 'running:' .. account end
local function parts_key(account) return P .. 'parts:' .. account end
local function served_key(account) return P .. 'served:' .. account end
local function word_key(account, hash) return P .. 'word:' .. account .. ':' .. hash end
local function leases_key(worker) return P .. 'leases:' .. worker end
local function failed_key(kind) return P .. 'failed:' .. kind end

local function now_us()
  local time = call('TIME')
  return time[1] * 1000000 + time[2]
end

local function now_ms() return math.floor(now_us() / 1000) end

local function number(text) return tonumber(text or 0) end

-- Tells whoever watches the account that a job changed. The message carries no content: the record is the truth.
local function announce(account, id, what) call('PUBLISH', P .. 'events', account .. ' ' .. id .. ' ' .. what) end

local function wake() call('PUBLISH', P .. 'wake', 'work') end

-- How much of the house the account has now, less so many jobs. One with weight 2 counts as two people.
local function load_of(account, less)
  local weight = number(call('HGET', P .. 'weights', account) or 1)
  return math.min(math.floor((call('SCARD', running_key(account)) - (less or 0)) * UNIT / weight), MAX_LOAD)
end

-- Puts the account where it belongs among those whose turn comes.
local function rank(account)
  if call('EXISTS', backlog_key(account)) == 0 or call('SISMEMBER', P .. 'paused_accounts', account) == 1 then
    call('ZREM', P .. 'turns', account)
  else
    call('ZADD', P .. 'turns', load_of(account) * BAND + number(call('GET', served_key(account))), account)
  end
end

-- The job stands in its account's line, at the place of its number. The caller ranks the account and wakes a worker.
local function line_up(id, account, seq)
  call('HSET', job_key(id), 'state', 'queued')
  call('ZADD', backlog_key(account), seq, id)
  call('ZADD', P .. 'waiting', now_ms(), id)
end

-- The job waits for a worker.
local function queue_up(id, account, seq)
  line_up(id, account, seq)
  rank(account)
  announce(account, id, 'changed')
  wake()
end

-- The job is this worker's, under a new fence. `come` is how far its account's round robin had come; a weight makes the stride shorter.
local function hand_out(id, account, worker, lease, come)
  local key = job_key(id)
  local weight = number(call('HGET', P .. 'weights', account) or 1)
  call('SET', served_key(account), come + math.floor(UNIT / weight), 'EX', DAY_SECONDS)
  call('SADD', running_key(account), id)
  -- Never one that was given out before, not even by a master whose last claims were lost with it: that one's clock has gone on since.
  local before = number(call('HGET', key, 'fence'))
  call('HSET', key, 'fence', string.format('%.0f', math.max(before + 1, now_us())))
  call('HINCRBY', key, 'attempt', 1)
  call('HDEL', key, 'error', 'progress', 'retry_at')
  call('HSET', key, 'state', 'running', 'phase', 'extracting', 'worker', worker, 'lease', lease, 'started_at', now_ms())
  call('HSET', leases_key(worker), lease, id)
  -- A claim that comes after its worker was given up, or has left: whoever has a job is watched.
  if call('HSETNX', P .. 'workers', worker, 0) == 1 then call('HSET', P .. 'seen', worker, now_ms()) end
  rank(account)
  announce(account, id, 'changed')
end

-- The job no longer waits, wherever it did.
local function leave_line(id, account, state)
  if state == 'queued' then
    call('ZREM', backlog_key(account), id)
    call('ZREM', P .. 'waiting', id)
    rank(account)
  elseif state == 'retrying' then
    call('ZREM', P .. 'retries', id)
    call('HDEL', job_key(id), 'retry_at')
  end
end

-- Remembers the attempt that ends now. Before release, which forgets whose it was.
local function remember(id, how, failure)
  local key = job_key(id)
  local number_of, worker, began, route, progress, before =
    unpack(call('HMGET', key, 'attempt', 'worker', 'started_at', 'route', 'progress', 'attempts'))
  local moved = progress and cjson.decode(progress) or {}
  local attempt = {
    number = number(number_of), worker = worker or '', started_at = number(began), ended_at = now_ms(),
    bytes_in = moved.bytes_in or 0, bytes_out = moved.bytes_out or 0, ['end'] = how,
  }
  -- cjson would write a missing field as an empty one only when it is there: leave it out.
  if route then attempt.route = route end
  if failure ~= '' then
    local told = cjson.decode(failure)
    attempt.kind, attempt.message = told.kind, told.message
  end
  local lines = {}
  for line in string.gmatch(before or '', '[^\n]+') do lines[#lines + 1] = line end
  lines[#lines + 1] = cjson.encode(attempt)
  call('HSET', key, 'attempts', table.concat(lines, '\n', math.max(1, #lines - MAX_ATTEMPTS_KEPT + 1)))
end

-- The job leaves its worker. Every later write under its fence is refused.
local function release(id, account, fence)
  local worker, lease = unpack(call('HMGET', job_key(id), 'worker', 'lease'))
  if worker then call('HDEL', leases_key(worker), lease) end
  call('SREM', running_key(account), id)
  call('HDEL', job_key(id), 'worker', 'lease', 'phase', 'cancel')
  call('HSET', job_key(id), 'settled', fence)
  rank(account)
  -- The account may have been at its limit: somebody may take its next job now.
  if call('EXISTS', backlog_key(account)) == 1 then wake() end
end

-- How many items of a list are over, and how many there are.
local function over_of(list)
  local found, completed, duplicate, failed, refused, cancelled = unpack(call('HMGET', job_key(list), 'n_found', 'n_completed',
    'n_duplicate', 'n_failed', 'n_refused', 'n_cancelled'))
  local arrived, missing = number(completed) + number(duplicate), number(failed) + number(refused)
  return arrived + missing + number(cancelled), number(found), arrived, missing
end

local settle
-- Of what no worker has; see saving.lua.
local end_saving, has_parts, drop_parts

-- A list is over when the last of its items is, and nothing is left that they have to follow.
local function close_list(list)
  local state, account, cancel = unpack(call('HMGET', job_key(list), 'state', 'account', 'cancel'))
  if state ~= 'collecting' or call('HEXISTS', P .. 'cascades', list) == 1 then return end
  local over, found, arrived, missing = over_of(list)
  if over < found then return end
  if cancel or (missing == 0 and arrived == 0) then
    settle(list, account, 'cancelled', '')
  elseif missing > 0 then
    local message = missing .. ' of ' .. found .. ' items did not arrive. Retry sends those once more.'
    settle(list, account, 'failed', cjson.encode({ kind = 'incomplete', message = message, retryable = false }))
  else
    settle(list, account, 'completed', '')
  end
end

-- The job is over. `failure` is its error as JSON, or "".
settle = function(id, account, state, failure)
  local key = job_key(id)
  local us = now_us()
  local ms = math.floor(us / 1000)
  call('HSET', key, 'state', state, 'finished_at', ms)
  call('HDEL', key, 'retry_at', 'cancel')
  local tally = state
  if failure ~= '' then
    local kind = cjson.decode(failure).kind
    call('HSET', key, 'error', failure)
    -- What only its person can try again is not among those that an operator may.
    if not call('HGET', key, 'sink') then
      call('HSET', key, 'kind', kind)
      call('SADD', P .. 'kinds', kind)
      call('ZADD', failed_key(kind), ms, id)
    end
    if kind == 'duplicate' then tally = 'duplicate' end
  else
    call('HDEL', key, 'error')
  end
  local list = call('HGET', key, 'parent')
  if list and call('EXISTS', job_key(list)) == 1 then
    call('HSET', key, 'tally', tally)
    call('HINCRBY', job_key(list), 'n_' .. tally, 1)
    announce(account, list, 'changed')
    close_list(list)
  else
    call('ZADD', history_key(account), us, id)
    call('ZADD', P .. 'finished', ms, id)
    call('SADD', P .. 'trim', account)
  end
  announce(account, id, 'changed')
end

-- Takes back that the job is over, in every index.
local function unsettle(id, account)
  local key = job_key(id)
  local list, tally, kind = unpack(call('HMGET', key, 'parent', 'tally', 'kind'))
  if kind then call('ZREM', failed_key(kind), id) end
  if list and tally then
    -- A list that is being forgotten is gone before its items.
    if call('EXISTS', job_key(list)) == 1 then call('HINCRBY', job_key(list), 'n_' .. tally, -1) end
  else
    call('ZREM', history_key(account), id)
    call('ZREM', P .. 'finished', id)
  end
  call('HDEL', key, 'tally', 'kind', 'error', 'finished_at')
end

-- A list whose item is under way again is over no longer, nor is the list that it is an item of. One that was never read to its end has
-- nothing to wait for: it stays as it ended.
local function reopen_list(list)
  local state, account, listed, above = unpack(call('HMGET', job_key(list), 'state', 'account', 'listed', 'parent'))
  if not state then return end
  if listed and (state == 'completed' or state == 'failed' or state == 'cancelled') then
    unsettle(list, account)
    call('HSET', job_key(list), 'state', 'collecting')
    if above then reopen_list(above) end
  end
  announce(account, list, 'changed')
end

-- What was done to a list has to be done to its items, in steps.
local function cascade(list, account, operation)
  call('HSET', P .. 'cascades', list, operation .. ' ' .. account .. ' 0')
end

local function cancel_job(id)
  local key = job_key(id)
  local account, state, is_list, sink = unpack(call('HMGET', key, 'account', 'state', 'n_found', 'sink'))
  local over, found = over_of(id)
  if state == 'running' and sink then
    call('HSET', key, 'cancel', '1')
    -- Those who give it hear of it when they next say that they live; where nobody is left, it is over.
    if not has_parts(id, account) then end_saving(id, account) end
    announce(account, id, 'changed')
  elseif state == 'running' then
    call('HSET', key, 'cancel', '1')
    announce(account, id, 'changed')
    call('PUBLISH', P .. 'wake', 'cancel')
  elseif state == 'queued' or state == 'retrying' or state == 'paused' or state == 'collecting' then
    leave_line(id, account, state)
    if over < found then
      call('HSET', key, 'state', 'collecting', 'cancel', '1')
      announce(account, id, 'changed')
    else
      settle(id, account, 'cancelled', '')
    end
  elseif over == found then
    return
  end
  -- Also of a list that failed while it was read: what it had found goes on by itself.
  if is_list then cascade(id, account, 'cancel') end
end

local function pause_job(id)
  local key = job_key(id)
  local account, state, is_list, cancel, sink = unpack(call('HMGET', key, 'account', 'state', 'n_found', 'cancel', 'sink'))
  if cancel == '1' or sink then return end
  if state == 'running' then
    call('HSET', key, 'cancel', 'pause')
    call('PUBLISH', P .. 'wake', 'cancel')
  elseif state == 'queued' or state == 'retrying' or state == 'collecting' then
    leave_line(id, account, state)
    call('HSET', key, 'state', 'paused')
    call('HDEL', key, 'error')
  else
    return
  end
  if is_list then cascade(id, account, 'pause') end
  announce(account, id, 'changed')
end

local function resume_job(id)
  local key = job_key(id)
  local account, state, is_list, listed, cancel, seq =
    unpack(call('HMGET', key, 'account', 'state', 'n_found', 'listed', 'cancel', 'seq'))
  if state == 'running' and cancel == 'pause' then
    -- Its worker may be letting go already: then it is handed back instead.
    call('HSET', key, 'cancel', 'resume')
  elseif state ~= 'paused' then
    return
  elseif listed then
    call('HSET', key, 'state', 'collecting')
  else
    queue_up(id, account, seq)
  end
  if is_list then cascade(id, account, 'resume') end
  announce(account, id, 'changed')
end

-- Sends a job that did not make it once more, with a fresh count of attempts, at the end of its account's line. What was about to be
-- committed stays on record: the file may be there already.
local function retry_job(id)
  local key = job_key(id)
  local account, state, is_list, listed, list, duplicate, sink =
    unpack(call('HMGET', key, 'account', 'state', 'n_found', 'listed', 'parent', 'duplicate_of', 'sink'))
  if sink or (state ~= 'failed' and state ~= 'refused' and state ~= 'cancelled') then return end
  unsettle(id, account)
  local seq = call('INCR', P .. 'seq')
  call('HSET', key, 'attempt', 0, 'seq', seq)
  -- Whoever sends a duplicate again wants it twice.
  if duplicate then call('HSET', key, 'force', 1) end
  call('HDEL', key, 'progress', 'started_at', 'snoozes', 'losses', 'duplicate_of')
  if is_list then cascade(id, account, 'retry') end
  if listed then
    call('HSET', key, 'state', 'collecting')
    announce(account, id, 'changed')
  else
    queue_up(id, account, seq)
  end
  if list then reopen_list(list) end
end

-- Nothing of a job that is over remains; its items follow in steps.
local function forget(id, account)
  local key = job_key(id)
  local list, kind, items, marks, sink = unpack(call('HMGET', key, 'parent', 'kind', 'n_found', 'marks', 'sink'))
  if sink then drop_parts(id, account) end
  for mark in string.gmatch(marks or '', '%S+') do
    if call('HGET', marks_key(account), mark) == id then call('HDEL', marks_key(account), mark) end
  end
  if kind then call('ZREM', failed_key(kind), id) end
  if list then call('ZREM', children_key(list), id) end
  if items then
    -- Minus nothing is no number to Redis.
    call('HINCRBY', P .. 'items', account, 0 - items)
    cascade(id, account, 'forget')
  end
  call('DEL', key)
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

-- Is that a state from which nothing more happens by itself?
local function is_final(state)
  return state == 'completed' or state == 'failed' or state == 'cancelled' or state == 'refused'
end

