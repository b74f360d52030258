//! What to hand over next, and what an answer means: the rules of an event source mapping with
//! partial batch responses and bisection, without any I/O.

use std::collections::VecDeque;
use std::time::Duration;

use aws_lambda_events::event::dynamodb::EventRecord;

/// How records are handed over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// The most records handed over at once.
    pub(super) batch_size: usize,
    /// How often a record is tried again before it is given up.
    pub(super) max_retries: u32,
    /// The wait before the first retry; each further one doubles it.
    pub(super) first_backoff: Duration,
    /// The longest wait before a retry.
    pub(super) longest_backoff: Duration,
}

impl Rules {
    /// `BatchSize` and `MaximumRetryAttempts` of the template. The ten retries span 81 seconds, so
    /// that a claim of `courier`, which holds for 60, lapses before its event is given up.
    pub(super) const TEMPLATE: Self = Self {
        batch_size: 25,
        max_retries: 10,
        first_backoff: Duration::from_millis(100),
        longest_backoff: Duration::from_secs(30),
    };
}

/// What the function answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome<'a> {
    /// All is done.
    Done,
    /// The record with this sequence number failed; those before it are done.
    FailedFrom(&'a str),
    /// Nothing is known to be done.
    Failed,
}

/// What follows from an answer.
#[derive(Debug, Default)]
pub(super) struct Consequence {
    /// The sequence number of the last record that need not come again.
    pub(super) done: Option<String>,
    /// The record that is given up, which counts as done.
    pub(super) dead: Option<EventRecord>,
    /// How long to wait before the next batch.
    pub(super) wait: Option<Duration>,
}

/// Records that wait to be handed over, in the stream's order.
#[derive(Debug)]
pub(super) struct Batches {
    waiting: VecDeque<EventRecord>,
    rules: Rules,
    /// Size of the next batch: the largest, or less while a failure is being narrowed down.
    size: usize,
    /// How often the first waiting record has failed.
    failures: u32,
}

impl Batches {
    pub(super) fn new(records: Vec<EventRecord>, rules: Rules) -> Self {
        Self {
            waiting: records.into(),
            rules,
            size: rules.batch_size,
            failures: 0,
        }
    }

    /// The records to hand over now; none when all are done.
    pub(super) fn next(&self) -> Vec<EventRecord> {
        self.waiting.iter().take(self.size).cloned().collect()
    }

    /// Takes the answer to [`Self::next`] into account.
    pub(super) fn answered(&mut self, outcome: Outcome<'_>) -> Consequence {
        let batch = self.size.min(self.waiting.len());
        let failed_at = match outcome {
            Outcome::Done => None,
            Outcome::Failed => Some(0),
            // Lambda takes a number that it did not send for a failure of the whole batch.
            Outcome::FailedFrom(number) => Some(
                self.waiting
                    .iter()
                    .take(batch)
                    .position(|record| sequence_number(record) == number)
                    .unwrap_or(0),
            ),
        };
        let done = self
            .waiting
            .drain(..failed_at.unwrap_or(batch))
            .next_back()
            .map(|record| sequence_number(&record).to_owned());
        if done.is_some() {
            self.failures = 0;
        }
        if failed_at.is_none() {
            self.size = self.rules.batch_size;
            return Consequence {
                done,
                ..Consequence::default()
            };
        }
        self.failures += 1;
        let wait = self
            .rules
            .first_backoff
            .saturating_mul(1 << (self.failures - 1).min(16))
            .min(self.rules.longest_backoff);
        if self.failures > self.rules.max_retries {
            let dead = self.waiting.pop_front();
            self.failures = 0;
            self.size = self.rules.batch_size;
            return Consequence {
                done: dead
                    .as_ref()
                    .map(|record| sequence_number(record).to_owned())
                    .or(done),
                dead,
                wait: None,
            };
        }
        // Halving ends at one long before the retries do, so what is given up is the one record
        // that fails, and not its neighbours.
        if outcome == Outcome::Failed {
            self.size = (batch / 2).max(1);
        }
        Consequence {
            done,
            dead: None,
            wait: Some(wait),
        }
    }
}

