//! Numbers as people read them.

/// "98 MB".
pub fn bytes(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{:.0} kB", n as f64 / 1e3),
        1_000_000..10_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        10_000_000..1_000_000_000 => format!("{:.0} MB", n as f64 / 1e6),
        _ => format!("{:.2} GB", n as f64 / 1e9),
    }
}

/// "0.4 s", "2 min 5 s".
pub fn seconds(s: f64) -> String {
    match s {
        s if s < 9.95 => format!("{s:.1} s"),
        s if s < 59.5 => format!("{s:.0} s"),
        s => {
            let whole = s.round() as u64;
            format!("{} min {} s", whole / 60, whole % 60)
        }
    }
}

/// "20 s", "3 min": an estimate, with no more digits than it deserves.
pub fn about(s: f64) -> String {
    match s {
        s if s < 0.95 => "a second".into(),
        s if s < 9.5 => format!("{s:.0} s"),
        s if s < 95.0 => format!("{:.0} s", (s / 5.0).round() * 5.0),
        s if s < 3600.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h", (s / 3600.0).max(1.0)),
    }
}

/// "131,072".
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1 pair", "2,000 pairs".
pub fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", thousands(n as u64), if n == 1 { one } else { many })
}

/// "135 M".
pub fn count(n: u64) -> String {
    match n {
        0..1_000_000 => format!("{:.0} k", n as f64 / 1e3),
        1_000_000..10_000_000 => format!("{:.1} M", n as f64 / 1e6),
        10_000_000..1_000_000_000 => format!("{:.0} M", n as f64 / 1e6),
        _ => format!("{:.1} B", n as f64 / 1e9),
    }
}

/// A signed value with as many digits as it deserves.
pub fn signed(v: f32) -> String {
    let digits = match v.abs() {
        a if a >= 0.1 => 3,
        a if a >= 0.001 => 4,
        a if a > 0.0 => return format!("{v:+.1e}"),
        _ => return "0".into(),
    };
    format!("{v:+.digits$}")
}

/// "37 %", of a number from 0 to 1.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_counts_have_their_units() {
        assert_eq!([0, 999, 1_000, 1_500_000, 98_000_000].map(bytes), ["0 B", "999 B", "1 kB", "1.5 MB", "98 MB"]);
        assert_eq!(bytes(1_240_000_000), "1.24 GB");
        assert_eq!([15_000, 2_500_000, 135_000_000, 1_200_000_000].map(count), ["15 k", "2.5 M", "135 M", "1.2 B"]);
        assert_eq!([7, 999, 1_000, 131_072].map(thousands), ["7", "999", "1,000", "131,072"]);
        assert_eq!(percent(0.371), "37 %");
    }

    #[test]
    fn times_never_count_to_sixty_seconds() {
        assert_eq!([0.44, 9.96, 59.4, 59.9, 125.0].map(seconds), ["0.4 s", "10 s", "59 s", "1 min 0 s", "2 min 5 s"]);
        assert_eq!(seconds(119.7), "2 min 0 s");
        assert_eq!([0.3, 4.4, 22.0, 200.0, 5_000.0].map(about), ["a second", "4 s", "20 s", "3 min", "1 h"]);
    }

    #[test]
    fn one_is_one_and_all_others_are_many() {
        let of = |n| counted(n, "pair", "pairs");
        assert_eq!([0, 1, 2, 2_000].map(of), ["0 pairs", "1 pair", "2 pairs", "2,000 pairs"]);
    }

    #[test]
    fn small_values_keep_their_digits() {
        assert_eq!([0.25, -0.0123, 0.0, 4e-5].map(signed), ["+0.250", "-0.0123", "0", "+4.0e-5"]);
    }
}
