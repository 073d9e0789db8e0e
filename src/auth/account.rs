//! What names, addresses and passwords of accounts look like. Must never look anything up.

use super::password;

/// Longest username, characters.
pub const USERNAME_CHARS_MAX: usize = 64;
/// Longest e-mail address, characters (RFC 5321).
pub const EMAIL_CHARS_MAX: usize = 254;
/// Longest full name, characters.
pub const FULL_NAME_CHARS_MAX: usize = 200;
/// Longest address of a picture, characters.
pub const AVATAR_URL_CHARS_MAX: usize = 500;

/// A name to log in by: letters, digits, dot, dash, underscore; begins with a letter or digit. No `@`, so that it is never
/// taken for an address.
pub fn username(text: &str) -> Result<String, String> {
    let text = text.trim();
    let count = text.chars().count();
    let is_fit = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if !(2..=USERNAME_CHARS_MAX).contains(&count) {
        return Err(format!("A username has 2 to {USERNAME_CHARS_MAX} characters."));
    }
    if !is_fit || !text.starts_with(char::is_alphanumeric) {
        return Err("A username is made of letters, digits, dots, dashes and underscores.".to_owned());
    }
    Ok(text.to_owned())
}

/// An e-mail address, by its form alone.
pub fn email(text: &str) -> Result<String, String> {
    let text = text.trim();
    let parts = text.rsplit_once('@');
    let is_fit = parts.is_some_and(|(local, domain)| {
        let plain = |part: &str| !part.is_empty() && part.chars().all(|c| !c.is_control() && !c.is_whitespace());
        plain(local)
            && plain(domain)
            && !local.contains('@')
            && domain.contains('.')
            && domain.split('.').all(|label| !label.is_empty())
    });
    if !is_fit || text.chars().count() > EMAIL_CHARS_MAX {
        return Err("This is not an e-mail address.".to_owned());
    }
    Ok(text.to_owned())
}

/// A full name: one line, may be empty.
pub fn full_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.chars().count() > FULL_NAME_CHARS_MAX {
        return Err(format!("A name has at most {FULL_NAME_CHARS_MAX} characters."));
    }
    if text.chars().any(char::is_control) {
        return Err("Control characters are not text.".to_owned());
    }
    Ok(text.to_owned())
}

/// Address of a picture: https, nothing that a page would run.
pub fn avatar_url(text: &str) -> Result<String, String> {
    let is_fit = text.starts_with("https://")
        && text.len() > "https://".len()
        && text.chars().count() <= AVATAR_URL_CHARS_MAX
        && text.chars().all(|c| !c.is_control() && !c.is_whitespace() && !matches!(c, '"' | '<' | '>'));
    if is_fit { Ok(text.to_owned()) } else { Err("The picture's address begins with https://.".to_owned()) }
}

/// A password that may be chosen: long enough, and not the name or the address over again.
pub fn new_password(text: &str, username: &str, email: &str) -> Result<(), String> {
    let (min, max) = (password::CHARS_MIN, password::CHARS_MAX);
    if !(min..=max).contains(&text.chars().count()) {
        return Err(format!("A password has {min} to {max} characters."));
    }
    let lower = text.to_lowercase();
    let says_little = lower == username.to_lowercase() || lower == email.to_lowercase();
    let first = text.chars().next();
    if says_little || text.chars().all(|c| Some(c) == first) {
        return Err("This password is the first that would be tried; choose another.".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        for good in ["ada", "Ada.Lovelace-1", "олена", "a_b"] {
            assert_eq!(username(&format!(" {good} ")), Ok(good.to_owned()));
        }
        for bad in ["", "a", "a b", "a@b", ".ada", "a\0b", &"x".repeat(65)] {
            assert!(username(bad).is_err(), "{bad}");
        }
        for good in ["a@b.c", "Ada+x@mail.example.org", "оля@приклад.укр"] {
            assert_eq!(email(good), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "a",
            "@b.c",
            "a@",
            "a@b",
            "a@b..c",
            "a@b@c.d",
            "a b@c.d",
            "a@b.c\0",
            &format!("{}@b.c", "x".repeat(252)),
        ] {
            assert!(email(bad).is_err(), "{bad}");
        }
        assert!(avatar_url("https://example.org/a.png").is_ok());
        for bad in ["", "https://", "http://example.org/a", "javascript:alert(1)", "https://a b", "data:x"] {
            assert!(avatar_url(bad).is_err(), "{bad}");
        }
        assert!(full_name("Ada\nLovelace").is_err() && full_name(" Ada ") == Ok("Ada".to_owned()));
    }

    #[test]
    fn a_password_must_say_something() {
        assert_eq!(new_password("correct horse", "ada", "ada@example.org"), Ok(()));
        for bad in ["short", "ada@Example.org", "aaaaaaaaaaaa", &"ab".repeat(65)] {
            assert!(new_password(bad, "ada", "ada@example.org").is_err(), "{bad}");
        }
        assert!(new_password("Ada-Lovelace", "ada-lovelace", "a@b.c").is_err());
    }
}
