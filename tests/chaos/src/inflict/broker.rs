//! A broker that is away, wiped, blocked, or says things that nobody sent.

use std::time::Duration;

use attune_testkit::rabbitmq::TestBroker;
use tokio::time::sleep;

use super::Hand;

fn broker<'a>(hand: &Hand<'a>) -> Result<&'a TestBroker, String> {
    hand.stage.broker.as_ref().ok_or_else(|| "there is no broker".to_owned())
}

/// Closes every connection again and again: twenty times in a minute.
pub(super) async fn close_connections(hand: &mut Hand<'_>) -> Result<(), String> {
    let broker = broker(hand)?;
    let _alone = hand.stage.broker_faults.lock().await;
    let times = (hand.lasts.as_secs_f64() / 3.0).ceil().max(1.0) as u32;
    let mut closed = 0;
    for _ in 0..times {
        closed += broker.close_all_connections().await;
        sleep(Duration::from_secs(3)).await;
    }
    hand.note("connections closed", closed as f64);
    Ok(())
}

pub(super) async fn stop(hand: &mut Hand<'_>) -> Result<(), String> {
    let broker = broker(hand)?;
    let _alone = hand.stage.broker_faults.lock().await;
    broker.stop_app().await;
    hand.wait().await;
    broker.start_app().await;
    Ok(())
}

/// Kills the whole node, which is started again after a while.
pub(super) async fn kill(hand: &mut Hand<'_>) -> Result<(), String> {
    let broker = broker(hand)?;
    let node = broker.node().ok_or("the node is not ours")?;
    let _alone = hand.stage.broker_faults.lock().await;
    node.crash().map_err(|error| error.to_string())?;
    hand.wait().await;
    node.start_again().await.map_err(|error| error.to_string())
}

pub(super) async fn freeze(hand: &mut Hand<'_>) -> Result<(), String> {
    let broker = broker(hand)?;
    let node = broker.node().ok_or("the node is not ours")?;
    let _alone = hand.stage.broker_faults.lock().await;
    node.freeze().await.map_err(|error| error.to_string())?;
    hand.wait().await;
    node.thaw().map_err(|error| error.to_string())
}

/// Everything in it is gone: queues, exchanges, bindings, messages.
pub(super) async fn wipe(hand: &mut Hand<'_>) -> Result<(), String> {
    let broker = broker(hand)?;
    let _alone = hand.stage.broker_faults.lock().await;
    let vhost = broker.vhost();
    let wipe = format!(
        "V = <<\"{vhost}\">>, rabbit_vhost:delete(V, <<\"test\">>), rabbit_vhost:add(V, <<\"test\">>), \
         rabbit_auth_backend_internal:set_permissions(<<\"guest\">>, V, <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"test\">>), \
         atom_to_list(rabbit_vhost:exists(V))"
    );
    match broker.evaluate(&wipe).await.as_str() {
        "true" => Ok(()),
        other => Err(format!("it was not wiped: {other}")),
    }
}

/// Publishers hang without an error, by memory or by disk.
pub(super) async fn alarm(hand: &mut Hand<'_>) -> Result<(), String> {
    let broker = broker(hand)?;
    let _alone = hand.stage.broker_faults.lock().await;
    let (on, off) = if hand.form(2) == 0 {
        (
            "vm_memory_monitor:set_vm_memory_high_watermark(0.0), \"on\"",
            "vm_memory_monitor:set_vm_memory_high_watermark(0.4), \"off\"",
        )
    } else {
        (
            "rabbit_disk_monitor:set_disk_free_limit(\"100TB\"), \"on\"",
            "rabbit_disk_monitor:set_disk_free_limit(\"50MB\"), \"off\"",
        )
    };
    broker.evaluate(on).await;
    hand.wait().await;
    broker.evaluate(off).await;
    Ok(())
}

async fn a_queue(hand: &mut Hand<'_>, broker: &TestBroker) -> Result<String, String> {
    let queues = broker.list_queues().await;
    let queues: Vec<_> = queues.into_iter().filter(|queue| queue.name.starts_with("worker.")).collect();
    if queues.is_empty() {
        return Err("no worker has a queue".to_owned());
    }
    Ok(queues[hand.dice.below(queues.len())].name.clone())
}

pub(super) async fn delete_queue(hand: &mut Hand<'_>) -> Result<(), String> {
    let broker = broker(hand)?;
    let _alone = hand.stage.broker_faults.lock().await;
    let queue = a_queue(hand, broker).await?;
    broker.delete_queue(&queue).await;
    Ok(())
}

