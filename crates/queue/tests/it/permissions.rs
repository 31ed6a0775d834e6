//! What the user of one worker may do at the broker (docs/security-setup.md), tried on a real one.

use attune_queue::{ConnectOptions, connect};
use attune_types::WorkerId;
use attune_types::message::{EXCHANGE, PARKING_QUEUE, scheduled_key, worker_queue};
use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions,
    QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use crate::brokers::{Broker, Rabbit};
use crate::words::*;

/// The permissions of `docs/security-setup.md` for the worker with this id.
fn permissions(worker: i64) -> [String; 4] {
    [
        format!(r"^(attune\\.executions|attune\\.parking|worker\\.{worker}\\.executions)$"),
        format!(r"^(amq\\.default|worker\\.{worker}\\.executions)$"),
        format!(r"^(attune\\.executions|worker\\.{worker}\\.executions)$"),
        format!(r"^execution\\.(scheduled|cancel)\\.worker\\.{worker}$"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workers_user_reaches_its_own_queue_alone() {
    let rabbit = Rabbit::start().await;
    let vhost = rabbit.broker.vhost();
    let user = format!("worker-of-{vhost}");
    let [configure, write, read, topics] = permissions(7);
    let said = rabbit
        .broker
        .evaluate(&format!(
            "User = <<\"{user}\">>, Host = <<\"{vhost}\">>, \
             rabbit_auth_backend_internal:add_user(User, <<\"w0rker\">>, <<\"test\">>), \
             rabbit_auth_backend_internal:set_permissions(User, Host, <<\"{configure}\">>, <<\"{write}\">>, <<\"{read}\">>, <<\"test\">>), \
             rabbit_auth_backend_internal:set_topic_permissions(User, Host, <<\"{EXCHANGE}\">>, <<\"^$\">>, <<\"{topics}\">>, <<\"test\">>), \
             \"made\""
        ))
        .await;
    assert_eq!(said, "made");
    let url = rabbit.broker.url();
    let (begin, end) = (url.find("://").expect("a URL") + 3, url.find('@').expect("with a user"));
    let url = format!("{}{user}:w0rker{}", &url[..begin], &url[end..]);

    // What a worker does, as it is.
    let own = connect(&url, ConnectOptions { name: "w7".into(), ..ConnectOptions::default() }).await.expect("connects");
    let link = consuming(&own, 7, 10).await;
    let _other = consuming(&rabbit.queue, 8, 10).await;
    publish_for_certain(&rabbit.queue, &[order(7, 1)]).await;
    receive_all(&link, 1..2).await;

    // What it does not.
    let thief = Connection::connect(&url, ConnectionProperties::default()).await.expect("connects");
    let theirs = worker_queue(WorkerId(8));
    let table = FieldTable::default;
    for attack in 0..8 {
        let channel: Channel = thief.create_channel().await.expect("opens");
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("is confirmed");
        let queue = || theirs.as_str().into();
        let key = scheduled_key(WorkerId(8));
        let refused = match attack {
            0 => channel.basic_consume(queue(), "".into(), BasicConsumeOptions::default(), table()).await.err(),
            1 => channel.basic_get(queue(), BasicGetOptions { no_ack: true }).await.err(),
            2 => channel.queue_purge(queue(), QueuePurgeOptions::default()).await.err(),
            3 => channel.queue_delete(queue(), QueueDeleteOptions::default()).await.err(),
            4 => {
                channel.queue_declare("worker.9.executions".into(), QueueDeclareOptions::default(), table()).await.err()
            }
            5 => {
                let mine = worker_queue(WorkerId(7));
                let options = QueueBindOptions::default();
                channel
                    .queue_bind(mine.as_str().into(), EXCHANGE.into(), key.as_str().into(), options, table())
                    .await
                    .err()
            }
            6 => channel.basic_get(PARKING_QUEUE.into(), BasicGetOptions { no_ack: true }).await.err(),
            _ => {
                let options = BasicPublishOptions::default();
                let sent = channel.basic_publish(
                    EXCHANGE.into(),
                    key.as_str().into(),
                    options,
                    b"forged",
                    BasicProperties::default(),
                );
                match sent.await {
                    Ok(confirm) => confirm.await.err(),
                    Err(error) => Some(error),
                }
            }
        };
        let refused = refused.unwrap_or_else(|| panic!("attack {attack} is refused")).to_string();
        assert!(refused.contains("ACCESS_REFUSED") || refused.contains("ACCESS-REFUSED"), "attack {attack}: {refused}");
    }
    thief.close(200, "OK".into()).await.expect("closes");
    link.close().await;
    own.close().await;
    let gone = format!("rabbit_auth_backend_internal:delete_user(<<\"{user}\">>, <<\"test\">>), \"gone\"");
    assert_eq!(rabbit.broker.evaluate(&gone).await, "gone");
    rabbit.finish().await;
}
