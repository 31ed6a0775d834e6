//! The workload mix.

use serde_json::{Value, json};

use crate::dice::Dice;

/// One kind of work. Every kind is there twice: as an action that may run again after a loss, and as one that may not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Kind {
    /// Name of its action.
    pub(crate) name: &'static str,
    /// How much of the mix it is, in percent.
    pub(crate) share: f64,
    /// The exit code that it announces when it comes to its end.
    pub(crate) exits: i32,
    /// Whether somebody cancels it while it runs.
    pub(crate) cancelled: bool,
}

const fn kind(name: &'static str, share: f64) -> Kind {
    Kind { name, share, exits: 0, cancelled: false }
}

impl Kind {
    /// The whole mix.
    pub(crate) const ALL: &'static [Self] = &[
        kind("quick", 40.0),
        // Python that reads everything it is given, far more than a pipe holds, and says how much.
        kind("reader", 15.0),
        kind("sleeper", 10.0),
        // Much output without a newline.
        kind("flood", 10.0),
        // Leaves a process behind in a session of its own that ignores SIGTERM.
        kind("daemon", 5.0),
        // Ignores SIGTERM; every second one is cancelled.
        Kind { cancelled: true, ..kind("stubborn", 5.0) },
        Kind { exits: 3, ..kind("failing", 5.0) },
        // Numbered lines on both streams.
        kind("lines", 5.0),
        // Processes in sessions of their own, bounded.
        kind("bomb", 3.0),
        Kind { cancelled: true, ..kind("cancelled", 2.0) },
    ];

    /// The kind with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name == name)
    }

    /// Its parameters.
    pub(crate) fn parameters(&self, dice: &mut Dice) -> Value {
        match self.name {
            // Most are larger than a pipe; one in ten is nearly as large as the API allows.
            "reader" => {
                let length = if dice.below(10) == 0 { 1_000_000 } else { 80_000 };
                json!({"blob": "x".repeat(length), "length": length})
            }
            "sleeper" => json!({"seconds": (dice.between(2.0, 12.0) * 10.0).round() / 10.0}),
            "flood" => json!({"bytes": if dice.below(5) == 0 { 5 << 20 } else { 512 << 10 }}),
            "stubborn" | "cancelled" => json!({"seconds": 8}),
            "lines" => json!({"count": 200}),
            "quick" => json!({"seconds": if dice.below(2) == 0 { 0.0 } else { 0.2 }}),
            _ => json!({}),
        }
    }
}

/// One thing to submit.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// The key that makes a repeated submission harmless.
    pub(crate) key: String,
    pub(crate) kind: Kind,
    /// Whether its action may run again after a loss.
    pub(crate) again: bool,
    pub(crate) parameters: Value,
    /// Seconds after it was accepted at which somebody cancels it.
    pub(crate) cancel_after: Option<f64>,
}

impl Order {
    /// The next one of a mix.
    pub(crate) fn throw(dice: &mut Dice, number: usize, only: Option<Kind>) -> Self {
        let kind = only.or_else(|| dice.weighted(Kind::ALL, |kind| kind.share).copied()).unwrap_or(Kind::ALL[0]);
        let again = dice.below(2) == 0;
        let cancels = kind.cancelled && (kind.name == "cancelled" || dice.below(2) == 0);
        let cancel_after = cancels.then(|| dice.between(0.0, 4.0));
        Self { key: format!("chaos-{number}"), kind, again, parameters: kind.parameters(dice), cancel_after }
    }

    /// Name of its action.
    pub(crate) fn action(&self) -> String {
        format!("chaos.{}{}", self.kind.name, if self.again { "_again" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_are_the_whole() {
        assert!((Kind::ALL.iter().map(|kind| kind.share).sum::<f64>() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn a_seed_orders_the_same() {
        let orders = |seed| {
            let mut dice = Dice::new(seed);
            (0..50).map(|number| Order::throw(&mut dice, number, None).action()).collect::<Vec<_>>()
        };
        assert_eq!(orders(3), orders(3));
        assert_ne!(orders(3), orders(4));
    }
}
