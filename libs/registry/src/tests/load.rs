use crate::load::{Fault, from_files};

use super::huancui_files;

fn faults(files: Vec<(String, String)>) -> Vec<Fault> {
    from_files(&files).unwrap_err().faults
}

#[test]
fn every_bad_file_is_told_with_its_line() {
    let (_, mut files) = huancui_files();
    files.push(("odd.toml".to_owned(), "note = \"x\"\n\nwishes = 1\n".to_owned()));
    files.push(("broken.toml".to_owned(), "note = \"x\"\n[[orgs]\n".to_owned()));
    files.push(("id.toml".to_owned(), "\n\n[[people]]\nid = \"Li Lei\"\nposts = []\n".to_owned()));
    let found = faults(files);
    let places: Vec<_> = found.iter().map(|fault| (fault.file.as_str(), fault.line)).collect();
    assert_eq!(places, [("odd.toml", Some(3)), ("broken.toml", Some(2)), ("id.toml", Some(4))]);
    assert!(found[0].message.contains("wishes"), "{}", found[0]);
}

#[test]
fn a_section_that_may_be_there_once_is_not_taken_twice() {
    let (_, mut files) = huancui_files();
    let places = files[0].clone();
    files.push(("again.toml".to_owned(), places.1));
    assert!(
        faults(files)
            .iter()
            .any(|fault| fault.file == "again.toml" && fault.message.contains("jurisdiction"))
    );
}

#[test]
fn what_must_be_there_is_asked_for() {
    let found = faults(vec![("empty.toml".to_owned(), String::new())]);
    let text = found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(text.contains("[jurisdiction]") && text.contains("[limits]"), "{text}");
}
