use service_kit::clock::Clock;
use service_kit::ops::Ready;

use super::hands::{Hands, judged};

#[test]
fn a_clock_that_stands_or_leapt_is_not_ready() {
    let since = "2025-09-01T00:00:00Z".parse().unwrap();
    let said = |ready| match ready {
        Ready::No(reason) => reason,
        Ready::Yes => panic!("it says it is ready"),
    };
    let stands = said(judged(Some(since), false));
    assert!(stands.contains("2025-09-01T00:00:00Z") && stands.contains("--accept-gap"), "{stands}");
    assert!(said(judged(None, true)).contains("leapt"));
    assert_eq!(judged(None, false), Ready::Yes);
    let (clock, _manual) = Clock::manual(since);
    let (name, ask) = Hands { clock, stands_since: Some(since) }.check();
    assert_eq!((name, said(ask())), ("clock", stands));
}
