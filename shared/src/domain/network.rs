//! Which addresses are likely to be one and the same somebody.

use std::net::IpAddr;

/// What one caller can have many of: a /24 of IPv4, a /48 of IPv6. Callers without an address are
/// one neighbourhood, since nobody knows which.
pub fn neighbourhood(source: Option<IpAddr>) -> String {
    match source.map(|ip| ip.to_canonical()) {
        Some(IpAddr::V4(ip)) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Some(IpAddr::V6(ip)) => {
            let [a, b, c, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
        None => "nowhere".to_owned(),
    }
}

/// What is one line to the internet: an address of IPv4, a /64 of IPv6.
pub fn line(source: IpAddr) -> String {
    match source.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Whether a caller sits at the machine that the service runs on. API Gateway reports nobody so, and
/// a developer's own machine everybody.
pub fn is_this_machine(source: IpAddr) -> bool {
    source.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one() {
        let of = |ip: &str| neighbourhood(ip.parse().ok());
        assert_eq!(of("203.0.113.7"), of("203.0.113.250"));
        assert_eq!(of("203.0.113.7"), of("::ffff:203.0.113.9"));
        assert_ne!(of("203.0.113.7"), of("203.0.114.7"));
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:ffff:1:2:3:4"));
        assert_ne!(of("2001:db8:1::"), of("2001:db8:2::"));
        assert_eq!(of(""), of("unknown"));
    }

    #[test]
    fn a_line_is_an_address_or_a_64() {
        let of = |ip: &str| line(ip.parse().unwrap());
        assert_ne!(of("203.0.113.7"), of("203.0.113.8"));
        assert_eq!(of("203.0.113.7"), of("::ffff:203.0.113.7"));
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:2:ffff::"));
        assert_ne!(of("2001:db8:1:2::3"), of("2001:db8:1:3::3"));
    }
}
