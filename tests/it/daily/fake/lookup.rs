//! The look-up of a room, as Daily's servers answer it.

use super::{Hall, log};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

pub async fn check(
    State(hall): State<Hall>,
    Path((host, domain, room)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    log(&format!("look-up at {host} of {domain}/{room}: {headers:?}"));
    let mut state = hall.state();
    state.lookups += 1;
    if let Some((status, body)) = state.lookup.get(&room).or(state.lookup_for_all.as_ref()) {
        return (StatusCode::from_u16(*status).expect("a status"), Json(body.clone()));
    }
    let token = headers.get("x-dailyjointoken").and_then(|token| token.to_str().ok()).unwrap_or_default();
    if let Some(key) = state.private.get(&room)
        && !is_signed(token, key, &room)
    {
        return (StatusCode::OK, Json(json!({ "error": "not allowed" })));
    }
    let claims = claims(token).unwrap_or_default();
    let mut join = json!({ "o": claims["o"] == true, "u": claims["u"], "ud": claims["ud"] });
    for from in [Some(&claims), state.join_props.get(&room)].into_iter().flatten() {
        for key in ["exp", "ejt", "eje"] {
            if !from[key].is_null() {
                join[key] = from[key].clone();
            }
        }
    }
    let room_props = state.join_props.get(&room).map_or(json!({}), |props| props["room"].clone());
    let answer = json!({
        "sigAuthz": "authorised",
        "roomName": room,
        "roomId": format!("id-of-{room}"),
        "iceConfig": { "iceServers": [] },
        "domainProps": {
            "api_plan_id": "free", "enable_terse_logging": true, "hipaa": false, "max_live_streams": 1,
            "max_streaming_instances_per_room": 1, "max_cam_streams": 10, "domain_id": "domain-id",
        },
        "roomProps": if room_props.is_object() { room_props } else { json!({}) },
        "joinProps": join,
        "permissions": { "hasPresence": true, "canSend": true, "canReceive": { "base": true }, "canAdmin": true },
        "worker": {
            "workerId": "w1", "dnsName": "w1.wss.daily.co", "group": "g", "env": "test",
            "wssUri": "wss://w1.wss.daily.co:443", "sigGroupTs": 1,
        },
    });
    (StatusCode::OK, Json(answer))
}

pub async fn ice() -> Json<Value> {
    Json(json!({ "iceConfig": { "iceServers": [] } }))
}

fn is_signed(token: &str, key: &str, room: &str) -> bool {
    let key = DecodingKey::from_secret(key.as_bytes());
    decode::<Value>(token, &key, &Validation::new(Algorithm::HS256)).is_ok_and(|token| token.claims["r"] == room)
}

/// What a token says, unchecked.
pub fn claims(token: &str) -> Option<Value> {
    let body = token.split('.').nth(1)?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(body).ok()?).ok()
}
