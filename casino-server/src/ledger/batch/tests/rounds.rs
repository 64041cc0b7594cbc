//! Rounds in the open batch: the accounts that execute, the stake, and what is discarded with a batch.

use awesomestock_proto::values::Trigger;

use super::*;
use crate::domain::money::{Stocks, Tokens};
use crate::domain::order::resting::RestingTerms;
use crate::domain::round::RoundPhase;

const AT: UnixMillis = UnixMillis(1_000);

/// A batch with ann, who has a stock and 490 tokens, in a round of a second.
fn in_round() -> (OpenBatch, Slot) {
    let mut open = open_batch();
    let ann = insert(&mut open, "ann");
    for command in [Command::Deposit(Dollars(100)), Command::Buy(Stocks(1))] {
        assert!(decide(&mut open, ann, command.into()).is_ok());
    }
    change(&mut open, &RoundCommand::Start(1_000, Some(Dollars(20))));
    let player = PlayerName::new("ann").unwrap();
    assert_eq!(
        open.decide(ann, &Command::Buy(Stocks(1)).into(), AT),
        None,
        "not cached"
    );
    let account = open.account_to_load(&player);
    assert_eq!(account, player.in_round(1));
    open.insert(account, None, BatchId::NONE).unwrap();
    (open, ann)
}

fn change(open: &mut OpenBatch, command: &RoundCommand) {
    open.change_round(command, AT).unwrap();
}

fn decide(open: &mut OpenBatch, slot: Slot, request: OrderRequest) -> Result<(i32, i32), String> {
    let decision = open.decide(slot, &request, AT).unwrap().decision;
    let account = decision.account;
    match decision.result {
        Ok(_) => Ok((account.tokens.0, account.stocks.0)),
        Err(rejection) => Err(rejection.to_string()),
    }
}

#[test]
fn orders_of_a_round_are_executed_on_its_accounts_and_its_phase_rejects_them() {
    let (mut open, ann) = in_round();
    let mut now = |command: Command| decide(&mut open, ann, command.into());
    assert_eq!(now(Command::Buy(Stocks(2))), Ok((80, 2)));
    assert_eq!(
        now(Command::Buy(Stocks(9))).unwrap_err(),
        "buying 9 stocks at 10 tokens costs 90 tokens, you have 80 tokens"
    );
    for payment in [Command::Deposit(Dollars(1)), Command::Withdraw(Tokens(5))] {
        assert_eq!(
            now(payment).unwrap_err(),
            "no tokens are bought or withdrawn during a round"
        );
    }
    change(&mut open, &RoundCommand::Pause);
    let rests = Command::Rest(RestingTerms {
        side: Side::Buy,
        count: Stocks(1),
        trigger: Trigger::Limit,
        price: Price::MIN,
        up_to: false,
    });
    for command in [Command::Sell(Stocks(1)), rests] {
        let paused = decide(&mut open, ann, command.into());
        assert_eq!(paused.unwrap_err(), "the round is paused");
    }
    change(&mut open, &RoundCommand::Resume);
    // The time is over at this tick, which ends the round.
    open.tick(UnixMillis(2_000)).unwrap();
    assert!(matches!(open.round.phase, RoundPhase::Ended(tick) if tick == open.market.current));
    let price = open.market.current.price.get();
    let own = decide(&mut open, ann, Command::Sell(Stocks(1)).into());
    assert_eq!(own, Ok((490 + price, 0)));
    let sealed = open.seal();
    let stakes: Vec<_> = sealed
        .batch
        .payments
        .iter()
        .map(|(_, payment)| payment.amount)
        .collect();
    assert_eq!(stakes, [-100, -20], "the stake is paid once");
    assert_eq!(sealed.batch.rounds.len(), 4, "start, pause, resume, end");
}

#[test]
fn a_repeated_id_gets_its_first_answer_across_start_and_end() {
    let mut open = open_batch();
    let ann = insert(&mut open, "ann");
    let player = PlayerName::new("ann").unwrap();
    decide(&mut open, ann, Command::Deposit(Dollars(100)).into()).unwrap();
    let before = with_id(1, Command::Buy(Stocks(1)));
    assert_eq!(decide(&mut open, ann, before), Ok((490, 1)));
    change(&mut open, &RoundCommand::Start(1_000, Some(Dollars(20))));
    open.insert(player.in_round(1), None, BatchId::NONE).unwrap();
    assert_eq!(decide(&mut open, ann, before), Ok((490, 1)));
    let during = with_id(2, Command::Buy(Stocks(3)));
    assert_eq!(decide(&mut open, ann, during), Ok((70, 3)));
    change(&mut open, &RoundCommand::End);
    assert_eq!(decide(&mut open, ann, during), Ok((70, 3)));
    assert_eq!(
        decide(&mut open, ann, Command::Buy(Stocks(1)).into()),
        Ok((480, 2))
    );
}