/// The sequence number of a record; Lambda's records all have one.
pub(super) fn sequence_number(record: &EventRecord) -> &str {
    record.change.sequence_number.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(count: usize, batch_size: usize) -> Batches {
        let rules = Rules {
            batch_size,
            ..Rules::TEMPLATE
        };
        Batches::new(records(count), rules)
    }

    fn records(count: usize) -> Vec<EventRecord> {
        let record = |number: usize| {
            let mut record = EventRecord::default();
            record.change.sequence_number = Some(number.to_string());
            record
        };
        (1..=count).map(record).collect()
    }

    fn numbers(records: &[EventRecord]) -> Vec<&str> {
        records.iter().map(sequence_number).collect()
    }

    #[test]
    fn records_go_out_in_order_and_in_batches() {
        let mut queue = batches(5, 2);
        let mut seen = Vec::new();
        while let [_, ..] = &queue.next()[..] {
            let batch = queue.next();
            seen.push(batch.len());
            let consequence = queue.answered(Outcome::Done);
            assert_eq!(
                consequence.done.as_deref(),
                batch.last().map(sequence_number)
            );
            assert!(consequence.wait.is_none());
        }
        assert_eq!(seen, [2, 2, 1]);
    }

    #[test]
    fn a_partial_answer_brings_back_the_failed_record_and_those_behind_it() {
        let mut queue = batches(4, 4);
        let consequence = queue.answered(Outcome::FailedFrom("3"));
        assert_eq!(consequence.done.as_deref(), Some("2"));
        assert_eq!(consequence.wait, Some(Rules::TEMPLATE.first_backoff));
        assert_eq!(numbers(&queue.next()), ["3", "4"]);
        assert!(queue.answered(Outcome::Done).dead.is_none());
        assert!(queue.next().is_empty());
    }

    #[test]
    fn a_number_that_was_not_sent_fails_the_whole_batch() {
        let mut queue = batches(2, 2);
        assert!(queue.answered(Outcome::FailedFrom("99")).done.is_none());
        assert_eq!(numbers(&queue.next()), ["1", "2"]);
    }

    #[test]
    fn a_poison_record_is_given_up_alone() {
        // The function dies whenever record 6 is in its batch, and says nothing of which it was.
        let mut queue = batches(8, 8);
        let (mut done, mut dead, mut rounds) = (Vec::new(), Vec::new(), 0);
        while let batch @ [_, ..] = &queue.next()[..] {
            rounds += 1;
            assert!(rounds < 50, "it ends");
            let poisoned = batch.iter().any(|record| sequence_number(record) == "6");
            let consequence = if poisoned {
                queue.answered(Outcome::Failed)
            } else {
                done.extend(
                    batch
                        .iter()
                        .map(|record| sequence_number(record).to_owned()),
                );
                queue.answered(Outcome::Done)
            };
            dead.extend(consequence.dead);
        }
        assert_eq!(done, ["1", "2", "3", "4", "5", "7", "8"]);
        assert_eq!(numbers(&dead), ["6"]);
    }

    #[test]
    fn retries_wait_longer_and_longer_and_end() {
        let mut queue = batches(1, 25);
        let mut waits = Vec::new();
        let last = loop {
            let consequence = queue.answered(Outcome::FailedFrom("1"));
            match consequence.wait {
                Some(wait) => waits.push(wait.as_millis()),
                None => break consequence,
            }
        };
        assert_eq!(
            waits,
            [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000]
        );
        assert_eq!(last.done.as_deref(), Some("1"));
        assert_eq!(numbers(&last.dead.into_iter().collect::<Vec<_>>()), ["1"]);
        assert!(queue.next().is_empty());
    }
}
