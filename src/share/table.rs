//! A table for a paper or a README.

/// What stands for a character in LaTeX's text.
fn latex_char(c: char) -> String {
    match c {
        '&' | '%' | '$' | '#' | '_' | '{' | '}' => format!("\\{c}"),
        '~' => "\\textasciitilde{}".into(),
        '^' => "\\textasciicircum{}".into(),
        '\\' => "\\textbackslash{}".into(),
        '±' => "$\\pm$".into(),
        '×' => "$\\times$".into(),
        '–' => "--".into(),
        '−' => "$-$".into(),
        '<' => "$<$".into(),
        '>' => "$>$".into(),
        '\n' => " ".into(),
        c => c.to_string(),
    }
}

/// Rows of cells, the first of them the head, as LaTeX (booktabs), and what stands `below`.
pub fn latex(rows: &[Vec<String>], below: &str) -> String {
    let escaped = |text: &str| text.trim().chars().map(latex_char).collect::<String>();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
        format!("{} \\\\\n", cells.join(" & "))
    };
    let Some((head, rest)) = rows.split_first() else { return String::new() };
    let columns = format!("l{}", "r".repeat(head.len().saturating_sub(1)));
    let body: String = rest.iter().map(line).collect();
    format!(
        "\\begin{{tabular}}{{{columns}}}\n\\toprule\n{}\\midrule\n{body}\\bottomrule\n\\end{{tabular}}\n\n{}\n",
        line(head),
        escaped(below)
    )
}

/// The same as Markdown.
pub fn markdown(rows: &[Vec<String>], below: &str) -> String {
    let line = |row: &Vec<String>| {
        let cells = row.iter().map(|c| c.trim().replace('\\', "\\\\").replace('|', "\\|").replace('\n', " "));
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let Some((head, rest)) = rows.split_first() else { return String::new() };
    let rule = format!("|{}\n", "---|".repeat(head.len()));
    format!("{}{rule}{}\n{}\n", line(head), rest.iter().map(line).collect::<String>(), below.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_the_language_is_escaped() {
        let rows = [["pair", "p"], ["a_b & 50 % | \\x", "0.1 ± 0.2"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            markdown(&rows, "Holds."),
            "| pair | p |\n|---|---|\n| a_b & 50 % \\| \\\\x | 0.1 ± 0.2 |\n\nHolds.\n"
        );
        let tex = latex(&rows, "Holds: 50 %.");
        assert!(tex.ends_with("\\end{tabular}\n\nHolds: 50 \\%.\n"), "{tex}");
        assert!(tex.contains("a\\_b \\& 50 \\% | \\textbackslash{}x & 0.1 $\\pm$ 0.2 \\\\\n"), "{tex}");
        assert!(tex.starts_with("\\begin{tabular}{lr}"));
        assert_eq!(latex(&[], ""), "");
    }
}
