//! Work finds a worker.

use std::time::Duration;

use serde_json::json;

use crate::fixture::{Fixture, on_system, quick};

#[test]
fn what_fits_nobody_waits_and_runs_as_soon_as_a_fitting_worker_appears() {
    on_system(async {
        let fixture = Fixture::start().await;
        let code = json!({"code": {"name": "a.rb", "content": "", "runtime": "ruby"}});
        let ruby = fixture.submit(code).await;
        let shell = fixture.worker("w1", &["shell"], 1).await;
        let plain = fixture.submit_plain().await;
        assert_eq!(shell.work_one().await, plain, "not held up by what fits nobody");

        let explanation = fixture.client.get(&format!("/api/v1/executions/{ruby}/explain")).await.json();
        assert_eq!(explanation["summary"], "no worker fits; nearest: w1 lacks runtime ruby (has shell)");
        let rubyist = fixture.worker("w2", &["ruby"], 1).await;
        assert_eq!(rubyist.work_one().await, ruby);
        fixture.stop().await;
    });
}

#[test]
fn a_version_that_nobody_has_waits_with_the_nearest_miss_and_runs_once_somebody_has_it() {
    on_system(async {
        let fixture = Fixture::start().await;
        let python = |version: &str| json!({"code": {"name": "a.py", "content": "", "runtime": "Python", "runtime_version": version}});
        let old = fixture.worker("old", &["shell", "python 3.9.1 3.11.2"], 1).await;
        let newer = fixture.submit(python(">= 3.11, < 3.13, != 3.11.2")).await;
        let fits = fixture.submit(python(">=3.11")).await;
        assert_eq!(old.work_one().await, fits, "not held up by what fits nobody");
        let explanation = fixture.client.get(&format!("/api/v1/executions/{newer}/explain")).await.json();
        assert_eq!(
            explanation["summary"],
            "no worker fits; nearest: old lacks python >= 3.11, < 3.13, != 3.11.2 (has 3.9.1, 3.11.2)"
        );
        let new = fixture.worker("new", &["python 3.11.2 3.12.4"], 1).await;
        assert_eq!(new.work_one().await, newer);
        fixture.stop().await;
    });
}

#[test]
fn work_beyond_the_slots_waits_in_the_store() {
    on_system(async {
        let fixture = Fixture::start().await;
        let worker = fixture.worker("w1", &["shell"], 2).await;
        let mut submitted = Vec::new();
        for _ in 0..5 {
            submitted.push(fixture.submit_plain().await);
        }
        let mut held = Vec::new();
        for _ in 0..2 {
            let (execution, attempt) = worker.next_order().await;
            held.push(worker.claim(execution, attempt).await.expect("granted"));
        }
        let waiting = fixture.client.get("/api/v1/executions?status=requested").await.json();
        assert_eq!(
            waiting["items"].as_array().map(Vec::len),
            Some(3),
            "nothing is known of its pace, so none in advance"
        );
        let explanation = fixture.client.get(&format!("/api/v1/executions/{}/explain", submitted[4])).await.json();
        assert_eq!(explanation["summary"], "all fitting workers are busy: 2 slots, 2 waiting before");
        for claimed in held {
            let _accepted = worker.finish(claimed, attune_types::Outcome::Exited { code: 0 }).await;
        }
        for _ in 0..3 {
            worker.work_one().await;
        }
        fixture.stop().await;
    });
}

#[test]
fn a_backlog_of_many_kinds_is_worked_off() {
    on_system(async {
        let fixture = Fixture::start_with(|control| control.ticks(quick())).await;
        let kinds = ["cobol", "shell", "ruby"];
        let batch: Vec<_> = (0..900)
            .map(|number| json!({"code": {"name": "a", "content": "", "runtime": kinds[number % 3]}}))
            .collect();
        let answer = fixture.client.post("/api/v1/executions/batch", &json!({"executions": batch})).await;
        assert_eq!(answer.status, 201);
        let workers = [fixture.worker("w1", &["shell"], 4).await, fixture.worker("w2", &["ruby"], 4).await];
        let work = |index: usize| {
            let worker = &workers[index];
            async move {
                for _ in 0..300 {
                    worker.work_one().await;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(120), async { tokio::join!(work(0), work(1)) })
            .await
            .expect("worked off");
        let left = fixture.client.get("/api/v1/executions?status=requested&limit=1000").await.json();
        assert_eq!(left["items"].as_array().map(Vec::len), Some(300), "what fits nobody still waits");
        fixture.stop().await;
    });
}
