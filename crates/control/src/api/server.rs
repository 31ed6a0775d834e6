//! The listening socket as a supervised actor.
//!
//! Owns the running server. The socket itself was opened before the tree started and outlives this actor, so a restart
//! refuses no connection: those that come meanwhile wait in the socket's backlog.

use std::net::TcpListener;
use std::time::Duration;

use actix::prelude::*;
use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, middleware, web};
use attune_supervise::{Drain, Life};
use tokio::sync::watch;

use super::state::ApiState;
use super::{gate, routes};

/// How long requests have to finish when the server stops, in seconds.
const GRACE_SECONDS: u64 = 10;

#[derive(Debug)]
struct Ended {
    life: u64,
    reason: String,
}

impl Message for Ended {
    type Result = ();
}

enum State {
    Closed,
    Open(ServerHandle),
    Draining,
}

/// The actor.
pub(crate) struct ApiServer {
    api: ApiState,
    listener: TcpListener,
    stopping: watch::Sender<bool>,
    threads: usize,
    life: Life<Self>,
    state: State,
}

impl ApiServer {
    pub(crate) fn new(
        api: ApiState,
        listener: TcpListener,
        stopping: watch::Sender<bool>,
        threads: usize,
        life: Life<Self>,
    ) -> Self {
        Self { api, listener, stopping, threads, life, state: State::Closed }
    }

    fn open(&mut self, context: &mut Context<Self>) -> std::io::Result<()> {
        let listener = self.listener.try_clone()?;
        let api = web::Data::new(self.api.clone());
        let server = HttpServer::new(move || {
            App::new().app_data(api.clone()).wrap(middleware::from_fn(gate::pass)).configure(routes::configure)
        })
        .workers(self.threads)
        .tcp_nodelay(true)
        .keep_alive(Duration::from_secs(75))
        .client_request_timeout(Duration::from_secs(10))
        .client_disconnect_timeout(Duration::from_secs(2))
        .max_connections(10_000)
        .shutdown_timeout(GRACE_SECONDS)
        .disable_signals()
        .listen(listener)?
        .run();
        self.state = State::Open(server.handle());
        // A task of its own: the server must be polled to hear that it should stop, also when this life ends first.
        let (address, life) = (context.address().downgrade(), self.life.number());
        actix_rt::spawn(async move {
            let reason = match server.await {
                Ok(()) => "the server ended".to_owned(),
                Err(error) => format!("the server ended: {error}"),
            };
            if let Some(address) = address.upgrade() {
                address.do_send(Ended { life, reason });
            }
        });
        Ok(())
    }
}

impl Actor for ApiServer {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        if let Err(error) = self.open(context) {
            self.life.fail(context, format!("the API could not be opened: {error}"));
        }
    }
}

impl Supervised for ApiServer {
    fn restarting(&mut self, _: &mut Self::Context) {
        if let State::Open(server) = std::mem::replace(&mut self.state, State::Closed) {
            // The order is given by the call; only its end would have to be waited for.
            drop(server.stop(false));
        }
    }
}

impl Handler<Ended> for ApiServer {
    type Result = ();

    fn handle(&mut self, ended: Ended, context: &mut Self::Context) {
        if ended.life == self.life.number() && matches!(self.state, State::Open(_)) {
            self.life.fail(context, ended.reason);
        }
    }
}

impl Handler<Drain> for ApiServer {
    type Result = ();

    fn handle(&mut self, _: Drain, context: &mut Self::Context) {
        // Those who wait and those who follow are answered at once; everybody else finishes.
        self.stopping.send_replace(true);
        match std::mem::replace(&mut self.state, State::Draining) {
            State::Open(server) => {
                let stopped = server.stop(true);
                context.spawn(stopped.into_actor(self).map(|(), _, context| context.stop()));
            }
            State::Closed => context.stop(),
            State::Draining => {}
        }
    }
}
