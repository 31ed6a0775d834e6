//! The reaper's tick.

use attune_store::rules::{self, Overdue};
use attune_store::{ReapReport, ReaperPolicy};
use attune_types::{AttemptNumber, AttemptState, ExecutionId, ExecutionStatus, WorkerId, WorkerStatus};

use super::rows::{Database, Refusal};

impl Database {
    /// One tick of the reaper.
    pub fn reap(&mut self, now: i64, policy: &ReaperPolicy) -> Result<ReapReport, Refusal> {
        let (spared, spare_until) = rules::spare(now, self.last_tick_at, self.spare_until, policy);
        if let Some(by) = rules::set_back(now, self.last_tick_at) {
            self.pull_back(now, by, policy);
        }
        let since = self.last_tick_at.unwrap_or(0).min(now);
        let mut due = self.waiting.range((since, i64::MAX)..=(now, i64::MAX));
        if due
            .any(|(_, id)| self.execution(ExecutionId(*id)).is_some_and(|row| row.status == ExecutionStatus::Retrying))
        {
            self.touched.schedule = true;
        }
        (self.last_tick_at, self.spare_until) = (Some(now), spare_until);
        let mut report = ReapReport { spared, ..ReapReport::default() };
        if spared {
            return Ok(report);
        }
        let silent_since = now.saturating_sub(policy.unreachable_ms.saturating_mul(1000));
        for (place, row) in self.workers.iter_mut().enumerate() {
            if matches!(row.status, WorkerStatus::Active | WorkerStatus::Draining) && row.last_beat_at < silent_since {
                row.status = WorkerStatus::Unreachable;
                report.unreachable.push(WorkerId(place as i64 + 1));
            }
        }
        let mut live: Vec<(ExecutionId, AttemptNumber)> = self.live.values().flatten().copied().collect();
        live.sort_unstable();
        for (id, number) in live {
            let Some(attempt) = self.attempt(id, number) else { continue };
            let overdue = rules::overdue(attempt.state, attempt.dispatch_deadline, attempt.lease_ends_at, now, policy);
            match (overdue, self.end_overdue(now, id, number, overdue)?) {
                (Overdue::Unclaimed, _) => report.superseded.push(id),
                (Overdue::Lost, Some(status)) => report.lost.push((id, number, status)),
                _ => {}
            }
        }
        Ok(report)
    }

    /// Ends an attempt whose time is over. Answers what became of its execution when its worker is taken for gone.
    pub fn end_overdue(
        &mut self,
        now: i64,
        id: ExecutionId,
        number: AttemptNumber,
        overdue: Overdue,
    ) -> Result<Option<ExecutionStatus>, Refusal> {
        match overdue {
            Overdue::No => Ok(None),
            Overdue::Unclaimed => self.supersede(id, number, "not claimed in time").map(|()| None),
            Overdue::Lost => self.bury(now, id, number).map(Some),
        }
    }

    /// Pulls back what was written by a clock that has been set back since.
    fn pull_back(&mut self, now: i64, by: i64, policy: &ReaperPolicy) {
        let ahead = |millis: i64| now.saturating_add(millis.saturating_mul(1000));
        for row in &mut self.workers {
            row.last_beat_at = row.last_beat_at.min(now);
        }
        let later: Vec<(i64, i64)> = self.waiting.range((now.saturating_add(1), 0)..).copied().collect();
        let live: Vec<(ExecutionId, AttemptNumber)> = self.live.values().flatten().copied().collect();
        // What is assigned may go back to its old place.
        let assigned = live.iter().filter_map(|(id, _)| {
            let row = self.execution(*id).filter(|row| row.status == ExecutionStatus::Scheduled)?;
            (row.available_at > now).then_some((row.available_at, id.0))
        });
        let later: Vec<(i64, i64)> = later.into_iter().chain(assigned).collect();
        for (at, id) in later {
            let id = ExecutionId(id);
            let is_retrying = self.execution(id).is_some_and(|row| row.status == ExecutionStatus::Retrying);
            let pulled = if is_retrying { at - by } else { (at - by).min(now) };
            self.set_available(id, pulled);
        }
        for (id, number) in live {
            let Some(row) = self.try_row(id, number) else { continue };
            row.lease_ends_at = row.lease_ends_at.map(|end| end.min(ahead(policy.lease_ms)));
            if row.state == AttemptState::Assigned {
                row.dispatch_deadline = row.dispatch_deadline.min(ahead(policy.dispatch_ms));
            }
        }
        for row in self.outbox.values_mut() {
            if row.held_until > ahead(policy.outbox_hold_ms) {
                row.held_until = now;
            }
        }
        self.touched.schedule = true;
        self.touched.outbox = true;
    }
}
