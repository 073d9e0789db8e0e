//! Meeting tokens: who somebody is in a room, until when, and what they may. Daily makes them, or they are signed here
//! with the API key, in the short names of its claims. A token without a room or an end must never be made.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, errors};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What a token says. Serialised, it is what Daily's own endpoint takes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Token {
    pub room_name: String,
    /// Unix time, s.
    pub exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    pub is_owner: bool,
    pub user_name: String,
    /// What is kept when somebody leaves and comes again.
    pub user_id: String,
    /// Whoever is still there at its end is sent out.
    pub eject_at_token_exp: bool,
    pub start_video_off: bool,
    pub start_audio_off: bool,
}

impl Token {
    /// Signs it as Daily would.
    pub(super) fn sign(&self, key: &str, domain_id: &str, issued_at_s: i64) -> Result<String, errors::Error> {
        let Self { room_name, exp, nbf, is_owner, user_name, user_id, .. } = self;
        let mut claims = Map::from_iter([
            ("r".to_owned(), json!(room_name)),
            ("d".to_owned(), json!(domain_id)),
            ("iat".to_owned(), json!(issued_at_s)),
            ("exp".to_owned(), json!(exp)),
            ("u".to_owned(), json!(user_name)),
            ("ud".to_owned(), json!(user_id)),
        ]);
        claims.extend(nbf.map(|nbf| ("nbf".to_owned(), json!(nbf))));
        let flags = [
            ("o", *is_owner),
            ("ejt", self.eject_at_token_exp),
            ("vo", self.start_video_off),
            ("ao", self.start_audio_off),
        ];
        claims.extend(flags.into_iter().filter(|(_, set)| *set).map(|(name, _)| (name.to_owned(), Value::Bool(true))));
        encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(key.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation, decode};

    #[test]
    fn a_token_is_signed_in_the_short_names() {
        let token = Token {
            room_name: "vivavoce-1".into(),
            exp: 4_000_000_000,
            nbf: None,
            is_owner: true,
            user_name: "Interviewer".into(),
            user_id: "vivavoce".into(),
            eject_at_token_exp: true,
            start_video_off: true,
            start_audio_off: false,
        };
        let signed = token.sign("key", "domain", 1_700_000_000).expect("signed");
        let key = DecodingKey::from_secret(b"key");
        let read = decode::<Value>(&signed, &key, &Validation::new(Algorithm::HS256)).expect("by our key");
        let expected = json!({"r": "vivavoce-1", "d": "domain", "iat": 1_700_000_000, "exp": 4_000_000_000_i64,
            "u": "Interviewer", "ud": "vivavoce", "o": true, "ejt": true, "vo": true});
        assert_eq!(read.claims, expected);
        let other = DecodingKey::from_secret(b"other");
        assert!(decode::<Value>(&signed, &other, &Validation::new(Algorithm::HS256)).is_err());
    }
}
