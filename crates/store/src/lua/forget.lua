-- Forgets an account: its record, its pause, every session and every API token.
-- KEYS[1] what every key begins with   ARGV[1] the account
local account = KEYS[1] .. 'account:' .. ARGV[1]
-- Both lists are bounded when they are written.
for _, hash in ipairs(redis.call('ZRANGE', account .. ':sessions', 0, -1)) do
  redis.call('DEL', KEYS[1] .. 'session:' .. hash)
end
for _, hash in ipairs(redis.call('HVALS', account .. ':tokens')) do
  redis.call('DEL', KEYS[1] .. 'token:' .. hash)
end
redis.call('DEL', account, account .. ':pause', account .. ':sessions', account .. ':tokens')
