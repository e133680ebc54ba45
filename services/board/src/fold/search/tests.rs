use test_kit::World;

use super::{TOKENS_MAX, Tokens, token};

#[tokio::test]
async fn a_token_remembered_is_the_one_made_anew_and_so_many_are_remembered_at_most() {
    let world = World::start().await;
    let secrets = world.desk.vault.secrets().unwrap();
    let mut tokens = Tokens::default();
    let others = ('\u{4e00}'..).take(TOKENS_MAX + 1).map(|c| ['井', c]);
    for bigram in others.flat_map(|other| [['井', '盖'], other]) {
        assert_eq!(tokens.of(bigram, secrets), token(bigram, secrets));
        assert!(tokens.0.len() <= TOKENS_MAX);
    }
}
