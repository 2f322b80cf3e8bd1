//! HTTP: metrics, health, and a read-only view of recent alerts, from a read side that the engine's
//! results feed and never from engine state.
//!
//! - `GET /metrics`: Prometheus text format
//! - `GET /healthz`: 200 while the process answers
//! - `GET /readyz`: 200 while it scores, else 503; the body says what it is doing
//! - `GET /api/v1/alerts?limit=N&before=SEQUENCE`: recent alerts as published, newest first
//! - `GET /api/v1/rules`: the rules in force, since when, and what brought them
//! - `GET /api/v1/rules/shadow`: how rules on trial compare with those in force
//! - `POST /api/v1/rules`: reads the rule folders now (`?mode=shadow`: those of the pack on trial;
//!   `?mode=promote`: puts that pack in force); needs a token, whatever the address
//! - `GET /api/v1/status`: what the process is doing, with counts
//!
//! It listens on loopback unless told otherwise; any other address needs a token, sent as
//! `Authorization: Bearer …`, for everything but the two health paths, which say nothing of
//! anybody. The server has a thread and a runtime of its own, so that a slow reader never holds up
//! the engine.

pub mod read_side;
mod routes;
pub mod rules;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::telemetry::Telemetry;
use crate::telemetry::event::HttpListening;
use read_side::ReadSide;
use routes::Shared;

pub use routes::router;

/// How long open requests may take once the server stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Where and for whom HTTP is served.
#[derive(Clone)]
pub struct HttpConfig {
    /// Address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Token that callers must send; needed unless `listen` is a loopback address.
    pub token: Option<String>,
}

impl std::fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let token = if self.token.is_some() { "set" } else { "none" };
        f.debug_struct("HttpConfig").field("listen", &self.listen).field("token", &token).finish()
    }
}

/// Why HTTP cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Anybody on the network could read alerts.
    #[error("http listens on {listen}, which is not loopback: set a token, or listen on 127.0.0.1")]
    TokenNeeded {
        /// The address.
        listen: SocketAddr,
    },
    /// An empty token lets everybody in.
    #[error("the http token is empty")]
    TokenEmpty,
    /// The address is taken, or not ours.
    #[error("cannot listen on {listen}: {cause}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the system said.
        cause: std::io::Error,
    },
    /// No thread or runtime could be had.
    #[error("cannot start the http thread: {0}")]
    Thread(std::io::Error),
}

/// A running server. Dropping it stops it; [`HttpServer::stop`] also waits for open requests.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Binds and serves.
    ///
    /// # Errors
    /// [`HttpError`], before anything is served.
    pub fn start(
        config: &HttpConfig,
        read_side: Arc<ReadSide>,
        telemetry: Arc<Telemetry>,
    ) -> Result<Self, HttpError> {
        match &config.token {
            None if !config.listen.ip().is_loopback() => {
                return Err(HttpError::TokenNeeded { listen: config.listen });
            }
            Some(token) if token.trim().is_empty() => return Err(HttpError::TokenEmpty),
            _ => {}
        }
        let cannot = |cause| HttpError::Listen { listen: config.listen, cause };
        let listener = std::net::TcpListener::bind(config.listen).map_err(cannot)?;
        listener.set_nonblocking(true).map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("goshawk-http")
            .enable_io()
            .enable_time()
            .build()
            .map_err(HttpError::Thread)?;
        telemetry.emit(HttpListening(address));
        let app = router(Shared::new(config.token.as_deref(), read_side, telemetry));
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new()
            .name("goshawk-http".to_owned())
            .spawn(move || {
                runtime.block_on(serve(listener, app, stopped));
                runtime.shutdown_timeout(Duration::from_millis(100));
            })
            .map_err(HttpError::Thread)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, lets open ones end (five seconds at most), and returns.
    pub fn stop(mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in a request has been reported by its thread; stopping goes on.
            let _ = thread.join();
        }
    }
}

async fn serve(listener: std::net::TcpListener, app: axum::Router, stopped: oneshot::Receiver<()>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let (drain, draining) = oneshot::channel::<()>();
    let served = axum::serve(listener, app).with_graceful_shutdown(async move {
        // Sent or dropped, both mean stop.
        let _ = stopped.await;
        drop(drain);
    });
    tokio::select! {
        // An accept error ends only the listener; health checks will tell.
        _ = served => {}
        () = async { let _ = draining.await; tokio::time::sleep(DRAIN).await } => {}
    }
}
