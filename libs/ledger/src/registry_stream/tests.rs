use case::event::Event;
use case::event::district::{ModeSwitched, RegistryPartStaged};
use case::event::parts::By;
use case::ids::CaseId;
use registry::ids::{AreaCode, PersonId, RegistryVersion};
use registry::{Content, Mode, sample};

use super::{PublishError, RegistryFold, RegistryView, publish, stream};
use crate::tests::support::{at, command, info, ledger, store};
use crate::{Append, CommandContext, Commit, Expected, Ledger, LedgerError, Position};

fn by() -> By {
    By::Automatic { rule: None }
}

/// The sample with so many people that its parts need several commits.
fn large() -> Content {
    let mut content = sample::content();
    let person = content.people[0].clone();
    content.people.extend((0..12_000).map(|number| {
        let id = PersonId::new(format!("p-more-{number:05}-{}", "x".repeat(20))).unwrap();
        registry::Person { id, ..person.clone() }
    }));
    content
}

async fn put(ledger: &Ledger, id: u128, content: Content) -> Result<u64, PublishError> {
    let published = publish(ledger, &command(id), &by(), at(0), content, None).await?;
    Ok(published.version().0)
}

async fn commits(ledger: &Ledger) -> Vec<std::sync::Arc<Commit>> {
    ledger.read_log(Position::ZERO, 4 << 20).await.unwrap()
}

#[tokio::test]
async fn a_published_registry_is_the_same_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let content = sample::content();
    {
        let store = store(dir.path());
        let ledger = Ledger::local(store.clone(), info());
        assert_eq!(put(&ledger, 1, content.clone()).await.unwrap(), 1);
        assert_eq!(commits(&ledger).await.len(), 1, "a registry that fits is one commit");
        drop(ledger);
        store.close().await;
    }
    let ledger = ledger(dir.path());
    let fold = RegistryFold::load(&ledger, None).await.unwrap();
    let current = fold.current().unwrap();
    assert_eq!((current.version(), current.content()), (RegistryVersion(1), &content));
    let (view, _run) = RegistryView::start(&ledger).await.unwrap();
    assert_eq!(view.current().unwrap().content(), &content);
}

#[tokio::test]
async fn publishing_what_is_in_force_commits_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    put(&ledger, 1, sample::content()).await.unwrap();
    let head = ledger.head();
    assert_eq!(put(&ledger, 2, sample::content()).await.unwrap(), 1);
    assert_eq!(ledger.head(), head);
}

#[tokio::test]
async fn a_repeat_gets_what_it_published_though_others_published_since() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let mut other = sample::content();
    other.jurisdiction.note = Some("changed".to_owned());
    assert_eq!(put(&ledger, 1, sample::content()).await.unwrap(), 1);
    assert_eq!(put(&ledger, 2, other.clone()).await.unwrap(), 2);
    let head = ledger.head();
    assert_eq!(put(&ledger, 1, sample::content()).await.unwrap(), 1);
    assert_eq!(ledger.head(), head);
    assert_eq!(put(&ledger, 3, sample::content()).await.unwrap(), 3, "another command does publish it again");
    let reused = put(&ledger, 2, large()).await;
    assert!(reused.is_err());
}

#[tokio::test]
async fn a_registry_the_linter_refuses_is_not_staged() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let mut content = sample::content();
    content.orgs.retain(|org| org.id != content.jurisdiction.district_centre);
    let refused = put(&ledger, 1, content).await.unwrap_err();
    assert!(matches!(refused, PublishError::Findings(findings) if !findings.is_empty()));
    assert_eq!(ledger.head().position, Position::ZERO);
}

#[tokio::test]
async fn a_large_registry_is_staged_first_and_published_last() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    put(&ledger, 1, sample::content()).await.unwrap();
    assert_eq!(put(&ledger, 2, large()).await.unwrap(), 2);
    let log = commits(&ledger).await;
    assert!(log.len() > 2, "{} commits", log.len());
    for staged in &log[..log.len() - 1] {
        let fold = RegistryFold::load(&ledger, Some(staged.last)).await.unwrap();
        assert_eq!(fold.current().unwrap().version(), RegistryVersion(1));
    }
    let fold = RegistryFold::load(&ledger, None).await.unwrap();
    assert_eq!(fold.current().unwrap().content(), &large());
    assert_eq!(put(&ledger, 3, sample::content()).await.unwrap(), 3);
    assert_eq!(put(&ledger, 4, large()).await.unwrap(), 4, "what was staged before is staged again");
}

