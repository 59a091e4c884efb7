//! Tables as CSV.

/// Rows of fields as CSV (RFC 4180). A field that a spreadsheet would run as a formula is written with an apostrophe in
/// front, which spreadsheets take for "this is text". Fails on what cannot be encoded.
pub fn csv<R>(
    header: impl IntoIterator<Item = impl Into<String>>,
    rows: impl IntoIterator<Item = R>,
) -> Result<String, csv::Error>
where
    R: IntoIterator<Item = String>,
{
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(header.into_iter().map(|field| as_text(field.into())))?;
    rows.into_iter().try_for_each(|row| writer.write_record(row.into_iter().map(as_text)))?;
    let bytes = writer.into_inner().map_err(|e| e.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Numbers stay as they are, negative ones too.
fn as_text(field: String) -> String {
    let runs = field.starts_with(['=', '+', '-', '@', '\t', '\r']) && field.parse::<f64>().is_err();
    if runs { format!("'{field}") } else { field }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_commas_are_quoted() {
        let text = csv(["a", "b"], [["x, \"y\"", "z"].map(str::to_owned)]).unwrap();
        assert_eq!(text, "a,b\r\n\"x, \"\"y\"\"\",z\r\n");
    }

    #[test]
    fn nothing_is_a_formula() {
        let row = ["=HYPERLINK(A1)", "+1+2", "-2+3", "@SUM(A1)", "\t=1", "-0.25", "+3", "1e-7", "a=b"];
        let text = csv(["=1"], [row.map(str::to_owned)]);
        assert!(text.is_err(), "rows are as long as the header");
        let text = csv(row, [row.map(str::to_owned)]).unwrap();
        let expected = "'=HYPERLINK(A1),'+1+2,'-2+3,'@SUM(A1),'\t=1,-0.25,+3,1e-7,a=b\r\n";
        assert_eq!(text, format!("{expected}{expected}"));
    }
}