pub(super) async fn purge_queue(hand: &mut Hand<'_>) -> Result<(), String> {
    let broker = broker(hand)?;
    let _alone = hand.stage.broker_faults.lock().await;
    let queue = a_queue(hand, broker).await?;
    let vhost = broker.vhost();
    let purge = format!(
        "{{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<\"{vhost}\">>, queue, <<\"{queue}\">>)), \
         {{ok, N}} = rabbit_amqqueue:purge(Q), integer_to_list(N)"
    );
    let purged: f64 = broker.evaluate(&purge).await.parse().unwrap_or(-1.0);
    hand.note("messages purged", purged);
    Ok(())
}

/// Publishes a text as it is.
pub(super) async fn publish(broker: &TestBroker, key: &str, body: &str) -> String {
    let vhost = broker.vhost();
    let bytes: Vec<String> = body.bytes().map(|byte| byte.to_string()).collect();
    let publish = format!(
        "{{ok, X}} = rabbit_exchange:lookup(rabbit_misc:r(<<\"{vhost}\">>, exchange, <<\"attune.executions\">>)), \
         rabbit_basic:publish(X, <<\"{key}\">>, [], <<{}>>), \"sent\"",
        bytes.join(",")
    );
    broker.evaluate(&publish).await
}

/// Every message of the last minute comes again, three times; and some that are much older.
pub(super) async fn duplicates(hand: &mut Hand<'_>) -> Result<(), String> {
    let broker = broker(hand)?;
    let hex = "SELECT execution_id, attempt, worker_id, encode(incarnation, 'hex') FROM execution_attempt";
    let recent = format!("{hex} ORDER BY assigned_at DESC LIMIT 40");
    let old = format!("{hex} ORDER BY assigned_at LIMIT 10");
    let mut sent = 0;
    for statement in [recent, old] {
        for row in hand.rows(&statement).await? {
            let [execution, attempt, worker, incarnation] = row.as_slice() else { continue };
            let body = format!(
                "{{\"version\":1,\"message_id\":\"{execution}.{attempt}\",\"occurred_at\":\"2020-01-01T00:00:00.000Z\",\
                 \"type\":\"execution.scheduled\",\"payload\":{{\"execution\":{execution},\"attempt\":{attempt},\
                 \"worker\":{worker},\"incarnation\":\"{incarnation}\"}}}}"
            );
            for _ in 0..3 {
                publish(broker, &format!("execution.scheduled.worker.{worker}"), &body).await;
                sent += 1;
            }
        }
    }
    hand.note("messages sent again", f64::from(sent));
    Ok(())
}

/// What cannot be read, what is far too large, and what was never assigned.
pub(super) async fn garbage(hand: &mut Hand<'_>) -> Result<(), String> {
    let broker = broker(hand)?;
    let workers = hand.rows("SELECT id, encode(incarnation, 'hex') FROM worker").await?;
    let times = if hand.stage.settings.workers > 0 { 12 } else { 0 };
    for number in 0..times {
        for row in &workers {
            let [worker, incarnation] = row.as_slice() else { continue };
            let body = match number % 4 {
                0 => "\u{0}\u{1} this is no message".to_owned(),
                1 => "{\"version\":1,\"type\":\"execution.".to_owned() + &"x".repeat(20_000),
                2 => "{\"version\":99,\"type\":\"what\",\"payload\":{}}".to_owned(),
                _ => format!(
                    "{{\"version\":1,\"message_id\":\"f\",\"occurred_at\":\"2020-01-01T00:00:00.000Z\",\
                     \"type\":\"execution.scheduled\",\"payload\":{{\"execution\":{},\"attempt\":1,\"worker\":{worker},\
                     \"incarnation\":\"{incarnation}\"}}}}",
                    900_000 + number
                ),
            };
            publish(broker, &format!("execution.scheduled.worker.{worker}"), &body).await;
        }
    }
    Ok(())
}

/// Whoever holds a message for ten seconds without acknowledging it loses his channel.
pub(super) async fn consumer_timeout(hand: &mut Hand<'_>) -> Result<(), String> {
    let broker = broker(hand)?;
    let _alone = hand.stage.broker_faults.lock().await;
    // Channels read it when they are opened.
    broker.evaluate("application:set_env(rabbit, consumer_timeout, 10000), \"set\"").await;
    broker.close_all_connections().await;
    hand.wait().await;
    broker.evaluate("application:set_env(rabbit, consumer_timeout, 1800000), \"set\"").await;
    let log = broker.node().map(|node| node.control_directory().join("log")).ok_or("the node is not ours")?;
    let mut closed = 0;
    for entry in std::fs::read_dir(log).into_iter().flatten().flatten() {
        let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default()).into_owned();
        closed += text.matches("delivery acknowledgement").count();
    }
    hand.note("channels closed for it", closed as f64);
    if closed == 0 { Ok(()) } else { Err(format!("{closed} channels were closed")) }
}