#[tokio::test]
async fn what_a_broken_off_publication_staged_is_used_when_it_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let digest = large().digest();
    let parts = large().into_parts(super::PART_BYTES_MAX).unwrap();
    let of = u32::try_from(parts.len()).unwrap();
    let staged = (0..of).zip(parts).map(|(index, part)| RegistryPartStaged {
        digest: digest.clone(),
        index,
        of,
        section: part.name,
        items: serde_json::from_str(&part.json).unwrap(),
    });
    let half: Vec<Event> = staged.take(of as usize / 2).map(Event::from).collect();
    for (id, events) in (50..).zip(half.chunks(6)) {
        let append = Append { stream: stream(), expected: Expected::Any, events: events.to_vec() };
        ledger.commit(&command(id), at(0), vec![append]).await.unwrap();
    }
    assert!(RegistryFold::load(&ledger, None).await.unwrap().current().is_none());
    assert_eq!(put(&ledger, 1, large()).await.unwrap(), 1);
    let events: usize = commits(&ledger).await.iter().map(|commit| commit.entries.len()).sum();
    assert_eq!(events, of as usize + 1, "nothing was staged twice");
}

#[tokio::test]
async fn a_view_keeps_current_and_waits() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let (view, run) = RegistryView::start(&ledger).await.unwrap();
    assert!(view.current().is_none());
    let publishing = async {
        put(&ledger, 1, sample::content()).await.unwrap();
        let registry = view.wait(RegistryVersion(1)).await.unwrap();
        assert_eq!(registry.content(), &sample::content());
    };
    tokio::select! {
        ended = run => panic!("{ended:?}"),
        () = publishing => {}
    }
    assert!(view.wait(RegistryVersion(2)).await.is_err(), "nobody follows any more");
}

#[tokio::test]
async fn an_area_is_in_emergency_with_the_area_it_lies_in() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let switch = |id: u128, code: &str, mode| {
        let area = AreaCode::new(code).unwrap();
        let event = ModeSwitched { by: by(), area, mode, reason: "typhoon".to_owned() }.into();
        let append = Append { stream: stream(), expected: Expected::Any, events: vec![event] };
        let ledger = ledger.clone();
        async move { ledger.commit(&command(id), at(0), vec![append]).await.unwrap() }
    };
    switch(1, "371002001", Mode::Emergency).await;
    switch(2, "371002001002", Mode::Normal).await;
    let modes = RegistryFold::load(&ledger, None).await.unwrap().modes().clone();
    let of = |code: &str| modes.of(&AreaCode::new(code).unwrap());
    assert_eq!(of("371002001002003"), Mode::Emergency);
    assert_eq!(of("371002"), Mode::Normal);
    switch(3, "371002001", Mode::Normal).await;
    let (view, _run) = RegistryView::start(&ledger).await.unwrap();
    assert_eq!(view.mode_of(&AreaCode::new("371002001002003").unwrap()), Mode::Normal);
}

#[tokio::test]
async fn a_publication_whose_parts_are_missing_is_an_error_not_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger(dir.path());
    let published = case::event::district::RegistryPublished {
        by: by(),
        version: RegistryVersion(1),
        digest: "0".repeat(64),
        parts: 3,
        note: None,
    };
    let append = Append { stream: stream(), expected: Expected::Any, events: vec![published.into()] };
    ledger
        .commit(&CommandContext::new("p", CaseId::derived("t", &[]).0, [0; 32]), at(0), vec![append])
        .await
        .unwrap();
    let error = RegistryFold::load(&ledger, None).await.unwrap_err();
    assert!(matches!(error, LedgerError::Registry { version: 1, .. }));
}
