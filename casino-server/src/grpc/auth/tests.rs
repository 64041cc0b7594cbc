//! Claims over a scripted store.

use std::sync::atomic::Ordering;
use std::time::Duration;

use awesomestock_proto::auth::PlayerKey;
use futures_util::future::join_all;

use super::*;
use crate::domain::market::{Market, PriceModel};
use crate::domain::money::{Price, UnixMillis};
use crate::feed::price::PriceFeed;
use crate::ledger::Ledger;
use crate::store::CommitError;
use crate::testkit::memory::{FakeStore, FakeStoreScript, disk};
use crate::testkit::values;

/// A running ledger on a scripted store.
struct Scene {
    ledger: Ledger,
    script: Arc<FakeStoreScript>,
    reader: StoreReader,
}

impl Scene {
    fn new() -> Self {
        let script = Arc::new(FakeStoreScript::default());
        let store = FakeStore(Arc::clone(&script));
        let market = Market::new(PriceModel::Classic, 1, Price::MIN, UnixMillis(0));
        let prices = PriceFeed::new(market.current, Duration::from_secs(3600));
        let reader = StoreReader::new(Arc::new(store.clone()));
        let clock = || UnixMillis(1);
        let ledger = Ledger::spawn_local(
            Box::new(store),
            reader.clone(),
            market.into(),
            crate::testkit::price_observer(prices),
            clock,
        )
        .unwrap();
        Self {
            ledger,
            script,
            reader,
        }
    }

    /// Returns an `Auth` and runs the notifier of its ledger handle, as a worker does.
    fn auth(&self, key_required: bool) -> Auth {
        let ledger = self.ledger.handle();
        let notifier = ledger.clone();
        tokio::spawn(async move { notifier.run_notifier().await });
        Auth {
            claims: Arc::default(),
            reader: self.reader.clone(),
            ledger,
            names: LegacyNames::default(),
            key_required,
            sessions: SessionLimit::new(1),
        }
    }
}

fn key(byte: u8) -> Credential {
    Some(KeyHash::from_key(&PlayerKey::from_bytes([byte; 32])))
}

/// Returns the result of an authorization as text.
async fn authorize(auth: &Auth, player: &str, credential: Credential) -> String {
    match auth.authorize(values::player(player), credential).await {
        Ok(authorization) if authorization.has_key => "with key".to_owned(),
        Ok(_) => "without key".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn the_first_key_claims_a_name_and_other_keys_are_denied() {
    let scene = Scene::new();
    let auth = scene.auth(false);
    let open = auth.authorize(values::player("ann"), None).await.unwrap();
    assert!(open.is_valid());
    assert_eq!(authorize(&auth, "ann", key(1)).await, "with key");
    assert!(!open.is_valid(), "the authorization without a key ends");
    assert!(
        scene
            .script
            .owners
            .lock()
            .unwrap()
            .contains_key(&values::player("ann")),
        "committed"
    );
    let another = "user: this name belongs to another key";
    assert_eq!(authorize(&auth, "ann", key(2)).await, another);
    let needed = "user: this name is claimed; send its key (metadata authorization: Bearer KEY)";
    assert_eq!(authorize(&auth, "ann", None).await, needed);
    assert_eq!(authorize(&auth, "ann", key(1)).await, "with key");
    assert_eq!(authorize(&auth, "bob", None).await, "without key");
    // A new cache loads the committed claim.
    let auth = scene.auth(false);
    assert_eq!(authorize(&auth, "ann", key(2)).await, another);
    assert_eq!(authorize(&auth, "ann", key(1)).await, "with key");
}

#[tokio::test]
async fn concurrent_claims_of_a_name_have_one_winner() {
    let scene = Scene::new();
    let auth = scene.auth(false);
    for round in 0..20 {
        let player = format!("p{round}");
        let calls = (0..16).map(|byte| authorize(&auth, &player, key(byte / 2)));
        let answers = join_all(calls).await;
        let winners = answers.iter().filter(|answer| *answer == "with key");
        assert_eq!(winners.count(), 2, "two calls have the same key: {answers:?}");
    }
    let batches = scene.script.batches.lock().unwrap();
    let claims: usize = batches.iter().map(|batch| batch.claims.len()).sum();
    assert_eq!(claims, 20);
}

#[tokio::test]
async fn a_required_key_is_required_for_unclaimed_names() {
    let auth = Scene::new().auth(true);
    assert_eq!(
        authorize(&auth, "ann", None).await,
        "user: this casino requires a key for every name (metadata authorization: Bearer KEY)"
    );
}

#[tokio::test]
async fn a_claim_that_was_not_committed_is_not_valid() {
    let scene = Scene::new();
    let auth = scene.auth(false);
    let full = CommitError::Rejected(disk("disk is full"));
    scene.script.failures.lock().unwrap().push_back(full);
    let rejected = authorize(&auth, "ann", key(1)).await;
    assert!(
        rejected.starts_with("the name was not claimed: not executed"),
        "{rejected}"
    );
    assert_eq!(authorize(&auth, "ann", None).await, "without key");
    assert_eq!(authorize(&auth, "ann", key(2)).await, "with key");
}

#[tokio::test]
async fn access_is_denied_while_claims_cannot_be_read() {
    let scene = Scene::new();
    let auth = scene.auth(false);
    scene.script.unreadable.store(true, Ordering::SeqCst);
    assert_eq!(
        authorize(&auth, "ann", None).await,
        "the casino could not read the claims"
    );
    scene.script.unreadable.store(false, Ordering::SeqCst);
    assert_eq!(authorize(&auth, "ann", None).await, "without key");
}

#[tokio::test]
async fn a_cancelled_claim_completes() {
    let scene = Scene::new();
    let auth = scene.auth(false);
    let open = auth.authorize(values::player("ann"), None).await.unwrap();
    {
        let mut call = Box::pin(auth.authorize(values::player("ann"), key(1)));
        assert!(futures_util::poll!(&mut call).is_pending());
    }
    while open.is_valid() {
        tokio::task::yield_now().await;
    }
    assert_eq!(authorize(&auth, "ann", key(1)).await, "with key");
}
