//! The whole keyspace at one moment.

use std::collections::{BTreeMap, BTreeSet};

use redis::{Connection, Script};

/// One long text: what a client takes apart quickest. Between two keys stands a \2, between all else a \1.
const DUMP: &str = r"
local all = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind, value = redis.call('TYPE', key).ok, nil
  if kind == 'hash' then value = redis.call('HGETALL', key)
  elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'set' then value = redis.call('SMEMBERS', key)
  elseif kind == 'list' then value = redis.call('LRANGE', key, 0, -1)
  else value = { redis.call('GET', key) } end
  all[#all + 1] = string.sub(key, #KEYS[1] + 1) .. '\1' .. kind .. '\1' .. table.concat(value, '\1')
end
return table.concat(all, '\2')";

/// A hash, by field.
pub(super) type Fields = BTreeMap<String, String>;
/// A sorted set, by member.
pub(super) type Scores = BTreeMap<String, f64>;

#[derive(Default, PartialEq, Debug, Clone)]
pub(super) struct Dump {
    /// By id.
    pub(super) jobs: BTreeMap<String, Fields>,
    /// All other keys, without the prefix.
    pub(super) hashes: BTreeMap<String, Fields>,
    pub(super) lines: BTreeMap<String, Scores>,
    pub(super) sets: BTreeMap<String, BTreeSet<String>>,
    pub(super) texts: BTreeMap<String, String>,
    pub(super) lists: BTreeMap<String, Vec<String>>,
}

impl Dump {
    pub(super) fn read(connection: &mut Connection, prefix: &str) -> Self {
        let text: String = Script::new(DUMP).key(prefix).invoke(connection).unwrap();
        let mut dump = Self::default();
        for entry in text.split('\u{2}').filter(|entry| !entry.is_empty()) {
            let mut parts = entry.split('\u{1}').map(str::to_owned);
            let (key, kind) = (parts.next().unwrap(), parts.next().unwrap());
            let values: Vec<String> = parts.collect();
            let pairs = || values.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
            match (kind.as_str(), key.strip_prefix("job:")) {
                ("hash", Some(id)) => drop(dump.jobs.insert(id.to_owned(), pairs().collect())),
                ("hash", None) => drop(dump.hashes.insert(key, pairs().collect())),
                ("zset", _) => {
                    let scores = pairs().map(|(member, score)| (member, score.parse().unwrap()));
                    drop(dump.lines.insert(key, scores.collect()));
                }
                ("set", _) => drop(dump.sets.insert(key, values.into_iter().collect())),
                ("list", _) => drop(dump.lists.insert(key, values)),
                _ => drop(dump.texts.insert(key, values.concat())),
            }
        }
        dump
    }

    /// A field of a job; "" when there is none.
    pub(super) fn field(&self, id: &str, name: &str) -> &str {
        self.jobs.get(id).and_then(|job| job.get(name)).map_or("", String::as_str)
    }

    pub(super) fn has(&self, id: &str, name: &str) -> bool {
        self.jobs.get(id).is_some_and(|job| job.contains_key(name))
    }

    pub(super) fn number(&self, id: &str, name: &str) -> i64 {
        self.field(id, name).parse().unwrap_or_default()
    }

    pub(super) fn score(&self, line: &str, member: &str) -> Option<f64> {
        self.lines.get(line).and_then(|line| line.get(member)).copied()
    }

    pub(super) fn in_set(&self, set: &str, member: &str) -> bool {
        self.sets.get(set).is_some_and(|set| set.contains(member))
    }

    pub(super) fn of_hash(&self, hash: &str, field: &str) -> Option<&str> {
        self.hashes.get(hash).and_then(|hash| hash.get(field)).map(String::as_str)
    }

    /// All lines, hashes or sets whose name begins so, by the rest of it.
    pub(super) fn named<'a, T>(
        keys: &'a BTreeMap<String, T>,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a T)> {
        keys.iter().filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?, value)))
    }

    pub(super) fn is_over(&self, id: &str) -> bool {
        matches!(self.field(id, "state"), "completed" | "failed" | "refused" | "cancelled")
    }
}
