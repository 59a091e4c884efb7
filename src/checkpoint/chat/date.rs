//! The date that templates get: always the same, so that a prompt does not depend on the day.

/// 26 July 2024, midnight, in the form of C's `strftime`. What that does not know stays as it is.
pub(super) fn format(format: &str) -> String {
    let mut text = String::new();
    let mut rest = format;
    while let Some((before, directive)) = rest.split_once('%') {
        text.push_str(before);
        let bare = directive.strip_prefix('-');
        let mut chars = bare.unwrap_or(directive).chars();
        match chars.next().and_then(part) {
            Some(part) => {
                text.push_str(if bare.is_some() { without_zeros(part) } else { part });
                rest = chars.as_str();
            }
            None => {
                text.push('%');
                rest = directive;
            }
        }
    }
    text + rest
}

fn part(directive: char) -> Option<&'static str> {
    Some(match directive {
        'a' => "Fri",
        'A' => "Friday",
        'b' | 'h' => "Jul",
        'B' => "July",
        'c' => "Fri Jul 26 00:00:00 2024",
        'C' => "20",
        'd' | 'e' => "26",
        'D' | 'x' => "07/26/24",
        'f' => "000000",
        'F' => "2024-07-26",
        'g' | 'y' => "24",
        'G' | 'Y' => "2024",
        'H' | 'M' | 'S' => "00",
        'I' => "12",
        'j' => "208",
        'm' => "07",
        'n' => "\n",
        'p' => "AM",
        'R' => "00:00",
        't' => "\t",
        'T' | 'X' => "00:00:00",
        'u' | 'w' => "5",
        'U' => "29",
        'V' | 'W' => "30",
        'z' | 'Z' => "",
        '%' => "%",
        _ => return None,
    })
}

/// A number as `%-d` and the like ask for it.
fn without_zeros(part: &str) -> &str {
    let digits = part.len() - part.trim_start_matches('0').len();
    &part[digits.min(part.len().saturating_sub(1))..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_takes_the_form_that_is_asked_for() {
        for (form, expected) in [
            ("%d %b %Y", "26 Jul 2024"),
            ("%B %-d, %Y", "July 26, 2024"),
            ("%Y-%m-%d %H:%M:%S", "2024-07-26 00:00:00"),
            ("%A %-m/%-H 100%% %Q %", "Friday 7/0 100% %Q %"),
            ("", ""),
        ] {
            assert_eq!(format(form), expected);
        }
    }
}
