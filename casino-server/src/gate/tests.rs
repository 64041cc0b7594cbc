//! Names that are claimed, over a store that does as a test says.

use std::{sync::atomic::Ordering, time::Duration};

use awesomestock_proto::credentials::PlayerKey;
use futures_util::future::join_all;

use super::*;
use crate::{
    company::Witness,
    ledger::Ledger,
    market::{Market, Model},
    quantity::{Price, UnixMillis},
    store::{
        CommitError,
        scripted::{Script, Scripted, disk},
    },
    table::Table,
};

/// A gate over a ledger that runs; what the store does is the script's to say.
struct Scene {
    ledger: Ledger,
    script: Arc<Script>,
    reader: Reader,
}

impl Scene {
    fn new() -> Self {
        let script = Arc::new(Script::default());
        let store = Scripted(Arc::clone(&script));
        let market = Market::open(Model::Classic, 1, Price::MIN, UnixMillis(0));
        let (_, announcer) = Table::new(market.current, Duration::from_secs(3600));
        let reader = Reader::new(Arc::new(store.clone()));
        let clock = || UnixMillis(1);
        let ledger = Ledger::start(
            Box::new(store),
            reader.clone(),
            market,
            (announcer, Witness::default()),
            clock,
        )
        .unwrap();
        Self {
            ledger,
            script,
            reader,
        }
    }

    /// A gate whose ledger is listened to, as a worker does.
    fn gate(&self, key_required: bool) -> Gate {
        let books = self.ledger.books();
        let listening = books.clone();
        tokio::spawn(async move { listening.listen().await });
        Gate::new(Arc::default(), self.reader.clone(), books, key_required)
    }
}

fn name(name: &str) -> PlayerName {
    PlayerName::new(name).unwrap()
}

fn key(byte: u8) -> Shown {
    Some(KeyHash::of(&PlayerKey::from_bytes([byte; 32])))
}

/// Whether somebody came in, or the words they heard.
async fn asked(gate: &Gate, player: &str, shown: Shown) -> String {
    match gate.admit(name(player), shown).await {
        Ok(permit) => format!("proven {}", permit.proven),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn the_first_key_claims_a_name_and_no_other_opens_it() {
    let scene = Scene::new();
    let gate = scene.gate(false);
    let open = gate.admit(name("ann"), None).await.unwrap();
    assert!(open.holds());
    assert_eq!(asked(&gate, "ann", key(1)).await, "proven true");
    assert!(!open.holds(), "who came in without a key is outside now");
    assert!(
        scene.script.owners.lock().unwrap().contains_key(&name("ann")),
        "on disk"
    );
    let another = "user: this name is claimed by another key than the one shown";
    assert_eq!(asked(&gate, "ann", key(2)).await, another);
    let needed = "user: this name is claimed: its key is needed (metadata authorization: Bearer KEY)";
    assert_eq!(asked(&gate, "ann", None).await, needed);
    assert_eq!(asked(&gate, "ann", key(1)).await, "proven true");
    assert_eq!(asked(&gate, "bob", None).await, "proven false");
    // Another register knows what is on disk.
    let gate = scene.gate(false);
    assert_eq!(asked(&gate, "ann", key(2)).await, another);
    assert_eq!(asked(&gate, "ann", key(1)).await, "proven true");
}

#[tokio::test]
async fn of_those_who_claim_a_name_at_once_one_gets_it() {
    let scene = Scene::new();
    let gate = scene.gate(false);
    for round in 0..20 {
        let player = format!("p{round}");
        let asking = (0..16).map(|byte| asked(&gate, &player, key(byte / 2)));
        let answers = join_all(asking).await;
        let winners = answers.iter().filter(|answer| *answer == "proven true");
        assert_eq!(winners.count(), 2, "both seats of one key: {answers:?}");
    }
    let batches = scene.script.batches.lock().unwrap();
    let claims: usize = batches.iter().map(|batch| batch.claims.len()).sum();
    assert_eq!(claims, 20);
}

#[tokio::test]
async fn where_a_key_is_required_nobody_comes_in_without() {
    let gate = Scene::new().gate(true);
    assert_eq!(
        asked(&gate, "ann", None).await,
        "user: this casino wants a key for every name (metadata authorization: Bearer KEY)"
    );
}

#[tokio::test]
async fn a_claim_that_was_not_kept_does_not_count() {
    let scene = Scene::new();
    let gate = scene.gate(false);
    let full = CommitError::NotWritten(disk("disk is full"));
    scene.script.failures.lock().unwrap().push_back(full);
    let refused = asked(&gate, "ann", key(1)).await;
    assert!(
        refused.starts_with("the name was not claimed: not executed"),
        "{refused}"
    );
    assert_eq!(asked(&gate, "ann", None).await, "proven false");
    assert_eq!(asked(&gate, "ann", key(2)).await, "proven true");
}

#[tokio::test]
async fn while_claims_cannot_be_read_nobody_comes_in_and_later_they_do() {
    let scene = Scene::new();
    let gate = scene.gate(false);
    scene.script.unreadable.store(true, Ordering::SeqCst);
    assert_eq!(
        asked(&gate, "ann", None).await,
        "the casino could not read the claims"
    );
    scene.script.unreadable.store(false, Ordering::SeqCst);
    assert_eq!(asked(&gate, "ann", None).await, "proven false");
}

#[tokio::test]
async fn who_goes_away_in_the_middle_of_claiming_has_claimed_all_the_same() {
    let scene = Scene::new();
    let gate = scene.gate(false);
    let open = gate.admit(name("ann"), None).await.unwrap();
    {
        let mut asking = Box::pin(gate.admit(name("ann"), key(1)));
        assert!(futures_util::poll!(&mut asking).is_pending());
    }
    while open.holds() {
        tokio::task::yield_now().await;
    }
    assert_eq!(asked(&gate, "ann", key(1)).await, "proven true");
}
