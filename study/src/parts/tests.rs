use super::*;

fn rows() -> Vec<Row> {
    let result = Row {
        unit: "a".into(),
        tokenizer: "t".into(),
        response: Some("é \n".into()),
        score: Some(0.5),
        kl: Some(0.25),
        response_tokens: vec![7, 9],
        spans: vec![0..3, 4..9],
        row_user: vec![true, false],
        row_instruction: vec![false, true],
        density: vec![1.0, 0.25],
        ..Row::default()
    };
    // lists are empty there, and what is optional is missing
    let failed = Row { unit: "b".into(), error: Some("no room".into()), ..Row::default() };
    vec![failed.clone(), result, failed]
}

fn named(units: &[&str]) -> HashSet<String> {
    units.iter().map(|unit| (*unit).to_owned()).collect()
}

#[test]
fn what_is_written_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    write(&path, &rows()).unwrap();
    assert_eq!(Part::open(&path).unwrap().responses().unwrap(), rows());
    let found = Part::open(&path).unwrap().of_units(&named(&["a", "c"])).unwrap();
    let wanted = &rows()[1];
    let of = |row: &Row| (row.unit.clone(), row.tokenizer.clone(), row.score, row.response_tokens.clone());
    assert_eq!(found.iter().map(of).collect::<Vec<_>>(), [of(wanted)]);
    assert_eq!(Part::open(&path).unwrap().of_units(&named(&["c"])).unwrap(), []);
    let outline = |r: Row| Row { tokenizer: String::new(), response: None, ..r };
    assert_eq!(Part::open(&path).unwrap().outlines().unwrap(), rows().into_iter().map(outline).collect::<Vec<_>>());
}

#[test]
fn other_columns_are_refused_and_a_cut_file_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let other = parse_message_type("message other { required int32 unit; }").unwrap();
    let mut file = SerializedFileWriter::new(File::create(&path).unwrap(), Arc::new(other), Arc::default()).unwrap();
    let mut group = file.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int32Type>().write_batch(&[1], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    file.close().unwrap();
    assert!(matches!(Part::open(&path), Err(PartError::Foreign(_))));

    write(&path, &rows()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for length in 0..bytes.len() {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let read = Part::open(&path).and_then(|part| part.responses());
        assert!(matches!(read, Err(PartError::Damaged { .. })), "{length} of {} bytes", bytes.len());
    }
}

/// Bytes that a disk or a stranger has changed: rows or a reason, and no more than that.
#[test]
fn changed_bytes_are_survived() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    write(&path, &rows()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut damaged = 0;
    for at in 0..bytes.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            std::fs::write(&path, &changed).unwrap();
            damaged += usize::from(Part::read_from(&path, |part| part.of_units(&named(&["a"]))).is_err());
        }
    }
    assert!(damaged > bytes.len(), "{damaged} of {}", 3 * bytes.len());
}

/// More rows than a group may have, in one: nothing of ours writes that.
#[test]
fn a_group_that_claims_too_much_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let many = vec![Row::default(); GROUP + 1];
    let mut bytes = SerializedFileWriter::new(Vec::new(), schema().unwrap(), Arc::default()).unwrap();
    let mut group = bytes.next_row_group().unwrap();
    write_group(&mut group, &many).unwrap();
    group.close().unwrap();
    std::fs::write(&path, bytes.into_inner().unwrap()).unwrap();
    let said = Part::open(&path).unwrap().outlines().unwrap_err().to_string();
    assert!(said.contains("1025 rows"), "{said}");
}
