//! Who is dead? Judged by the observer's own monotonic clock alone: no two clocks are ever compared.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// What was seen of the other workers.
pub(crate) struct Observer {
    dead_after: Duration,
    /// A longer gap between two looks is an interruption: of Redis, of the network, or of ourselves. Who was silent meanwhile may only
    /// have been as cut off as we were, so everybody gets a full period again.
    longest_gap: Duration,
    last_look: Option<Instant>,
    /// The beats of each worker, and since when they stand still.
    seen: HashMap<String, (u64, Instant)>,
}

impl Observer {
    pub(crate) fn new(dead_after: Duration, beat: Duration) -> Self {
        Self { dead_after, longest_gap: beat * 3, last_look: None, seen: HashMap::new() }
    }

    /// One look at the beats of all workers. Returns the dead, with the beats at which they stopped.
    pub(crate) fn look(&mut self, now: Instant, beats: &HashMap<String, u64>) -> Vec<(String, u64)> {
        if self.last_look.is_some_and(|last| now.duration_since(last) > self.longest_gap) {
            self.seen.clear();
        }
        self.last_look = Some(now);
        self.seen.retain(|worker, (seen, _)| beats.get(worker) == Some(seen));
        let still = |worker: &String, beats: u64, seen: &mut HashMap<String, (u64, Instant)>| {
            let (_, since) = seen.entry(worker.clone()).or_insert((beats, now));
            now.duration_since(*since)
        };
        beats
            .iter()
            .filter(|(worker, beats)| still(worker, **beats, &mut self.seen) >= self.dead_after)
            .map(|(worker, beats)| (worker.clone(), *beats))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at these moments (ms) and beats of one worker; tells when it was judged dead.
    #[track_caller]
    fn check(looks: &[(u64, u64)], dead_at: &[u64]) {
        let mut observer = Observer::new(Duration::from_secs(6), Duration::from_secs(1));
        let begin = Instant::now();
        let mut judged = Vec::new();
        for (at, beats) in looks {
            let beats = HashMap::from([("w".to_owned(), *beats)]);
            if !observer.look(begin + Duration::from_millis(*at), &beats).is_empty() {
                judged.push(*at);
            }
        }
        assert_eq!(judged, dead_at);
    }

    #[test]
    fn the_living_are_left_alone() {
        check(&(0..60).map(|second| (second * 1000, second / 5)).collect::<Vec<_>>(), &[]);
    }

    #[test]
    fn silence_is_death_after_a_full_period() {
        check(&(0..8).map(|second| (second * 1000, 7)).collect::<Vec<_>>(), &[6000, 7000]);
    }

    #[test]
    fn an_interruption_starts_anew() {
        let before = (0..6).map(|second| (second * 1000, 7));
        let after = (0..7).map(|second| (50_000 + second * 1000, 7));
        check(&before.chain(after).collect::<Vec<_>>(), &[56_000]);
    }

    #[test]
    fn beats_that_go_back_are_a_sign_of_life() {
        let looks = [(0, 9), (1000, 9), (2000, 9), (3000, 9), (4000, 9), (5000, 3), (6000, 3), (7000, 3)];
        check(&looks, &[]);
    }
}
