use super::*;
use crate::testkit::values;

fn owner(name: &str) -> SessionOwner {
    SessionOwner {
        player: values::player(name),
        has_key: true,
    }
}

#[tokio::test]
async fn sessions_without_the_key_do_not_use_up_those_with_it() {
    let limit = SessionLimit::new(1);
    let unproven = SessionOwner {
        has_key: false,
        ..owner("ann")
    };
    let _session = limit.acquire(unproven.clone()).await.unwrap();
    assert!(limit.acquire(unproven).await.is_err());
    limit.acquire(owner("ann")).await.unwrap();
}

#[tokio::test]
async fn a_player_has_limited_sessions_and_closing_one_frees_it() {
    let limit = SessionLimit::new(2);
    let [ann, bob] = ["ann", "bob"].map(owner);
    let first = limit.acquire(ann.clone()).await.unwrap();
    let second = limit.acquire(ann.clone()).await.unwrap();
    assert_eq!(
        limit.acquire(ann.clone()).await.unwrap_err(),
        SessionDenied::LimitReached { max: 2 }
    );
    let bobs = limit.acquire(bob).await.unwrap();
    drop(first);
    let third = limit.acquire(ann.clone()).await.unwrap();
    assert!(limit.acquire(ann.clone()).await.is_err());
    drop((second, third, bobs));
    assert!(lock(&limit.sessions).is_empty(), "closed sessions are forgotten");
}