#[test]
fn a_request_is_not_executed_on_an_account_it_was_not_meant_for() {
    let (mut open, ann) = in_round();
    let meant = |id, command, round| OrderRequest {
        round: Some(round),
        ..with_id(id, command)
    };
    let buy = Command::Buy(Stocks(1));
    let began = "round 1 began before this order arrived; nothing was done";
    let terms = RestingTerms {
        side: Side::Buy,
        count: Stocks(1),
        trigger: Trigger::Limit,
        price: Price::MIN,
        up_to: false,
    };
    // Also the second time, and after the round.
    for (id, command) in [
        (1, buy),
        (2, Command::Sell(Stocks(1))),
        (3, Command::Rest(terms)),
        (1, buy),
    ] {
        assert_eq!(decide(&mut open, ann, meant(id, command, 0)).unwrap_err(), began);
    }
    let closed = decide(&mut open, ann, meant(4, Command::Withdraw(Tokens(5)), 0));
    assert_eq!(
        closed.unwrap_err(),
        "no tokens are bought or withdrawn during a round"
    );
    assert_eq!(decide(&mut open, ann, meant(5, buy, 1)), Ok((90, 1)));
    change(&mut open, &RoundCommand::End);
    let ended = "round 1 was not open when this arrived; nothing was done";
    for (id, command) in [(6, buy), (7, Command::Withdraw(Tokens(5))), (6, buy)] {
        assert_eq!(decide(&mut open, ann, meant(id, command, 1)).unwrap_err(), ended);
    }
    assert_eq!(decide(&mut open, ann, meant(1, buy, 0)).unwrap_err(), began);
    assert_eq!(
        decide(&mut open, ann, meant(5, buy, 1)),
        Ok((90, 1)),
        "executed before"
    );
    assert_eq!(decide(&mut open, ann, meant(8, buy, 0)), Ok((480, 2)));
}

/// Over several casinos, the account of a round that has just started may be missing.
#[test]
fn a_repeated_id_gets_its_first_answer_before_the_account_of_a_round_is_loaded() {
    let mut open = open_batch();
    let ann = insert(&mut open, "ann");
    decide(&mut open, ann, Command::Deposit(Dollars(100)).into()).unwrap();
    let bought = with_id(1, Command::Buy(Stocks(1)));
    assert_eq!(decide(&mut open, ann, bought), Ok((490, 1)));
    change(&mut open, &RoundCommand::Start(1_000, Some(Dollars(20))));
    assert_eq!(decide(&mut open, ann, bought), Ok((490, 1)));
    let new = with_id(2, Command::Buy(Stocks(1)));
    assert_eq!(open.decide(ann, &new, AT), None, "not loaded");
}

#[test]
fn a_discarded_batch_takes_its_round_with_it() {
    let (mut open, ann) = in_round();
    let (market, round) = (open.market, Arc::clone(&open.round));
    open.seal();
    change(&mut open, &RoundCommand::Pause);
    let failed = open.sequence();
    open.roll_back(failed, market, Arc::clone(&round));
    assert_eq!(open.round, round);
    assert_eq!(
        open.decide(ann, &Command::Buy(Stocks(1)).into(), AT),
        None,
        "no account is cached"
    );
}

#[test]
fn a_new_player_begins_with_the_stake_outside_of_rounds_too() {
    let mut open = OpenBatch {
        stake: Some(Dollars(20)),
        ..open_batch()
    };
    let ann = insert(&mut open, "ann");
    assert_eq!(
        decide(&mut open, ann, Command::Buy(Stocks(1)).into()),
        Ok((90, 1))
    );
    assert_eq!(
        decide(&mut open, ann, Command::Deposit(Dollars(1)).into()),
        Ok((95, 1))
    );
    let bot = PlayerName::bot("Momo");
    open.insert(bot.clone(), None, BatchId::NONE).unwrap();
    let bot = open.lookup(&bot).unwrap();
    assert!(decide(&mut open, bot, Command::Buy(Stocks(1)).into()).is_err());
}
