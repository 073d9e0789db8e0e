//! Which addresses a webhook may have. Whoever may add a webhook must not make this server ask what only the server can
//! reach: addresses are judged when they are given, and again by what their names resolve to, at each connection.

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Longest address of a receiver, characters.
pub const URL_CHARS_MAX: usize = 2_000;

/// An address that a webhook may have; else what is wrong with it.
pub fn check(text: &str, allow_private: bool) -> Result<Url, String> {
    if text.chars().count() > URL_CHARS_MAX {
        return Err(format!("An address has at most {URL_CHARS_MAX} characters."));
    }
    let url = Url::parse(text).map_err(|_| "This is not an address.".to_owned())?;
    if url.scheme() != "https" && !(url.scheme() == "http" && allow_private) {
        return Err("The address begins with https://.".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("The address must not hold a name or a password.".to_owned());
    }
    if literal(&url).is_some_and(|address| !allow_private && !is_public(address)) {
        return Err("Private addresses are not told of anything here.".to_owned());
    }
    if url.host_str().is_none_or(|host| !allow_private && is_local_name(host)) {
        return Err("The address must name a server that others reach.".to_owned());
    }
    Ok(url)
}

/// The address that stands in place of a name, which no resolver is asked for.
fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_local_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || [".localhost", ".local", ".internal"].iter().any(|end| host.ends_with(end))
}

/// Whether everybody on the Internet means the same by it.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    let is_special = v4.is_private()
        || v4.is_loopback()
        || v4.is_link_local()
        || v4.is_documentation()
        // "This" network, carriers' address translation, protocol assignments, old relays, benchmarks, multicast and above.
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b))
        || a >= 224;
    !is_special
}

fn is_public_v6(v6: Ipv6Addr) -> bool {
    let [a, b, ..] = v6.segments();
    // Only 2000::/3 is handed out; within it: documentation, and what carries an IPv4 address that may be private
    // (Teredo, 6to4).
    let is_special = (a == 0x2001 && (b == 0x0db8 || b < 0x0200)) || a == 0x2002 || a == 0x3fff;
    a & 0xe000 == 0x2000 && !is_special
}

/// Resolves names to public addresses alone (or to any, where that is allowed).
#[derive(Clone, Copy, Debug)]
pub struct Resolver {
    pub allow_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.filter(|address| allow_private || is_public(address.ip())).collect();
            if found.is_empty() {
                return Err("the name has no public address".into());
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_told_from_public_ones() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "203.0.113.1",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "fec0::1",
        ] {
            assert!(!is_public(private.parse().expect("address")), "{private}");
        }
        for public in ["8.8.8.8", "1.1.1.1", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"] {
            assert!(is_public(public.parse().expect("address")), "{public}");
        }
    }

    #[test]
    fn an_address_is_https_and_of_somebody_else() {
        for good in ["https://example.org/hook", "https://example.org:8443/?a=b", "https://8.8.8.8/"] {
            assert!(check(good, false).is_ok(), "{good}");
        }
        for bad in [
            "",
            "example.org",
            "http://example.org/",
            "ftp://example.org",
            "file:///etc/passwd",
            "https://a:b@example.org",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://db.internal/",
            "https://a.localhost/",
            &format!("https://example.org/{}", "x".repeat(2_000)),
        ] {
            assert!(check(bad, false).is_err(), "{bad}");
        }
        assert!(check("http://127.0.0.1:9/hook", true).is_ok());
        assert!(check("ftp://127.0.0.1/", true).is_err());
    }
}
