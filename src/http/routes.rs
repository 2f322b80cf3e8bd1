//! The routes and what they answer.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use sha2::{Digest as _, Sha256};

use super::read_side::{ALERTS_SHOWN_MAX, ReadSide};
use super::rules::{LoadMode, LoadOutcome, NotAsked};
use crate::limits;
use crate::telemetry::Telemetry;

/// Digits of a hash that name a pack, at least.
const PACK_DIGITS_MIN: usize = 12;

/// What every request may read.
#[derive(Clone)]
pub struct Shared {
    /// Hash of the token: two hashes may be compared in any time without telling the token.
    token: Option<[u8; 32]>,
    read_side: Arc<ReadSide>,
    telemetry: Arc<Telemetry>,
}

impl Shared {
    /// What requests may read, and the token they must show.
    #[must_use]
    pub fn new(token: Option<&str>, read_side: Arc<ReadSide>, telemetry: Arc<Telemetry>) -> Self {
        Self { token: token.map(|token| digest(token.trim())), read_side, telemetry }
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// All routes.
pub fn router(shared: Shared) -> Router {
    let guarded = Router::new()
        .route("/metrics", get(metrics))
        .route("/api/v1/alerts", get(alerts))
        .route("/api/v1/rules", get(rules).post(load_rules))
        .route("/api/v1/rules/shadow", get(shadow))
        .route("/api/v1/status", get(status))
        .route_layer(from_fn_with_state(shared.clone(), authorise));
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .merge(guarded)
        // No request has a body worth the name: whoever sends one is not heard out.
        .layer(DefaultBodyLimit::max(limits::HTTP_BODY_BYTES_MAX))
        .layer(from_fn(bounded))
        .with_state(shared)
}

/// Refuses a request that says that its body is too large, before any of it is read.
async fn bounded(request: Request, next: Next) -> Response {
    let said = request.headers().get(header::CONTENT_LENGTH);
    let length = said.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limits::HTTP_BODY_BYTES_MAX) {
        return (StatusCode::PAYLOAD_TOO_LARGE, "the request is too large\n").into_response();
    }
    next.run(request).await
}

async fn authorise(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let Some(expected) = shared.token else { return next.run(request).await };
    let shown = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if shown.is_some_and(|token| digest(token.trim()) == expected) {
        return next.run(request).await;
    }
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"goshawk\"")];
    (StatusCode::UNAUTHORIZED, challenge, "a bearer token is needed\n").into_response()
}

async fn metrics(State(shared): State<Shared>) -> Response {
    match shared.telemetry.render() {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn ready(State(shared): State<Shared>) -> Response {
    let is_ready = shared.read_side.phase().is_ready();
    let code = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, format!("{}\n", shared.read_side.readiness())).into_response()
}

/// Which alerts.
#[derive(serde::Deserialize)]
struct Page {
    limit: Option<usize>,
    before: Option<u64>,
}

async fn alerts(State(shared): State<Shared>, Query(page): Query<Page>) -> Response {
    let limit = page.limit.unwrap_or(50).min(ALERTS_SHOWN_MAX);
    Json(shared.read_side.alerts(page.before, limit)).into_response()
}

async fn status(State(shared): State<Shared>) -> Response {
    Json(shared.read_side.status(shared.telemetry.reconciliation_difference())).into_response()
}

async fn rules(State(shared): State<Shared>) -> Response {
    match shared.read_side.rules.shown() {
        Some(shown) => Json(shown).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "no step has been judged yet\n").into_response(),
    }
}

async fn shadow(State(shared): State<Shared>) -> Response {
    match shared.read_side.rules.shadow() {
        Some(shown) => Json(shown).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "no step has been judged yet\n").into_response(),
    }
}

/// Which change.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    mode: Option<String>,
    who: Option<String>,
    pack: Option<String>,
}

impl Change {
    /// What is asked for and by whom, or what is wrong with that.
    fn read(self) -> Result<(LoadMode, String), String> {
        let Self { mode, who, pack } = self;
        let who = who.ok_or("who=NAME is needed, for the record")?;
        let chars = who.chars().count();
        if who.trim().is_empty() || chars > limits::WHO_CHARS_MAX || who.contains(char::is_control)
        {
            return Err(format!("who: a name of 1 to {} characters", limits::WHO_CHARS_MAX));
        }
        let mode = match (mode.as_deref(), pack) {
            (None | Some("live"), None) => LoadMode::Live,
            (Some("shadow"), None) => LoadMode::Shadow,
            (Some("promote"), Some(pack)) => {
                if pack.len() < PACK_DIGITS_MIN || !pack.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(format!("pack: {PACK_DIGITS_MIN} digits of its hash or more"));
                }
                LoadMode::Promote { pack: pack.to_ascii_lowercase() }
            }
            (Some("promote"), None) => {
                return Err("a promotion needs pack=HASH: that of the pack on trial".to_owned());
            }
            (Some("live" | "shadow") | None, Some(_)) => {
                return Err("pack belongs to mode=promote".to_owned());
            }
            (Some(other), _) => {
                return Err(format!("mode={other:?} is none of live, shadow, promote"));
            }
        };
        Ok((mode, who))
    }
}

/// Has the folders read now, or the pack on trial come into force. Whoever may change rules must be
/// known, so that without a token in the configuration nobody may.
async fn load_rules(State(shared): State<Shared>, Query(change): Query<Change>) -> Response {
    if shared.token.is_none() {
        let text = "changing rules needs a token: set http.token_file\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let unavailable = |text| (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    let (mode, who) = match change.read() {
        Ok(read) => read,
        Err(problem) => return (StatusCode::BAD_REQUEST, format!("{problem}\n")).into_response(),
    };
    let answered = match shared.read_side.rules.ask(mode, Some(who)) {
        Ok(answered) => answered,
        Err(NotAsked::Closed) => return unavailable("this process does not score now\n"),
        Err(NotAsked::Busy) => return unavailable("others are being answered; try again\n"),
    };
    let Ok(answer) = answered.await else {
        return unavailable("the process is stopping\n");
    };
    let code = match answer.outcome {
        LoadOutcome::Accepted => StatusCode::ACCEPTED,
        LoadOutcome::Unchanged => StatusCode::OK,
        LoadOutcome::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        LoadOutcome::Unsettled => StatusCode::CONFLICT,
    };
    (code, Json(answer)).into_response()
}
