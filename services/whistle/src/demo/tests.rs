use super::picture;
use super::story::Story;
use crate::seeds::{BEIGANGYUAN, HUANCUI};

#[test]
fn every_story_reads_and_ends_closed() {
    let mut read = 0;
    for sample in [HUANCUI, BEIGANGYUAN] {
        for (name, text) in sample.stories {
            let story = Story::read(name, text).unwrap_or_else(|failure| panic!("{failure:?}"));
            assert_eq!((story.expect.status.as_str(), story.expect.outcome.as_str()), ("CLOSED", "SOLVED"));
            read += 1;
        }
    }
    assert_eq!(read, 6);
}

#[test]
fn whoever_acts_in_a_story_is_in_the_registry() {
    for sample in [HUANCUI, BEIGANGYUAN] {
        let content = sample.content().unwrap_or_else(|failure| panic!("{failure:?}"));
        let sandbox = crate::sandbox::Sandbox::of(&content).unwrap_or_else(|failure| panic!("{failure:?}"));
        for (name, text) in sample.stories {
            let story = Story::read(name, text).unwrap_or_else(|failure| panic!("{failure:?}"));
            for step in &story.steps {
                if let Some(post) = &step.actor {
                    assert!(sandbox.holder(post).is_some(), "{name}: nobody holds {post}");
                }
                for org in step.act.each().0.iter().map(String::as_str).chain(step.act.duty()) {
                    assert!(sandbox.handler(org).is_some(), "{name}: nobody handles for {org}");
                }
            }
        }
    }
}

#[test]
fn pictures_are_png_and_differ() {
    let (one, other) = (picture::draw("before"), picture::draw("after"));
    assert!(one.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert_ne!(picture::sha256(&one), picture::sha256(&other));
    assert_eq!(one, picture::draw("before"));
}
